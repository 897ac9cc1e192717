"""What a command would train: runs, programs, and a rough estimate of time, cost and disk space, on one machine or several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from jaxpe.errors import UserError
from jaxpe.study import schedule
from jaxpe.study.evaluators import describe_config
from jaxpe.study.progress import format_duration
from jaxpe.study.rates import Rate, find_rate, get_accelerator_rate
from jaxpe.study.schedule import Round, Stage
from jaxpe.study.workspace import Run, Workspace, group_by_program
from jaxpe.training import parameters, population
from jaxpe.training.batches import make_length_buckets
from jaxpe.training.config import RunConfig
from jaxpe.training.mesh import BATCHING

BYTES_OF_RECORDS = 60_000  # for each run, besides its parameters
LONG_WORK = 120.0  # seconds from which work is announced


@dataclass(frozen=True)
class Machines:
    """The machines that work is planned for."""

    count: int
    devices: int  # of each: on a CPU its cores
    rate: Rate
    is_here: bool  # whether they are like this one: then what is stored here need not be trained

    def describe(self) -> str:
        """'this machine' or '32 machines of 1 h100 each'."""
        if self.count == 1 and self.is_here:
            return "this machine"
        each = " each" if self.count > 1 else ""
        return f"{self.count} machine{'s' * (self.count > 1)} of {self.devices} {self.rate.unit}{'s' * (self.devices > 1)}{each}"

    def count_replicas(self, config: RunConfig) -> int:
        """How many replicas of a program one device trains together."""
        return config.replicas_per_device if self.is_here else BATCHING[self.rate.backend].replicas_per_device

    def select_missing(self, runs: Sequence[Run], work: Workspace) -> Sequence[Run]:
        """The runs that have to be trained."""
        return work.select_missing(runs) if self.is_here else runs


def choose_machines(work: Workspace, count: int = 1, accelerator: str | None = None) -> Machines:
    """Machines like this one, or with one accelerator each. Raises UserError where the accelerator has no rates, or for no machine."""
    if count < 1:
        raise UserError(f"--machines must be at least 1, got {count}.")
    backend = jax.default_backend()
    if accelerator is None:
        return Machines(count, work.mesh.size, find_rate(backend, jax.devices()[0].device_kind), True)
    rate = get_accelerator_rate(accelerator)
    return Machines(count, 1, rate, rate.backend == backend)


def count_step_flops(config: RunConfig, work: Workspace) -> float:
    """Floating-point operations of a training step: 6 · parameters · tokens + 12 · layers · D · ΣT², padding included."""
    stream = work.open_source(config).stream
    total = 0.0
    size = 12 * config.layers * config.width**2 + stream.vocabulary * config.width
    for bucket in make_length_buckets(stream, config.train_length, config.training):
        for tokens in stream.sizes(bucket.lengths[-1]):
            total += bucket.examples * (6 * size * tokens + 12 * config.layers * config.width * tokens**2)
    return total


def plan_stage(runs: Sequence[Run], work: Workspace, machines: Machines) -> Stage:
    """The rounds that train the runs which are missing, and the tests of their programs.

    Unused places of a round repeat a replica: they take as long as used ones.
    """
    rounds = list[Round]()
    groups = group_by_program(machines.select_missing(runs, work))
    for config, group in groups.items():
        replicas = machines.count_replicas(config)
        step = machines.rate.estimate_step(count_step_flops(config, work), config.width, replicas)
        rounds += [Round(config, config.training.steps * step)] * -(-len(group) // (replicas * machines.devices))
    return Stage(tuple(rounds), len(groups) * machines.rate.seconds_to_evaluate)


def estimate_seconds(runs: Sequence[Run], work: Workspace) -> float:
    """Seconds to compile, train and evaluate the runs that are not stored yet, on this machine."""
    machines = choose_machines(work)
    return schedule.estimate_time([plan_stage(runs, work, machines)], 1, machines.rate.seconds_to_compile)


def count_bytes(runs: Sequence[Run], work: Workspace) -> int:
    """Bytes of disk for these runs: parameters at every snapshot, and, roughly, records and measurements."""
    total = 0
    for config, group in group_by_program(runs).items():
        size = parameters.count_parameters(config, work.open_source(config).stream)
        total += len(group) * (4 * len(population.SNAPSHOTS) * size + BYTES_OF_RECORDS)
    return total


def merge_runs(plans: Iterable[Sequence[Run]]) -> list[Run]:
    """The runs of several experiments, each once."""
    return list({run.id: run for runs in plans for run in runs}.values())


def describe_plan(
    plans: Mapping[str, Sequence[Sequence[Run]]], work: Workspace, machines: Machines | None = None
) -> dict[str, Any]:
    """What --dry-run reports of the stages of each experiment. A run of several counts for the first of them."""
    machines = machines or choose_machines(work)
    compilation = machines.rate.seconds_to_compile
    experiments, counted, stages, seconds = list[dict[str, Any]](), set[str](), list[Stage](), 0.0
    for name, plan in plans.items():
        own_stages, new = list[Stage](), list[Run]()
        for runs in plan:
            of_stage = [run for run in merge_runs([runs]) if run.id not in counted]
            counted |= {run.id for run in of_stage}
            own_stages.append(plan_stage(of_stage, work, machines))
            new += of_stage
        own_seconds = schedule.estimate_time(own_stages, machines.count, compilation)
        stages, seconds = stages + own_stages, seconds + own_seconds
        experiments.append({"experiment": name, **describe_work(new, own_seconds, work, machines)})
    all_runs = merge_runs(runs for plan in plans.values() for runs in plan)
    programs = [
        {
            "program": describe_config(config),
            "runs": len(group),
            "stored": len(group) - len(machines.select_missing(group, work)),
            "parameters": parameters.count_parameters(config, work.open_source(config).stream),
            "steps": config.training.steps,
        }
        for config, group in group_by_program(all_runs).items()
    ]
    return {
        "experiments": experiments,
        "programs": programs,
        "machines": machines.count,
        "devices": machines.devices,
        **{name: sum(row[name] for row in experiments) for name in ("runs", "stored", "bytes")},
        "seconds": round(seconds),
        "rounds": sum(len(stage.rounds) for stage in stages),
        "chain_seconds": round(schedule.estimate_chain(stages, compilation)),
        "cost": {"hours": seconds * machines.count * machines.devices / 3600, "unit": machines.rate.unit},
        "rates": {"name": machines.rate.name, **machines.rate.source},
        "where": machines.describe(),
    }


def describe_work(runs: Sequence[Run], seconds: float, work: Workspace, machines: Machines) -> dict[str, Any]:
    """How many runs there are, and what those that are not stored yet will take: these seconds, and disk space."""
    missing = machines.select_missing(runs, work)
    return {
        "runs": len(runs),
        "stored": len(runs) - len(missing),
        "seconds": round(seconds),
        "bytes": count_bytes(missing, work),
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
        f"{plan['runs']} runs ({plan['stored']} stored), {len(plan['programs'])} training programs, {plan['rounds']} rounds, "
        f"{plan['devices']} devices, about {format_cost(plan['seconds'], plan['bytes'], plan['where'])}, by a rough estimate."
    )
    cost = (
        f"That is {plan['cost']['hours']:.2g} {plan['cost']['unit']}-hours. Any number of machines takes at least "
        f"{format_duration(plan['chain_seconds'])}: a round is not divided, nor are the tests."
    )
    lines = [f"{row['runs']:5}  {row['stored']:6}  {text}" for row, text in rows]
    return "\n".join([f"{'runs':>5}  {'stored':>6}  {columns}", *lines, total, cost])


def format_announcement(runs: Sequence[Run], work: Workspace) -> str:
    """One line before long work; '' before short work."""
    seconds = estimate_seconds(runs, work)
    if seconds < LONG_WORK:
        return ""
    cost = format_cost(seconds, count_bytes(work.select_missing(runs), work))
    return f"This will take about {cost}, by a rough estimate. Ctrl-C stops it without loss."


def format_cost(seconds: float, size: int, where: str = "this machine") -> str:
    """'12 min on this machine and 3 MB of disk'."""
    return f"{format_duration(seconds)} on {where} and {math.ceil(size / 1e6)} MB of disk"
