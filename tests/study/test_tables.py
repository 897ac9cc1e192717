"""Rows of tables: baselines next to each value, and selections by learning rate and seed."""

import math

import numpy as np
import pandas as pd
import pytest

from jaxpe.study import tables
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


def test_lengths_have_the_same_weight_in_the_mean_of_a_seed():
    table = pd.DataFrame({"seed": [1, 1, 0], "metric": ["m", "m", "m"], "value": [0.2, 0.4, 1.0]})
    assert tables.average_by_seed(table, metric="m").to_dict() == {0: 1.0, 1: pytest.approx(0.3)}


def test_a_missing_number_is_a_dash():
    assert tables.format_number(0.12345) == "0.123" and tables.format_number(math.nan) == "–"
