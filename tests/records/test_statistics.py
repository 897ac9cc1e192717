"""Intervals and tests against brute force, scipy and simulation."""

import numpy as np
import pytest
from scipy import stats

from jaxpe.records import statistics
from jaxpe.records.statistics import Estimate, estimate_difference


def test_sign_flip_p_against_scipy():
    differences = np.random.default_rng(1).normal(0.5, 1, 8)
    expected = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert estimate_difference(differences, np.zeros(8)).p == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(("n", "interval"), [(2, False), (5, False), (6, True)])
def test_few_seeds_have_no_interval(n, interval):
    estimate = estimate_difference(np.arange(n) + 1.0, np.zeros(n))
    assert (estimate.low is not None) == interval and estimate.n == n


def test_solved_share_is_clopper_pearson():
    estimate = statistics.estimate_solved_share([1, 1, 0.2, 1])
    exact = stats.binomtest(3, 4).proportion_ci(method="exact")
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.75, exact.low, exact.high))


def test_a_mean_over_both_sides_of_the_criterion_has_no_interval():
    assert statistics.estimate_mean([1.0, 1.0, 0.3]).low is None
    assert statistics.estimate_mean([0.2, 0.25, 0.3]).low is not None


def test_equivalence_needs_sensitivity_and_an_interval_inside_the_margin():
    generator = np.random.default_rng(0)
    a, b = generator.normal(2, 0.001, 8), generator.normal(2, 0.001, 8)
    assert statistics.judge_equivalence(a, b, a + 0.2, 0.02)[0] == "supported"
    assert statistics.judge_equivalence(a, b, a + 0.05, 0.02)[0] == "undecided"
    assert statistics.judge_equivalence(a + 0.1, b, a + 0.5, 0.02)[0] == "contradicted"
    assert statistics.judge_equivalence(a[:5], b[:5], a + 0.2, 0.02)[0] == "undecided"


def test_holm_and_the_interquartile_mean():
    assert statistics.adjust_p_values([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    estimate = statistics.estimate_interquartile_mean(np.array([[0.0, 1, 1, 1], [1, 1, 1, 100]]))
    assert estimate.value == 1.0 and estimate.low <= 1 <= estimate.high


def test_a_pair_without_a_finite_value_makes_a_comparison_impossible():
    a = np.array([0.1, 0.2, np.nan])
    columns = statistics.compare_paired(a, np.zeros(3))
    assert columns["verdict"] == statistics.NOT_COMPARABLE and columns["without_value"] == 1
    assert columns["difference"] is None and columns["n"] == 3
    columns = statistics.compare_paired(np.arange(6) + 1.0, np.zeros(6))
    assert columns["verdict"] == "supported" and columns["difference"] == 3.5 and columns["without_value"] == 0


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.1, 0.2, "supported"), (-0.2, -0.1, "contradicted"), (-0.1, 0.1, "undecided"), (None, None, "undecided")],
)
def test_a_direction_is_decided_by_an_interval_on_one_side(low, high, verdict):
    assert statistics.judge_direction(Estimate(0.0, low, high, 6)) == verdict


def test_at_the_ceiling_no_difference_can_be_seen():
    assert statistics.is_at_ceiling([1.0, 0.996], [0.995]) and not statistics.is_at_ceiling([1.0], [0.99])
    assert statistics.to_finite(np.float64(0.5)) == 0.5 and statistics.to_finite(np.inf) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "draw",
    [
        np.random.Generator.normal,
        lambda generator, size: generator.exponential(size=size) - 1,
        lambda generator, size: generator.uniform(-1, 1, size),
    ],
)
@pytest.mark.parametrize("n", [8, 10])
def test_intervals_of_differences_hold_the_truth_as_often_as_they_say(draw, n):
    """95 % by construction where differences are symmetric; simulated, also for skewed ones."""
    generator, inside = np.random.default_rng(0), 0
    for _ in range(200):
        differences = draw(generator, size=n)
        estimate = estimate_difference(differences, np.zeros(n))
        inside += estimate.low <= 0 <= estimate.high
    skewed = abs(float(np.mean(draw(generator, size=100_000) ** 3))) > 0.5
    assert inside / 200 >= (0.85 if skewed else 0.93)
