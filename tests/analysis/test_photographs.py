"""Photographs: intervals over pairs that share photographs, and the panda plus the banana."""

import numpy as np
import pandas as pd
import pytest

from jaxpe.analysis import photographs


def test_the_jackknife_counts_photographs():
    names = [f"p{i}" for i in range(12)]
    first, second = zip(*[(a, b) for a in names for b in names if a < b], strict=True)
    hits = [a == "p0" for a in first]  # all of it comes from one photograph
    found = photographs.estimate_over_photographs(first, second, hits)
    assert found.n == 12 and found.value == pytest.approx(11 / 66) and found.low == 0.0 and found.high > 0.4


def make_rows(ranks, alone=(1, 1), weighting="mean", labels=(388, 954)):
    """The rows of two photographs alone, and of their sum."""
    names = {"first": "a", "second": "b", "label_first": labels[0], "label_second": labels[1]}
    places = {"rank_first": ranks[0], "rank_second": ranks[1], "value": min(ranks), "weighting": weighting}
    rows = [{"metric": "better_rank"} | names | places]
    rows += [
        {"metric": "rank_alone", "first": name, "label_first": label, "value": rank}
        for name, label, rank in zip("ab", labels, alone, strict=True)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("ranks", "alone", "seen", "verdict"),
    [
        ((1, 505), (1, 1), 1.0, "contradicted"),
        ((13, 12), (1, 1), 1.0, "contradicted"),
        ((12, 3), (1, 1), 2.0, "contradicted"),
        ((13, 13), (1, 1), 0.0, "supported"),
        ((13, 13), (1, 2), 0.0, "undecided"),
        ((1, 505), (2, 1), 1.0, "undecided"),
    ],
)
def test_the_panda_plus_the_banana_is_judged_by_the_first_twelve_guesses(ranks, alone, seen, verdict):
    for labels, weighting in (((388, 954), "mean"), ((954, 388), "clipped sum")):
        (found,) = photographs.list_founding_sums(make_rows(ranks, alone, weighting, labels), 12)
        assert (found.weighting, found.seen, found.pairs, found.verdict) == (weighting, seen, 1, verdict)
    a, b = (alone[::-1], ranks[::-1])
    assert found.note == f"Alone: panda {a[0]}, banana {a[1]}. In the sum: panda {b[0]}, banana {b[1]}."


@pytest.mark.parametrize(("weighting", "labels"), [("3 : 1", (388, 954)), ("mean", (388, 950)), ("mean", (388, 388))])
def test_other_pairs_and_unequal_weights_are_not_the_sum_of_the_question(weighting, labels):
    assert photographs.list_founding_sums(make_rows((1, 1), weighting=weighting, labels=labels), 12) == []


def test_a_table_without_photographs_has_no_founding_sum():
    assert photographs.list_founding_sums(pd.DataFrame([{"metric": "both_named", "value": 0.5}]), 12) == []


def test_two_pandas_that_disagree_decide_nothing():
    other = make_rows((50, 60)).replace({"first": {"a": "c"}})
    (found,) = photographs.list_founding_sums(pd.concat([make_rows((1, 505)), other]), 12)
    assert (found.seen, found.pairs, found.verdict) == (0.5, 2, "undecided")


@pytest.mark.parametrize(("weights", "expected"), [((0.5, 0.5), 150.0), ((1.0, 1.0), 255.0), ((0.75, 0.25), 125.0)])
def test_pictures_are_added_with_their_weights_and_clipped(weights, expected):
    mixed = photographs.add_pictures(np.full((2, 2), 100.0), np.full((2, 2), 200.0), weights)
    np.testing.assert_allclose(mixed, expected)


def test_the_jackknife_leaves_out_one_photograph_at_a_time():
    """Four photographs, six pairs: the error by hand."""
    pairs = [("a", "b", 0.5), ("a", "c", 0.45), ("a", "d", 0.55), ("b", "c", 0.4), ("b", "d", 0.6), ("c", "d", 0.5)]
    first, second, values = zip(*pairs, strict=True)
    without = np.array([np.mean([v for a, b, v in pairs if name not in (a, b)]) for name in "abcd"])
    error = np.sqrt(3 / 4 * ((without - without.mean()) ** 2).sum())
    estimate = photographs.estimate_over_photographs(first, second, values)
    assert estimate.value == pytest.approx(0.5) and estimate.n == 4 and 0.01 < error < 0.1
    assert (estimate.low, estimate.high) == pytest.approx((0.5 - 3.182446 * error, 0.5 + 3.182446 * error), abs=1e-6)
