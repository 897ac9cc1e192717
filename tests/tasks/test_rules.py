"""Scores of the best rules at the sizes of the catalogue, against a sum over all counts of symbols."""

import math
from functools import cache

import pytest
from task_samples import build

from jaxpe.tasks import rules


@cache
def list_counts(n, alphabet):
    """How often each symbol may occur among n, and how likely that is."""
    if alphabet == 1:
        return [((n,), 1.0)]
    return [
        ((first, *rest), math.comb(n, first) * (alphabet - 1) ** (n - first) / alphabet**n * likely)
        for first in range(n + 1)
        for rest, likely in list_counts(n - first, alphabet - 1)
    ]


def average(n, alphabet, score):
    """The mean of a score of counts."""
    return sum(likely * score(counts) for counts, likely in list_counts(n, alphabet))


@pytest.mark.parametrize(("n", "alphabet"), [(1, 10), (2, 26), (7, 10), (8, 10), (12, 2), (20, 2)])
def test_rules_of_counts_equal_a_sum_over_all_counts(n, alphabet):
    assert rules.compute_commonest_share(n, alphabet) == pytest.approx(average(n, alphabet, max) / n)
    first_wins = average(n, alphabet, lambda counts: counts[0] == max(counts))
    assert rules.compute_majority_probability(n, alphabet) == pytest.approx(first_wins)
    arrangements = average(n, alphabet, lambda c: math.prod(map(math.factorial, c)) / math.factorial(n))
    assert rules.compute_arrangement_probability(n, alphabet) == pytest.approx(arrangements)


def test_without_symbols_there_is_no_commonest_one():
    """Of a relative index without neighbours, for example."""
    assert rules.compute_commonest_share(0, 10) == 0.0


def test_sort_has_the_distributions_of_order_statistics():
    def find_symbol(counts, place):
        return next(v for v in range(10) if sum(counts[: v + 1]) > place)

    best = [
        max(average(8, 10, lambda c, v=v, i=i: find_symbol(c, i) == v) for v in range(10)) for i in range(8)
    ]  # the likeliest symbol at each place
    assert build("sort").length_baseline(8, "token_accuracy") == pytest.approx(sum(best) / 8)
    whole = max(likely for _, likely in list_counts(8, 10))
    assert build("sort").length_baseline(8, "exact_match") == pytest.approx(whole)


def test_histogram_has_the_commonest_count_of_the_symbol_at_a_place():
    task = build("histogram")  # 8 symbols, counts capped at 8
    counts = [average(12, 8, lambda c, k=k: sum(n for n in c if min(n, 8) == k)) / 12 for k in range(1, 9)]
    assert task.length_baseline(12, "token_accuracy") == pytest.approx(max(counts))
    same = [average(12, 8, lambda c, k=k: all(min(n, 8) in (0, k) for n in c)) for k in range(1, 9)]
    assert task.length_baseline(12, "exact_match") == pytest.approx(max(same))


def test_an_encoder_decoder_guesses_the_commonest_symbol_that_is_left():
    """About .42 over 10 places, where an encoder has .275."""
    left = [average(n, 10, max) / n for n in range(1, 11)]
    task = build("reverse")
    assert task.order_blind_baseline(10, "token_accuracy", "encoder_decoder") == pytest.approx(sum(left) / 10)
    assert sum(left) / 10 == pytest.approx(0.42, abs=0.005) and left[-1] == pytest.approx(0.275, abs=0.0005)
