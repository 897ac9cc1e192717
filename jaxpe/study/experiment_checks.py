"""What an experiment gives, checked where it is taken up: each fault is one sentence that says what to change."""

from __future__ import annotations

import csv
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from jaxpe.errors import UserError
from jaxpe.records.claims import Claim
from jaxpe.records.csv_tables import COLUMNS, NUMBERS, WORDS, format_entry, format_table, parse_table
from jaxpe.study.preset_checks import check_preset
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import TableRow

REQUIRED_PARTS = ("PRESETS", "CLAIMS", "measure", "figures", "claims")
REQUIRED_COLUMNS = ("metric", "value")  # of every row
INTEGERS = range(-(2**63), 2**63)  # that a table can hold
LONGEST_TEXT = csv.field_size_limit()  # of an entry that can be read back
LONGEST_NAME = 200  # of a file, in bytes: most file systems take 255, and a suffix is added


def check_module(module: ModuleType, file: str) -> None:
    """Raises UserError for a module that does not define what an experiment has."""
    if missing := [part for part in REQUIRED_PARTS if not hasattr(module, part)]:
        raise UserError(f"{file} is not an experiment: it does not define {', '.join(missing)}.")
    presets, claims = module.PRESETS, module.CLAIMS
    if not isinstance(presets, Mapping):
        raise UserError(f"{file}: PRESETS must be a dictionary of presets by name.")
    for name, preset in presets.items():
        rows = preset.grid if isinstance(preset, Preset) else None
        if not isinstance(rows, tuple) or not all(isinstance(row, GridRow) for row in rows):
            raise UserError(f"{file}: PRESETS[{name!r}] must be a Preset whose grid is a tuple of GridRow.")
        check_preset(preset, f"{file}: PRESETS[{name!r}]: ")
    if not isinstance(claims, Sequence) or not all(isinstance(claim, Claim) for claim in claims):
        raise UserError(f"{file}: CLAIMS must be a tuple of Claim.")
    captions = getattr(module, "CAPTIONS", {})
    if not isinstance(captions, Mapping) or not all(
        isinstance(word, str) for pair in captions.items() for word in pair
    ):
        raise UserError(f"{file}: CAPTIONS must be a dictionary of captions by the names of figures.")
    ids = [claim.id for claim in claims]
    if repeated := [name for name in ids if ids.count(name) > 1]:
        raise UserError(f"{file}: two of its CLAIMS have the id {repeated[0]!r}: give each its own.")


def check_rows(rows: Any, name: str) -> list[TableRow]:
    """The rows of a table. Raises UserError for what no table can hold, and for what would be read back as something else."""
    if hasattr(rows, "to_dict"):
        raise UserError(f"{name}: measure must return a list of rows, not a table: return table.to_dict('records').")
    if not isinstance(rows, Iterable) or isinstance(rows, (str, Mapping)):
        raise UserError(f"{name}: measure must return a list of rows, not {describe(rows)}.")
    table: list[TableRow] = list(rows)
    if not table:
        raise UserError(f"{name}: measure returned no rows, so that there is no table: return at least one.")
    for number, row in enumerate(table, 1):
        if fault := find_row_fault(row):
            raise UserError(f"{name}: measure: row {number}: {fault}.")
    if fault := find_changed_entry(table):
        raise UserError(f"{name}: measure: {fault}.")
    return table


def find_row_fault(row: Any) -> str:
    """What keeps a row out of a table; '' where nothing does."""
    if not isinstance(row, Mapping):
        return f"a dictionary of values by column is due, not {describe(row)}"
    for column in row:
        if not isinstance(column, str) or not column:
            return f"{column!r} cannot be the name of a column: use text"
        if fault := find_text_fault(column):
            return f"{describe(column)} cannot be the name of a column: {fault}"
    for column in REQUIRED_COLUMNS:
        if column not in row:
            return f"it has no {column!r}"
    for column, value in row.items():
        if fault := find_entry_fault(column, value):
            return f"{column!r}: {fault}"
    return ""


def find_entry_fault(column: str, value: Any) -> str:
    """What keeps a value out of a column; '' where nothing does."""
    if value is None:
        return ""
    if column in NUMBERS and not is_number(value):
        return f"a number is due, not {describe(value)}"
    if column in WORDS and not (isinstance(value, str) or is_missing(value)):
        return f"text is due, not {describe(value)}"
    if isinstance(value, Iterable) and not isinstance(value, str) and getattr(value, "shape", None) != ():
        return f"one number or text is due, not {describe(value)}"
    if isinstance(value, int) and value not in INTEGERS:
        return f"{describe(value)} is too large for a table: write float(…)"
    return find_text_fault(value) if isinstance(value, str) else ""


def is_number(value: Any) -> bool:
    """Whether a table can hold a value as a number: its entry reads as one."""
    if isinstance(value, (bool, np.bool_, str, bytes, complex)) or np.ndim(value):
        return False
    try:
        entry = format_entry(value)
        return not entry or (
            not math.isnan(float(entry)) and (not entry.lstrip("-").isdecimal() or int(entry) in INTEGERS)
        )
    except (TypeError, ValueError, OverflowError):
        return False


def find_text_fault(text: str) -> str:
    """What keeps a text from being written and read back the same, and what to do; '' where nothing does."""
    if len(text) > LONGEST_TEXT:
        return f"a text of {len(text)} characters is too long: shorten it to {LONGEST_TEXT}"
    odd = [one for one in text if one in "\0\r" or unicodedata.category(one) == "Cs"]
    return f"no table can hold the character U+{ord(odd[0]):04X}: leave it out" if odd else ""


def find_changed_entry(rows: Sequence[TableRow]) -> str:
    """The first entry of a further column that would be read back as something else, and what to do; '' where there is none.

    An empty text stands for no value, as None does.
    """
    table = parse_table(format_table(rows))
    for column in dict.fromkeys(column for row in rows for column in row if column not in COLUMNS):
        for number, (row, read) in enumerate(zip(rows, table[column], strict=True), 1):
            value = row.get(column)
            if isinstance(value, str):
                if value and value != read:
                    cure = f"write a word, such as {describe('v' + value)}, or a number"
                    return (
                        f"row {number}: {column!r}: the text {describe(value)} would be read back as {read!r}: {cure}"
                    )
            elif isinstance(read, str):
                cure = "give a column only texts, only numbers or only truth values"
                return f"row {number}: {column!r}: {describe(value)} would be read back as text: {cure}"
    return ""


def is_missing(value: Any) -> bool:
    """Whether a value is NaN, which stands for nothing."""
    return isinstance(value, float) and math.isnan(value)


def check_plain_names(names: Iterable[Any], what: str) -> None:
    """Raises UserError for a name that is no file name: `what` would be written outside of its folder."""
    for name in names:
        if (
            not name
            or not isinstance(name, str)
            or Path(name).name != name
            or name.startswith(".")
            or not name.isprintable()
        ):
            raise UserError(f"{what}: {name!r} cannot be the name of a file: use letters, digits, _ and -.")
        if len(name.encode()) > LONGEST_NAME:
            raise UserError(
                f"{what}: {name[:20]!r}… is too long for the name of a file: use at most {LONGEST_NAME} letters."
            )


def describe(value: Any) -> str:
    """A value as an error shows it: a short one itself, else its type."""
    text = repr(value)
    is_short = len(text) <= 40 and not isinstance(value, (list, dict))
    return text if is_short else f"a value of the type {type(value).__name__}"
