"""`jaxpe new`: templates of encodings, tasks and experiments that work as they are."""

import os
import re
import subprocess
import sys

import pytest
from command_line import assert_one_sentence, call_jaxpe, run_jaxpe
from support import ROOT
from task_samples import list_faults

from jaxpe.cli import new
from jaxpe.conformance import suite
from jaxpe.errors import UserError
from jaxpe.study.experiment import load_experiment


@pytest.mark.parametrize("hook", ["bias", "rotate", "embed", "observe", "weights"])
def test_a_template_works_as_it_is(tmp_path, hook):
    new.write_templates("log_distance", tmp_path / "mine", hook)
    subjects, refusals = suite.make_subjects(f"{tmp_path / 'mine' / 'log_distance.py'}:LogDistance")
    names = ["active hooks", "reference", "gradients", "invariance", "left and right"]
    rows = list(suite.measure_properties(subjects, names))
    assert [row.fault for row in rows if row.fault] == [] and refusals == {}
    active = {"observe": "observe, bias"}.get(hook, hook)
    assert rows[0].measured == active and rows[1].measured.startswith(f"{active} equal")


def test_the_template_of_a_task_is_complete_and_works_as_it_is(tmp_path):
    new.write_templates("duplicate", tmp_path, "task")
    path = tmp_path / "duplicate.py"
    assert len(path.read_text().splitlines()) <= 40
    assert list_faults(f"{path}:Duplicate") == []
    assert "task_suite.PROPERTIES" in (tmp_path / "test_duplicate.py").read_text()


@pytest.mark.slow
def test_the_test_of_a_template_passes_and_can_fail(tmp_path):
    new.write_templates("mine", tmp_path, "bias")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and f"{len(suite.PROPERTIES)} passed" in done.stdout, done.stdout
    file = tmp_path / "mine.py"
    file.write_text(re.sub(r"(invariance = )\"\w+\"", r'\1"content"', file.read_text()))
    done = subprocess.run([*command, "-k", "invariance"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "declares invariance = 'content'" in done.stdout


def test_the_template_of_an_experiment_is_short_and_complete(tmp_path, capsys):
    """It has what an experiment may have, and takes its option."""
    assert call_jaxpe(capsys, "new", "--experiment", "distance_test", "--folder", tmp_path).code == 0
    file = tmp_path / "distance_test.py"
    assert len(file.read_text().splitlines()) <= 60
    experiment = load_experiment(str(file))
    for word in ("?", "Measured:", "Predicted:", "Decided by:"):
        assert word in experiment.module.__doc__
    [claim] = experiment.module.CLAIMS
    assert claim.figure in experiment.module.CAPTIONS and {"smoke", "quick"} <= set(experiment.module.PRESETS)
    words = ("run", file, "--dry-run", "--preset", "smoke", "--results", tmp_path / "r")
    assert "decoder, alibi" in call_jaxpe(capsys, *words, "--times", "4").out
    assert_one_sentence(call_jaxpe(capsys, *words, "--times", "9"), "--times must lie between 1 and 4")
    assert_one_sentence(
        call_jaxpe(capsys, "new", "other", "--experiment", "--hook", "embed"), "give one of --hook and --experiment"
    )


@pytest.mark.slow
def test_the_template_of_an_experiment_runs_and_its_test_passes_and_can_fail(tmp_path):
    new.write_templates("mine", tmp_path, "experiment")
    outcome = run_jaxpe("run", "mine.py", "--preset", "smoke", "--results", "r", folder=tmp_path)
    assert outcome.code == 0 and "longer undecided" in outcome.out, outcome
    assert (tmp_path / "r" / "mine" / "figures" / "lengths.svg").is_file()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "5 passed" in done.stdout, done.stdout
    file = tmp_path / "mine.py"
    file.write_text(file.read_text().replace('("alibi", "sinusoidal")),', '("sinusoidal", "alibi")),'))
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "2 failed" in done.stdout, done.stdout


def test_nothing_is_overwritten_and_impossible_names_are_refused(tmp_path):
    (tmp_path / "test_mine.py").write_text("kept")
    for template, name, says in (
        ("bias", "mine", "exists already"),
        ("bias", "my-encoding", "cannot be the name"),
        ("rotate", "alibi", "an encoding .alibi. in jaxpe already"),
        ("bias", "rope", "an encoding .rope. in jaxpe already"),
        ("bias", "json", "a Python package .json. already"),
        ("experiment", "mine", "exists already"),
        ("experiment", "a-b", "as in my_experiment"),
        ("experiment", "accuracy", "an experiment .accuracy. in jaxpe already"),
    ):
        with pytest.raises(UserError, match=says):
            new.write_templates(name, tmp_path, template)
    for name in ("reverse", "causal_lm"):
        with pytest.raises(UserError, match=f"There is a task '{name}' in jaxpe already"):
            new.write_templates(name, tmp_path, "task")
    assert [path.name for path in tmp_path.iterdir()] == ["test_mine.py"]
    assert (tmp_path / "test_mine.py").read_text() == "kept"
