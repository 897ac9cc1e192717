"""Intervals, tests and verdicts at values worked out by hand, just inside and just outside each bound."""

import math
from itertools import product

import numpy as np
import pytest

from jaxpe.records import statistics
from jaxpe.records.statistics import Estimate, estimate_difference


def count_flips(differences):
    """The share of sign patterns whose mean is at least as far from 0, one pattern after the other."""
    size = abs(sum(differences))
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(value >= size - 1e-9 for value in sums) / len(sums)


def test_six_seeds_on_one_side_are_the_fewest_that_decide():
    """Of 64 sign patterns two are as extreme. A shift is not rejected unless all six differences lie on one side of it."""
    estimate = estimate_difference([3.0, 1.5, 5.0, 2.0, 8.0, 4.0], [1.0] * 6)
    assert estimate.p == 2 / 64 and estimate.value == pytest.approx(2.9167, abs=1e-4)
    assert (estimate.low, estimate.high) == pytest.approx((0.5, 7.0))
    assert statistics.judge_direction(estimate) == "supported"
    five = estimate_difference([3.0, 1.5, 5.0, 2.0, 8.0], [1.0] * 5)
    assert five.p == 2 / 32 and five.low is None and statistics.judge_direction(five) == "undecided"
    assert estimate_difference([1.0, 2.0], [0.0, 0.0]).p is None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [6, 8, 10])
def test_the_bounds_of_an_interval_are_where_the_test_begins_to_reject(n, seed):
    differences = np.random.default_rng(seed).normal(0.3, 1, n)
    estimate = estimate_difference(differences, np.zeros(n))
    assert estimate.p == pytest.approx(count_flips(differences))
    for bound, outwards in ((estimate.low, -1), (estimate.high, 1)):
        assert count_flips(differences - bound - outwards * 1e-6) <= 0.05
        assert count_flips(differences - bound + outwards * 1e-6) > 0.05


def test_many_seeds_are_tested_with_random_patterns():
    same = estimate_difference(np.full(20, 0.5), np.zeros(20))
    assert 0 < same.p <= 3 / 2**16 and (same.low, same.high) == pytest.approx((0.5, 0.5))
    balanced = estimate_difference(np.array([1.0, -1.0] * 10), np.zeros(20))
    assert balanced.p == 1.0 and balanced.low == pytest.approx(-balanced.high, abs=0.1)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Of 400 samples of ten differences: 95 % within three standard errors, neither fewer nor more."""
    generator = np.random.default_rng(0)
    estimates = [estimate_difference(generator.normal(1, 1, 10), np.zeros(10)) for _ in range(400)]
    covered = np.mean([estimate.low <= 1 <= estimate.high for estimate in estimates])
    assert 0.92 <= covered <= 0.98


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (9, 10, 0.5550, 0.9975), (3, 4, 0.1941, 0.9937), (1, 1, 0.025, 1.0)],
)
def test_exact_intervals_of_a_share(successes, n, low, high):
    """From the tables of Clopper and Pearson."""
    assert statistics.compute_clopper_pearson(successes, n) == pytest.approx((low, high), abs=1e-4)


def test_a_seed_at_the_criterion_has_solved_a_task():
    assert statistics.estimate_solved_share([0.99, 0.98999, 1.0, 0.5]).value == 0.5
    assert statistics.estimate_solved_share([0.4999, 0.5], 0.5).value == 0.5
    assert statistics.is_at_ceiling([0.995], [1.0]) and not statistics.is_at_ceiling([1.0], [0.99499])


def test_the_interval_of_a_mean_is_students():
    """t(.975, 2) = 4.3027; s = 0.05; half = 4.3027 · 0.05 / √3."""
    estimate = statistics.estimate_mean([0.2, 0.25, 0.3])
    half = 4.302653 * 0.05 / math.sqrt(3)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.25, 0.25 - half, 0.25 + half), abs=1e-6)
    assert estimate.n == 3 and statistics.estimate_mean([0.2, 0.3]).low is None
    assert statistics.estimate_mean([0.99, 0.98, 1.0]).low is None  # on both sides of the criterion
    assert statistics.estimate_mean([0.99, 0.995, 1.0]).low is not None


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([0.01, 0.02, 0.03, 0.5], [0.04, 0.06, 0.06, 0.5]),
        ([0.5, 0.03, 0.02, 0.01], [0.5, 0.06, 0.06, 0.04]),
        ([0.04, 0.01, 0.04], [0.08, 0.03, 0.08]),
        ([0.6, 0.7], [1.0, 1.0]),
        ([0.03], [0.03]),
        ([], []),
    ],
)
def test_p_values_adjusted_by_holms_method(p_values, adjusted):
    assert statistics.adjust_p_values(p_values) == pytest.approx(adjusted)


@pytest.mark.parametrize(
    ("low", "high", "margin", "verdict"),
    [
        (0.0, 0.2, 0.0, "undecided"), (1e-9, 0.2, 0.0, "supported"), (-0.2, 0.0, 0.0, "undecided"),
        (-0.2, -1e-9, 0.0, "contradicted"), (0.5, 0.9, 0.5, "undecided"), (0.51, 0.9, 0.5, "supported"),
        (0.1, 0.49, 0.5, "contradicted"), (-0.04, 0.1, -0.05, "supported"), (-0.2, -0.06, -0.05, "contradicted"),
    ],
)  # fmt: skip
def test_a_direction_is_decided_strictly_beyond_the_margin(low, high, margin, verdict):
    assert statistics.judge_direction(Estimate(0.0, low, high, 6), margin) == verdict


SPREAD = np.array([-0.004, -0.002, -0.001, 0.001, 0.002, 0.004])


@pytest.mark.parametrize(
    ("shift", "gap", "verdict"),
    [
        (0.0, 0.101, "supported"), (0.0, 0.099, "undecided"), (0.0, -0.101, "supported"), (0.0, -0.099, "undecided"),
        (0.015, 0.2, "supported"), (0.017, 0.2, "undecided"), (-0.015, 0.2, "supported"), (-0.017, 0.2, "undecided"),
        (0.023, 0.2, "undecided"), (0.025, 0.2, "contradicted"), (-0.023, 0.2, "undecided"), (-0.025, 0.2, "contradicted"),
    ],
)  # fmt: skip
def test_equivalence_within_a_margin_of_002(shift, gap, verdict):
    """The interval is shift ± 0.004. `none` must lie five margins from the mean of both, on either side."""
    b = np.full(6, 2.0)
    a = b + shift + SPREAD
    none = np.full(6, np.mean([*a, *b]) + gap)
    result, estimate = statistics.judge_equivalence(a, b, none, 0.02)
    assert (estimate.low, estimate.high) == pytest.approx((shift - 0.004, shift + 0.004))
    assert result == verdict


def test_the_middle_half_of_all_scores():
    """Of eight values the two least and the two greatest are left out."""
    scores = np.array([[0.0, 0.5, 0.9, 1.0], [0.1, 0.6, 0.8, 1.0]])
    estimate = statistics.estimate_interquartile_mean(scores)
    assert estimate.value == pytest.approx((0.5 + 0.6 + 0.8 + 0.9) / 4) and estimate.n == 4
    assert 0.1 < estimate.low < estimate.value < estimate.high < 1.0
    equal = statistics.estimate_interquartile_mean(np.array([[0.2] * 4, [0.6] * 4]))
    assert (equal.low, equal.high) == pytest.approx((0.4, 0.4))  # seeds are drawn again within each task


def test_a_pair_without_a_value_has_neither_interval_nor_p():
    estimate = estimate_difference([1.0, np.nan, 1.0, 1.0, 1.0, 1.0], [0.0] * 6)
    assert np.isnan(estimate.value) and (estimate.low, estimate.high, estimate.p) == (None, None, None)
