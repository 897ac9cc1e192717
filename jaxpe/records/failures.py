"""Rounds of training that could not be done, as `RESULTS/failures/NAME.json`: what was trained, and what went wrong.

A failure says nothing about a run: the same command tries it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from jaxpe.errors import UserError
from jaxpe.records.files import remove
from jaxpe.records.json_values import write_json
from jaxpe.records.results import Results
from jaxpe.records.stored_files import read_typed_json


class Failure(TypedDict):
    """A round that was given up."""

    about: str
    runs: list[str]
    error: str
    attempts: int


def write_failure(results: Results, failure: Failure) -> None:
    """Records a failure, in place of an earlier one of the same runs. Raises UserError on a full or protected disk."""
    write_json(locate_failure(results, failure["runs"]), failure)


def forget_failure(results: Results, runs: Sequence[str]) -> None:
    """Deletes the record of a round that was done after all."""
    path = locate_failure(results, runs)
    remove(path)
    with suppress(OSError):
        path.parent.rmdir()


def read_failures(results: Results) -> list[Failure]:
    """The failures of rounds of which a run is still missing. Files that cannot be read are none."""
    failures = []
    for path in sorted((results.folder / "failures").glob("*.json")):
        try:
            failure = read_typed_json(path, Failure, "Delete it.")
        except UserError:
            continue
        if not all(results.has_run(run) for run in failure["runs"]):
            failures.append(failure)
    return failures


def locate_failure(results: Results, runs: Sequence[str]) -> Path:
    """The file of a failure, which may not exist."""
    return results.folder / "failures" / f"{hashlib.sha256(' '.join(runs).encode()).hexdigest()[:24]}.json"
