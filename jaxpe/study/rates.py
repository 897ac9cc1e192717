"""How fast a device trains, for estimates alone: the rows of rates.json, each with what it was measured on.

A step of a program with R replicas on a device takes

    seconds_per_step + R · flops · (1 / flops_per_second + seconds_per_flop_at_width_1 / width)

seconds, where `flops` are those of one replica (`jaxpe.study.plan.count_step_flops`): the time to start a step, the time of
matrix products and, the longer the narrower a model is, that of elementwise work. On a CPU a device is one core.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jaxpe.errors import UserError


@dataclass(frozen=True)
class Rate:
    """What a device takes. `source`: device, date and versions of the measurement."""

    name: str  # as --gpu takes it; "cpu": a core
    backend: str  # "cpu", "gpu" or "tpu"
    flops_per_second: float
    seconds_per_flop_at_width_1: float
    seconds_per_step: float  # to start a step, however many replicas it has
    seconds_to_compile: float  # for each training program
    seconds_to_evaluate: float  # for each training program, with compilation
    source: Mapping[str, str]

    @property
    def unit(self) -> str:
        """What is counted by the hour."""
        return "core" if self.name == "cpu" else self.name

    def estimate_step(self, flops: float, width: int, replicas: int) -> float:
        """Seconds of a step of so many replicas, each with these floating-point operations."""
        per_flop = 1 / self.flops_per_second + self.seconds_per_flop_at_width_1 / width
        return self.seconds_per_step + replicas * flops * per_flop


@cache
def read_rates() -> dict[str, Rate]:
    """All rates by name."""
    rows = json.loads(Path(__file__).with_name("rates.json").read_text(encoding="utf-8"))
    return {name: Rate(name, **row) for name, row in rows.items()}


def get_accelerator_rate(name: str) -> Rate:
    """The rate of an accelerator. Raises UserError where there is none."""
    known = {rate.name: rate for rate in read_rates().values() if rate.backend != "cpu"}
    if name.lower() not in known:
        raise UserError(
            f"No rates were measured for --gpu {name}. Known: {', '.join(known) or 'none yet'}; without --gpu, the plan is for "
            "CPUs."
        )
    return known[name.lower()]


def find_rate(backend: str, device_kind: str) -> Rate:
    """The rate of a device of this machine, as JAX calls it; of an accelerator that was not measured, that of a CPU core."""
    of_backend = [rate for rate in read_rates().values() if rate.backend == backend]
    named = [rate for rate in of_backend if rate.name in device_kind.lower()]
    return named[0] if named else read_rates()["cpu"]
