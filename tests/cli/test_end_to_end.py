"""Whole runs: what a study writes, how it resumes and is redrawn, trainings that fail or are stopped."""

import json
import runpy
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command_line import ENVIRONMENT, assert_one_sentence, call_jaxpe, list_files
from support import ROOT

from jaxpe import cli, devices
from jaxpe.cli import experiment_options
from jaxpe.cli.options import RunOptions
from jaxpe.records.csv_tables import COLUMNS, read_table
from jaxpe.study import experiment
from jaxpe.study.workspace import Workspace

HISTORY = {"step": [8], "loss": [1.0], "token_accuracy": [0.5], "exact_match": [0.0]}
MINE = """
\"\"\"Does my own encoding help?

Predicted: no.
\"\"\"
from matplotlib.figure import Figure
from jaxpe.records.claims import Claim
from jaxpe.study import tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.workspace import group_runs

ROW = GridRow(task="reverse", architectures=("encoder",), encodings=("none",))
PRESETS = {"quick": Preset((ROW,), seeds=1, train_length=4, max_length_ratio=2.0, steps=8, batch=8, width=16, layers=1,
                           length_buckets=1, examples=8)}
HELPS = Claim("M1", "My encoding helps.", "token accuracy")
CLAIMS = (HELPS,)

def measure(work, runs, preset):
    rows = []
    for config, group in group_runs(runs).items():
        source = work.open_source(config)
        for (seed, length), scores in work.measure_scores(group, [4], preset.examples).items():
            rows += tables.make_score_rows("mine", config, source, seed, length, scores)
    return rows

def figures(table):
    figure = Figure()
    figure.add_subplot().plot(table["value"])
    return {"values": figure}

def claims(table):
    return [HELPS.make_result("undecided", None)]

def summary(table):
    return "How mine did", [{"encoding": name, "rows": str(len(part))} for name, part in table.groupby("encoding")]
"""
ENCODINGS = """
import jax.numpy as jnp
from jaxpe.encodings import Encoding

class Mine(Encoding):
    def embed(self, x, positions):
        return x + 0.1 * positions[:, None]
"""
COUNT_RUNS = """
    return [tables.make_base_row("mine", run.config, run.seed, 4) | {"metric": "runs", "value": 1.0} for run in runs]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an experiment, an encoding and an experiment that only counts its runs."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "mine.py").write_text(MINE)
    (folder / "code.py").write_text(ENCODINGS)
    start, end = MINE.index("    rows = []"), MINE.index("def figures")
    (folder / "count.py").write_text(MINE[:start] + COUNT_RUNS + MINE[end:])
    return folder


@pytest.fixture(scope="module")
def study(folder):
    """The results folder of a study whose only experiment, and whose encoding, are the user's own."""
    words = ["study", "--encodings", f"{folder / 'code.py'}:Mine", "--results", str(folder / "results")]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr(devices, "prepare_jax", lambda devices: None)
        patch.setattr(experiment, "STUDY", (str(folder / "mine.py"),))
        patch.setattr(sys, "argv", ["jaxpe", *words])
        cli.main()
    assert not end.value.code
    return folder / "results"


@pytest.fixture
def write_runs(monkeypatch):
    """Replaces training: every run is stored at once, as one that diverged or not."""

    def replace_training(diverged=False, arrays=None):
        def train_group(work, group, join):
            for run in group:
                record = {"seed": run.seed, "diverged": diverged, "seconds": 1.0, "history": HISTORY}
                work.results.write_run(run.id, record, arrays or {})
            return True

        monkeypatch.setattr(Workspace, "train_group", train_group)

    return replace_training


# ── a study ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_study_writes_table_claims_provenance_figures_and_page(study):
    table = read_table(study / "mine" / "table.csv")
    assert set(COLUMNS) <= set(table.columns) and set(table["encoding"]) == {"Mine"} and len(table) == 2
    [claim] = json.loads((study / "mine" / "claims.json").read_text())
    assert (claim["experiment"], claim["id"], claim["verdict"]) == ("mine", "M1", "undecided")
    provenance = json.loads((study / "mine" / "provenance.json").read_text())
    assert provenance["command"].startswith("jaxpe study") and provenance["preset"]["steps"] == 8
    assert {path.name for path in (study / "mine" / "figures").iterdir()} == {
        "values.svg",
        "values.png",
        "learning_curves.svg",
        "learning_curves.png",
    }
    page = (study / "compare.html").read_text()
    assert "mine/figures" in page and "How mine did" in page and (study / "index.html").is_file()


def test_plotting_again_gives_the_same_bytes_and_removes_old_figures(study, folder, capsys):
    before = list_files(study)
    (study / "mine" / "figures" / "of_an_earlier_table.svg").write_text("<svg/>")
    assert call_jaxpe(capsys, "plot", folder / "mine.py", "--results", study).code == 0
    assert list_files(study) == before


def test_the_same_command_again_trains_nothing_and_prints_the_numbers(study, folder, capsys, monkeypatch):
    monkeypatch.delattr(Workspace, "train_group")
    before = (study / "mine" / "table.csv").read_bytes()
    words = ("--encodings", f"{folder / 'code.py'}:Mine", "--results", study)
    outcome = call_jaxpe(capsys, "run", folder / "mine.py", *words)
    assert outcome.code == 0 and "compiling" not in outcome.err
    assert "How mine did" in outcome.out and "M1 undecided: not run" in outcome.out
    assert (study / "mine" / "table.csv").read_bytes() == before
    printed = json.loads(call_jaxpe(capsys, "run", folder / "mine.py", *words, "--json").out)
    assert printed["claims"]["mine"][0]["id"] == "M1" and printed["diverged"] == []


def test_a_file_of_an_experiment_is_a_script_with_the_same_options(monkeypatch):
    calls = []
    monkeypatch.setattr(experiment_options, "run_experiments", lambda *arguments: calls.append(arguments) or 0)
    monkeypatch.setattr(sys, "argv", ["accuracy.py", "--seeds", "3"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "experiments" / "accuracy.py"), run_name="__main__")
    assert not end.value.code and calls == [(("accuracy",), RunOptions(seeds="3"), None)]


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_diverged_training_is_reported_and_the_rest_is_finished(folder, tmp_path, capsys, write_runs):
    """Exit code 3, the failure by name, and everything is written."""
    write_runs(diverged=True)
    outcome = call_jaxpe(capsys, "run", folder / "count.py", "--seeds", "2", "--results", tmp_path)
    assert outcome.code == 3 and "reverse, encoder, none, seed 0; reverse, encoder, none, seed 1" in outcome.err
    assert "How mine did" in outcome.out and len(read_table(tmp_path / "count" / "table.csv")) == 2


def test_a_fault_of_the_users_own_experiment_is_one_sentence_with_its_line(folder, tmp_path, capsys, write_runs):
    write_runs()
    (tmp_path / "odd.py").write_text((folder / "count.py").read_text().replace("run.seed", "run.sead"))
    outcome = call_jaxpe(capsys, "run", tmp_path / "odd.py", "--results", tmp_path / "r", "--quiet")
    assert_one_sentence(outcome, "odd.py: AttributeError: 'Run' object has no attribute 'sead' (odd.py, line")


def test_a_full_disk_stops_with_one_sentence_and_the_same_command_resumes(folder, tmp_path, capsys, write_runs):
    """No file may grow beyond 8 kB: the marker of the folder fits, the parameters do not."""
    resource = pytest.importorskip("resource")
    write_runs(arrays={"table": np.random.default_rng(0).random(5000)})
    command = ("run", folder / "count.py", "--results", tmp_path / "r", "--quiet")
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
        outcome = call_jaxpe(capsys, *command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert_one_sentence(outcome, "disk is full")
    assert not list((tmp_path / "r" / "runs").iterdir())
    assert call_jaxpe(capsys, *command).code == 0


def start_jaxpe(command, word):
    """A process of jaxpe that has just printed a line beginning with `word`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxpe", *map(str, command)], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a background job ignores it
    )  # fmt: skip
    assert any(line.startswith(word) for line in process.stderr)
    return process


@pytest.mark.slow
def test_ctrl_c_leaves_a_checkpoint_and_the_same_command_resumes(folder, tmp_path, capsys):
    command = ("run", folder / "mine.py", "--steps", "2000", "--results", tmp_path)
    process = start_jaxpe(command, "training")
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait() == 130 and "Resume with" in rest and "Traceback" not in rest
    assert list((tmp_path / "checkpoints").iterdir())
    assert call_jaxpe(capsys, *command).code == 0 and not (tmp_path / "checkpoints").exists()


@pytest.mark.slow
def test_a_second_ctrl_c_ends_at_once_and_in_order(folder, tmp_path):
    """Also while something compiles, where an exception would tear it apart."""
    process = start_jaxpe(("run", folder / "mine.py", "--steps", "20000", "--results", tmp_path), "compiling")
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    rest = process.stderr.read()
    assert process.wait() == 130 and "Traceback" not in rest and "last checkpoint" in rest
