"""From arguments to exit codes: what is mistyped, stopped, or finds no space."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import assert_one_sentence, call_jaxpe
from support import ROOT

from jaxpe import cli


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "Which command? study, run"),
        ("plto", "Did you mean 'plot'?"),
        ("--quiet", "Unknown command '--quiet'"),
        ("plot --reslts x", "Did you mean '--results'? See `jaxpe plot --help`"),
        ("plot --reslts=x", "Unknown option '--reslts'"),
        ("run accuracy --presett quick", "Did you mean '--preset'? See `jaxpe run accuracy --help`"),
        ("run --presett quick accuracy", "Did you mean '--preset'? See `jaxpe run --help`"),
        ("plot --for papr", "Did you mean 'paper'?"),
        ("list encodigns", "Did you mean 'encodings'?"),
        ("list fields accuracy more", "`jaxpe list` does not take 'more'"),
        ("list", "`jaxpe list` is missing KIND"),
        ("check", "`jaxpe check` is missing NAME"),
        ("plot --results", "--results needs a value"),
        (
            "run accuracy --seeds two",
            "--seeds takes a number of seeds, as 6, or the first and the last of them, as 3-5, not 'two'",
        ),
        ("export-task reverse --lengths 4 x", "--lengths takes a whole number"),
        ("completion bahs", "Did you mean 'bash'?"),
        ("run accuracy --set width=8 --set max_length_ratio=2", "--set is given more than once"),
    ],
)
def test_a_mistyped_command_option_or_value_is_one_sentence(capsys, line, says):
    assert_one_sentence(call_jaxpe(capsys, *line.split()), says)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_that_finds_no_space_is_one_sentence():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "jaxpe", "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        )
    assert done.returncode == 2 and "no space is left for the output" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stopped_command_says_how_to_resume(capsys, monkeypatch):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["/usr/bin/jaxpe", "run", "accuracy", "--results", "my results"])
    with pytest.raises(SystemExit) as end:
        cli.exit_with(stop)
    assert end.value.code == 130
    assert capsys.readouterr().err.strip().endswith("Resume with: jaxpe run accuracy --results 'my results'")


def test_an_internal_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        cli.exit_with(lambda: 1 // 0)
