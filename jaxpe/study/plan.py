"""What a run would do, said before it is done: runs, programs, an estimate of time and disk; and how it is doing it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax

from jaxpe.encodings import label
from jaxpe.records import store
from jaxpe.study.progress import Line, Terminal, clock
from jaxpe.study.workspace import Run, Workspace, describe
from jaxpe.training import parameters, population, train
from jaxpe.training.config import RunConfig
from jaxpe.training.population import Program, Trained

# Rough rates of one CPU core, for the estimate alone. A step's work per FLOP is a matrix product's and, the more the
# narrower a model is, what is done elementwise: 30, 46 and 62 GFLOP/s at widths 32, 64 and 128 (the first two from the fastest trainings on record).
FLOPS_PER_SECOND = 98e9
SECONDS_PER_FLOP_AT_WIDTH_1 = 0.74e-9
SECONDS_TO_COMPILE = 5.0
SECONDS_TO_EVALUATE = 5.0  # per config
BYTES_OF_RECORDS = 60_000  # of a run, beside its parameters
LONG = 120.0  # seconds of work that are announced


class ProgressWorkspace(Workspace):
    """A workspace that tells the terminal which program it trains, and what became of every seed."""

    def __init__(self, results: store.Results, terminal: Terminal) -> None:
        super().__init__(results, terminal)
        self.terminal = terminal
        self.lines: dict[RunConfig, Line] = {}

    def train(self, runs: Sequence[Run]) -> None:
        groups = by_program(lacking(runs, self))
        self.lines = {config: line_of(config, group) for config, group in groups.items()}
        self.terminal.expect(list(self.lines.values()))
        super().train(runs)

    def train_group(self, group: list[Run]) -> None:
        self.terminal.start(self.lines[group[0].config.program()])
        super().train_group(group)

    def write(self, run: Run, trained: Trained, program: Program) -> None:
        super().write(run, trained, program)
        self.terminal.finish(None if trained.diverged else trained.history["loss"][-1])


def line_of(config: RunConfig, group: list[Run]) -> Line:
    encoding = label(config.encoding) + (f" + {config.positions}" if config.positions != "arange" else "")
    return Line((config.task, config.architecture, encoding), len(group), len(group) * config.training.steps)


def by_program(runs: Iterable[Run]) -> dict[RunConfig, list[Run]]:
    groups: dict[RunConfig, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.config.program()].append(run)
    return groups


def lacking(runs: Iterable[Run], work: Workspace) -> list[Run]:
    """The runs that the folder does not hold."""
    return [run for run in runs if not work.results.has(run.id)]


def parameters_of(config: RunConfig, work: Workspace) -> int:
    """How many numbers a model holds."""
    shapes = jax.eval_shape(lambda: parameters.fresh(config, work.source(config).stream))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def step_flops(config: RunConfig, work: Workspace) -> float:
    """Floating-point operations of a training step: 6·parameters·tokens + 12·layers·D·ΣT², padding included."""
    stream = work.source(config).stream
    total = 0.0
    size = 12 * config.layers * config.width**2 + stream.vocabulary * config.width
    for bucket in train.length_buckets_of(stream, config.train_length, config.training):
        for tokens in stream.sizes(bucket.lengths[-1]):
            total += bucket.examples * (6 * size * tokens + 12 * config.layers * config.width * tokens**2)
    return total


def estimate(runs: Sequence[Run], work: Workspace) -> float:
    """Seconds of training, compiling and evaluating the runs that the folder lacks."""
    seconds = 0.0
    for config, group in by_program(lacking(runs, work)).items():
        cores = min(work.mesh.size, len(group))
        per_flop = 1 / FLOPS_PER_SECOND + SECONDS_PER_FLOP_AT_WIDTH_1 / config.width
        training = len(group) * config.training.steps * step_flops(config, work) * per_flop / cores
        seconds += training + SECONDS_TO_COMPILE + SECONDS_TO_EVALUATE
    return seconds


def disk(runs: Sequence[Run], work: Workspace) -> int:
    """Bytes that the runs which the folder lacks will take: parameters at every kept checkpoint, and measurements."""
    kept = len(population.CHECKPOINTS) * 4
    groups = by_program(lacking(runs, work)).items()
    return sum(len(group) * (kept * parameters_of(config, work) + BYTES_OF_RECORDS) for config, group in groups)


def together(plans: Iterable[Sequence[Run]]) -> list[Run]:
    """The runs of all experiments of a run: one that two of them use is trained once."""
    return list({run.id: run for runs in plans for run in runs}.values())


def planned(plans: Mapping[str, Sequence[Run]], work: Workspace) -> dict[str, Any]:
    """What --dry-run tells of the runs of each experiment. What two of them use is the work of the first."""
    experiments, known = list[dict[str, Any]](), set[str]()
    for name, runs in plans.items():
        new = [run for run in together([runs]) if run.id not in known]
        known |= {run.id for run in new}
        experiments.append({"experiment": name, **amount(new, work)})
    everything = together(plans.values())
    programs = [
        {
            "program": describe(config),
            "runs": len(group),
            "stored": len(group) - len(lacking(group, work)),
            "parameters": parameters_of(config, work),
            "steps": config.training.steps,
        }
        for config, group in by_program(everything).items()
    ]
    return {"experiments": experiments, "programs": programs, "devices": work.mesh.size, **amount(everything, work)}


def amount(runs: Sequence[Run], work: Workspace) -> dict[str, Any]:
    """How many runs these are, and what those that the folder lacks will take."""
    return {
        "runs": len(runs),
        "stored": len(runs) - len(lacking(runs, work)),
        "seconds": round(estimate(runs, work)),
        "bytes": disk(runs, work),
    }


def summary(plan: dict[str, Any]) -> str:
    """The text of --dry-run: a line a program or, of several experiments, a line an experiment."""
    several = len(plan["experiments"]) > 1
    lines = [f"{'runs':>5}  {'stored':>6}  " + ("    time  experiment" if several else "parameters   steps  program")]
    for one in plan["experiments" if several else "programs"]:
        numbers = f"{one['runs']:5}  {one['stored']:6}  "
        more = (
            f"{clock(one['seconds']):>8}  {one['experiment']}"
            if several
            else f"{one['parameters']:10}  {one['steps']:6}  {one['program']}"
        )
        lines.append(numbers + more)
    lines.append(
        f"{plan['runs']} runs ({plan['stored']} stored), {len(plan['programs'])} training programs, "
        f"{plan['devices']} devices, about {cost(plan['seconds'], plan['bytes'])}, by a rough estimate."
    )
    return "\n".join(lines)


def announced(runs: Sequence[Run], work: Workspace) -> str:
    """One line before long work; '' before short work."""
    seconds = estimate(runs, work)
    if seconds < LONG:
        return ""
    return f"This will take about {cost(seconds, disk(runs, work))}, by a rough estimate. Ctrl-C stops it without loss."


def cost(seconds: float, size: int) -> str:
    return f"{clock(seconds)} on this machine and {math.ceil(size / 1e6)} MB of disk"
