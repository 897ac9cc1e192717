"""Progress on the terminal through rich: a bar with the time left, and plain lines where output is piped."""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Terminal:
    """Progress of a workspace. Ctrl-C is taken at the next chunk, so that nothing is lost; a second one stops at once."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self.bar: Progress | None = None
        self.task: Any = None
        self.stopped = False
        self.done, self.total, self.began, self.told, self.what = 0, 0, 0.0, 0.0, ""

    def __enter__(self) -> Terminal:
        self.previous = signal.signal(signal.SIGINT, self.interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self.previous)
        self.end()

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        if self.stopped:
            raise KeyboardInterrupt
        self.stopped = True
        self.note("Stopping after this chunk; Ctrl-C again stops at once.")

    def note(self, text: str) -> None:
        self.console.print(text, markup=False)

    def begin(self, what: str, total: int) -> None:
        """Starts counting `total` units of `what`."""
        self.end()
        self.done, self.total, self.began, self.told, self.what = 0, total, time.monotonic(), time.monotonic(), what
        if total and self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self.bar = Progress(
                *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=self.console, transient=True
            )
            self.task = self.bar.add_task(what, total=total)
            self.bar.start()

    def advance(self, amount: int) -> None:
        self.done += amount
        if self.bar is not None:
            self.bar.advance(self.task, amount)
        elif time.monotonic() - self.told >= 10:
            self.told = time.monotonic()
            left = (self.told - self.began) * (self.total - self.done) / max(self.done, 1)
            self.console.print(f"{self.what}: {self.done} of {self.total}, about {left:.0f} s left", markup=False)
        if self.stopped:  # a place where the workspace can write a checkpoint
            raise KeyboardInterrupt

    def end(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
