"""The commands as a user types them: what they write, and what a tired person gets wrong."""

import json
import os
import signal
import subprocess
import sys
import time
import venv

import pandas
import pytest
from support import ROOT

from jaxpe.records.csv_tables import read_table
from jaxpe.study import experiment, tables, tuning


def jaxpe(*arguments, folder=None, **environment):
    return subprocess.run(
        [sys.executable, "-m", "jaxpe", *map(str, arguments)],
        capture_output=True, text=True, cwd=folder or ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )  # fmt: skip


ONE_WORKER = pytest.mark.xdist_group("smoke")  # so that the fixture is made once (`--dist loadgroup`)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke") / "results"
    done = jaxpe("study", "--preset", "smoke", "--results", folder)
    assert done.returncode == 0, done.stderr
    return folder


REQUIRED = [
    "experiment",
    "task",
    "architecture",
    "encoding",
    "positions",
    "test_positions",
    "seed",
    "train_length",
    "test_length",
    "metric",
    "value",
    "length_baseline",
    "order_blind_baseline",
    "n_examples",
]


@ONE_WORKER
@pytest.mark.parametrize("name", experiment.STUDY)
def test_a_study_writes_tables_claims_provenance_and_figures(smoke, name):
    table = pandas.read_csv(smoke / name / "table.csv", keep_default_na=False)
    assert set(REQUIRED) <= set(table.columns) and len(table) > 0
    assert isinstance(json.loads((smoke / name / "claims.json").read_text()), list)
    assert json.loads((smoke / name / "provenance.json").read_text())["command"].startswith("jaxpe study")
    assert list((smoke / name / "figures").glob("*.svg")) and list((smoke / name / "figures").glob("*.png"))
    assert f"{name}/figures" in (smoke / "index.html").read_text()


@ONE_WORKER
@pytest.mark.parametrize(("name", "column"), [("accuracy", "solved"), ("extrapolation", "half-life, by seed")])
def test_summaries_are_on_the_page(smoke, name, column):
    summary = json.loads((smoke / name / "summary.json").read_text())
    page = (smoke / "index.html").read_text()
    assert column in summary["columns"] and summary["title"] in page
    assert {len(row) for row in summary["rows"]} == {len(summary["columns"])}


@ONE_WORKER
def test_plotting_again_gives_the_same_bytes(smoke):
    files = sorted(path for path in smoke.rglob("*") if "runs" not in path.parts and path.is_file())
    before = {path: path.read_bytes() for path in files}
    (stale := smoke / "structure" / "figures" / "of_an_earlier_table.svg").write_text("<svg/>")
    assert jaxpe("plot", "--results", smoke).returncode == 0
    assert {path: path.read_bytes() for path in files} == before and not stale.exists()


@ONE_WORKER
def test_a_script_is_the_same_code_and_reuses_the_cells(smoke):
    done = subprocess.run(
        [sys.executable, ROOT / "experiments" / "accuracy.py", "--preset", "smoke", "--results", smoke],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0 and "compiling" not in done.stderr


OWN = """
\"\"\"Does my own encoding help?

Predicted: no.
\"\"\"
from jaxpe.study.presets import Preset, GridRow
from jaxpe.study import tables
PRESETS = {"quick": Preset((GridRow(task="reverse", architectures=("encoder",), encodings=("none",)),), seeds=1, train_length=4, max_length_ratio=2.0, steps=8,
                           batch=8, width=16, layers=1, length_buckets=1, examples=8)}
def measure(work, runs, preset):
    scores = work.measure_scores(runs, [4], preset.examples)
    return [row for (seed, n), s in scores.items()
            for row in tables.make_rows("mine", runs[0].config, work.open_source(runs[0].config), seed, n, s)]
def figures(table):
    return {}
def claims(table):
    return []
"""
ENCODING = """
from jaxpe.encodings import Encoding

class Mine(Encoding):
    def embed(self, x, positions):
        return x + 0.1 * positions[:, None]
"""


def test_an_experiment_and_an_encoding_of_the_users_own(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "code.py").write_text(ENCODING)
    done = jaxpe(
        "run", tmp_path / "mine.py", "--encodings", f"none,{tmp_path / 'code.py'}:Mine", "--results", tmp_path / "r"
    )
    assert done.returncode == 2 and "share their config" in done.stderr  # mine.py measures one config only
    done = jaxpe(
        "run", tmp_path / "mine.py", "--encodings", f"{tmp_path / 'code.py'}:Mine", "--results", tmp_path / "r"
    )
    assert done.returncode == 0, done.stderr
    assert set(pandas.read_csv(tmp_path / "r" / "mine" / "table.csv")["encoding"]) == {"Mine"}


def test_every_encoding_may_choose_a_learning_rate_of_its_own(tmp_path):
    """The choice and what it rests on are in the table; the report's claims use each encoding's own rate."""
    rates = (
        "--set",
        "learning_rates=0.0001/0.01",
        "learning_rate=0.0001",
        "--tasks",
        "reverse",
        "--encodings",
        "none",
        "learned",
    )
    done = jaxpe("run", "accuracy", "--preset", "smoke", *rates, "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    table = read_table(tmp_path / "accuracy" / "table.csv")
    own = table[table["metric"] == tables.OWN_RATE]
    losses = table[table["metric"] == tables.VALIDATION_LOSS]
    assert set(losses["seed"]) == set(tuning.SEEDS) and len(losses) == 2 * 2 * len(tuning.SEEDS)
    for _, choice in own.iterrows():
        means = losses[losses["encoding"] == choice["encoding"]].groupby("learning_rate")["value"].mean()
        assert choice["value"] == means.idxmin() == 0.01
    for own_rate, rate in ((True, 0.01), (False, 0.0001)):
        part = tables.select_rate(table, own=own_rate)
        assert set(part[part["encoding"] != "any"]["learning_rate"]) == {rate} and set(part["seed"]) == {0}


def test_a_dry_run_runs_nothing(tmp_path):
    done = jaxpe("study", "--dry-run", "--results", tmp_path / "r")
    assert done.returncode == 0 and "runs" in done.stdout and "training programs" in done.stdout
    assert not (tmp_path / "r").exists()


TINY = ["--tasks", "reverse", "--architectures", "encoder", "--encodings", "none", "--seeds", "1", "--set", "layers=1"]


def test_a_diverged_training_is_reported_and_the_rest_is_finished(tmp_path):
    """Exit code 3, the failure by name, and the table has both encodings."""
    (tmp_path / "wild.py").write_text(
        "import jax.numpy as jnp\nfrom jaxpe.encodings import Encoding\n\n\nclass Wild(Encoding):\n"
        "    def embed(self, x, positions):\n        return x + jnp.inf\n"
    )
    folder, wild = tmp_path / "r", f"{tmp_path / 'wild.py'}:Wild"
    done = jaxpe(
        "run", "accuracy", "--preset", "smoke", "--tasks", "reverse", "--encodings", "none", wild, "--results", folder
    )
    assert done.returncode == 3 and "reverse, encoder, Wild, seed 0" in done.stderr and "Traceback" not in done.stderr
    assert any(
        line.startswith("Wild") or " Wild " in line for line in done.stdout.splitlines()
    )  # a run tells its numbers
    table = pandas.read_csv(folder / "accuracy" / "table.csv", keep_default_na=False)
    assert {"none", "Wild"} <= set(table["encoding"])


def begun(command, word):
    """A process of jaxpe that has just said a line beginning with `word`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxpe", *command],
        stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert any(line.startswith(word) for line in process.stderr)
    return process


def test_ctrl_c_leaves_a_checkpoint_and_the_same_command_goes_on(tmp_path):
    command = ("run", "accuracy", "--preset", "smoke", *TINY, "--steps", "30000", "--results", str(tmp_path / "r"))
    process = begun(command, "training")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait() == 130 and "goes on from here" in rest and "Traceback" not in rest
    assert list((tmp_path / "r" / "checkpoints").iterdir())
    done = jaxpe(*command)
    assert done.returncode == 0 and not list((tmp_path / "r" / "checkpoints").iterdir())


def test_a_second_ctrl_c_ends_at_once_and_in_order(tmp_path):
    """Also while something compiles, where an exception would tear it apart."""
    command = ("run", "accuracy", "--preset", "smoke", *TINY, "--steps", "30000", "--results", str(tmp_path / "r"))
    process = begun(command, "compiling")
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    rest = process.stderr.read()
    assert process.wait() == 130 and "Traceback" not in rest and "goes on from" in rest


def test_a_full_disk_stops_with_one_sentence(tmp_path):
    """No file may grow beyond 8 kB: the table of marks fits, the parameters do not."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\n"
        "from jaxpe import cli; cli.main(sys.argv[1:])"
    )
    command = ["run", "accuracy", "--preset", "smoke", *TINY, "--results", str(tmp_path / "r")]
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 2 and "disk is full" in done.stderr and "Traceback" not in done.stderr
    assert not list((tmp_path / "r" / "runs").iterdir())
    assert jaxpe(*command).returncode == 0


def test_the_readmes_commands_exist():
    """Every `jaxpe …` line of the README, as a dry run where it would train."""
    commands = [line.split("#")[0].split() for line in (ROOT / "README.md").read_text().splitlines()]
    commands = [words[1:] for words in commands if words[:1] == ["jaxpe"]]
    assert {words[0] for words in commands} >= set(commands.COMMANDS) - {"completion"}
    for words in commands:
        done = jaxpe(words[0], "--help")
        options = [word.split("=")[0] for word in words if word.startswith("--")]
        assert done.returncode == 0 and all(option in done.stdout for option in options)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "accuracy", "--encodings", "sinusodial"), "Did you mean 'sinusoidal'"),
        (("run", "accuracy", "--tasks", "revers"), "Did you mean 'reverse'"),
        (("run", "accuracy", "--preset", "quik"), "Did you mean 'quick'"),
        (("run", "acuracy"), "Did you mean 'accuracy'"),
        (("run", "accuracy", "--seeds", "0"), "above 0"),
        (("run", "accuracy", "--set", "widht=3"), "Did you mean 'width'"),
        (("run", "accuracy", "--set", "width=wide"), "whole number"),
        (("run", "accuracy", "--set", "heads=3"), "not divisible"),
        (("run", "accuracy", "--architectures", "encodr"), "Did you mean 'encoder'"),
        (("run", "accuracy", "--tasks", "masked_lm", "--corpus", "nothing.txt"), "no text file"),
        (("run", "accuracy", "--set", "precision=hihg"), "Did you mean 'high'"),
        (("run", "accuracy", "--set", "learning_rates=0.1/x"), "takes numbers"),
        (("run", "accuracy", "--encodings", "a.py:Mine", "b.py:Mine"), "could not tell apart"),
        (("run", "superposition", "--photographs", "nothing"), "nothing"),
        (("run", "superposition", "--encodings", "sinusodial"), "Did you mean 'sinusoidal'"),
        (("run", "nothing.py"), "There is no file"),
        (("run", "accuracy", "--encodings", "nothing.py:Mine"), "There is no file"),
        (("plot", "--results", "nothing"), "no table"),
        (("fetch", "translatoin"), "Did you mean 'translation'"),
        (("export-task", "revers"), "Did you mean 'reverse'"),
        (("run", "accuracy", "--results", str(ROOT / "jaxpe")), "not a results folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path, arguments, says):
    more = () if "--results" in arguments or arguments[0] != "run" else ("--results", tmp_path / "r")
    done = jaxpe(*arguments, *more, folder=tmp_path)
    assert done.returncode == 2 and says in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_listings():
    rows = json.loads(jaxpe("list", "encodings", "--json").stdout)
    assert [row["name"] for row in rows][:3] == ["none", "sinusoidal", "learned"]
    for kind in ("samplers", "tasks", "experiments", "presets"):
        done = jaxpe("list", kind)
        assert done.returncode == 0 and len(done.stdout.splitlines()) >= 4


def test_the_doctor_says_what_is_here():
    done = jaxpe("doctor")
    assert done.returncode == 0 and "matrix product compiles and is right" in done.stdout, done.stderr
    assert "fetched data wordnet: no" in done.stdout  # the tests' cache is a new one


def test_help_does_not_import_jax():
    code = (
        "import sys; sys.argv=['jaxpe','--help']\ntry:\n import jaxpe.cli; jaxpe.cli.main()\nexcept SystemExit: pass\n"
    )
    code += "assert not {'jax','matplotlib','datasets'} & set(sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
        ).returncode
        == 0
    )


@pytest.mark.slow
def test_an_installed_wheel_runs_smoke_outside_the_checkout(tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def run(*command):
        done = subprocess.run(list(map(str, command)), cwd=tmp_path, env=clean, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return done

    run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path / "wheels", ROOT)
    [wheel] = (tmp_path / "wheels").glob("jaxpe-*.whl")
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    run(tmp_path / "venv" / "bin" / "jaxpe", "study", "--preset", "smoke", "--results", tmp_path / "results")
    assert (tmp_path / "results" / "index.html").is_file()
