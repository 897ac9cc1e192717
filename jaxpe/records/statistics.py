"""Statistics of paired seeds. Outcomes here are bimodal: a seed solves a task or it does not.

The share of solved seeds has an exact interval. A mean has an interval only where all seeds lie on one side of the
criterion. Differences are tested by flipping signs, which assumes no distribution.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import stats

SOLVED_SCORE = 0.99  # a seed with at least this score has solved a task
CEILING = 0.995
EXPLORATORY = 10  # results of fewer seeds are shown as exploratory
FEWEST_PAIRS = 6  # with fewer, no difference can reach 5 %
NOT_COMPARABLE = "not comparable"
Values = Sequence[float] | np.ndarray  # one for each seed


@dataclass(frozen=True)
class Estimate:
    """A value, a 95 % interval where there is one, the number of seeds, and a p-value where there was a test."""

    value: float
    low: float | None
    high: float | None
    n: int
    p: float | None = None


def compute_clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact confidence interval of a share (Clopper and Pearson, 1934)."""
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(stats.beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(stats.beta.ppf(1 - tail, successes + 1, n - successes))
    return low, high


def estimate_solved_share(values: Values, criterion: float = SOLVED_SCORE) -> Estimate:
    """The share of seeds at or above a criterion."""
    solved = int((np.asarray(values) >= criterion).sum())
    return Estimate(solved / len(values), *compute_clopper_pearson(solved, len(values)), len(values))


def estimate_mean(values: Values, criterion: float = SOLVED_SCORE) -> Estimate:
    """The mean, with a t-interval for at least three seeds that all lie on one side of the criterion."""
    array = np.asarray(values, float)
    n, mean = len(array), float(array.mean())
    one_side = (array >= criterion).all() or (array < criterion).all()
    if n < 3 or not one_side:
        return Estimate(mean, None, None, n)
    half = float(stats.t.ppf(0.975, n - 1) * array.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - half, mean + half, n)


def estimate_by_jackknife(value: float, without: Values) -> Estimate:
    """A value with a t-interval from its values without one observation each (jackknife), for at least four of them.

    Standard error √((n − 1)/n · Σ (θᵢ − mean θ)²), with n − 1 degrees of freedom (Efron & Tibshirani 1993, chapter 11).
    """
    array = np.asarray(without, float)
    n = len(array)
    if n < 4:
        return Estimate(value, None, None, n)
    error = np.sqrt((n - 1) / n * ((array - array.mean()) ** 2).sum())
    half = float(stats.t.ppf(0.975, n - 1) * error)
    return Estimate(value, value - half, value + half, n)


def compute_sign_flip_p(differences: np.ndarray, flips: np.ndarray) -> float:
    """The two-sided p-value: the share of sign flips whose mean is at least as far from 0 as that of the first."""
    means = np.abs(flips @ differences)
    return float((means >= means[0] - 1e-12 * (1 + means[0])).mean())


def make_sign_flips(n: int) -> np.ndarray:
    """All 2ⁿ patterns of n signs, without a flip first; above n = 16, 2¹⁶ random patterns from a fixed seed."""
    if n <= 16:
        return np.array(list(product((1.0, -1.0), repeat=n)))
    flips = np.random.default_rng(0).choice((1.0, -1.0), (2**16, n))
    flips[0] = 1.0
    return flips


def estimate_difference(a: Values, b: Values) -> Estimate:
    """The mean of a − b over paired seeds, with the exact sign-flip test for at least three pairs.

    The interval holds the shifts that the test does not reject at 5 %. It needs six pairs: fewer cannot reach 5 %.
    """
    differences = np.asarray(a, float) - np.asarray(b, float)
    n, mean = len(differences), float(differences.mean())
    if n < 3 or not np.isfinite(mean):
        return Estimate(mean, None, None, n)
    flips = make_sign_flips(n)
    p = compute_sign_flip_p(differences, flips)
    if n < FEWEST_PAIRS:
        return Estimate(mean, None, None, n, p)

    def find_edge(direction: float) -> float:
        inside, outside = mean, mean + direction * (np.ptp(differences) + abs(mean) + 1e-9) * 4
        for _ in range(50):
            middle = (inside + outside) / 2
            if compute_sign_flip_p(differences - middle, flips) > 0.05:
                inside = middle
            else:
                outside = middle
        return inside

    return Estimate(mean, find_edge(-1), find_edge(1), n, p)


def judge_direction(estimate: Estimate, margin: float = 0.0) -> str:
    """'supported' where the interval lies above the margin, 'contradicted' where below, else 'undecided'."""
    if estimate.low is None or estimate.high is None:
        return "undecided"
    return "supported" if estimate.low > margin else "contradicted" if estimate.high < margin else "undecided"


def compare_paired(a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    """a − b over paired seeds as table columns.

    `without_value` counts the pairs without a finite value (diverged runs); with any, the verdict is NOT_COMPARABLE.
    `adjusted_p` is left to whoever knows all comparisons.
    """
    without_value = int((~(np.isfinite(a) & np.isfinite(b))).sum())
    estimate = None if without_value else estimate_difference(a, b)
    return {
        "difference": estimate and estimate.value,
        "low": estimate and estimate.low,
        "high": estimate and estimate.high,
        "n": len(a),
        "without_value": without_value,
        "p": estimate and estimate.p,
        "adjusted_p": None,
        "verdict": judge_direction(estimate) if estimate else NOT_COMPARABLE,
    }


def to_finite(value: Any) -> float | None:
    """A finite number; None for NaN and infinity."""
    return float(value) if np.isfinite(value) else None


def judge_equivalence(a: Values, b: Values, none: Values, margin: float) -> tuple[str, Estimate]:
    """Whether two continuous outcomes are equal within a margin, and their difference.

    'contradicted' where the 95 % interval of the difference lies outside of ± margin, 'supported' where it lies within and
    the assay is sensitive: the mean of `none` is at least five margins away from that of a and b. Without this, two outcomes
    could be equal because nothing could have told them apart; a difference needs no such guard.
    """
    estimate = estimate_difference(a, b)
    if estimate.low is None or estimate.high is None:
        return "undecided", estimate
    if estimate.low > margin or estimate.high < -margin:
        return "contradicted", estimate
    sensitive = abs(float(np.mean(none)) - float(np.mean([*a, *b]))) >= 5 * margin
    within = -margin < estimate.low and estimate.high < margin
    return ("supported" if within and sensitive else "undecided"), estimate


def is_at_ceiling(a: Values, b: Values) -> bool:
    """Whether all seeds of both are at the ceiling, where no difference could be seen."""
    return bool(min([*a, *b]) >= CEILING)


def adjust_p_values(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted by Holm's method."""
    order = np.argsort(p_values)
    n, adjusted, largest = len(p_values), [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (n - rank) * p_values[i]))
        adjusted[i] = float(largest)
    return adjusted


def add_adjusted_p(rows: Iterable[dict[str, Any]]) -> None:
    """Adds `adjusted_p`, adjusted over all of the rows, to those that have a `p`."""
    tested = [row for row in rows if row["p"] is not None]
    for row, p in zip(tested, adjust_p_values([row["p"] for row in tested]), strict=True):
        row["adjusted_p"] = p


def estimate_interquartile_mean(scores: np.ndarray, draws: int = 2000) -> Estimate:
    """The mean of the middle half of scores[task, seed], with a bootstrap interval over seeds within each task."""

    def trim_mean(values: np.ndarray) -> float:
        return float(stats.trim_mean(values, 0.25, axis=None))

    generator = np.random.default_rng(0)
    tasks, seeds = scores.shape
    picks = generator.integers(0, seeds, (draws, tasks, seeds))
    means = [trim_mean(np.take_along_axis(scores, pick, axis=1)) for pick in picks]
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(trim_mean(scores), float(low), float(high), seeds)
