"""Synthetic tasks: each draws examples (x, y) of a given length, and has two baselines that need no training.

A task is a class in a file of this folder and a row below.
"""

from functools import partial
from pathlib import Path

from jaxpe.plugins.code import remember_package
from jaxpe.tasks.arithmetic import Addition
from jaxpe.tasks.base import Sample, Task
from jaxpe.tasks.copying import Copy, MissingDuplicate, OddsFirst, Reverse, Sort, UniqueCopy
from jaxpe.tasks.counting import Count, Cycle, Histogram, Majority, Parity
from jaxpe.tasks.duplication import DuplicateString
from jaxpe.tasks.lookup import EvenPairs, First, Index, Induction, Last, RelativeIndex
from jaxpe.tasks.modular_arithmetic import ModularArithmetic
from jaxpe.tasks.recall import Recall
from jaxpe.tasks.registry import CATALOGUE, TASKS, build_task, find_task, label_task, list_task_names

__all__ = ["CATALOGUE", "TASKS", "Sample", "Task", "build_task", "find_task", "label_task", "list_task_names"]

CATALOGUE |= {
    "copy": Copy,
    "reverse": Reverse,
    "sort": Sort,
    "count": Count,
    "histogram": Histogram,
    "majority": Majority,
    "majority_26": partial(Majority, alphabet=26),
    "parity": Parity,
    "first": First,
    "last": Last,
    "index": Index,
    "relative_index": RelativeIndex,
    "odds_first": OddsFirst,
    "missing_duplicate": MissingDuplicate,
    "induction": Induction,
    "addition": Addition,
    "even_pairs": EvenPairs,
    "cycle": Cycle,
    "recall": Recall,
    "unique_copy": UniqueCopy,
    "repeat_copy": partial(Copy, alphabet=2),
    "duplicate_string": DuplicateString,
    "modular_arithmetic": ModularArithmetic,
}
remember_package(Path(__file__).parent)
