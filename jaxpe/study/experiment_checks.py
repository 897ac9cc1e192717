"""What an experiment gives, checked where it is taken up: each fault is one sentence that says what to change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from jaxpe.errors import UserError
from jaxpe.records.claims import Claim
from jaxpe.records.csv_tables import NUMBERS, WORDS
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import TableRow

REQUIRED_PARTS = ("PRESETS", "CLAIMS", "measure", "figures", "claims")
REQUIRED_COLUMNS = ("metric", "value")  # of every row


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
    """The rows of a table. Raises UserError for what no table can hold: none at all, a missing column, a word for a number."""
    if not isinstance(rows, Iterable) or isinstance(rows, (str, Mapping)):
        raise UserError(f"{name}: measure must return a list of rows, not {describe(rows)}.")
    table: list[TableRow] = list(rows)
    if not table:
        raise UserError(f"{name}: measure returned no rows, so that there is no table: return at least one.")
    for number, row in enumerate(table, 1):
        if fault := find_row_fault(row):
            raise UserError(f"{name}: measure: row {number}: {fault}.")
    return table


def find_row_fault(row: Any) -> str:
    """What keeps a row out of a table; '' where nothing does."""
    if not isinstance(row, Mapping):
        return f"a dictionary of values by column is due, not {describe(row)}"
    if unnamed := [column for column in row if not isinstance(column, str) or not column]:
        return f"{unnamed[0]!r} cannot be the name of a column: use text"
    for column in REQUIRED_COLUMNS:
        if column not in row:
            return f"it has no {column!r}"
    for column, value in row.items():
        if column in NUMBERS and not is_number(value):
            return f"{column!r}: a number is due, not {describe(value)}"
        if column in WORDS and not (value is None or isinstance(value, str) or is_missing(value)):
            return f"{column!r}: text is due, not {describe(value)}"
    return ""


def is_number(value: Any) -> bool:
    """Whether a table can hold a value as a number, or as a missing one."""
    if value is None:
        return True
    if isinstance(value, (bool, np.bool_, str, bytes, complex)) or np.ndim(value):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


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


def describe(value: Any) -> str:
    """A value as an error shows it: a short one itself, else its type."""
    text = repr(value)
    is_short = len(text) <= 40 and not isinstance(value, (list, dict))
    return text if is_short else f"a value of the type {type(value).__name__}"
