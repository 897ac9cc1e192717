"""Exact scores of the baselines, computed by counting instead of simulation.

The counts of A equally likely symbols among n are A independent Poisson variables, given that they sum to n. So the
probability of an event about the counts is a coefficient of a product of truncated Poisson series.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial

import numpy as np
from scipy.stats import binom, poisson

CountsEvent = Callable[[np.ndarray], np.ndarray]  # from the possible counts of one symbol to those that are allowed


def compute_counts_probability(n: int, alphabet: int, allowed: CountsEvent) -> float:
    """P(the count of every symbol is allowed) for n symbols drawn from an alphabet."""
    return float(compute_sum_probabilities(n, alphabet, alphabet, allowed)[n] / poisson.pmf(n, n))


def compute_sum_probabilities(n: int, alphabet: int, factors: int, allowed: CountsEvent) -> np.ndarray:
    """P(the first `factors` Poisson counts are allowed and sum to m), for m = 0 … n."""
    counts = np.arange(n + 1)
    factor = poisson.pmf(counts, n / alphabet) * allowed(counts)
    product = np.zeros(n + 1)
    product[0] = 1.0
    for _ in range(factors):
        product = np.convolve(product, factor)[: n + 1]
    return product


@cache
def compute_commonest_share(n: int, alphabet: int) -> float:
    """E[largest count] / n: how often the most frequent of n symbols is the one at a random place."""
    if n == 0:
        return 0.0
    at_most = [compute_counts_probability(n, alphabet, partial(np.greater_equal, t)) for t in range(n)]
    return float(n - sum(at_most)) / n


@cache
def compute_majority_probability(n: int, alphabet: int) -> float:
    """P(symbol 0 is the most frequent of n, with ties in its favour)."""
    total = 0.0
    for t in range(n + 1):
        others = compute_sum_probabilities(n, alphabet, alphabet - 1, partial(np.greater_equal, t))
        total += float(poisson.pmf(t, n / alphabet) * others[n - t])
    return float(total / poisson.pmf(n, n))


def compute_arrangement_probability(n: int, alphabet: int) -> float:
    """P(guessing a sequence whose multiset is known) = (number of multisets) / alphabetⁿ."""
    return float(math.comb(n + alphabet - 1, alphabet - 1) / alphabet**n)


def score_distinct_answers(n: int, metric: str, architecture: str) -> float:
    """Score of a rule that knows the set of n distinct answers, but not their order.

    An encoder gives the same answer at every slot. An encoder-decoder guesses among the answers that are not yet
    emitted.
    """
    if metric == "exact_match":
        return 1 / math.factorial(n) if architecture == "encoder_decoder" else float(n == 1)
    return sum(1 / left for left in range(1, n + 1)) / n if architecture == "encoder_decoder" else 1 / n


@cache
def score_equal_ends(n: int) -> float:
    """How often the likelier of "first = last" and "first ≠ last" is right, given the counts of two symbols."""
    ones = np.arange(n + 1)
    equal = (ones * (ones - 1) + (n - ones) * (n - ones - 1)) / (n * (n - 1))
    return float(binom.pmf(ones, n, 0.5) @ np.maximum(equal, 1 - equal))
