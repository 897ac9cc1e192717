"""`jaxpe export-task`."""

import pytest
from command_line import assert_one_sentence, call_jaxpe


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("revers", "Did you mean 'reverse'"),
        ("missing_duplicate --lengths 5", "has no example of length 5"),
        ("reverse --examples 0", "must be at least 1"),
        ("reverse --lengths", "must be at least 1"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(capsys, tmp_path, line, says):
    name, *options = line.split()
    assert_one_sentence(call_jaxpe(capsys, "export-task", name, *options, "--output", tmp_path), says)


def test_lengths_that_a_task_does_not_have_are_left_out(capsys, tmp_path):
    words = ["missing_duplicate", "--lengths", "5", "6", "--examples", "2", "--output"]
    code, printed, err = call_jaxpe(capsys, "export-task", *words, tmp_path)
    assert code == 0 and "no example of length 5: left out" in err and str(tmp_path) in printed
