"""Results on disk: the only place that writes them.

A results folder holds `cells/ID/` (one training each: `record.json`, `parameters.safetensors`, one npz per measurement),
and a folder per experiment with its table, claims and figures. Everything is written beside its target and renamed, so a
kill at any moment leaves a file whole or absent; a cell that exists is never written again.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import logging
import math
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxpe.errors import UserError

# Callers find these here too: one module stands for everything on disk.
from jaxpe.provenance import provenance, versions

if TYPE_CHECKING:
    import pandas

__all__ = [
    "COLUMNS", "SCHEMA", "Results", "canonical", "disk_errors", "identity", "open_results", "plain", "provenance",
    "read_table", "versions", "write_bytes", "write_json", "write_table", "write_text",
]  # fmt: skip

log = logging.getLogger("jaxpe")
SCHEMA = 1  # raise it when old folders can no longer be read
MARKER = "jaxpe.json"
KEY = "__key__"  # the array in which a measurement keeps its key
STALE = 24 * 3600  # seconds after which an unfinished write is taken for a killed one
FULL = (errno.ENOSPC, errno.EDQUOT)
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
TEXT_COLUMNS = ("experiment", "task", "architecture", "encoding", "positions", "test_positions", "metric")
COLUMNS = (
    "experiment", "task", "architecture", "encoding", "positions", "test_positions", "seed", "train_length",
    "test_length", "metric", "value", "floor", "order_blind", "n_examples",
)  # fmt: skip

# ── JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def plain(value: Any, strict: bool = False) -> Any:
    """A value as JSON has it. Numbers that JSON lacks (nan, inf) become null, or a UserError where `strict`."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), strict) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item, strict) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, strict) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist(), strict)
    if isinstance(value, float) and not math.isfinite(value):
        if strict:
            raise UserError(f"{value} is not a number that a training can be defined by: give a finite one.")
        return None
    if isinstance(value, Path):
        return value.as_posix()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, floats by repr. Raises UserError for nan and inf."""
    return json.dumps(plain(value, strict=True), sort_keys=True, separators=(",", ":"), allow_nan=False)


def identity(config: Any) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(config).encode()).hexdigest()


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turns a full or protected disk into a sentence; libraries that hide the errno are known by their text."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in FULL or any(os.strerror(code) in str(error) for code in FULL):
            raise UserError(
                "The disk is full: free some space and run the same command again; nothing finished is lost."
            ) from error
        if isinstance(error, OSError) and number in REFUSED:
            raise UserError(
                f"Cannot write to {error.filename or 'the results folder'} ({os.strerror(error.errno)}): "
                "change its permissions or choose another --results."
            ) from error
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            raise UserError(f"{error.filename} is a file where a folder is needed: choose another --results.") from error
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all. Raises UserError on a full or protected disk."""
    with disk_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(writing_name())
        try:
            write_through(temporary, content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def writing_name() -> str:
    return f".writing-{os.getpid()}-{secrets.token_hex(4)}"


def write_through(path: Path, content: bytes) -> None:
    """Writes a new file down to the disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Writes JSON for people to read: keys in their order, one a line."""
    write_text(path, json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_table(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes a tidy CSV: `COLUMNS` first, others sorted; rows in their order; what a row lacks stays empty."""
    rows = list(rows)
    extras = sorted({name for row in rows for name in row} - set(COLUMNS))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *extras])
    writer.writerows([written(row.get(name)) for name in (*COLUMNS, *extras)] for row in rows)
    write_text(path, text.getvalue())


def written(value: Any) -> str:
    """A table's entry: floats to six significant digits, nothing for None and nan."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(f"{value:.6g}")) if isinstance(value, float) else str(value)


def read_table(path: Path) -> pandas.DataFrame:
    """A table as it was written. Only an empty entry is missing: an encoding may be called `none`."""
    import pandas

    try:
        return pandas.read_csv(
            path,
            keep_default_na=False,
            na_values={},
            dtype=dict.fromkeys(TEXT_COLUMNS, str),
            float_precision="round_trip",
        ) if False else pandas.read_csv(path, keep_default_na=False, na_values=[""], float_precision="round_trip")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a table ({error}): run its experiment again.") from error
