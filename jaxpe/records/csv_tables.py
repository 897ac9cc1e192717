"""Tidy tables of results as CSV files: one value of one metric at one test length in each row."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxpe.errors import UserError
from jaxpe.records.files import write_text

if TYPE_CHECKING:
    import pandas as pd

PREVIOUS = "table.previous.csv"
COLUMNS = (
    "experiment", "task", "architecture", "encoding", "positions", "test_positions", "seed", "train_length",
    "test_length", "metric", "value", "length_baseline", "order_blind_baseline", "n_examples",
)  # fmt: skip
RUN_COLUMNS = ("task", "architecture", "encoding", "positions", "seed", "train_length")


def write_table(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes rows as CSV, in their order: `COLUMNS` first, further columns sorted by name, empty where a row has no value."""
    rows = list(rows)
    further = sorted({name for row in rows for name in row} - set(COLUMNS))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *further])
    writer.writerows([format_entry(row.get(name)) for name in (*COLUMNS, *further)] for row in rows)
    write_text(path, text.getvalue())


def keep_previous(path: Path, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Keeps the table at `path` as `PREVIOUS` where it holds runs that the new rows do not. Returns whether it did."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    old_runs = {tuple(row.get(name) or "" for name in RUN_COLUMNS) for row in csv.DictReader(io.StringIO(text))}
    new_runs = {tuple(format_entry(row.get(name)) for name in RUN_COLUMNS) for row in rows}
    if old_runs <= new_runs:
        return False
    write_text(path.with_name(PREVIOUS), text)
    return True


def format_entry(value: Any) -> str:
    """An entry of a table: floats with six significant digits, '' for None and NaN."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(f"{value:.6g}")) if isinstance(value, float) else str(value)


def read_table(path: Path) -> pd.DataFrame:
    """A table as it was written. Only an empty entry is a missing value: an encoding may be called `none`.

    Raises UserError for a file that cannot be read, is incomplete, or has not the columns of a table of results.
    """
    import pandas as pd

    try:
        text = path.read_text(encoding="utf-8")
        table = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a table ({error}): run its experiment again.") from error
    if missing := [name for name in COLUMNS if name not in table]:
        raise UserError(f"{path} is not a table of results: it has no column {missing[0]!r}. Run its experiment again.")
    if not text.endswith("\n"):
        raise UserError(f"{path} was cut off: run its experiment again.")
    return table
