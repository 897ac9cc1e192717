"""What a run would do, said before it is done: runs, programs, an estimate of time and disk; and how it is doing it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax

from jaxpe.encodings import label_encoding
from jaxpe.records.results import Results
from jaxpe.study.progress import ProgramLine, Terminal, format_duration
from jaxpe.study.workspace import Run, Workspace, describe_config
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

    def __init__(self, results: Results, terminal: Terminal) -> None:
        super().__init__(results, terminal)
        self.terminal = terminal
        self.lines: dict[RunConfig, ProgramLine] = {}

    def train(self, runs: Sequence[Run]) -> None:
        groups = group_by_program(select_missing(runs, self))
        self.lines = {config: make_line(config, group) for config, group in groups.items()}
        self.terminal.expect(list(self.lines.values()))
        super().train(runs)

    def train_group(self, group: list[Run]) -> None:
        self.terminal.start(self.lines[group[0].config.program()])
        super().train_group(group)

    def write_run(self, run: Run, trained: Trained, program: Program) -> None:
        super().write_run(run, trained, program)
        self.terminal.finish(None if trained.diverged else trained.history["loss"][-1])


def make_line(config: RunConfig, group: list[Run]) -> ProgramLine:
    encoding = label_encoding(config.encoding) + (f" + {config.positions}" if config.positions != "arange" else "")
    return ProgramLine((config.task, config.architecture, encoding), len(group), len(group) * config.training.steps)


def group_by_program(runs: Iterable[Run]) -> dict[RunConfig, list[Run]]:
    groups: dict[RunConfig, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.config.program()].append(run)
    return groups


def select_missing(runs: Iterable[Run], work: Workspace) -> list[Run]:
    """The runs that the folder does not hold."""
    return [run for run in runs if not work.results.has_run(run.id)]


def count_parameters(config: RunConfig, work: Workspace) -> int:
    """How many numbers a model holds."""
    shapes = jax.eval_shape(lambda: parameters.fresh(config, work.open_source(config).stream))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def count_step_flops(config: RunConfig, work: Workspace) -> float:
    """Floating-point operations of a training step: 6·parameters·tokens + 12·layers·D·ΣT², padding included."""
    stream = work.open_source(config).stream
    total = 0.0
    size = 12 * config.layers * config.width**2 + stream.vocabulary * config.width
    for bucket in train.length_buckets_of(stream, config.train_length, config.training):
        for tokens in stream.sizes(bucket.lengths[-1]):
            total += bucket.examples * (6 * size * tokens + 12 * config.layers * config.width * tokens**2)
    return total


def estimate_seconds(runs: Sequence[Run], work: Workspace) -> float:
    """Seconds of training, compiling and evaluating the runs that the folder lacks."""
    seconds = 0.0
    for config, group in group_by_program(select_missing(runs, work)).items():
        cores = min(work.mesh.size, len(group))
        per_flop = 1 / FLOPS_PER_SECOND + SECONDS_PER_FLOP_AT_WIDTH_1 / config.width
        training = len(group) * config.training.steps * count_step_flops(config, work) * per_flop / cores
        seconds += training + SECONDS_TO_COMPILE + SECONDS_TO_EVALUATE
    return seconds


def estimate_bytes(runs: Sequence[Run], work: Workspace) -> int:
    """Bytes that the runs which the folder lacks will take: parameters at every kept checkpoint, and measurements."""
    kept = len(population.CHECKPOINTS) * 4
    groups = group_by_program(select_missing(runs, work)).items()
    return sum(len(group) * (kept * count_parameters(config, work) + BYTES_OF_RECORDS) for config, group in groups)


def merge_runs(plans: Iterable[Sequence[Run]]) -> list[Run]:
    """The runs of all experiments of a run: one that two of them use is trained once."""
    return list({run.id: run for runs in plans for run in runs}.values())


def describe_plan(plans: Mapping[str, Sequence[Run]], work: Workspace) -> dict[str, Any]:
    """What --dry-run tells of the runs of each experiment. What two of them use is the work of the first."""
    experiments, known = list[dict[str, Any]](), set[str]()
    for name, runs in plans.items():
        new = [run for run in merge_runs([runs]) if run.id not in known]
        known |= {run.id for run in new}
        experiments.append({"experiment": name, **describe_work(new, work)})
    everything = merge_runs(plans.values())
    programs = [
        {
            "program": describe_config(config),
            "runs": len(group),
            "stored": len(group) - len(select_missing(group, work)),
            "parameters": count_parameters(config, work),
            "steps": config.training.steps,
        }
        for config, group in group_by_program(everything).items()
    ]
    return {"experiments": experiments, "programs": programs, "devices": work.mesh.size, **describe_work(everything, work)}


def describe_work(runs: Sequence[Run], work: Workspace) -> dict[str, Any]:
    """How many runs these are, and what those that the folder lacks will take."""
    return {
        "runs": len(runs),
        "stored": len(runs) - len(select_missing(runs, work)),
        "seconds": round(estimate_seconds(runs, work)),
        "bytes": estimate_bytes(runs, work),
    }


def format_plan(plan: dict[str, Any]) -> str:
    """The text of --dry-run: a line a program or, of several experiments, a line an experiment."""
    several = len(plan["experiments"]) > 1
    lines = [f"{'runs':>5}  {'stored':>6}  " + ("    time  experiment" if several else "parameters   steps  program")]
    for one in plan["experiments" if several else "programs"]:
        numbers = f"{one['runs']:5}  {one['stored']:6}  "
        more = (
            f"{format_duration(one['seconds']):>8}  {one['experiment']}"
            if several
            else f"{one['parameters']:10}  {one['steps']:6}  {one['program']}"
        )
        lines.append(numbers + more)
    lines.append(
        f"{plan['runs']} runs ({plan['stored']} stored), {len(plan['programs'])} training programs, "
        f"{plan['devices']} devices, about {format_cost(plan['seconds'], plan['bytes'])}, by a rough estimate."
    )
    return "\n".join(lines)


def format_announcement(runs: Sequence[Run], work: Workspace) -> str:
    """One line before long work; '' before short work."""
    seconds = estimate_seconds(runs, work)
    if seconds < LONG:
        return ""
    return f"This will take about {format_cost(seconds, estimate_bytes(runs, work))}, by a rough estimate. Ctrl-C stops it without loss."


def format_cost(seconds: float, size: int) -> str:
    return f"{format_duration(seconds)} on this machine and {math.ceil(size / 1e6)} MB of disk"
