"""The numbers of a table for programs."""

import numpy as np
import pandas as pd
import pytest
from support import ROOT

from jaxpe.errors import UserError
from jaxpe.records.csv_tables import read_table
from jaxpe.records.statistics import estimate_mean
from jaxpe.report.means import list_means


def test_every_plain_result_is_in_one_mean():
    table = read_table(ROOT / "results" / "accuracy" / "table.csv")
    rows = list_means(table)
    plain = table[table["seed"].notna() & (table["encoding"] != "any") & table["learning_rate"].notna()]
    assert sum(row["n"] for row in rows) == len(plain)
    [row] = [
        row
        for row in rows
        if (row["task"], row["architecture"], row["encoding"], row["metric"])
        == ("count", "encoder", "none", "token_accuracy")
        and row["test_length"] == 8
    ]
    values = plain[
        (plain["task"] == "count") & (plain["architecture"] == "encoder") & (plain["encoding"] == "none")
        & (plain["metric"] == "token_accuracy") & (plain["test_length"] == 8)
    ]["value"]  # fmt: skip
    expected = estimate_mean(values)
    assert values.nunique() > 1
    assert (row["mean"], row["low"], row["high"], row["n"]) == (expected.value, expected.low, expected.high, expected.n)


def test_losses_have_an_interval_at_any_value_and_a_missing_value_has_no_mean():
    rows = [
        {
            "task": "masked_lm",
            "encoding": "none",
            "metric": metric,
            "seed": seed,
            "value": value,
            "positions": "arange",
            "architecture": "encoder",
        }
        for metric, values in (("bits_per_character", (0.9, 1.0, 1.1)), ("steps_to_95", (100, np.nan, 300)))
        for seed, value in enumerate(values)
    ]
    bits, steps = list_means(pd.DataFrame(rows))
    assert bits["mean"] == pytest.approx(1.0) and bits["low"] < 0.9 < 1.1 < bits["high"] and bits["n"] == 3
    assert np.isnan(steps["mean"]) and steps["n"] == 3


def test_rows_of_one_seed_that_nothing_tells_apart_have_no_mean():
    row = {"task": "count", "encoding": "none", "metric": "token_accuracy", "seed": 0, "value": 0.9}
    with pytest.raises(UserError, match="Several rows of one seed are described alike"):
        list_means(pd.DataFrame([row, row | {"value": 0.1}]))
    assert len(list_means(pd.DataFrame([row | {"width": 32}, row | {"width": 64, "value": 0.1}]))) == 2
