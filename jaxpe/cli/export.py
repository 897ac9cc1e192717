"""`jaxpe export-task`: evaluation sets of the tasks, for models of other frameworks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from jaxpe import tasks
from jaxpe.errors import UnknownName, UserError
from jaxpe.tasks import evaluation_sets


def export_tasks(names: Sequence[str], output: Path, lengths: Sequence[int], examples: int, train_length: int) -> int:
    """Writes the evaluation sets of tasks, or of all tasks if none is named. Lengths that a task does not have are left out.

    Raises UserError for an unknown task, a number below 1, and a named task that has none of the lengths.
    """
    for name in names:
        if name not in tasks.CATALOGUE:
            raise UnknownName("task", name, tasks.CATALOGUE)
    if not lengths or min(lengths) < 1 or examples < 1:
        raise UserError("--lengths and --examples must be at least 1.")
    for name in names or tasks.CATALOGUE:
        available = tasks.build_task(name, train_length=train_length).lengths(1, max(lengths))
        left_out = [str(length) for length in lengths if length not in available]
        if left_out and (len(left_out) < len(lengths) or not names):
            print(f"{name} has no example of length {', '.join(left_out)}: left out.", file=sys.stderr)
        if names or len(left_out) < len(lengths):
            print(
                evaluation_sets.export_evaluation_set(
                    name, output, lengths=lengths, count=examples, train_length=train_length
                )
            )
    return 0
