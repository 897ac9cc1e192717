"""How long work takes on several machines: properties of random plans, and small ones counted by hand."""

import random
from itertools import pairwise

import pytest

from jaxpe.study.schedule import Round, Stage, estimate_chain, estimate_time, simulate_rounds

COMPILATION = 5.0


def make_stages(seed):
    """Three stages of programs with one to six rounds of equal length; some are empty."""
    generator = random.Random(seed)
    stages = []
    for _ in range(3):
        rounds = [
            Round(f"program {number}", seconds)
            for number in range(generator.randrange(6))
            for seconds in [generator.choice([0.5, 3.0, generator.expovariate(0.05)])] * generator.randrange(1, 7)
        ]
        stages.append(Stage(tuple(rounds), generator.random() * 10))
    return stages


def add_up(stages):
    """Seconds of training, of compiling each program once a stage, and of tests."""
    return sum(
        sum(one.seconds for one in stage.rounds)
        + COMPILATION * len({one.program for one in stage.rounds})
        + stage.tests
        for stage in stages
        if stage.rounds
    )


@pytest.mark.parametrize("seed", range(40))
def test_machines_share_the_work_and_more_of_them_never_take_longer(seed):
    stages = make_stages(seed)
    times = [estimate_time(stages, machines, COMPILATION) for machines in range(1, 40)]
    total, chain = add_up(stages), estimate_chain(stages, COMPILATION)
    assert times[0] == pytest.approx(total)
    for machines, time in enumerate(times, 1):
        assert time >= chain - 1e-9 and time >= total / machines - 1e-9
    assert all(after <= before + 1e-9 for before, after in pairwise(times))
    assert times[-1] == pytest.approx(chain)  # there are more machines than rounds


def test_a_machine_compiles_what_it_did_not_train_before():
    """Two machines, three rounds of 10 s of one program and one of 4 s of another: 15, 25 | 15, 19 + 5."""
    rounds = [Round("a", 10.0)] * 3 + [Round("b", 4.0)]
    assert simulate_rounds(rounds, 1, 5.0) == 44
    assert simulate_rounds(rounds, 2, 5.0) == 25
    assert simulate_rounds(rounds, 4, 5.0) == 15


def test_a_stage_waits_for_the_one_before_and_an_empty_one_takes_no_time():
    stage = Stage((Round("a", 10.0),), 1.0)
    assert estimate_time([stage, Stage((), 0.0), stage], 8, 0.0) == 22 == estimate_chain([stage, stage], 0.0)
    assert estimate_time([], 3, 5.0) == 0 == estimate_chain([], 5.0)
