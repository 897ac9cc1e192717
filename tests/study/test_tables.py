"""Rows of tables: baselines next to each value, and selections by learning rate and seed."""

import math

import numpy as np
import pandas as pd
import pytest

from jaxpe.study import tables
from jaxpe.study.scores import EvaluationConfig
from jaxpe.training.config import RunConfig
from jaxpe.training.scores import Scores
from jaxpe.training.sources import load_source

CONFIG = RunConfig("reverse", "encoder", "learned", 6, 60)


def make_scores():
    nothing = np.zeros(0)
    return Scores(*map(np.float32, (10, 40, 30, 5, 6, 8.0, 0)), nothing, nothing, nothing, nothing)


def test_a_row_holds_a_metric_with_its_baselines():
    rows = tables.make_score_rows("accuracy", CONFIG, load_source(CONFIG), 2, 4, make_scores(), level="high")
    assert {row["metric"]: row["value"] for row in rows} == {"token_accuracy": 0.75, "exact_match": 0.5}
    for row in rows:
        assert row["test_length"] == 4 and row["seed"] == 2 and row["n_examples"] == 10 and row["level"] == "high"
        assert 0 <= row["length_baseline"] < 1 and row["order_blind_baseline"] is not None


def test_the_test_positions_of_a_row_follow_from_its_test():
    config = RunConfig("reverse", "encoder", "learned", 6, 60, positions="offset", position_options=(("limit", 60),))
    as_trained = tables.make_base_row("mine", config, 0, 4)
    assert (as_trained["positions"], as_trained["test_positions"]) == ("offset", "offset")
    from_0 = EvaluationConfig(sampler="arange")
    assert tables.make_base_row("mine", config, 0, 4, from_0)["test_positions"] == "arange"
    rows = tables.make_score_rows("mine", config, load_source(config), 0, 4, make_scores(), evaluation=from_0)
    assert {row["test_positions"] for row in rows} == {"arange"}


def test_exact_match_given_the_length_has_the_baselines_of_exact_match():
    metrics = ("exact_match", "exact_match_given_length", "bits_per_character")
    rows = tables.make_score_rows("accuracy", CONFIG, load_source(CONFIG), 0, 4, make_scores(), metrics)
    assert rows[0]["length_baseline"] == rows[1]["length_baseline"] and rows[1]["value"] == pytest.approx(0.6)
    assert rows[2]["length_baseline"] is None and math.isnan(rows[2]["value"])


def make_table():
    """Two encodings at the common rate; `learned` chose another one, at which its seed 1 was trained too."""
    shared = {"task": "reverse", "architecture": "encoder", "positions": "arange"}
    rows = [
        shared | {"encoding": name, "seed": seed, "learning_rate": rate, "metric": "m", "value": value}
        for name, seed, rate, value in (
            ("none", 0, 0.003, 0.1), ("none", 1, 0.003, 0.2), ("learned", 0, 0.003, 0.5), ("learned", 1, 0.003, 0.6),
            ("learned", 1, 0.01, 0.9), ("learned", 2, 0.01, 0.8),
        )
    ]  # fmt: skip
    choice = {"encoding": "learned", "learning_rate": 0.003, "metric": tables.OWN_RATE, "value": 0.01}
    return pd.DataFrame([*rows, shared | choice])


def test_results_are_selected_at_the_common_rate_or_at_the_chosen_one():
    common, own = tables.select_rate(make_table()), tables.select_rate(make_table(), chosen=True)
    assert common["value"].tolist() == [0.1, 0.2, 0.5, 0.6] and own["value"].tolist() == [0.1, 0.2, 0.9, 0.8]


def test_pairs_are_of_the_seeds_that_both_have():
    own = tables.select_rate(make_table(), chosen=True)
    a, b = tables.pair_seeds(own, {"encoding": "learned"}, {"encoding": "none"})
    assert a.tolist() == [0.9] and b.tolist() == [0.2]


def test_series_are_aligned_by_seed_and_not_by_order():
    first, second = pd.Series({3: 0.3, 1: 0.1, 0: 0.0}), pd.Series({1: 1.1, 2: 1.2, 3: 1.3})
    a, b, c = tables.align_seeds(first, second, first + 5)
    assert a.tolist() == [0.1, 0.3] and b.tolist() == [1.1, 1.3] and c.tolist() == [5.1, 5.3]
    assert [values.tolist() for values in tables.align_seeds(first, second[:0])] == [[], []]


def test_lengths_have_the_same_weight_in_the_mean_of_a_seed():
    table = pd.DataFrame({"seed": [1, 1, 0], "metric": ["m", "m", "m"], "value": [0.2, 0.4, 1.0]})
    assert tables.average_by_seed(table, metric="m").to_dict() == {0: 1.0, 1: pytest.approx(0.3)}


def test_a_missing_number_is_a_dash():
    assert tables.format_number(0.12345) == "0.123" and tables.format_number(math.nan) == "–"
