"""Definitions of columns and metrics: of everything that a committed table holds, and true of it."""

import pandas as pd
import pytest
from support import ROOT, list_tables

from jaxpe.records.csv_tables import COLUMNS, DIVERGED, read_table
from jaxpe.report.definitions import get_direction, is_share_of_right, list_plain_entries, read_definitions
from jaxpe.report.runs import format_entry
from jaxpe.study.tables import METRICS, OWN_RATE, VALIDATION_LOSS

PATHS = [path for folder in ("results", "results/standard") for path in list_tables(folder)]
RANGES = {"0 to 1": (0, 1), "-1 to 1": (-1, 1), "0 or more": (0, float("inf")), "1 or more": (1, float("inf"))}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_every_column_and_metric_is_defined_and_lies_in_its_range(path):
    definitions, table = read_definitions(), read_table(path)
    assert set(table.columns) - set(definitions["columns"]) == set()
    assert set(table["metric"]) - set(definitions["metrics"]) == set()
    for metric, values in table.groupby("metric")["value"]:
        low, high = RANGES.get(definitions["metrics"][metric]["range"], (-float("inf"), float("inf")))
        assert values.dropna().between(low - 1e-6, high + 1e-6).all(), metric


def test_plain_entries_occur_in_tables():
    """A column that says what was changed says of some rows that nothing was."""
    tables = pd.concat([read_table(path) for path in PATHS])
    for column, plain in list_plain_entries().items():
        assert set(tables[column].map(format_entry)) & set(plain), column


def test_what_every_experiment_writes_is_defined():
    definitions = read_definitions()
    assert {*COLUMNS, DIVERGED, "learning_rate"} <= set(definitions["columns"])
    assert {*METRICS, OWN_RATE, VALIDATION_LOSS} <= set(definitions["metrics"])
    for one in [*definitions["columns"].values(), *definitions["metrics"].values()]:
        assert one["meaning"].endswith(".") and one.get("better", "higher") in ("higher", "lower")


def test_directions():
    assert [get_direction(name) for name in ("token_accuracy", "bits_per_character", "symmetry", "nothing")] == [
        1,
        -1,
        0,
        0,
    ]
    assert is_share_of_right("exact_match") and not is_share_of_right("half_life")
