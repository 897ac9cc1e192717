"""The comparison's series: every number of a table, once."""

import numpy as np
import pandas as pd
import pytest
from page_folders import make_scores
from support import ROOT

from jaxpe.records.csv_tables import read_table
from jaxpe.report.series import METRICS, make_series, read_series
from jaxpe.study.tables import select_rows


@pytest.mark.parametrize("folder", ["results/extrapolation", "results/harm", "results/standard/harm"])
def test_every_score_of_a_committed_table_is_in_one_series(folder):
    """Also where only the width tells rows apart."""
    table = read_table(ROOT / folder / "table.csv")
    scores = table[table["metric"].isin(METRICS) & table["seed"].notna() & table["test_length"].notna()]["value"]
    values = [value for series in read_series([ROOT / folder]).series for row in series["values"] for value in row]
    values = [value for value in values if value is not None]
    assert len(values) == scores.notna().sum()
    np.testing.assert_allclose(sorted(values), sorted(scores.dropna()), atol=5.1e-5)


def test_a_series_has_the_scores_of_its_seeds():
    folder = ROOT / "results" / "extrapolation"
    table, all_series = read_table(folder / "table.csv"), read_series([folder]).series
    plain = {"encoding": "none", "metric": "token_accuracy"}
    series = next(one for one in all_series if plain.items() <= one.items() and not one["condition"])
    rows = select_rows(table, **plain, task=series["task"], variant="plain")
    rows = select_rows(rows, test_length=series["lengths"][-1], seed=series["seeds"][0])
    assert rows["value"].tolist() == pytest.approx([series["values"][-1][0]], abs=5e-5)


def make_rows(**columns):
    return [row | columns for row in make_scores(("learned",), seeds=2)]


@pytest.mark.parametrize(
    "columns",
    [
        {"task": "copy"},
        {"architecture": "decoder"},
        {"encoding": "none"},
        {"positions": "offset"},
        {"test_positions": "randomized"},
        {"train_length": 4},
        {"metric": "exact_match"},
        {"width": 64},
        {"variant": "shifted"},
        {"learning_rate": 0.01},
    ],
)
def test_a_series_is_found_by_its_full_description(columns):
    """Two groups of rows that differ in one column are two series, each with its own values."""
    plain = {"width": 32, "variant": "plain", "learning_rate": 0.003}
    table = pd.DataFrame(
        [*make_rows(**plain), *(row | {"value": row["value"] / 2} for row in make_rows(**plain | columns))]
    )
    first, second = make_series("mine", table).series
    assert second["values"] == [[pytest.approx(value / 2, abs=1e-4) for value in row] for row in first["values"]]
    about = [{name: value for name, value in one.items() if name != "values"} for one in (first, second)]
    assert about[0] != about[1] or "learning_rate" in columns


def test_a_mark_of_divergence_splits_no_series():
    rows = [row | ({"diverged": True} if row["seed"] == 1 else {}) for row in make_rows()]
    [series] = make_series("mine", pd.DataFrame(rows)).series
    assert series["seeds"] == [0, 1] and not series["condition"]


def test_rows_that_no_column_tells_apart_are_named_and_not_averaged():
    series, unclear = make_series("mine", pd.DataFrame([*make_rows(), *make_rows(), *make_rows(task="copy")]))
    assert [one["task"] for one in series] == ["copy"]
    assert unclear == ["mine: reverse, encoder, learned, arange, arange, token_accuracy, 8"]
