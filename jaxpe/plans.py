"""What a run would do, said before it is done: cells, programs, an estimate of time and disk; and how it is doing it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import jax

from jaxpe import parameters, population, store, train
from jaxpe.config import Setting
from jaxpe.encodings import label
from jaxpe.population import Program, Trained
from jaxpe.progress import Line, Terminal, clock
from jaxpe.study import Cell, Workspace, describe

# Rough rates of one CPU core, for the estimate alone: what is stored in the folder replaces them where it can.
FLOPS_PER_SECOND = 35e9
SECONDS_TO_COMPILE = 5.0
SECONDS_TO_EVALUATE = 5.0  # per setting
BYTES_OF_RECORDS = 60_000  # of a cell, beside its parameters
LONG = 120.0  # seconds of work that are announced


class Watched(Workspace):
    """A workspace that tells the terminal which program it trains, and what became of every seed."""

    def __init__(self, results: store.Results, terminal: Terminal) -> None:
        super().__init__(results, terminal)
        self.terminal = terminal
        self.lines: dict[Setting, Line] = {}

    def train(self, cells: Sequence[Cell]) -> None:
        groups = by_program(lacking(cells, self))
        self.lines = {setting: line_of(setting, group) for setting, group in groups.items()}
        self.terminal.expect(list(self.lines.values()))
        super().train(cells)

    def train_group(self, group: list[Cell]) -> None:
        self.terminal.start(self.lines[group[0].setting.program()])
        super().train_group(group)

    def write(self, cell: Cell, trained: Trained, program: Program) -> None:
        super().write(cell, trained, program)
        self.terminal.finish(None if trained.diverged else trained.history["loss"][-1])


def line_of(setting: Setting, group: list[Cell]) -> Line:
    encoding = label(setting.encoding) + (f" + {setting.positions}" if setting.positions != "arange" else "")
    return Line((setting.task, setting.architecture, encoding), len(group), len(group) * setting.training.steps)


def by_program(cells: Iterable[Cell]) -> dict[Setting, list[Cell]]:
    groups: dict[Setting, list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.setting.program()].append(cell)
    return groups


def lacking(cells: Iterable[Cell], work: Workspace) -> list[Cell]:
    """The cells that the folder does not hold."""
    return [cell for cell in cells if not work.results.has(cell.id)]


def parameters_of(setting: Setting, work: Workspace) -> int:
    """How many numbers a model holds."""
    shapes = jax.eval_shape(lambda: parameters.fresh(setting, work.source(setting).stream))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def step_flops(setting: Setting, work: Workspace) -> float:
    """Floating-point operations of a training step: 6·parameters·tokens + 12·layers·D·ΣT², padding included."""
    stream = work.source(setting).stream
    total = 0.0
    size = 12 * setting.layers * setting.width**2 + stream.vocabulary * setting.width
    for stratum in train.strata_of(stream, setting.train_length, setting.training):
        for tokens in stream.sizes(stratum.lengths[-1]):
            total += stratum.examples * (6 * size * tokens + 12 * setting.layers * setting.width * tokens**2)
    return total


def estimate(cells: Sequence[Cell], work: Workspace) -> float:
    """Seconds of training, compiling and evaluating the cells that the folder lacks."""
    seconds = 0.0
    for setting, group in by_program(lacking(cells, work)).items():
        cores = min(work.mesh.size, len(group))
        training = len(group) * setting.training.steps * step_flops(setting, work) / FLOPS_PER_SECOND / cores
        seconds += training + SECONDS_TO_COMPILE + SECONDS_TO_EVALUATE
    return seconds


def disk(cells: Sequence[Cell], work: Workspace) -> int:
    """Bytes that the cells which the folder lacks will take: parameters at every kept checkpoint, and measurements."""
    kept = len(population.CHECKPOINTS) * 4
    groups = by_program(lacking(cells, work)).items()
    return sum(len(group) * (kept * parameters_of(setting, work) + BYTES_OF_RECORDS) for setting, group in groups)


def together(plans: Iterable[Sequence[Cell]]) -> list[Cell]:
    """The cells of all experiments of a run: one that two of them use is trained once."""
    return list({cell.id: cell for cells in plans for cell in cells}.values())


def planned(cells: Sequence[Cell], work: Workspace) -> dict[str, Any]:
    """What --dry-run tells."""
    programs = [
        {
            "program": describe(setting),
            "cells": len(group),
            "stored": len(group) - len(lacking(group, work)),
            "parameters": parameters_of(setting, work),
            "steps": setting.training.steps,
        }
        for setting, group in by_program(cells).items()
    ]
    return {
        "programs": programs,
        "cells": len(cells),
        "stored": len(cells) - len(lacking(cells, work)),
        "devices": work.mesh.size,
        "seconds": round(estimate(cells, work)),
        "bytes": disk(cells, work),
    }


def summary(plan: dict[str, Any]) -> str:
    """The text of --dry-run."""
    lines = [f"{'cells':>5}  {'stored':>6}  {'parameters':>10}  {'steps':>6}  program"]
    for one in plan["programs"]:
        numbers = f"{one['cells']:5}  {one['stored']:6}  {one['parameters']:10}  {one['steps']:6}"
        lines.append(f"{numbers}  {one['program']}")
    lines.append(
        f"{plan['cells']} cells ({plan['stored']} stored), {len(plan['programs'])} training programs, "
        f"{plan['devices']} devices, about {cost(plan['seconds'], plan['bytes'])}, by a rough estimate."
    )
    return "\n".join(lines)


def announced(cells: Sequence[Cell], work: Workspace) -> str:
    """One line before long work; '' before short work."""
    seconds = estimate(cells, work)
    if seconds < LONG:
        return ""
    return (
        f"This will take about {cost(seconds, disk(cells, work))}, by a rough estimate. Ctrl-C stops it without loss."
    )


def cost(seconds: float, size: int) -> str:
    return f"{clock(seconds)} on this machine and {math.ceil(size / 1e6)} MB of disk"
