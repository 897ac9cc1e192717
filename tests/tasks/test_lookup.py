"""Tasks that look up a symbol: what x contains, and baselines by brute force."""

from collections import Counter

import pytest
from task_samples import build, draw_lists


def test_induction_repeats_its_last_symbol_exactly_once():
    for x, _ in draw_lists("induction", 9, 500):
        assert Counter(x)[x[-1]] == 2 and x[-2] != x[-1]


def score_best_answers(examples):
    """Accuracy of the best answer for each multiset of x, chosen on the examples themselves."""
    answers: dict[tuple, Counter] = {}
    for x, y in examples:
        answers.setdefault(tuple(sorted(x)), Counter())[y[0]] += 1
    return sum(counter.most_common(1)[0][1] for counter in answers.values()) / len(examples)


def test_the_order_blind_baseline_of_even_pairs_by_brute_force():
    expected = build("even_pairs").order_blind_baseline(7, "token_accuracy", "encoder")
    assert score_best_answers(draw_lists("even_pairs", 7, 8000)) == pytest.approx(expected, abs=0.012)


def test_the_order_blind_baseline_of_induction_by_brute_force():
    expected = build("induction", alphabet=4).order_blind_baseline(5, "token_accuracy", "encoder")
    assert score_best_answers(draw_lists("induction", 5, 20_000, alphabet=4)) == pytest.approx(expected, abs=0.02)
