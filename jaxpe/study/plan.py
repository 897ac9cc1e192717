"""What a command would train: runs, programs, and a rough estimate of time and disk space."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jaxpe.study.evaluators import describe_config
from jaxpe.study.progress import format_duration
from jaxpe.study.workspace import Run, Workspace, group_by_program
from jaxpe.training import parameters, population
from jaxpe.training.batches import make_length_buckets
from jaxpe.training.config import RunConfig

# Rough rates of one CPU core, for the estimate alone. A step takes the time of its matrix products and, the longer the
# narrower a model is, of elementwise work: 30, 46 and 62 GFLOP/s at widths 32, 64 and 128 (the first two are measured).
FLOPS_PER_SECOND = 98e9
SECONDS_PER_FLOP_AT_WIDTH_1 = 0.74e-9
SECONDS_TO_COMPILE = 5.0
SECONDS_TO_EVALUATE = 5.0  # for each program
BYTES_OF_RECORDS = 60_000  # for each run, besides its parameters
LONG_WORK = 120.0  # seconds from which work is announced


def count_step_flops(config: RunConfig, work: Workspace) -> float:
    """Floating-point operations of a training step: 6 · parameters · tokens + 12 · layers · D · ΣT², padding included."""
    stream = work.open_source(config).stream
    total = 0.0
    size = 12 * config.layers * config.width**2 + stream.vocabulary * config.width
    for bucket in make_length_buckets(stream, config.train_length, config.training):
        for tokens in stream.sizes(bucket.lengths[-1]):
            total += bucket.examples * (6 * size * tokens + 12 * config.layers * config.width * tokens**2)
    return total


def estimate_seconds(runs: Sequence[Run], work: Workspace) -> float:
    """Seconds to compile, train and evaluate the runs that are not stored yet."""
    seconds = 0.0
    for config, group in group_by_program(work.select_missing(runs)).items():
        cores = min(work.mesh.size, len(group))
        per_flop = 1 / FLOPS_PER_SECOND + SECONDS_PER_FLOP_AT_WIDTH_1 / config.width
        training = len(group) * config.training.steps * count_step_flops(config, work) * per_flop / cores
        seconds += training + SECONDS_TO_COMPILE + SECONDS_TO_EVALUATE
    return seconds


def estimate_bytes(runs: Sequence[Run], work: Workspace) -> int:
    """Bytes of disk for the runs that are not stored yet: parameters at every kept checkpoint, and measurements."""
    total = 0
    for config, group in group_by_program(work.select_missing(runs)).items():
        size = parameters.count_parameters(config, work.open_source(config).stream)
        total += len(group) * (4 * len(population.CHECKPOINTS) * size + BYTES_OF_RECORDS)
    return total


def merge_runs(plans: Iterable[Sequence[Run]]) -> list[Run]:
    """The runs of several experiments, each once."""
    return list({run.id: run for runs in plans for run in runs}.values())


def describe_plan(plans: Mapping[str, Sequence[Run]], work: Workspace) -> dict[str, Any]:
    """What --dry-run reports of the runs of each experiment. A run of several counts for the first of them."""
    experiments, counted = list[dict[str, Any]](), set[str]()
    for name, runs in plans.items():
        new = [run for run in merge_runs([runs]) if run.id not in counted]
        counted |= {run.id for run in new}
        experiments.append({"experiment": name, **describe_work(new, work)})
    all_runs = merge_runs(plans.values())
    programs = [
        {
            "program": describe_config(config),
            "runs": len(group),
            "stored": len(group) - len(work.select_missing(group)),
            "parameters": parameters.count_parameters(config, work.open_source(config).stream),
            "steps": config.training.steps,
        }
        for config, group in group_by_program(all_runs).items()
    ]
    return {
        "experiments": experiments,
        "programs": programs,
        "devices": work.mesh.size,
        **describe_work(all_runs, work),
    }


def describe_work(runs: Sequence[Run], work: Workspace) -> dict[str, Any]:
    """How many runs there are, and what those that are not stored yet will take."""
    return {
        "runs": len(runs),
        "stored": len(runs) - len(work.select_missing(runs)),
        "seconds": round(estimate_seconds(runs, work)),
        "bytes": estimate_bytes(runs, work),
    }


def format_plan(plan: dict[str, Any]) -> str:
    """The text of --dry-run: a line for each program or, if there are several experiments, for each experiment."""
    if len(plan["experiments"]) > 1:
        columns = "    time  experiment"
        rows = [(row, f"{format_duration(row['seconds']):>8}  {row['experiment']}") for row in plan["experiments"]]
    else:
        columns = "parameters   steps  program"
        rows = [(row, f"{row['parameters']:10}  {row['steps']:6}  {row['program']}") for row in plan["programs"]]
    total = (
        f"{plan['runs']} runs ({plan['stored']} stored), {len(plan['programs'])} training programs, "
        f"{plan['devices']} devices, about {format_cost(plan['seconds'], plan['bytes'])}, by a rough estimate."
    )
    lines = [f"{row['runs']:5}  {row['stored']:6}  {text}" for row, text in rows]
    return "\n".join([f"{'runs':>5}  {'stored':>6}  {columns}", *lines, total])


def format_announcement(runs: Sequence[Run], work: Workspace) -> str:
    """One line before long work; '' before short work."""
    seconds = estimate_seconds(runs, work)
    if seconds < LONG_WORK:
        return ""
    cost = format_cost(seconds, estimate_bytes(runs, work))
    return f"This will take about {cost}, by a rough estimate. Ctrl-C stops it without loss."


def format_cost(seconds: float, size: int) -> str:
    """'12 min on this machine and 3 MB of disk'."""
    return f"{format_duration(seconds)} on this machine and {math.ceil(size / 1e6)} MB of disk"
