"""Comparisons of a scorecard: seeds are paired, verdicts follow the rows, p is adjusted over all of them."""

import numpy as np
import pandas as pd
import pytest
from scorecard_rows import compare, make_rows, make_table, spread_seeds

from jaxpe.analysis.comparisons import PLAIN, compare_with_controls, compute_costs, make_wide_row
from jaxpe.records import statistics
from jaxpe.report.answers.scorecard import format_difference


def test_differences_are_of_the_same_seed():
    """Seeds differ far more than encodings do, and the rows stand in any order: only pairs show the difference."""
    base = np.array([0.1, 0.9, 0.4, 0.6, 0.2, 0.8])
    new = base + np.array([0.03, 0.01, 0.02, 0.03, 0.01, 0.02])
    rows = make_rows("mine", new) + make_rows("none", [*base, 0.0])
    (one,) = compare([rows[i] for i in np.random.default_rng(0).permutation(len(rows))])
    assert (one["n"], one["verdict"]) == (6, "better") and one["difference"] == pytest.approx(0.02)
    assert 0 < one["low"] < 0.02 < one["high"] and one["p"] == pytest.approx(2 / 2**6)


@pytest.mark.parametrize(
    ("metric", "task", "new", "old", "word"),
    [
        ("token_accuracy", "reverse", spread_seeds(0.8), spread_seeds(0.5), "better"),
        ("token_accuracy", "reverse", spread_seeds(0.5), spread_seeds(0.8), "worse"),
        ("token_accuracy", "reverse", [0.5, 0.6] * 3, [0.6, 0.5] * 3, "undecided"),
        ("token_accuracy", "reverse", spread_seeds(0.8, 5), spread_seeds(0.5, 5), "undecided"),
        (
            "token_accuracy",
            "reverse",
            spread_seeds(0.998, 6, 0.001),
            spread_seeds(0.996, 6, 0.0005),
            "both at the ceiling",
        ),
        ("token_accuracy", "reverse", [1.0] * 6, spread_seeds(0.98), "better"),
        ("bits_per_character", "causal_lm", spread_seeds(2.0), spread_seeds(2.5), "better"),
        ("bits_per_character", "masked_lm", spread_seeds(2.5), spread_seeds(2.0), "worse"),
        ("bits_per_character", "causal_lm", spread_seeds(1.0), spread_seeds(1.1), "better"),
        ("position_error_trained", "reverse", spread_seeds(0.9), spread_seeds(0.3), "higher"),
        ("position_gained", "reverse", spread_seeds(0.1), spread_seeds(0.3), "lower"),
        ("token_accuracy", "reverse", [*spread_seeds(0.8, 5), np.nan], spread_seeds(0.5), "not comparable"),
        ("bits_per_character", "causal_lm", [np.nan] * 6, spread_seeds(2.0), "not comparable"),
    ],
)
def test_the_words_of_a_comparison(metric, task, new, old, word):
    (one,) = compare(make_rows("mine", new, task, metric) + make_rows("none", old, task, metric))
    assert one["verdict"] == word
    assert (one["low"] is None) == (len(new) < 6 or word == "not comparable")


def test_a_seed_without_a_finite_value_is_shown_and_not_left_out():
    rows = make_rows("mine", [0.9, np.nan, np.inf, 0.9, 0.9, 0.9, 0.9, 0.9]) + make_rows("none", [0.1] * 8)
    (one,) = compare(rows)
    assert (one["n"], one["without_value"], one["difference"], one["p"]) == (8, 2, None, None)
    assert one["new_mean"] is None and one["baseline_mean"] == pytest.approx(0.1)
    assert format_difference(one) == "not comparable with none (0.100)"


def test_what_is_measured_at_which_lengths():
    """N, twice N, the longest where it is longer than that; harm against none alone."""
    rows = [
        row
        for encoding in ("mine", "none", "rotary")
        for length in (4, 8, 9, 16, 40)
        for task in ("reverse", "count")
        for row in make_rows(encoding, spread_seeds(0.5), task, length=length)
    ]
    differences = compare(rows, ("none", "rotary"))
    measured = {(one["measure"], one["task"], one["test_length"], one["baseline"]) for one in differences}
    assert measured == {
        *[("accuracy", "reverse", 8, other) for other in ("none", "rotary")],
        *[("extrapolation", "reverse", length, other) for length in (16, 40) for other in ("none", "rotary")],
        *[("harm", "count", length, "none") for length in (8, 16)],
    }
    assert len(differences) == len(measured)
    short = [row for row in rows if row["test_length"] <= 16 and row["task"] == "reverse"]
    assert [one["test_length"] for one in compare(short)] == [8, 16]


def test_p_is_adjusted_for_every_comparison_of_the_page():
    rows = []
    for length, new in ((8, spread_seeds(0.8)), (16, [0.5, 0.6, 0.7, 0.4, 0.5, 0.55])):
        rows += make_rows("mine", new, length=length) + make_rows("none", spread_seeds(0.5), length=length)
    rows += make_rows("mine", [0.3], "count") + make_rows("none", [0.4], "count")  # no test: one pair
    differences = compare(rows)
    tested = [one for one in differences if one["p"] is not None]
    assert len(tested) == 2 and [one["adjusted_p"] for one in differences if one["p"] is None] == [None]
    assert [one["adjusted_p"] for one in tested] == pytest.approx(
        statistics.adjust_p_values([one["p"] for one in tested])
    )
    assert tested[0]["adjusted_p"] == 2 * tested[0]["p"]


def test_equal_costs_are_compared_with_their_own_baseline():
    """The new encoding was trained longer for each: two runs of it, which must not be mixed."""
    rows = (
        make_rows("mine", spread_seeds(0.5))
        + make_rows("none", spread_seeds(0.5))
        + make_rows("rotary", spread_seeds(0.5))
    )
    for rival, new in (("none", 0.6), ("rotary", 0.9)):
        more = {"condition": "equal FLOPs", "rival": rival, "how": f"mine is trained longer for {rival}"}
        rows += make_rows("mine", spread_seeds(new), **more) + make_rows(rival, spread_seeds(0.5), **more)
    differences = [one for one in compare(rows, ("none", "rotary")) if one["condition"] != PLAIN]
    assert [(one["baseline"], round(one["difference"], 6)) for one in differences] == [("none", 0.1), ("rotary", 0.4)]
    assert [one["how"] for one in differences] == [
        "mine is trained longer for none",
        "mine is trained longer for rotary",
    ]


def test_the_row_has_every_difference_and_cost():
    differences = compare(make_table(), ("none", "rotary"))
    costs = compute_costs(pd.DataFrame(make_table()), "mine", ("none", "rotary"))
    row = make_wide_row("mine", differences, costs, 0)
    head = (row["encoding"], row["architecture"], row["properties that do not hold"])
    assert head == ("mine", "decoder", 0)
    for one in differences:
        what = f"{one['task']} {one['metric']} at {one['test_length']}"
        what += "" if one["condition"] == PLAIN else ", equal FLOPs"
        assert row[f"{what} minus {one['baseline']}"] == one["difference"] and row[f"{what} n"] == one["n"] == 6
        assert row[f"{what} minus {one['baseline']} low"] == one["low"]
    assert row["reverse token_accuracy at 8"] == pytest.approx(0.8)  # at equal steps, not at equal FLOPs
    assert "reverse token_accuracy at 8, equal FLOPs" not in row  # it has one for every baseline
    assert (row["parameters"], row["step time over none"], row["step time over rotary"]) == (1064, 1.5, 0.9)


@pytest.mark.parametrize(("value", "verdict"), [(0.2, "supported"), (1.4, "contradicted"), (1.0, "undecided")])
def test_one_table_stays_one_table_however_many_controls_are_drawn(value, verdict):
    controls = np.linspace(0.9, 1.1, 10)
    found, difference = compare_with_controls(controls, value)
    assert found == verdict and difference.value == pytest.approx(1.0 - value)
    assert (difference.n, difference.low, difference.high, difference.p) == (1, None, None, None)


@pytest.mark.parametrize("value", [0.2, 1.4])
def test_few_draws_of_a_control_decide_nothing(value):
    """Of ten tables of one kind, one is the smallest."""
    assert compare_with_controls(np.linspace(0.9, 1.1, 9), value)[0] == "undecided"
