"""How long work takes on several machines that share a results folder.

A stage is what has to be stored before the next stage begins. Its rounds are independent: a machine that is free takes the next
one, and compiles its program if it trained another one before. A round is not divided, nor are the tests after a stage, which
every machine runs.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Sequence
from typing import NamedTuple


class Round(NamedTuple):
    """Replicas that train together: the program that they share, and its seconds of training."""

    program: Hashable
    seconds: float


class Stage(NamedTuple):
    """Rounds, those of a program one after the other, and the seconds of the tests after them."""

    rounds: tuple[Round, ...]
    tests: float


def simulate_rounds(rounds: Sequence[Round], machines: int, compilation: float) -> float:
    """Seconds until the last round is trained. `compilation`: seconds for each program."""
    free = [(0.0, machine) for machine in range(machines)]  # when, and which
    compiled: dict[int, Hashable] = {}
    for one in rounds:
        time, machine = free[0]
        switches = machine not in compiled or compiled[machine] != one.program
        compiled[machine] = one.program
        heapq.heapreplace(free, (time + one.seconds + compilation * switches, machine))
    return max(time for time, _ in free)


def estimate_time(stages: Sequence[Stage], machines: int, compilation: float) -> float:
    """Seconds of all stages on so many machines.

    Some may stay idle where that is faster, so that more machines never take longer.
    """
    return sum(
        stage.tests
        + min(
            simulate_rounds(stage.rounds, used, compilation) for used in range(1, min(machines, len(stage.rounds)) + 1)
        )
        for stage in stages
        if stage.rounds
    )


def estimate_chain(stages: Sequence[Stage], compilation: float) -> float:
    """Seconds that no number of machines goes below: of each stage the longest round, and the tests."""
    return sum(compilation + max(one.seconds for one in stage.rounds) + stage.tests for stage in stages if stage.rounds)
