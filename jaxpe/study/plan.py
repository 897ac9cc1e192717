"""What a run would do, said before it is done: cells, programs, an estimate of time and disk; and how it is doing it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax

from jaxpe.encodings import label
from jaxpe.records import store
from jaxpe.study.progress import Line, Terminal, clock
from jaxpe.study.workspace import Cell, Workspace, describe
from jaxpe.training import parameters, population, train
from jaxpe.training.config import Setting
from jaxpe.training.population import Program, Trained

# Rough rates of one CPU core, for the estimate alone. A step's work per FLOP is a matrix product's and, the more the
# narrower a model is, what is done elementwise: 30, 46 and 62 GFLOP/s at widths 32, 64 and 128 (the first two from the fastest trainings on record).
FLOPS_PER_SECOND = 98e9
SECONDS_PER_FLOP_AT_WIDTH_1 = 0.74e-9
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
        per_flop = 1 / FLOPS_PER_SECOND + SECONDS_PER_FLOP_AT_WIDTH_1 / setting.width
        training = len(group) * setting.training.steps * step_flops(setting, work) * per_flop / cores
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


def planned(plans: Mapping[str, Sequence[Cell]], work: Workspace) -> dict[str, Any]:
    """What --dry-run tells of the cells of each experiment. What two of them use is the work of the first."""
    experiments, known = list[dict[str, Any]](), set[str]()
    for name, cells in plans.items():
        new = [cell for cell in together([cells]) if cell.id not in known]
        known |= {cell.id for cell in new}
        experiments.append({"experiment": name, **amount(new, work)})
    everything = together(plans.values())
    programs = [
        {
            "program": describe(setting),
            "cells": len(group),
            "stored": len(group) - len(lacking(group, work)),
            "parameters": parameters_of(setting, work),
            "steps": setting.training.steps,
        }
        for setting, group in by_program(everything).items()
    ]
    return {"experiments": experiments, "programs": programs, "devices": work.mesh.size, **amount(everything, work)}


def amount(cells: Sequence[Cell], work: Workspace) -> dict[str, Any]:
    """How many cells these are, and what those that the folder lacks will take."""
    return {
        "cells": len(cells),
        "stored": len(cells) - len(lacking(cells, work)),
        "seconds": round(estimate(cells, work)),
        "bytes": disk(cells, work),
    }


def summary(plan: dict[str, Any]) -> str:
    """The text of --dry-run: a line a program or, of several experiments, a line an experiment."""
    several = len(plan["experiments"]) > 1
    lines = [f"{'cells':>5}  {'stored':>6}  " + ("    time  experiment" if several else "parameters   steps  program")]
    for one in plan["experiments" if several else "programs"]:
        numbers = f"{one['cells']:5}  {one['stored']:6}  "
        more = (
            f"{clock(one['seconds']):>8}  {one['experiment']}"
            if several
            else f"{one['parameters']:10}  {one['steps']:6}  {one['program']}"
        )
        lines.append(numbers + more)
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
