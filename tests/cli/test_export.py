"""`jaxpe export-task`."""

import json

import pytest
from command_line import assert_one_sentence, call_jaxpe
from support import ROOT

BROKEN = ROOT / "tests" / "conformance" / "broken_tasks.py"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("revers", "Did you mean 'reverse'"),
        ("missing_duplicate --lengths 5", "has no example of length 5"),
        ("reverse --examples 0", "must be at least 1"),
        ("reverse --lengths", "--lengths needs a value"),
        ("causal_lm", "causal_lm is a task on real text"),
        ("no.py:Mine", "There is no file 'no.py'"),
        (f"{BROKEN}:LengthAboveOne", "length_baseline is 1.5 (token_accuracy, length 10)"),
        (f"{BROKEN}:Raises", "task 'Raises': KeyError: 'no such thing' (broken_tasks.py, line"),
        (f"{BROKEN}:OtherTask", "derive the class from jaxpe.tasks.Task"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(capsys, tmp_path, line, says):
    name, *options = line.split()
    assert_one_sentence(call_jaxpe(capsys, "export-task", name, *options, "--output", tmp_path), says)


def test_lengths_that_a_task_does_not_have_are_left_out(capsys, tmp_path):
    words = ["missing_duplicate", "--lengths", "5", "6", "--examples", "2", "--output"]
    code, printed, err = call_jaxpe(capsys, "export-task", *words, tmp_path)
    assert code == 0 and "no example of length 5: left out" in err and str(tmp_path) in printed


def test_a_task_of_ones_own_is_exported_under_the_name_of_its_class(capsys, tmp_path):
    words = [f"{BROKEN}:Blind", "parity_check", "--lengths", "3", "--examples", "2", "--output"]
    code, printed, _ = call_jaxpe(capsys, "export-task", *words, tmp_path)
    assert code == 0 and [line.rpartition("/")[2] for line in printed.split()] == ["Blind.parquet", "parity.parquet"]
    facts = json.loads((tmp_path / "Blind.json").read_text())
    assert facts["task"] == "Blind" and facts["lengths"][0]["length_baseline"]["exact_match"] == 0.125
