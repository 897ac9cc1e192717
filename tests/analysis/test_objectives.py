"""Objectives compared by the cost of shifts: which seeds and sizes count, and what four comparisons say together."""

import pandas as pd
import pytest

from jaxpe.analysis import objectives, use


def make_costs(seeds, shift, whole=1.0, sizes=(1, 8)):
    """Shifts that cost `shift[task]`, with a value of position of `whole`."""
    base = dict.fromkeys(use.MODEL_COLUMNS, "x") | {"metric": "cost"}
    rows = [
        base | {"task": task, "seed": seed, "condition": kind, "size": size, "value": value + 0.001 * seed}
        for task, cost in shift.items()
        for seed in seeds
        for kind, size, value in [*(("shift", size, cost) for size in sizes), ("one id", 0, whole)]
    ]
    return use.read_costs(pd.DataFrame(rows))


COSTS = {"masked_lm": 0.1, "sampled_causal_lm": 0.2, "causal_lm": 0.4}


def test_both_pairs_are_compared_in_both_units_on_the_new_seeds():
    four = objectives.compare_on_new_seeds(make_costs(range(20), COSTS))
    assert [(one.unit, one.pair) for one in four] == [
        ("share", "published"), ("share", "equal"), ("bits", "published"), ("bits", "equal"),
    ]  # fmt: skip
    assert [one.estimate.n for one in four] == [10] * 4 and four[2].estimate.value == pytest.approx(0.3)
    assert objectives.judge_all(four) == "supported"


def test_without_all_new_seeds_of_every_objective_nothing_is_decided():
    part = make_costs(range(20), COSTS)
    fewer = use.read_costs(part.bits[(part.bits["task"] != "causal_lm") | (part.bits["seed"] < 19)])
    four = objectives.compare_on_new_seeds(fewer)
    assert {one.verdict for one in four} == {"undecided"} and objectives.judge_all(four) == "undecided"
    assert all(objectives.NOT_NEW in one.note for one in four)


def test_one_interval_below_0_contradicts_and_a_missing_one_leaves_it_open():
    four = objectives.compare_on_new_seeds(make_costs(range(10, 20), COSTS))
    assert objectives.judge_all([*four[:3], four[3]._replace(verdict="contradicted")]) == "contradicted"
    assert objectives.judge_all([*four[:3], four[3]._replace(verdict="undecided")]) == "undecided"
    assert objectives.judge_all(four[:3]) == "undecided"


def test_the_shift_by_32_is_left_out_of_the_mean_and_describes_alone():
    costs = make_costs(range(10, 20), COSTS, sizes=(1, 8))
    far = use.read_costs(pd.concat([costs.bits, costs.bits[costs.bits["size"] == 8].assign(size=32, value=9.0)]))
    near = [one.estimate.value for one in objectives.compare_objectives(costs)]
    assert [one.estimate.value for one in objectives.compare_objectives(far)] == pytest.approx(near)
    assert {one.verdict for one in objectives.compare_objectives(far, sizes=(32,))} == {"undecided"}


def test_all_four_are_described():
    text = objectives.describe_all(objectives.compare_on_new_seeds(make_costs(range(10, 20), COSTS)))
    assert "published, +0.300 bits (" in text and text.count("n = 10") == 4
