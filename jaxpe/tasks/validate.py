"""A check of a task before training: it is called on shapes alone, so that nothing is compiled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.errors import UserError
from jaxpe.tasks.base import ARCHITECTURES, METRICS, Sample, Task
from jaxpe.tasks.registry import TASKS, label_task

DECLARED = {  # what a class must declare, and of which type
    "version": int,
    "summary": str,
    "in_place": bool,
    "order_needed": bool,
    "counting": bool,
}


def validate_task(name: str, task: Task, longest: int) -> None:
    """Raises UserError for a task that cannot be trained and tested on lengths up to `longest`."""
    title = f"task {label_task(name)!r}"
    TASKS.call(name, lambda: check_hash(title, task), title)
    check_once(name, task, longest)


@lru_cache(maxsize=4096)
def check_once(name: str, task: Task, longest: int) -> None:
    """Raises UserError where a declaration, a size, an example's shape or a baseline is not what it must be."""
    title = f"task {label_task(name)!r}"

    def check() -> None:
        check_declarations(title, task)
        lengths = check_lengths(title, task, longest)
        for length in dict.fromkeys([*lengths[:1], *lengths[-1:]]):
            check_shapes(title, task, length)
        for metric in METRICS:
            for architecture in task.architectures if lengths else ():
                compute_task_baselines(name, task, lengths[0], metric, architecture)

    TASKS.call(name, check, title)


def check_hash(title: str, task: Task) -> None:
    """Raises UserError for options that are not hashable: a task is a constant of compiled programs."""
    try:
        hash(task)
    except TypeError as error:
        raise UserError(f"{title} has an option that is not hashable ({error}): write tuples and numbers.") from None


def check_declarations(title: str, task: Task) -> None:
    """Raises UserError where the class does not declare what a task must declare."""
    faults = [
        f"{name} {f'is {getattr(task, name)!r}' if hasattr(task, name) else 'is missing'}, but must be of type {kind.__name__}"
        for name, kind in DECLARED.items()
        if not isinstance(getattr(task, name, None), kind)
    ]
    if faults:
        raise UserError(f"{title}: {'; '.join(faults)}.")
    names = task.architectures
    if not (isinstance(names, tuple) and names and set(names) <= set(ARCHITECTURES)):
        raise UserError(f"{title}: architectures is {names!r}, but must be a tuple with some of {ARCHITECTURES}.")
    if task.counting and task.order_needed:
        raise UserError(f"{title}: an answer that counts alone decide (counting) needs no order (order_needed).")
    if not is_integer(task.symbols) or task.symbols < 1:
        raise UserError(f"{title}: symbols is {task.symbols!r}, but must be an integer above 0.")


def is_integer(value: Any) -> bool:
    """Whether a value is an integer of Python or NumPy, and no array."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_lengths(title: str, task: Task, longest: int) -> Sequence[int]:
    """The lengths up to `longest`. Raises UserError where they or the numbers of symbols are not what they must be."""
    lengths = task.lengths(1, longest)
    known = set(range(1, longest + 1))
    if not (isinstance(lengths, list) and all(map(is_integer, lengths)) and set(lengths) <= known):
        raise UserError(f"{title}: lengths(1, {longest}) must be a list of integers from 1 to {longest}.")
    if any(b <= a for a, b in pairwise(lengths)):
        raise UserError(f"{title}: lengths(1, {longest}) must be in increasing order.")
    if (part := [n for n in lengths if n > 2]) != task.lengths(3, longest):
        raise UserError(f"{title}: lengths(3, {longest}) must be {part}, those of lengths(1, {longest}) from 3 on.")
    sizes = [(task.x_size(length), task.y_size(length)) for length in lengths]
    for length, pair in zip(lengths, sizes, strict=True):
        for which, size in zip(("x_size", "y_size"), pair, strict=True):
            if not is_integer(size) or size < 1:
                raise UserError(f"{title}: {which}({length}) is {size!r}, but must be an integer above 0.")
        if task.in_place and pair[0] != pair[1]:
            raise UserError(f"{title}: a task in place has an answer for each symbol, but {pair} at length {length}.")
    for before, after in pairwise(sizes):
        if before[0] > after[0] or before[1] > after[1]:
            raise UserError(f"{title}: a longer input must not have fewer symbols: sizes {before} and then {after}.")
    return lengths


def check_shapes(title: str, task: Task, length: int) -> None:
    """Raises UserError where `sample`, called with a traced length, does not return arrays of the declared sizes."""
    key = jax.random.key(0)
    sample = jax.eval_shape(partial(task.sample, max_length=length), key, jnp.asarray(length))
    if not isinstance(sample, Sample):
        raise UserError(f"{title}: sample must return a jaxpe.tasks.Sample, not {type(sample).__name__}.")
    sizes = ((task.x_size(length),), (), (task.y_size(length),), ())
    for part, value, shape in zip(Sample._fields, sample, sizes, strict=True):
        got = (tuple(value.shape), str(value.dtype))
        if got[0] != shape or not jnp.issubdtype(value.dtype, jnp.integer):
            raise UserError(
                f"{title}: {part} of sample(key, {length}, {length}) has shape {got[0]} and type {got[1]}, but must have "
                f"shape {shape} and an integer type."
            )


def compute_task_baselines(
    name: str, task: Task, length: int, metric: str, architecture: str
) -> tuple[float, float | None]:
    """The length-only and the order-blind baseline. Raises UserError for one that is no number from 0 to 1."""
    title = f"task {label_task(name)!r}"

    def compute() -> tuple[Any, Any]:
        return task.length_baseline(length, metric), task.order_blind_baseline(length, metric, architecture)

    pair = TASKS.call(name, compute, f"{title}: no baseline at length {length}")
    for which, value in zip(("length_baseline", "order_blind_baseline"), pair, strict=True):
        is_number = isinstance(value, (int, float, np.number)) and -1e-9 <= value <= 1 + 1e-9
        if not is_number and not (value is None and which == "order_blind_baseline"):
            raise UserError(
                f"{title}: {which} is {value!r} ({metric}, length {length}), but must be a number from 0 to 1."
            )
    return pair
