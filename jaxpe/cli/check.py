"""The command `jaxpe check`: an encoding's property card, one line a property as it is measured."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from jaxpe.conformance.subject import Subject
from jaxpe.conformance.suite import HEADS, WIDTH, Row, about, examine, settings_of
from jaxpe.encodings import label
from jaxpe.plugins import call_user_code

T = TypeVar("T")

BUILD_SECONDS, MEASURE_SECONDS = 30, 120


def within(seconds: float, function: Callable[[], T]) -> T:
    """function(); a TimeoutError is raised inside it when it takes longer, so that its traceback names the line.

    Where there are no such signals (Windows, or outside the main thread) it may take as long as it likes.
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        return function()

    def stop(*_: Any) -> None:
        raise TimeoutError(f"it took longer than {seconds:g} s")

    handler, timer = signal.signal(signal.SIGALRM, stop), signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return function()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def built(name: str, width: int = WIDTH, heads: int = HEADS) -> tuple[list[Subject], dict[str, str]]:
    """The encoding in each attention config, and what it says where it refuses one. Raises UserError where it fails."""
    what = f"encoding {label(name)!r} could not be built"
    return call_user_code(lambda: within(BUILD_SECONDS, lambda: settings_of(name, width, heads)), what)


def measured(found: list[Subject]) -> Iterator[Row]:
    """The rows of the card, none of which may take for ever."""
    measuring = examine(found)
    while row := within(MEASURE_SECONDS, lambda: next(measuring, None)):
        yield row


def check(name: str, width: int, heads: int, as_json: bool) -> int:
    """Measures an encoding and prints its card. 0: every property holds; 3: one does not.

    Raises UserError where the encoding cannot be loaded, built or called.
    """
    found, refused = built(name, width, heads)
    head = about(name, found, refused)
    if not as_json:
        print(f"{name}: width {width}, {heads} heads", *(f"{row.name:22}{row.measured}" for row in head), sep="\n")
    rows: list[Row] = []
    for row in measured(found):
        rows.append(row)
        if not as_json:
            print(line(row), flush=True)
    failed = [row for row in rows if row.fault]
    if as_json:
        print(json.dumps(card(name, head, rows), indent=1, ensure_ascii=False))
    elif failed:
        print(f"{len(failed)} of {len(rows)} properties do not hold: {', '.join(row.name for row in failed)}")
    else:
        print(f"{len(rows)} properties hold")
    return 3 if failed else 0


def line(row: Row) -> str:
    """name, what was measured, the verdict."""
    return f"{row.name:22}{row.measured:44}  {'FAILED: ' + row.fault if row.fault else 'ok'}"


def card(name: str, head: list[Row], rows: list[Row]) -> dict[str, Any]:
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
