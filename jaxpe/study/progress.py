"""Progress through rich: a live table of training programs in a terminal, plain lines where output goes elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from jaxpe.encodings import label_encoding
from jaxpe.records.results import Results
from jaxpe.study.workspace import Run, Workspace, group_by_program
from jaxpe.surroundings import STOP
from jaxpe.tasks import label_task
from jaxpe.training.config import RunConfig
from jaxpe.training.population import Program, TrainedReplica

OTHER_LINES = 6  # lines of the terminal that are not rows of the table
SECONDS_BETWEEN_LINES = 10  # where output does not go to a terminal


def format_duration(seconds: float) -> str:
    """'40 s', '12 min' or '2.5 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@dataclass(eq=False)
class ProgramLine:
    """A training program in the live table: what it trains, and how far it is."""

    names: tuple[str, ...]  # task, architecture, encoding
    seeds: int
    steps: int  # of all seeds together
    done: int = 0  # steps
    losses: list[float] = field(default_factory=list)  # the last loss of every finished seed
    diverged: int = 0  # seeds
    started: float | None = None

    @property
    def finished(self) -> int:
        """How many seeds are finished."""
        return len(self.losses) + self.diverged

    def format_state(self) -> str:
        """'waiting', 'compiling', the time left, 'done', or how many seeds diverged."""
        if self.finished == self.seeds:
            return f"{self.diverged} diverged" if self.diverged else "done"
        if self.started is None:
            return "waiting"
        if not self.done:
            return "compiling"
        return f"{format_duration((time.monotonic() - self.started) * (self.steps - self.done) / self.done)} left"

    def format_columns(self) -> list[str]:
        loss = f"{sum(self.losses) / len(self.losses):.3g}" if self.losses else ""
        return [*self.names, f"{self.finished}/{self.seeds}", loss, self.format_state()]


class Terminal:
    """Shows the progress of a workspace, and says what Ctrl-C does.

    The first one raises KeyboardInterrupt at the next call of `note` or `advance`, where nothing is lost; a second one
    ends the process at once.
    """

    def __init__(self, quiet: bool = False) -> None:
        # FORCE_COLOR may ask for colours in a file, but a table that is drawn over itself needs a terminal.
        self.console = Console(
            stderr=True, quiet=quiet, highlight=False, soft_wrap=True, force_terminal=sys.stderr.isatty()
        )
        self.live: Live | None = None
        self.lines: list[ProgramLine] = []
        self.current: ProgramLine | None = None
        self.done, self.total, self.unit = 0, 0, ""
        self.started, self.last_printed, self.last_note = 0.0, 0.0, ""

    def __enter__(self) -> Terminal:
        STOP.check()  # an import may have swallowed it
        STOP.on_first, STOP.on_second = self.announce_stop, self.stop_at_once
        return self

    def __exit__(self, *_: object) -> None:
        STOP.on_first = STOP.on_second = None
        self.end()

    def announce_stop(self) -> None:
        self.show_note("Stopping at the next safe place; Ctrl-C again stops at once.")

    def stop_at_once(self) -> None:
        self.end()
        self.console.print("Stopped at once. The same command resumes from the last checkpoint.")

    def note(self, text: str) -> None:
        """Shows a line: below the table while there is one. Raises KeyboardInterrupt after Ctrl-C."""
        STOP.check()
        self.show_note(text)

    def show_note(self, text: str) -> None:
        self.last_note = text
        if self.live is None:
            self.console.print(text, markup=False)

    def expect(self, lines: Sequence[ProgramLine]) -> None:
        """Sets the programs of the training that begins next."""
        self.end()
        self.lines = list(lines)

    def start_program(self, line: ProgramLine) -> None:
        self.current, line.started = line, time.monotonic()

    def finish_seed(self, loss: float | None) -> None:
        """Counts a finished seed of the current program, with its last loss, or None where it diverged."""
        if self.current is not None and loss is None:
            self.current.diverged += 1
        elif self.current is not None and loss is not None:
            self.current.losses.append(loss)

    def begin(self, unit: str, total: int) -> None:
        """Starts counting `total` units, in a live table where the output is a terminal."""
        lines = self.lines
        self.end()
        self.lines, self.last_note = lines, ""
        self.done, self.total, self.unit = 0, total, unit
        self.started = self.last_printed = time.monotonic()
        if total and self.console.is_terminal and not self.console.is_dumb_terminal:
            self.bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                TimeRemainingColumn(), console=self.console,
            )  # fmt: skip
            self.bar.add_task(unit, total=total)
            self.live = Live(get_renderable=self.render, console=self.console, transient=True)
            self.live.start()

    def advance(self, amount: int) -> None:
        """Counts finished units. Raises KeyboardInterrupt after Ctrl-C: here the workspace can write a checkpoint."""
        self.done += amount
        if self.current is not None:
            self.current.done += amount
        if self.live is not None:
            self.bar.advance(self.bar.task_ids[0], amount)
        elif time.monotonic() - self.last_printed >= SECONDS_BETWEEN_LINES:
            self.last_printed = time.monotonic()
            left = (self.last_printed - self.started) * (self.total - self.done) / max(self.done, 1)
            text = f"{self.unit}: {self.done} of {self.total}, about {format_duration(left)} left"
            self.console.print(text, markup=False)
        STOP.check()

    def end(self) -> None:
        """Removes the live table."""
        if self.live is not None:
            self.live.stop()
        self.live, self.current, self.lines = None, None, []

    def render(self) -> Group:
        """The part of the table around the current program, the bar and the last note."""
        room = max(3, self.console.height - OTHER_LINES)
        at = self.lines.index(self.current) if self.current in self.lines else 0
        first = max(0, min(at - room // 2, len(self.lines) - room))
        table = Table("task", "architecture", "encoding", "seeds", "loss", "", box=box.SIMPLE_HEAD)
        for line in self.lines[first : first + room]:
            style = "bold" if line is self.current else "dim"
            columns = [Text(text, overflow="ellipsis", no_wrap=True) for text in line.format_columns()]
            table.add_row(*columns, style=style)
        note = Text(self.last_note, style="dim", no_wrap=True)
        return Group(*([table] if self.lines else []), self.bar, note)


class ProgressWorkspace(Workspace):
    """A workspace that shows each of its training programs in a terminal."""

    def __init__(self, results: Results, terminal: Terminal, log_to: Sequence[str] = ()) -> None:
        super().__init__(results, terminal, log_to=log_to)
        self.terminal = terminal
        self.lines: dict[RunConfig, ProgramLine] = {}

    def train(self, runs: Sequence[Run]) -> None:
        groups = group_by_program(self.select_missing(runs))
        self.lines = {config: make_program_line(config, group) for config, group in groups.items()}
        self.terminal.expect(list(self.lines.values()))
        super().train(runs)

    def train_group(self, group: list[Run], join: bool) -> bool:
        self.terminal.start_program(self.lines[group[0].config.program_key])
        return super().train_group(group, join)

    def write_run(self, run: Run, trained: TrainedReplica, program: Program) -> None:
        super().write_run(run, trained, program)
        self.terminal.finish_seed(None if trained.diverged else trained.history["loss"][-1])


def make_program_line(config: RunConfig, group: Sequence[Run]) -> ProgramLine:
    """The line of a program that trains these runs."""
    sampler = f" + {config.positions}" if config.positions != "arange" else ""
    names = label_task(config.task), config.architecture, label_encoding(config.encoding) + sampler
    return ProgramLine(names, len(group), len(group) * config.training.steps)
