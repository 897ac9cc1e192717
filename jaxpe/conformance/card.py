"""The property card of an encoding, which `jaxpe check` prints and the scorecard stores. Measuring has a time limit."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from jaxpe.conformance.subject import Subject
from jaxpe.conformance.suite import HEADS, WIDTH, PropertyResult, SubjectSet, make_subjects, measure_properties
from jaxpe.encodings.registry import label_encoding
from jaxpe.plugins.calls import call_user_code

T = TypeVar("T")

BUILD_SECONDS, MEASURE_SECONDS = 30, 120  # an encoding that takes longer is stopped


def build_subjects(name: str, width: int = WIDTH, heads: int = HEADS) -> SubjectSet:
    """The encoding in each kind of attention. Raises UserError where it fails or takes too long."""
    failure = f"encoding {label_encoding(name)!r} could not be built"
    return call_user_code(lambda: call_with_timeout(BUILD_SECONDS, lambda: make_subjects(name, width, heads)), failure)


def measure_rows(subjects: list[Subject]) -> Iterator[PropertyResult]:
    """The rows of the card, one after the other. A property that takes too long ends the card with a TimeoutError."""
    rows = measure_properties(subjects)
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


def card_to_json(name: str, about: dict[str, str], rows: list[PropertyResult]) -> dict[str, Any]:
    """The card as JSON. `about` is that of `describe_encoding`."""
    return {
        "encoding": name,
        "about": about,
        "properties": [
            {"name": row.name, "measured": row.measured, "holds": not row.fault, "fault": row.fault or None}
            for row in rows
        ],
        "holds": not any(row.fault for row in rows),
    }
