"""Exact chances for the baselines, by counting rather than by simulation.

The counts of A equally likely symbols among n are A independent Poisson numbers given that they sum to n, so a chance
over the counts is a coefficient of a product of truncated Poisson series.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial

import numpy as np
from scipy.stats import binom, poisson


def counts_chance(n: int, alphabet: int, allowed: Callable[[np.ndarray], np.ndarray]) -> float:
    """P(every symbol's count is allowed) for n symbols drawn from an alphabet."""
    return series(n, alphabet, alphabet, allowed)[n] / poisson.pmf(n, n)


def series(n: int, alphabet: int, factors: int, allowed: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """P(the first `factors` Poisson counts are allowed and sum to m), for m = 0 … n."""
    counts = np.arange(n + 1)
    one = poisson.pmf(counts, n / alphabet) * allowed(counts)
    total = np.zeros(n + 1)
    total[0] = 1.0
    for _ in range(factors):
        total = np.convolve(total, one)[: n + 1]
    return total


@cache
def commonest_share(n: int, alphabet: int) -> float:
    """E[max count] / n: how often the commonest of n symbols is the one at a random place."""
    if n == 0:
        return 0.0
    at_most = [counts_chance(n, alphabet, partial(np.greater_equal, t)) for t in range(n)]
    return float(n - sum(at_most)) / n


@cache
def smallest_majority(n: int, alphabet: int) -> float:
    """P(symbol 0 is the most frequent of n, ties going to it)."""
    total = 0.0
    for t in range(n + 1):
        others = series(n, alphabet, alphabet - 1, partial(np.greater_equal, t))
        total += poisson.pmf(t, n / alphabet) * others[n - t]
    return float(total / poisson.pmf(n, n))


def arrangements_chance(n: int, alphabet: int) -> float:
    """P(guessing a sequence whose multiset is known) = (number of multisets) / alphabetⁿ."""
    return math.comb(n + alphabet - 1, alphabet - 1) / alphabet**n


def one_of_distinct(n: int, metric: str, architecture: str) -> float:
    """What knowing the multiset of n different answers is worth, in an encoder's slots or after an emitted prefix.

    At the slots every rule blind to order says one and the same; an encoder-decoder guesses among what is left.
    """
    if metric == "exact_match":
        return 1 / math.factorial(n) if architecture == "encoder_decoder" else float(n == 1)
    return sum(1 / left for left in range(1, n + 1)) / n if architecture == "encoder_decoder" else 1 / n


@cache
def equal_ends(n: int) -> float:
    """How often the likelier of "first = last" and "first ≠ last" is right, given the counts of two symbols."""
    ones = np.arange(n + 1)
    equal = (ones * (ones - 1) + (n - ones) * (n - ones - 1)) / (n * (n - 1))
    return float(binom.pmf(ones, n, 0.5) @ np.maximum(equal, 1 - equal))
