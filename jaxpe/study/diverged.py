"""Rows of a table that come from trainings that diverged: the column `diverged` marks them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from jaxpe.records.csv_tables import DIVERGED
from jaxpe.study.tables import OWN_RATE, TableRow, make_base_row
from jaxpe.study.workspace import Run

TEST_COLUMNS = ("experiment", "test_positions", "test_length")  # of `make_base_row`: not of the run itself


def mark_diverged(rows: Sequence[TableRow], runs: Sequence[Run]) -> list[TableRow]:
    """The rows, marked where they may be of one of the diverged runs.

    A row belongs to a run where no column that says how it was trained has another value. A mean over seeds belongs to all
    of them.
    """
    columns = [list_columns(run) for run in runs]
    return [row | {DIVERGED: True} if any(describes_run(row, one) for one in columns) else row for row in rows]


def list_columns(run: Run) -> dict[str, Any]:
    """What a table may say of a run: the columns of its config and its training, and its seed."""
    config = run.config
    token, position = config.scales or (1.0, 1.0)
    base = make_base_row("", config, run.seed, None)
    columns = asdict(config) | asdict(config.training) | {"token_factor": token, "position_factor": position} | base
    return {name: value for name, value in columns.items() if name not in TEST_COLUMNS}


def describes_run(row: TableRow, columns: dict[str, Any]) -> bool:
    """Whether no column of a row has another value. Columns that the row leaves empty say nothing."""
    if row.get("task") is None or row.get("metric") == OWN_RATE:  # not of one run: a property, a choice among runs
        return False
    return all(is_equal(row[name], value) for name, value in columns.items() if row.get(name) is not None)


def is_equal(a: Any, b: Any) -> bool:
    """Whether two entries are the same; floats up to the digits that a table keeps."""
    return math.isclose(a, b, rel_tol=1e-5) if isinstance(a, float) and isinstance(b, (int, float)) else bool(a == b)
