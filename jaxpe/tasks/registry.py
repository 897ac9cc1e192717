"""Tasks by name: from the catalogue, from a file (`path/to/file.py:Class`), from an installed package, or on real text.

`jaxpe.tasks` fills `CATALOGUE`; `build_task` makes an instance with its options. Here alone the synthetic tasks and the
language tasks are listed together: a language task has a text and no class (`jaxpe.data.language`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from jaxpe.data.language import OBJECTIVES
from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.registry import Registry, label_name, list_options
from jaxpe.tasks.base import Task

CATALOGUE: dict[str, Callable[..., Task]] = {}
ALIASES = {  # the names of Delétang et al. 2023 (arXiv:2207.02098); tables and figures show those of the catalogue
    "bucket_sort": "sort", "cycle_navigation": "cycle", "missing_duplicate_string": "missing_duplicate",
    "parity_check": "parity", "reverse_string": "reverse",
}  # fmt: skip
TASKS: Registry[Task] = Registry("task", "jaxpe.tasks", Task, CATALOGUE, ALIASES, OBJECTIVES)
LANGUAGE_TASKS = {
    "masked_lm": "masked tokens of real text",
    "causal_masked_lm": "masked tokens of real text, by what stands before them",
    "sampled_causal_lm": "the next token of real text, at a random 15 % of the places",
    "causal_lm": "the next token of real text",
    "translation": "short sentences, from English to German",
}


class TaskEntry(NamedTuple):
    """What is known of a task by its name. `task`: an instance; None for a task on real text."""

    summary: str
    architectures: tuple[str, ...]
    task: Task | None


def label_task(name: str) -> str:
    """The name that tables and figures show: the class name for `path/to/file.py:Class`, else the name itself."""
    return label_name(name)


def list_task_names() -> list[str]:
    """The names of all tasks: those of the catalogue, of installed packages, and on real text."""
    return [*TASKS.list_names(), *OBJECTIVES]


def list_tasks_of_jaxpe() -> list[str]:
    """The names of the tasks that ship with jaxpe: of synthetic ones, and of those on real text."""
    return [*CATALOGUE, *OBJECTIVES]


def find_task(name: str) -> TaskEntry:
    """A task by name, synthetic or on real text. Raises UserError for an unknown name."""
    if name in OBJECTIVES:
        return TaskEntry(LANGUAGE_TASKS[name], (OBJECTIVES[name],), None)
    task = build_task(name, train_length=10)
    return TASKS.call(
        name, lambda: TaskEntry(getattr(task, "summary", ""), task.architectures, task), f"task {label_task(name)!r}"
    )


def build_task(name: str, *, train_length: int, **options: Any) -> Task:
    """A synthetic task by name. `train_length` is passed to the tasks that have this option (`index`).

    Raises UserError for an unknown name or option, for a task on real text, and where a class outside the catalogue raises any
    exception.
    """
    if name in OBJECTIVES:
        raise UserError(f"{name} is a task on real text, which has no examples of its own: choose a synthetic task.")
    factory: Any = TASKS.resolve(name)
    known = list_options(factory)
    if surplus := sorted(set(options) - set(known)):
        raise UnknownName(f"option of {name}", surplus[0], known)
    defaults = {"train_length": train_length} if "train_length" in known else {}
    construct: Callable[[], Task] = partial(factory, **defaults | options)
    return TASKS.call(name, construct, f"task {label_task(name)!r} could not be constructed")


def identify_task(name: str) -> dict[str, Any]:
    """What tells a task from another of the same name, as JSON: its code, and the options that a row fixes."""
    return TASKS.identify(name)
