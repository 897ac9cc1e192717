"""The property card of an encoding or a task, which `jaxpe check` prints and the scorecard stores. Measuring has a time limit."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from jaxpe.conformance import task_suite
from jaxpe.conformance.findings import PropertyResult
from jaxpe.conformance.subject import Subject
from jaxpe.conformance.suite import HEADS, WIDTH, SubjectSet, describe_encoding, make_subjects, measure_properties
from jaxpe.conformance.task_examples import LONGEST, make_task_subject
from jaxpe.encodings.registry import label_encoding
from jaxpe.plugins.calls import call_user_code
from jaxpe.tasks import label_task

T = TypeVar("T")

BUILD_SECONDS, MEASURE_SECONDS = 30, 120  # an encoding that takes longer is stopped


class Card(NamedTuple):
    """What is measured of an encoding or a task, and how to call it."""

    kind: str  # "encoding" or "task"
    name: str
    heading: str
    about: dict[str, str]
    rows: Iterator[PropertyResult]  # measured one after the other
    advice: str  # what to do where a {part} was not compared with a reference


def build_subjects(name: str, width: int = WIDTH, heads: int = HEADS) -> SubjectSet:
    """The encoding in each kind of attention. Raises UserError where it fails or takes too long."""
    failure = f"encoding {label_encoding(name)!r} could not be built"
    return call_user_code(lambda: call_with_timeout(BUILD_SECONDS, lambda: make_subjects(name, width, heads)), failure)


def measure_rows(subjects: list[Subject]) -> Iterator[PropertyResult]:
    """The rows of the card, one after the other. A property that takes too long ends the card with a TimeoutError."""
    return limit_time(measure_properties(subjects))


def limit_time(rows: Iterator[PropertyResult]) -> Iterator[PropertyResult]:
    """The rows, each within MEASURE_SECONDS: else a TimeoutError."""
    while row := call_with_timeout(MEASURE_SECONDS, lambda: next(rows, None)):
        yield row


def call_with_timeout(seconds: float, function: Callable[[], T]) -> T:
    """function(). If it takes longer, TimeoutError is raised inside it, so that the traceback names the line.

    Without such signals (on Windows, or outside the main thread) there is no limit.
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        return function()

    def stop(*_: object) -> None:
        raise TimeoutError(f"it took longer than {seconds:g} s")

    handler, timer = signal.signal(signal.SIGALRM, stop), signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return function()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def make_encoding_card(name: str, width: int = WIDTH, heads: int = HEADS) -> Card:
    """The card of an encoding. Raises UserError where it cannot be loaded or built."""
    subject_set = build_subjects(name, width, heads)
    return Card(
        "encoding",
        name,
        f"{name}: width {width}, {heads} heads",
        describe_encoding(subject_set),
        measure_rows(subject_set.subjects),
        "The formula of {part} was not checked: write reference_{part} below the class, a slow loop from the paper's "
        "formula. `jaxpe new NAME --hook {part}` shows one.",
    )


def make_task_card(name: str) -> Card:
    """The card of a task. Raises UserError where it cannot be loaded or built."""
    failure = f"task {label_task(name)!r} could not be built"
    subject = call_user_code(lambda: call_with_timeout(BUILD_SECONDS, lambda: make_task_subject(name)), failure)
    return Card(
        "task",
        name,
        f"{name}: lengths up to {LONGEST}",
        task_suite.describe_task(subject),
        limit_time(task_suite.measure_task(subject)),
        "The {part} were not compared with a slow solver: write a method reference(x) of the class, from a list to a list. "
        "`jaxpe new NAME --task` shows one.",
    )


def card_to_json(card: Card, rows: list[PropertyResult]) -> dict[str, Any]:
    """A card as JSON, with the rows that were measured."""
    return {
        card.kind: card.name,
        "about": card.about,
        "properties": [
            {"name": row.name, "measured": row.measured, "holds": not row.fault, "fault": row.fault or None}
            for row in rows
        ],
        "holds": not any(row.fault for row in rows),
    }
