"""The published ranking: its ties, a permutation test over encodings, and what a setting must have to decide."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from jaxpe.analysis import ranking
from jaxpe.records.statistics import Estimate


def test_p_is_exact_over_all_orders_of_the_encodings():
    """Against scipy's τ-b of every permutation, with ties on both sides."""
    ranks, scores = np.array([-1, -2, -2, -3, -3]), np.array([0.4, 0.3, 0.0, 0.0, 0.1])
    observed = abs(stats.kendalltau(ranks, scores).statistic)
    taus = [abs(stats.kendalltau(ranks, scores[list(order)]).statistic) for order in ranking.list_orders(5)]
    expected = np.mean([tau >= observed - 1e-9 for tau in taus])
    assert ranking.compute_permutation_p(ranks, scores) == pytest.approx(expected) and 0 < expected < 1


def test_five_encodings_of_which_one_differs_say_nothing():
    """All but ALiBi near 0, as at N = 8. A bootstrap over seeds called this supported, however few encodings there are."""
    scores = {"t5": 0.001, "alibi": 0.26, "none": 0.007, "sinusoidal": 0.0, "rotary_quarter": 0.0}
    estimate = ranking.estimate_agreement(scores, "copy")
    assert estimate.value == pytest.approx(0.4714, abs=1e-3) and estimate.p > 0.2
    assert (estimate.n, estimate.low, estimate.high) == (5, None, None)


def test_with_the_published_five_no_order_reaches_5_percent():
    perfect = {"t5": 5.0, "alibi": 4.0, "none": 3.0, "sinusoidal": 2.0, "rotary_quarter": 1.0}
    assert ranking.estimate_agreement(perfect, "copy").p > 0.05
    assert ranking.estimate_agreement(perfect | {"rotary": 0.5}, "copy").p < 0.05


def test_the_unit_is_the_encoding_and_rotary_has_its_rank_twice():
    assert ranking.get_rank("copy", "rotary_quarter") == ranking.get_rank("copy", "rotary") == 3
    assert ranking.estimate_agreement({"t5": 1.0, "none": 0.0}, "copy") is None


@pytest.mark.parametrize(
    ("value", "p", "seeds", "n", "deciding", "verdict"),
    [
        (0.8, 0.03, 10, 6, True, "supported"), (-0.8, 0.03, 10, 6, True, "contradicted"),
        (0.8, 0.06, 10, 6, True, "undecided"), (0.8, 0.03, 9, 6, True, "undecided"),
        (0.8, 0.03, 10, 5, True, "undecided"), (0.8, 0.03, 10, 6, False, "undecided"),
    ],
)  # fmt: skip
def test_only_the_named_setting_decides(value, p, seeds, n, deciding, verdict):
    assert ranking.judge_ranking(Estimate(value, None, None, n, p), seeds, deciding) == verdict


def test_settings_are_told_apart_by_all_their_sizes():
    rows = [ranking.DECIDING, ranking.DECIDING | {"steps": 1000}, ranking.DECIDING | {"train_length": 8}]
    table = pd.DataFrame(rows)
    assert ranking.is_deciding(table).tolist() == [True, False, False]
    assert len(ranking.select_deciding(table)) == 1 and len(ranking.select_common(table)) == 2
    old = table.drop(columns=["layers", "width", "steps"])
    assert not ranking.is_deciding(old).any() and len(ranking.select_deciding(old)) == 3
    assert len(ranking.select_common(table[:1])) == 1
    assert ranking.describe_sizes(table) == "N = 20, layers 4, width 64, steps 6000"
    assert ranking.describe_sizes(old) == "N = 20"
