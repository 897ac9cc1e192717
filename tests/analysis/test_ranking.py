"""The published ranking: which rows lie beyond the training length, and Kendall's τ-b by a loop over pairs."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest

from jaxpe.analysis import ranking


def test_beyond_is_from_n_plus_1_to_2_n():
    table = pd.DataFrame({"test_length": [1, 9, 10, 11, 15, 20, 21, 50], "train_length": 10})
    assert ranking.select_beyond(table)["test_length"].tolist() == [11, 15, 20]
    table = pd.DataFrame({"test_length": [8, 9, 16, 17, 40], "train_length": [8, 8, 8, 8, 20]})
    assert ranking.select_beyond(table)["test_length"].tolist() == [9, 16, 40]


def count_pairs(ranks, scores):
    """Pairs in the same order minus pairs in the opposite one; a better rank is a smaller number."""
    return sum(
        np.sign(ranks[j] - ranks[i]) * np.sign(scores[i] - scores[j]) for i, j in combinations(range(len(ranks)), 2)
    )


@pytest.mark.parametrize("task", ranking.RANKS)
def test_agreement_is_tau_b_with_the_published_ranks(task):
    names = list(ranking.RANKS[task])
    ranks = [ranking.get_rank(task, name) for name in names]
    ties = sum(ranks[i] == ranks[j] for i, j in combinations(range(len(names)), 2))
    pairs = len(names) * (len(names) - 1) / 2
    for seed in range(4):
        scores = dict(zip(names, np.random.default_rng(seed).random(len(names)).tolist(), strict=True))
        expected = count_pairs(ranks, list(scores.values())) / np.sqrt((pairs - ties) * pairs)
        estimate = ranking.estimate_agreement(scores, task)
        assert estimate.value == pytest.approx(expected) and estimate.n == len(names)
    best = dict(zip(names, ranking.PUBLISHED[task].values(), strict=True))
    assert ranking.estimate_agreement(best, task).value > 0.85


def test_p_is_the_share_of_all_orders_that_agree_as_much():
    ranks, scores = np.array([-1, -2, -2, -3]), np.array([0.9, 0.5, 0.6, 0.1])

    def count(order):
        return abs(count_pairs((-ranks).tolist(), [scores[i] for i in order]))

    orders = list(permutations(range(4)))
    expected = np.mean([count(order) >= count(range(4)) for order in orders])
    assert ranking.compute_permutation_p(ranks, scores) == pytest.approx(expected)
