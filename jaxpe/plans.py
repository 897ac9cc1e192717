"""What a run would do, said before it is done: cells, parameters, compiled programs, and an estimate of the time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import jax

from jaxpe import parameters, train
from jaxpe.config import Setting
from jaxpe.study import Cell, Workspace, describe

# Rough rates of one CPU core, for the estimate alone: what is stored in the folder replaces them where it can.
FLOPS_PER_SECOND = 35e9
SECONDS_TO_COMPILE = 5.0
SECONDS_TO_EVALUATE = 5.0  # per setting


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
    groups: dict[Setting, list[Cell]] = defaultdict(list)
    for cell in cells:
        if not work.results.has(cell.id):
            groups[cell.setting.program()].append(cell)
    seconds = 0.0
    for setting, group in groups.items():
        cores = min(work.mesh.size, len(group))
        training = len(group) * setting.training.steps * step_flops(setting, work) / FLOPS_PER_SECOND / cores
        seconds += training + SECONDS_TO_COMPILE + SECONDS_TO_EVALUATE
    return seconds


def summary(plans: Sequence[Sequence[Cell]], work: Workspace) -> str:
    """The text of --dry-run, over all experiments of a run: a cell that two of them use is trained once."""
    cells = list({cell.id: cell for cells in plans for cell in cells}.values())
    by_program: dict[Setting, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_program[cell.setting.program()].append(cell)
    lines = [f"{'cells':>5}  {'stored':>6}  {'parameters':>10}  {'steps':>6}  program"]
    for setting, group in by_program.items():
        stored = sum(work.results.has(cell.id) for cell in group)
        numbers = f"{len(group):5}  {stored:6}  {parameters_of(setting, work):10}  {setting.training.steps:6}"
        lines.append(f"{numbers}  {describe(setting)}")
    stored = sum(work.results.has(cell.id) for cell in cells)
    lines.append(
        f"{len(cells)} cells ({stored} stored), {len(by_program)} training programs, {work.mesh.size} devices, "
        f"about {minutes(estimate(cells, work))} on this machine, by a rough estimate."
    )
    return "\n".join(lines)


def minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
