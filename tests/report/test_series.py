"""The comparison's series: every number of a table, once."""

import numpy as np
import pytest
from support import ROOT

from jaxpe.records.csv_tables import read_table
from jaxpe.report.series import METRICS, read_series
from jaxpe.study.tables import select_rows


def test_every_score_of_a_committed_table_is_in_one_series():
    folder = ROOT / "results" / "extrapolation"
    table = read_table(folder / "table.csv")
    scores = table[table["metric"].isin(METRICS) & table["seed"].notna() & table["test_length"].notna()]["value"]
    all_series = read_series([folder])
    values = [value for series in all_series for row in series["values"] for value in row if value is not None]
    assert len(values) == scores.notna().sum()
    np.testing.assert_allclose(sorted(values), sorted(scores.dropna()), atol=5.1e-5)
    plain = {"encoding": "none", "metric": "token_accuracy"}
    series = next(one for one in all_series if plain.items() <= one.items() and not one["condition"])
    rows = select_rows(table, **plain, task=series["task"], variant="plain")
    rows = select_rows(rows, test_length=series["lengths"][-1], seed=series["seeds"][0])
    assert rows["value"].tolist() == pytest.approx([series["values"][-1][0]], abs=5e-5)
