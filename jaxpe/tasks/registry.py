"""Tasks by name. `jaxpe.tasks` fills `CATALOGUE`; `build_task` makes an instance with its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

from jaxpe.errors import UnknownName
from jaxpe.plugins.code import describe_object
from jaxpe.plugins.files import hash_object_code
from jaxpe.tasks.base import Task

CATALOGUE: dict[str, Callable[..., Task]] = {}


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


def identify_task(name: str) -> Any:
    """What tells a task from another of the same name, as JSON: its code, and the options that a row fixes."""
    return describe_object(CATALOGUE[name], hash_object_code, f"task {name!r}")
