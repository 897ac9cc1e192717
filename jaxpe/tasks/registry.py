"""The catalogue of tasks: one row for each name. `build_task` makes an instance with its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

from jaxpe.errors import UnknownName
from jaxpe.tasks.arithmetic import Addition
from jaxpe.tasks.base import Task
from jaxpe.tasks.copying import Copy, MissingDuplicate, OddsFirst, Reverse, Sort, UniqueCopy
from jaxpe.tasks.counting import Count, Cycle, Histogram, Majority, Parity
from jaxpe.tasks.lookup import EvenPairs, First, Index, Induction, Last, RelativeIndex
from jaxpe.tasks.recall import Recall

CATALOGUE: dict[str, Callable[..., Task]] = {
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
}


def build_task(name: str, *, train_length: int, **options: Any) -> Task:
    """A task by name. `train_length` is passed to the tasks that have this option (`index`).

    Raises UserError for an unknown name or option.
    """
    if name not in CATALOGUE:
        raise UnknownName("task", name, CATALOGUE)
    factory = CATALOGUE[name]
    kind: Any = factory.func if isinstance(factory, partial) else factory
    known = [field.name for field in fields(kind)]
    if surplus := sorted(set(options) - set(known)):
        raise UnknownName(f"option of {name}", surplus[0], known)
    defaults = {"train_length": train_length} if "train_length" in known else {}
    return factory(**defaults | options)
