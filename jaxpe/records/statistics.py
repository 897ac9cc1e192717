"""Paired seeds, intervals, verdicts. Outcomes here are bimodal: a seed solves a task or it does not.

So the share of solved seeds has an exact interval, a mean has one only where all seeds lie on one side of the criterion,
and differences are tested by flipping signs, which assumes no distribution.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import stats

SOLVED_SCORE = 0.99  # a seed has solved a task when its score is at least this
CEILING = 0.995
EXPLORATORY = 10  # fewer seeds than this are shown as such


@dataclass(frozen=True)
class Estimate:
    """A value, a 95 % interval where there is one, the number of seeds, and a p-value where there was a test."""

    value: float
    low: float | None
    high: float | None
    n: int
    p: float | None = None


@dataclass(frozen=True)
class Claim:
    """A published claim, or a part of one, with what this run says of it. `n` counts seeds, or pairs of seeds."""

    id: str
    statement: str
    verdict: str
    effect: float | None
    low: float | None
    high: float | None
    n: int
    unit: str
    note: str = ""
    p: float | None = None  # of its own test, not yet adjusted for the number of claims
    family: str = ""  # parts of a claim that ask one question: Holm's method adjusts within a family

    def __post_init__(self) -> None:
        if not re.fullmatch(r"C([1-9]|1[0-2])(\.[a-z0-9_-]+)?", self.id):
            raise ValueError(f"{self.id!r} is not C1 … C12, alone or with a part")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Answer:
    """A question of the study in plain words, answered from claims and rows, with the figure that shows it.

    `short` is one sentence: the answer with its effect, interval and n, and the conditions under which it turns round.
    """

    question: str
    text: str
    figure: str
    short: str = ""


def told(claim: Claim) -> str:
    """'+0.312 token accuracy (+0.290 to +0.334, n = 6)'."""
    interval = "" if claim.low is None or claim.high is None else f"{claim.low:+z.3f} to {claim.high:+z.3f}, "
    return "not run" if claim.effect is None else f"{claim.effect:+z.3f} {claim.unit} ({interval}n = {claim.n})"


def compute_clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share."""
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(stats.beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(stats.beta.ppf(1 - tail, successes + 1, n - successes))
    return low, high


def estimate_solved_share(values: Sequence[float], criterion: float = SOLVED_SCORE) -> Estimate:
    """The share of seeds at or above a criterion."""
    solved = int((np.asarray(values) >= criterion).sum())
    return Estimate(solved / len(values), *compute_clopper_pearson(solved, len(values)), len(values))


def estimate_mean(values: Sequence[float], criterion: float = SOLVED_SCORE) -> Estimate:
    """The mean; with a t-interval only for three seeds or more that all lie on one side of the criterion."""
    array = np.asarray(values, float)
    n, mean = len(array), float(array.mean())
    one_side = (array >= criterion).all() or (array < criterion).all()
    if n < 3 or not one_side:
        return Estimate(mean, None, None, n)
    half = float(stats.t.ppf(0.975, n - 1) * array.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - half, mean + half, n)


def compute_sign_flip_p(differences: np.ndarray, flips: np.ndarray) -> float:
    """Two-sided: the share of sign flips whose mean is at least as far from 0."""
    means = np.abs(flips @ differences)
    return float((means >= means[0] - 1e-12 * (1 + means[0])).mean())


def make_sign_flips(n: int) -> np.ndarray:
    """All 2ⁿ patterns of signs, the plain one first; above n = 16, 2¹⁶ seeded draws."""
    if n <= 16:
        return np.array(list(product((1.0, -1.0), repeat=n)))
    drawn = np.random.default_rng(0).choice((1.0, -1.0), (2**16, n))
    drawn[0] = 1.0
    return drawn


def estimate_difference(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> Estimate:
    """Mean of a − b over paired seeds, with the exact sign-flip test; its inversion is the interval, for n ≥ 6.

    The interval holds the shifts that the test does not reject at 5 %; fewer than six pairs cannot reach 5 %.
    """
    differences = np.asarray(a, float) - np.asarray(b, float)
    n, mean = len(differences), float(differences.mean())
    if n < 3:
        return Estimate(mean, None, None, n)
    flips = make_sign_flips(n)
    p = compute_sign_flip_p(differences, flips)
    if n < 6:
        return Estimate(mean, None, None, n, p)

    def edge(direction: float) -> float:
        inside, outside = mean, mean + direction * (np.ptp(differences) + abs(mean) + 1e-9) * 4
        for _ in range(50):
            middle = (inside + outside) / 2
            if compute_sign_flip_p(differences - middle, flips) > 0.05:
                inside = middle
            else:
                outside = middle
        return inside

    return Estimate(mean, edge(-1), edge(1), n, p)


def judge_direction(estimate: Estimate, margin: float = 0.0) -> str:
    """'supported' where the interval lies above the margin, 'contradicted' where below, else 'undecided'."""
    if estimate.low is None or estimate.high is None:
        return "undecided"
    return "supported" if estimate.low > margin else "contradicted" if estimate.high < margin else "undecided"


NOT_COMPARABLE = "not comparable"


def compare_paired(a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    """a − b over paired seeds as columns of a table. A pair without a finite value (a diverged training) is counted.

    `verdict`: as `direction_verdict` has it, or NOT_COMPARABLE; `adjusted_p` waits for all comparisons.
    """
    lacking = int((~(np.isfinite(a) & np.isfinite(b))).sum())
    estimate = None if lacking else estimate_difference(a, b)
    return {
        "difference": estimate and estimate.value,
        "low": estimate and estimate.low,
        "high": estimate and estimate.high,
        "n": len(a),
        "without_value": lacking,
        "p": estimate and estimate.p,
        "adjusted_p": None,
        "verdict": judge_direction(estimate) if estimate else NOT_COMPARABLE,
    }


def to_finite(value: Any) -> float | None:
    """A number, or None where it is none."""
    return float(value) if np.isfinite(value) else None


def judge_equivalence(
    a: Sequence[float], b: Sequence[float], none: Sequence[float], margin: float
) -> tuple[str, Estimate]:
    """Are two continuous outcomes equal within a margin? Needs assay sensitivity: `none` at least five margins away.

    'supported' where the 95 % interval of the difference lies inside ± margin, 'contradicted' where outside.
    """
    estimate = estimate_difference(a, b)
    sensitive = abs(float(np.mean(none)) - float(np.mean([*a, *b]))) >= 5 * margin
    if not sensitive or estimate.low is None or estimate.high is None:
        return "undecided", estimate
    if -margin < estimate.low and estimate.high < margin:
        return "supported", estimate
    return ("contradicted" if estimate.low > margin or estimate.high < -margin else "undecided"), estimate


def is_at_ceiling(a: Sequence[float], b: Sequence[float]) -> bool:
    """Both at the ceiling in all seeds: a difference could not be seen."""
    return bool(min([*a, *b]) >= CEILING)


def adjust_p_values(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values."""
    order = np.argsort(p_values)
    n, adjusted, largest = len(p_values), np.zeros(len(p_values)), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (n - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted.tolist()


def estimate_interquartile_mean(scores: np.ndarray, draws: int = 2000) -> Estimate:
    """The mean of the middle half of scores[task, seed], with a bootstrap over seeds within each task."""

    def middle(values: np.ndarray) -> float:
        return float(stats.trim_mean(values, 0.25, axis=None))

    generator = np.random.default_rng(0)
    tasks, seeds = scores.shape
    chosen = generator.integers(0, seeds, (draws, tasks, seeds))
    means = [middle(np.take_along_axis(scores, pick, axis=1)) for pick in chosen]
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(middle(scores), float(low), float(high), seeds)
