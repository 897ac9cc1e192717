"""The comparison's series: every number of a table, once."""

import numpy as np
import pytest
from support import ROOT

from jaxpe.records.csv_tables import read_table
from jaxpe.report.series import METRICS, read_series
from jaxpe.study.tables import select_rows


@pytest.mark.parametrize("folder", ["results/extrapolation", "results/harm", "results/standard/harm"])
def test_every_score_of_a_committed_table_is_in_one_series(folder):
    """Also where only the width tells rows apart."""
    table = read_table(ROOT / folder / "table.csv")
    scores = table[table["metric"].isin(METRICS) & table["seed"].notna() & table["test_length"].notna()]["value"]
    values = [value for series in read_series([ROOT / folder]) for row in series["values"] for value in row]
    values = [value for value in values if value is not None]
    assert len(values) == scores.notna().sum()
    np.testing.assert_allclose(sorted(values), sorted(scores.dropna()), atol=5.1e-5)


def test_a_series_has_the_scores_of_its_seeds():
    folder = ROOT / "results" / "extrapolation"
    table, all_series = read_table(folder / "table.csv"), read_series([folder])
    plain = {"encoding": "none", "metric": "token_accuracy"}
    series = next(one for one in all_series if plain.items() <= one.items() and not one["condition"])
    rows = select_rows(table, **plain, task=series["task"], variant="plain")
    rows = select_rows(rows, test_length=series["lengths"][-1], seed=series["seeds"][0])
    assert rows["value"].tolist() == pytest.approx([series["values"][-1][0]], abs=5e-5)
