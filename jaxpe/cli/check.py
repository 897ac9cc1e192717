"""`jaxpe check`: the property card of an encoding, one line per property as it is measured."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from jaxpe.conformance.subject import Subject
from jaxpe.conformance.suite import HEADS, WIDTH, Row, about, examine, settings_of
from jaxpe.encodings import label_encoding
from jaxpe.plugins import call_user_code

T = TypeVar("T")

BUILD_SECONDS, MEASURE_SECONDS = 30, 120  # an encoding that takes longer is stopped


def print_card(name: str, width: int, heads: int, as_json: bool) -> int:
    """Measures an encoding and prints its card. Returns 0, or 3 where a property does not hold.

    Raises UserError where the encoding cannot be loaded, built or called.
    """
    subjects, refused = build_subjects(name, width, heads)
    head = about(name, subjects, refused)
    if not as_json:
        print(f"{name}: width {width}, {heads} heads", *(f"{row.name:22}{row.measured}" for row in head), sep="\n")
    rows: list[Row] = []
    for row in measure_rows(subjects):
        rows.append(row)
        if not as_json:
            print(format_row(row), flush=True)
    failed = [row.name for row in rows if row.fault]
    if as_json:
        print(json.dumps(card_to_json(name, head, rows), indent=1, ensure_ascii=False))
    elif failed:
        print(f"{len(failed)} of {len(rows)} properties do not hold: {', '.join(failed)}")
    else:
        print(f"all {len(rows)} properties hold")
    return 3 if failed else 0


def build_subjects(name: str, width: int = WIDTH, heads: int = HEADS) -> tuple[list[Subject], dict[str, str]]:
    """The encoding for each kind of attention, and by kind its message where it refuses one.

    Raises UserError where the encoding fails or takes too long.
    """
    failure = f"encoding {label_encoding(name)!r} could not be built"
    return call_user_code(lambda: call_with_timeout(BUILD_SECONDS, lambda: settings_of(name, width, heads)), failure)


def measure_rows(subjects: list[Subject]) -> Iterator[Row]:
    """The rows of the card, each with a limit of time."""
    rows = examine(subjects)
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


def format_row(row: Row) -> str:
    """Property, what was measured, verdict."""
    return f"{row.name:22}{row.measured:44}  {'FAILED: ' + row.fault if row.fault else 'ok'}"


def card_to_json(name: str, head: list[Row], rows: list[Row]) -> dict[str, Any]:
    """The card as JSON."""
    return {
        "encoding": name,
        "about": {row.name: row.measured for row in head},
        "properties": [
            {"name": row.name, "measured": row.measured, "holds": not row.fault, "fault": row.fault or None}
            for row in rows
        ],
        "holds": not any(row.fault for row in rows),
    }
