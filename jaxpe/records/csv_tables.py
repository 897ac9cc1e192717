"""Tidy tables of results as CSV files: one value of one metric at one test length in each row."""

from __future__ import annotations

import csv
import gzip
import io
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxpe.errors import UserError
from jaxpe.records.files import write_bytes, write_text
from jaxpe.records.stored_files import AGAIN, name_compressed, read_text

if TYPE_CHECKING:
    import pandas as pd

PREVIOUS = "table.previous.csv"
LARGE = 1_000_000  # bytes: a larger table is committed compressed
COLUMNS = (
    "experiment", "task", "architecture", "encoding", "positions", "test_positions", "seed", "train_length",
    "test_length", "metric", "value", "length_baseline", "order_blind_baseline", "n_examples",
)  # fmt: skip
NUMBERS = ("seed", "train_length", "test_length", "value", "length_baseline", "order_blind_baseline", "n_examples")
WORDS = ("experiment", "task", "architecture", "encoding", "positions", "test_positions", "metric")
DIVERGED = "diverged"  # a further column: True in the rows of a run whose training diverged
RUN_COLUMNS = ("task", "architecture", "encoding", "positions", "seed", "train_length")


def write_table(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes rows as CSV: see `format_table`. It takes the place of a compressed table."""
    write_text(path, format_table(rows))
    name_compressed(path).unlink(missing_ok=True)


def format_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV, in their order: `COLUMNS` first, further columns sorted by name, empty where a row has no value."""
    rows = list(rows)
    further = sorted({name for row in rows for name in row} - set(COLUMNS))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *further])
    writer.writerows([format_entry(row.get(name)) for name in (*COLUMNS, *further)] for row in rows)
    return text.getvalue()


def compress_tables(results: Path) -> None:
    """Compresses tables of more than `LARGE` bytes in a results folder: the same text gives the same bytes."""
    for path in sorted(results.glob("*/table.csv")):
        if path.stat().st_size > LARGE:
            write_bytes(name_compressed(path), gzip.compress(path.read_bytes(), mtime=0))
            path.unlink()


def keep_previous(path: Path, rows: Iterable[Mapping[str, Any]]) -> str:
    """Keeps the table at `path` as `PREVIOUS` where it holds runs that the new rows do not. Returns the name, '' for none.

    An earlier one that is kept stays; the next gets a number, as table.previous-2.csv.
    """
    try:
        text = read_text(path)
    except UserError:
        return ""
    old_runs = {tuple(row.get(name) or "" for name in RUN_COLUMNS) for row in csv.DictReader(io.StringIO(text))}
    new_runs = {tuple(format_entry(row.get(name)) for name in RUN_COLUMNS) for row in rows}
    if old_runs <= new_runs:
        return ""
    kept, number = path.with_name(PREVIOUS), 1
    while kept.exists():
        number += 1
        kept = path.with_name(PREVIOUS.replace(".csv", f"-{number}.csv"))
    write_text(kept, text)
    return kept.name


def format_entry(value: Any) -> str:
    """An entry of a table: floats with six significant digits, '' for None and NaN."""
    if hasattr(value, "item"):  # a scalar of an array library
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(f"{value:.6g}")) if isinstance(value, float) else str(value)


def read_table(path: Path) -> pd.DataFrame:
    """A table as it was written. Only an empty entry is a missing value: an encoding may be called `none`.

    Raises UserError for a file that cannot be read, was cut off, has not the columns of a table of results, or has an entry
    of another kind than its column.
    """
    import pandas as pd

    text = read_text(path)
    check_lines(path, text)
    try:
        table = parse_table(text)
    except (ValueError, OverflowError) as error:
        raise UserError(f"{path} was altered: it cannot be read as a table ({error}). {AGAIN}") from error
    for name in NUMBERS:
        if not pd.api.types.is_numeric_dtype(table[name]) or pd.api.types.is_bool_dtype(table[name]):
            raise locate_word(path, table[name])
    return table


def parse_table(text: str) -> pd.DataFrame:
    """The text of a table as a DataFrame. A further column holds numbers or truth values where all its entries are such."""
    import pandas as pd

    words = dict.fromkeys(WORDS, "str")
    return pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""], dtype=words, low_memory=False)


def check_lines(path: Path, text: str) -> None:
    """Raises UserError where the lines of a table do not have the same columns, or are none at all."""
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(lines, [])
        if missing := [name for name in COLUMNS if name not in header]:
            raise UserError(f"{path} is not a table of results: it has no column {missing[0]!r}. {AGAIN}")
        if repeated := [name for name in header if header.count(name) > 1]:
            raise UserError(f"{path} was altered: it has two columns {repeated[0]!r}. {AGAIN}")
        for entries in lines:
            if len(entries) != len(header):
                fault = f"line {lines.line_num} has {len(entries)} entries where the first has {len(header)}"
                raise UserError(f"{path} was altered or cut off: {fault}. {AGAIN}")
    except csv.Error as error:
        raise UserError(f"{path} was altered: line {lines.line_num} is not CSV ({error}). {AGAIN}") from error
    if lines.line_num < 2:
        raise UserError(f"{path} has no rows. {AGAIN}")
    if not text.endswith("\n"):
        raise UserError(f"{path} was cut off. {AGAIN}")


def locate_word(path: Path, column: pd.Series) -> UserError:
    """The error for a column of numbers that holds something else."""
    import pandas as pd

    words = column[pd.to_numeric(column.astype(str), errors="coerce").isna() & column.notna()]
    row, word = (words.index[0], words.iloc[0]) if len(words) else (column.index[0], column.iloc[0])
    return UserError(f"{path} was altered: row {row + 1}, {column.name!r}: a number is due, not {word!r}. {AGAIN}")


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        compress_tables(Path(folder))
