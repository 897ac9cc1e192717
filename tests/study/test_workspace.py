"""The workspace: runs are trained once, scores are measured once, and a kill at any moment changes no bit."""

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from jaxpe.errors import UserError
from jaxpe.records.results import open_results
from jaxpe.study import evaluators
from jaxpe.study.evaluators import EvaluatorCache
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.workspace import Workspace
from jaxpe.training.config import RunConfig, Training

CONFIG = RunConfig(
    "reverse", "encoder", "learned", 6, 60, width=8, layers=1, training=Training(steps=10, batch=8, length_buckets=1)
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A results folder with one run, and the workspace that trained it."""
    folder = tmp_path_factory.mktemp("workspace") / "results"
    work = Workspace(open_results(folder))
    runs = work.list_runs(CONFIG, [0])
    work.train(runs)
    return folder, work, runs


def test_a_run_is_recorded_and_not_trained_again(trained, monkeypatch):
    folder, work, runs = trained
    record = work.results.read_record(runs[0].id)
    assert not record["diverged"] and not work.has_diverged(runs[0]) and record["history"]["step"][-1] == 10
    assert record["config"]["task"] == "reverse" and record["seed"] == 0 and work.select_missing(runs) == []
    again = Workspace(open_results(folder))
    monkeypatch.setattr(Workspace, "train_group", None)  # a call would fail
    again.train(again.list_runs(CONFIG, [0]))


def test_what_a_training_says_is_written_while_it_runs(trained):
    folder, work, runs = trained
    [path] = (folder / "metrics").glob("*.jsonl")
    [line] = map(json.loads, path.read_text().splitlines())
    [replica] = line["replicas"]
    assert (line["program"], line["step"], line["steps"]) == ("reverse, encoder, learned", 10, 10)
    assert (replica["run"], replica["seed"]) == (runs[0].id, 0)
    assert replica["loss"] == pytest.approx(work.results.read_record(runs[0].id)["history"]["loss"][-1], rel=1e-5)


def test_scores_are_stored_for_each_kind_of_test(trained, monkeypatch):
    folder, work, runs = trained
    tests = (EvaluationConfig(), EvaluationConfig(shift=3), EvaluationConfig(snapshot="50"))
    first = [work.measure_scores(runs, [3, 6], 16, test)[0, 6] for test in tests]
    again = Workspace(open_results(folder))
    monkeypatch.setattr(EvaluatorCache, "get", None)  # a call would fail
    for scores, test in zip(first, tests, strict=True):
        stored = again.measure_scores(runs, [3, 6], 16, test)[0, 6]
        np.testing.assert_array_equal(scores.index_nats, stored.index_nats)
    assert len({float(scores.nats) for scores in first}) == 3


def test_a_measurement_is_made_once(trained):
    _, work, runs = trained
    calls = []

    def measure():
        calls.append(1)
        return [({"metric": "m", "layer": 2}, 0.5)]

    key = {"kind": "example", "version": 1}
    assert [work.measure_once(runs[0], key, measure) for _ in range(2)] == [[({"metric": "m", "layer": 2}, 0.5)]] * 2
    assert len(calls) == 1


def test_only_so_many_evaluations_stay_compiled(tmp_path, monkeypatch):
    """Each holds memory maps, of which a process has a limited number."""
    monkeypatch.setattr(evaluators, "MAX_EVALUATORS", 2)
    monkeypatch.setattr(evaluators.evaluate, "compile_evaluator", lambda *arguments: arguments[5])
    work = Workspace(open_results(tmp_path))
    for examples in (4, 6, 4, 8):
        assert work.evaluators.get(CONFIG, work.open_source(CONFIG), 6, examples, EvaluationConfig()) == examples
    assert list(work.evaluators.compiled.values()) == [6, 8]


def test_padding_makes_all_lengths_share_a_program_and_changes_no_count(trained):
    """Only the last bits of the loss may differ."""
    folder, work, runs = trained
    again = Workspace(open_results(folder.with_name("padded")))
    target = again.results.locate_run(runs[0].id)
    shutil.copytree(work.results.locate_run(runs[0].id), target, ignore=shutil.ignore_patterns("scores-*"))
    plain, padded = work.measure_scores(runs, [3, 6], 16), again.measure_scores(runs, [3, 6], 16, padding=5.0)
    assert len(again.evaluators.compiled) == 1
    for at, score in plain.items():
        np.testing.assert_allclose(padded[at].nats, score.nats, rtol=1e-5)
        np.testing.assert_array_equal(padded[at].index_answers, score.index_answers)
        assert (padded[at].correct, padded[at].exact, padded[at].examples) == (
            score.correct,
            score.exact,
            score.examples,
        )


def test_programs_of_runs_that_are_expected_are_compiled_ahead(tmp_path, monkeypatch):
    """Each once: the first where it is needed, the next in a thread."""
    compiled = {}

    def compile_nothing(work, config):
        compiled[config.encoding] = threading.current_thread()
        return SimpleNamespace(compile_seconds=0.0)

    monkeypatch.setattr(Workspace, "compile_program", compile_nothing)

    def store_nothing_but_a_record(work, batch, program, lease):
        for run in batch:
            work.results.write_run(run.id, {"seed": run.seed}, {})

    monkeypatch.setattr(Workspace, "train_batch", store_nothing_but_a_record)
    work = Workspace(open_results(tmp_path / "r"))
    runs = [run for name in ("learned", "none") for run in work.list_runs(replace(CONFIG, encoding=name), [0])]
    with work.expecting(runs):
        for run in runs:
            work.train([run])
    assert sorted(compiled) == ["learned", "none"] and compiled["learned"] is threading.current_thread()
    assert compiled["none"] is not threading.current_thread()
    assert not work.programs.started and not work.programs.expected
    others = work.list_runs(CONFIG, [1])
    with pytest.raises(KeyboardInterrupt), work.expecting(others):
        assert work.programs.expected
        raise KeyboardInterrupt
    assert not work.programs.expected


def test_a_test_beyond_the_position_table_is_refused(trained):
    _, work, runs = trained
    with pytest.raises(UserError, match=r"has 60 positions.*needs 80"):
        work.measure_scores(runs, [40], 16)
    with pytest.raises(UserError, match=r"has 60 positions.*needs 68"):
        work.measure_scores(runs, [4], 16, EvaluationConfig(shift=60))


def test_the_runs_of_one_call_share_their_config(trained):
    _, work, runs = trained
    other = work.list_runs(CONFIG.__class__(**{**vars(CONFIG), "width": 16}), [0])
    with pytest.raises(ValueError, match="share their config"):
        work.measure_scores([*runs, *other], [3], 4)


@pytest.mark.slow
def test_twenty_kills_change_no_bit(tmp_path):
    """A process is killed with SIGKILL at random moments; what is trained in the end has the bits of a calm run."""
    code = (
        "import jax; jax.config.update('jax_num_cpu_devices', 2)\n"
        "import sys; from pathlib import Path\n"
        "from jaxpe.records.results import open_results; from jaxpe.study.reporter import SilentReporter; from jaxpe.study.workspace import Workspace\n"
        "from jaxpe.training.config import RunConfig, Training\n"
        "class Printing(SilentReporter):\n"
        "    def advance(self, amount): print('chunk', flush=True)\n"
        "c = RunConfig('reverse', 'encoder', 'learned', 6, 60, width=16, training=Training(steps=15000, batch=16))\n"
        "w = Workspace(open_results(Path(sys.argv[1])), Printing(), save_every=0)\n"
        "w.train(w.list_runs(c, range(2)))\n"
    )
    generator = np.random.default_rng(0)

    def begin(folder):
        return subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)

    assert begin(tmp_path / "calm").wait() == 0
    for kill in range(20):
        process = begin(tmp_path / "killed")
        if kill % 4:  # while training and writing checkpoints
            for _ in range(generator.integers(1, 4)):
                assert process.stdout.readline() == "chunk\n"
            time.sleep(float(generator.uniform(0, 0.2)))
        else:  # at any moment: importing, compiling, reading a checkpoint
            time.sleep(float(generator.uniform(0.5, 4)))
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert list((tmp_path / "killed" / "checkpoints").glob("*/*"))
    assert begin(tmp_path / "killed").wait() == 0
    for run in sorted((tmp_path / "calm" / "runs").iterdir()):
        other = tmp_path / "killed" / "runs" / run.name
        assert (run / "parameters.safetensors").read_bytes() == (other / "parameters.safetensors").read_bytes()
