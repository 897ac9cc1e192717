"""Commands of `jaxpe`, called in this process or in one of their own."""

import os
import subprocess
import sys
from typing import NamedTuple

import pytest
from support import ROOT

from jaxpe import cli

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


class Outcome(NamedTuple):
    """How a command ended: its exit code, what it printed, and its messages."""

    code: int
    out: str
    err: str


def call_jaxpe(capsys, *words):
    """A command in this process."""
    with pytest.raises(SystemExit) as end:
        cli.main(list(map(str, words)))
    captured = capsys.readouterr()
    return Outcome(end.value.code or 0, captured.out, captured.err)


def run_jaxpe(*words, folder=ROOT, **environment):
    """A command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "jaxpe", *map(str, words)],
        capture_output=True, text=True, cwd=folder, env=ENVIRONMENT | environment,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def assert_one_sentence(outcome, says):
    """The command refused its input: exit code 2, one line on stderr that holds `says`, nothing printed."""
    assert outcome.code == 2 and says in outcome.err and not outcome.out, outcome
    assert outcome.err.startswith("jaxpe: ") and len(outcome.err.splitlines()) == 1


def list_files(folder):
    """Everything that is made from stored runs, with its content."""
    files = (path for path in folder.rglob("*") if path.is_file() and "runs" not in path.parts)
    return {path: path.read_bytes() for path in files}
