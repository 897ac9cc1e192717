"""Rows of controls are averaged over seeds where no claim pairs them."""

import pandas as pd
import pytest
from probed_models import measure_extraction_table

from jaxpe.analysis.extraction import average_controls
from jaxpe.report.answers.extraction import PRIMARY
from jaxpe.study import tables

pytestmark = pytest.mark.xdist_group("extraction")  # whose table is measured once


def test_controls_are_means_over_seeds_except_where_claims_pair_them():
    table = measure_extraction_table()
    rows = [dict(row) for row in table[table["task"] == "reverse"].to_dict("records")]
    rows = [{name: value for name, value in row.items() if value == value} for row in rows]
    others = [row | {"task": "copy", "value": row["value"] + row["seed"]} for row in rows]
    averaged = pd.DataFrame(average_controls(rows + others, PRIMARY))
    errors = averaged[averaged["metric"] == "probe_error"]
    unpaired = (errors["network"] == "untrained") & (errors["task"] == "copy")
    without_seed = errors["network"].isin(["shuffled", "gaussian"]) | unpaired
    assert errors["seed"].isna().equals(without_seed)
    columns = {"target": "position", "layer": 1, "network": "untrained", "places": "all"}
    (mean,) = tables.select_rows(errors, **columns, task="copy")["value"]
    by_seed = tables.select_rows(errors, **columns, task="reverse")["value"]
    assert mean == pytest.approx(by_seed.mean() + 2.5)
