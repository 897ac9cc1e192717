"""Progress through rich: in a terminal a live table of programs, plain lines where output is piped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

AROUND = 6  # lines of the terminal that are not rows of the table


@dataclass(eq=False)
class ProgramLine:
    """A training program in the live table: what it trains, and how far it is."""

    names: tuple[str, ...]  # task, architecture, encoding
    seeds: int
    steps: int  # of all seeds together
    done: int = 0
    losses: list[float] = field(default_factory=list)  # at the end of every finished seed
    diverged: int = 0
    began: float | None = None

    def state(self) -> str:
        """'compiling', the time left, or how it ended."""
        if len(self.losses) + self.diverged == self.seeds:
            return f"{self.diverged} diverged" if self.diverged else "done"
        if self.began is None:
            return "waiting"
        if not self.done:
            return "compiling"
        return f"{format_duration((time.monotonic() - self.began) * (self.steps - self.done) / self.done)} left"

    def cells(self) -> list[str]:
        loss = f"{sum(self.losses) / len(self.losses):.3g}" if self.losses else ""
        return [*self.names, f"{len(self.losses) + self.diverged}/{self.seeds}", loss, self.state()]


class Terminal:
    """Progress of a workspace. Ctrl-C is taken at the next chunk or note, so that nothing is lost; a second one stops at once."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self.live: Live | None = None
        self.lines: list[ProgramLine] = []
        self.now: ProgramLine | None = None
        self.stopped = False
        self.done, self.total, self.began, self.told, self.what, self.last = 0, 0, 0.0, 0.0, "", ""

    def __enter__(self) -> Terminal:
        self.previous = signal.signal(signal.SIGINT, self.interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self.previous)
        self.end()

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        if self.stopped:  # in the middle of anything, also of compiled code, which an exception could tear apart
            self.end()
            self.console.print("Stopped at once. The same command again goes on from the last checkpoint.")
            os._exit(130)
        self.say("Stopping at the next safe place; Ctrl-C again stops at once.")
        self.stopped = True

    def note(self, text: str) -> None:
        """Says what is going on: below the table while there is one. Nothing is at work then, so that a stop is safe."""
        if self.stopped:
            raise KeyboardInterrupt
        self.say(text)

    def say(self, text: str) -> None:
        self.last = text
        if self.live is None:
            self.console.print(text, markup=False)

    def expect(self, lines: Sequence[ProgramLine]) -> None:
        """The programs of the training that begins next."""
        self.end()
        self.lines = list(lines)

    def start(self, line: ProgramLine) -> None:
        self.now, line.began = line, time.monotonic()

    def finish(self, loss: float | None) -> None:
        """A seed of the program at work is finished, with its last loss, or None where it diverged."""
        if self.now is not None and loss is None:
            self.now.diverged += 1
        elif self.now is not None and loss is not None:
            self.now.losses.append(loss)

    def begin(self, what: str, total: int) -> None:
        """Starts counting `total` units of `what`."""
        lines = self.lines
        self.end()
        self.lines, self.last = lines, ""
        self.done, self.total, self.began, self.told, self.what = 0, total, time.monotonic(), time.monotonic(), what
        if total and self.console.is_terminal and not self.console.is_dumb_terminal:
            self.bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                TimeRemainingColumn(), console=self.console,
            )  # fmt: skip
            self.bar.add_task(what, total=total)
            self.live = Live(get_renderable=self.view, console=self.console, transient=True)
            self.live.start()

    def advance(self, amount: int) -> None:
        self.done += amount
        if self.now is not None:
            self.now.done += amount
        if self.live is not None:
            self.bar.advance(self.bar.task_ids[0], amount)
        elif time.monotonic() - self.told >= 10:
            self.told = time.monotonic()
            left = (self.told - self.began) * (self.total - self.done) / max(self.done, 1)
            self.console.print(f"{self.what}: {self.done} of {self.total}, about {format_duration(left)} left", markup=False)
        if self.stopped:  # a place where the workspace can write a checkpoint
            raise KeyboardInterrupt

    def end(self) -> None:
        if self.live is not None:
            self.live.stop()
        self.live, self.now, self.lines = None, None, []

    def view(self) -> Group:
        """The table around the program at work, the bar and the last note."""
        room = max(3, self.console.height - AROUND)
        at = self.lines.index(self.now) if self.now in self.lines else 0
        first = max(0, min(at - room // 2, len(self.lines) - room))
        table = Table("task", "architecture", "encoding", "seeds", "loss", "", box=box.SIMPLE_HEAD)
        for line in self.lines[first : first + room]:
            style = "bold" if line is self.now else "dim"
            table.add_row(*[Text(cell, overflow="ellipsis", no_wrap=True) for cell in line.cells()], style=style)
        return Group(*([table] if self.lines else []), self.bar, Text(self.last, style="dim", no_wrap=True))


def format_duration(seconds: float) -> str:
    """'40 s', '12 min' or '2.5 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
