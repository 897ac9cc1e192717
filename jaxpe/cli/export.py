"""`jaxpe export-task`: evaluation sets of the tasks, for models of other frameworks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from jaxpe import tasks
from jaxpe.errors import UserError
from jaxpe.tasks import evaluation_sets
from jaxpe.tasks.validate import validate_task


def export_tasks(names: Sequence[str], output: Path, lengths: Sequence[int], examples: int, train_length: int) -> int:
    """Writes the evaluation sets of tasks, or of all synthetic tasks of jaxpe if none is named. Lengths that a task does not have are left out.

    Raises UserError for an unknown task, a number below 1, and a named task that has none of the lengths.
    """
    names = [tasks.TASKS.replace_alias(name) for name in names]
    tasks.TASKS.check_labels(names)
    for name in names:
        tasks.build_task(name, train_length=train_length)
    if not lengths or min(lengths) < 1 or examples < 1:
        raise UserError("--lengths and --examples must be at least 1.")
    for name in names or tasks.CATALOGUE:
        task = tasks.build_task(name, train_length=train_length)
        validate_task(name, task, max(lengths))
        available = task.lengths(1, max(lengths))
        left_out = [str(length) for length in lengths if length not in available]
        if left_out and (len(left_out) < len(lengths) or not names):
            print(
                f"{tasks.label_task(name)} has no example of length {', '.join(left_out)}: left out.", file=sys.stderr
            )
        if names or len(left_out) < len(lengths):
            print(
                evaluation_sets.export_evaluation_set(
                    name, output, lengths=lengths, count=examples, train_length=train_length
                )
            )
    return 0
