"""Whole runs: what a study writes, resumes and redraws, experiments of the user's own, trainings that fail or are stopped."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time

import pandas
import pytest
from command_line import ENVIRONMENT, call_jaxpe, run_jaxpe
from support import ROOT

from jaxpe import cli, devices
from jaxpe.records.csv_tables import COLUMNS, read_table
from jaxpe.study import experiment, tables, tuning

SIZES = ("--preset", "smoke", "--tasks", "reverse", "--architectures", "encoder", "--set", "layers=1")
TINY = (*SIZES, "--encodings", "none", "--seeds", "1")
NAMES = ("accuracy", "extrapolation")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The results folder of a study of two experiments that share their trainings."""
    folder = tmp_path_factory.mktemp("study") / "results"
    words = ["study", *SIZES, "--encodings", "none", "sinusoidal", "--steps", "8", "--results", str(folder)]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr(devices, "prepare_jax", lambda devices: None)
        patch.setattr(experiment, "STUDY", NAMES)
        patch.setattr(sys, "argv", ["jaxpe", *words])
        cli.main()
    assert not end.value.code
    return folder


def list_files(folder):
    """Everything that was made from stored runs, with its content."""
    files = (path for path in folder.rglob("*") if path.is_file() and "runs" not in path.parts)
    return {path: path.read_bytes() for path in files}


@pytest.mark.parametrize("name", NAMES)
def test_a_study_writes_tables_claims_provenance_and_figures(study, name):
    table = pandas.read_csv(study / name / "table.csv", keep_default_na=False)
    assert set(COLUMNS) <= set(table.columns) and len(table) > 0
    assert isinstance(json.loads((study / name / "claims.json").read_text()), list)
    assert json.loads((study / name / "provenance.json").read_text())["command"].startswith("jaxpe study")
    assert list((study / name / "figures").glob("*.svg")) and list((study / name / "figures").glob("*.png"))
    assert f"{name}/figures" in (study / "index.html").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_summaries_are_on_the_page(study, name):
    summary = json.loads((study / name / "summary.json").read_text())
    assert summary["rows"] and {len(row) for row in summary["rows"]} == {len(summary["columns"])}
    assert summary["title"] in (study / "index.html").read_text()


def test_plotting_again_gives_the_same_bytes_and_removes_old_figures(study, capsys):
    before = list_files(study)
    stale = study / "accuracy" / "figures" / "of_an_earlier_table.svg"
    stale.write_text("<svg/>")
    assert call_jaxpe(capsys, "plot", "--results", study).code == 0
    assert list_files(study) == before


def test_a_script_is_the_same_code_and_reuses_the_runs(study):
    before = (study / "accuracy" / "table.csv").read_bytes()
    words = (*SIZES, "--encodings", "none", "sinusoidal", "--steps", "8", "--results", study)
    done = subprocess.run(
        [sys.executable, ROOT / "experiments" / "accuracy.py", *words], capture_output=True, text=True, env=ENVIRONMENT
    )
    assert done.returncode == 0 and "compiling" not in done.stderr, done.stderr
    assert (study / "accuracy" / "table.csv").read_bytes() == before


# ── what users bring ────────────────────────────────────────────────────────────────────────────────────────────────


OWN = """
\"\"\"Does my own encoding help?

Predicted: no.
\"\"\"
from jaxpe.study.presets import Preset, GridRow
from jaxpe.study import tables
CLAIMS = ()
PRESETS = {"quick": Preset((GridRow(task="reverse", architectures=("encoder",), encodings=("none",)),), seeds=1, train_length=4,
                           max_length_ratio=2.0, steps=8, batch=8, width=16, layers=1, length_buckets=1, examples=8)}
def measure(work, runs, preset):
    scores = work.measure_scores(runs, [4], preset.examples)
    return [row for (seed, n), s in scores.items()
            for row in tables.make_score_rows("mine", runs[0].config, work.open_source(runs[0].config), seed, n, s)]
def figures(table):
    return {}
def claims(table):
    return []
"""
ENCODING = """
import jax.numpy as jnp
from jaxpe.encodings import Encoding

class Mine(Encoding):
    def embed(self, x, positions):
        return x + 0.1 * positions[:, None]

class Wild(Encoding):
    def embed(self, x, positions):
        return x + jnp.inf
"""


def test_an_experiment_and_an_encoding_of_the_users_own(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "code.py").write_text(ENCODING)
    mine = f"{tmp_path / 'code.py'}:Mine"
    command = ("run", tmp_path / "mine.py", "--results", tmp_path / "r", "--encodings")
    outcome = call_jaxpe(capsys, *command, f"none,{mine}")
    assert outcome.code == 2 and "share their config" in outcome.err  # mine.py measures one config only
    assert call_jaxpe(capsys, *command, mine).code == 0
    assert set(pandas.read_csv(tmp_path / "r" / "mine" / "table.csv")["encoding"]) == {"Mine"}


def test_every_encoding_may_choose_a_learning_rate_of_its_own(tmp_path, capsys):
    """The choice and what it rests on are in the table; the report's claims use each encoding's own rate."""
    rates = ("learning_rates=0.0001/0.01", "learning_rate=0.0001")
    words = (*SIZES, *rates, "--steps", "20", "--encodings", "none", "learned", "--results", tmp_path)
    assert call_jaxpe(capsys, "run", "accuracy", *words).code == 0
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


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_diverged_training_is_reported_and_the_rest_is_finished(tmp_path, capsys):
    """Exit code 3, the failure by name, and the table has both encodings."""
    (tmp_path / "code.py").write_text(ENCODING)
    words = (*SIZES, "--steps", "8", "--encodings", "none", f"{tmp_path / 'code.py'}:Wild", "--results", tmp_path / "r")
    outcome = call_jaxpe(capsys, "run", "accuracy", *words)
    assert outcome.code == 3 and "reverse, encoder, Wild, seed 0" in outcome.err
    assert re.search(r"^(.* )?Wild ", outcome.out, re.MULTILINE)  # a run prints its numbers
    table = pandas.read_csv(tmp_path / "r" / "accuracy" / "table.csv", keep_default_na=False)
    assert {"none", "Wild"} <= set(table["encoding"])


def start_jaxpe(command, word):
    """A process of jaxpe that has just printed a line beginning with `word`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxpe", *command], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert any(line.startswith(word) for line in process.stderr)
    return process


def test_ctrl_c_leaves_a_checkpoint_and_the_same_command_resumes(tmp_path):
    command = ("run", "accuracy", *TINY, "--steps", "30000", "--results", str(tmp_path / "r"))
    process = start_jaxpe(command, "training")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait() == 130 and "Resume with" in rest and "Traceback" not in rest
    assert list((tmp_path / "r" / "checkpoints").iterdir())
    assert run_jaxpe(*command).code == 0 and not list((tmp_path / "r" / "checkpoints").iterdir())


def test_a_second_ctrl_c_ends_at_once_and_in_order(tmp_path):
    """Also while something compiles, where an exception would tear it apart."""
    command = ("run", "accuracy", *TINY, "--steps", "30000", "--results", str(tmp_path / "r"))
    process = start_jaxpe(command, "compiling")
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    rest = process.stderr.read()
    assert process.wait() == 130 and "Traceback" not in rest and "last checkpoint" in rest


def test_a_full_disk_stops_with_one_sentence(tmp_path, capsys):
    """No file may grow beyond 8 kB: the table of marks fits, the parameters do not."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\n"
        "from jaxpe import cli; cli.main(sys.argv[1:])"
    )
    command = ("run", "accuracy", *TINY, "--steps", "8", "--results", str(tmp_path / "r"))
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, cwd=tmp_path,
        env=ENVIRONMENT | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 2 and "disk is full" in done.stderr and "Traceback" not in done.stderr
    assert not list((tmp_path / "r" / "runs").iterdir())
    assert call_jaxpe(capsys, *command).code == 0


# ── slow: everything ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_the_whole_study_runs_at_its_smallest_size_and_is_redrawn_to_the_same_bytes(tmp_path):
    planned = run_jaxpe("study", "--preset", "smoke", "--dry-run", "--results", tmp_path / "nothing")
    assert planned.code == 0 and len(planned.out.splitlines()) == 2 + len(experiment.STUDY)
    done = run_jaxpe("study", "--preset", "smoke", "--results", tmp_path)
    assert done.code == 0, done.err
    page = (tmp_path / "index.html").read_text()
    for name in experiment.STUDY:
        assert (tmp_path / name / "table.csv").is_file() and (tmp_path / name / "claims.json").is_file()
        assert list((tmp_path / name / "figures").glob("*.svg")) and f"{name}/figures" in page
    before = list_files(tmp_path)
    assert run_jaxpe("plot", "--results", tmp_path).code == 0
    assert list_files(tmp_path) == before


@pytest.mark.slow
def test_an_installed_wheel_works_outside_the_checkout(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    binaries = tmp_path / "venv" / "bin"
    clean = {key: value for key, value in ENVIRONMENT.items() if key != "PYTHONPATH"}

    def run(*command):
        done = subprocess.run(list(map(str, command)), cwd=tmp_path, env=clean, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run(binaries / "python", "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path / "wheels", ROOT)
    [wheel] = (tmp_path / "wheels").glob("jaxpe-*.whl")
    run(binaries / "python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    shutil.rmtree(tmp_path / "wheels")
    assert len(run(binaries / "jaxpe", "list", "experiments").splitlines()) == len(experiment.EXPERIMENTS)
    run(binaries / "jaxpe", "study", "--preset", "smoke", "--results", "results")
    run(binaries / "jaxpe", "new", "mine")
    assert (tmp_path / "results" / "index.html").is_file() and (tmp_path / "mine.py").is_file()
