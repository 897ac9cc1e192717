"""Results on disk: the only place that writes them.

A results folder holds `runs/ID/` (one training each: `record.json`, `parameters.safetensors`, one npz per measurement),
and a folder per experiment with its table, claims and figures. Everything is written beside its target and renamed, so a
kill at any moment leaves a file whole or absent; a run that exists is never written again.
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
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxpe.errors import UserError

# Callers find these here too: one module stands for everything on disk.
from jaxpe.records.provenance import provenance, versions

if TYPE_CHECKING:
    import pandas

__all__ = [
    "COLUMNS", "SCHEMA", "Results", "canonical", "disk_errors", "identity", "open_results", "plain", "provenance",
    "read_table", "versions", "write_bytes", "write_json", "write_table", "write_text",
]  # fmt: skip

log = logging.getLogger("jaxpe")
SCHEMA = 1  # raise it when old folders can no longer be read
MARKER = "jaxpe.json"
PREVIOUS = "table.previous.csv"
CLAIM = ("id", "statement", "verdict", "effect", "low", "high", "n", "unit")  # what every claim has
KEY = "__key__"  # the array in which a measurement keeps its key
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)
COLUMNS = (
    "experiment", "task", "architecture", "encoding", "positions", "test_positions", "seed", "train_length",
    "test_length", "metric", "value", "length_baseline", "order_blind_baseline", "n_examples",
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
                "The disk is full, or a quota reached: free some space and run the same command again; nothing finished is lost."
            ) from error
        if isinstance(error, OSError) and number is not None and number in REFUSED:
            raise UserError(
                f"Cannot write to {error.filename or 'the results folder'} ({os.strerror(number)}): "
                "change its permissions or choose another folder."
            ) from error
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            raise UserError(f"{error.filename} is a file where a folder is needed: choose another folder.") from error
        if isinstance(error, IsADirectoryError):
            raise UserError(
                f"{error.filename2 or error.filename} is a folder where a file is needed: choose another folder."
            ) from error
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


def read_json(path: Path, default: Any) -> Any:
    """What a JSON file holds; the default where there is no file. Raises UserError where it holds something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else default
    except ValueError:
        found = None
    if not isinstance(found, type(default)):
        raise UserError(f"{path} was altered: run its experiment again.")
    return found


def read_claims(folder: Path) -> list[dict[str, Any]]:
    """The claims of an experiment's folder. Raises UserError where they lack what a claim has."""
    path = folder / "claims.json"
    found = read_json(path, [])
    if not all(isinstance(claim, dict) and claim.keys() >= set(CLAIM) for claim in found):
        raise UserError(f"{path} was altered: run its experiment again.")
    return found


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


def keep_previous(path: Path, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the table that these rows replace holds trainings that they do not; it is then kept as `PREVIOUS` beside it."""
    training = ("task", "architecture", "encoding", "positions", "seed", "train_length")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    before = {tuple(row.get(name) or "" for name in training) for row in csv.DictReader(io.StringIO(text))}
    lost = not before <= {tuple(written(row.get(name)) for name in training) for row in rows}
    if lost:
        write_text(path.with_name(PREVIOUS), text)
    return lost


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
        text = path.read_text(encoding="utf-8")
        table = pandas.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a table ({error}): run its experiment again.") from error
    if lacking := [name for name in COLUMNS if name not in table]:
        raise UserError(f"{path} is not a table of results: it has no column {lacking[0]!r}. Run its experiment again.")
    if not text.endswith("\n"):
        raise UserError(f"{path} was cut off: run its experiment again.")
    return table


# ── a results folder ────────────────────────────────────────────────────────────────────────────────────────────────


def open_results(folder: Path, write: bool = True) -> Results:
    """A results folder, made where it does not exist (and `write`). Raises UserError where it is none, or another version's."""
    marker = folder / MARKER
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: choose another folder.")
    if marker.is_file():
        try:
            schema = json.loads(marker.read_text())["schema"]
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{marker} was altered: restore it, or choose another folder.") from None
        if schema != SCHEMA:
            raise UserError(
                f"{folder} was written by another version of jaxpe (record schema {schema}, this one has {SCHEMA}): "
                "choose another folder."
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} is not a results folder and not empty: choose another folder.")
    elif write:
        write_json(marker, {"schema": SCHEMA, "jaxpe": version("jaxpe")})
    return Results(folder)


class Results(NamedTuple):
    """A results folder. Runs are written whole and once; reading checks them against their digests."""

    folder: Path

    def run(self, identifier: str) -> Path:
        return self.folder / "runs" / identifier

    def has(self, identifier: str) -> bool:
        return (self.run(identifier) / "record.json").is_file()

    def write_run(self, identifier: str, record: Mapping[str, Any], parameters: Mapping[str, np.ndarray]) -> None:
        """Writes a run beside its place and renames it; a run that is there already stays."""
        from safetensors.numpy import save

        content = save({name: np.asarray(value, order="C") for name, value in parameters.items()}, {"run": identifier})
        facts = plain(record) | {"schema": SCHEMA, "parameters": hashlib.sha256(content).hexdigest()}
        temporary = self.run(writing_name())
        with disk_errors():
            temporary.mkdir(parents=True)
            try:
                write_through(temporary / "parameters.safetensors", content)
                write_through(temporary / "record.json", json.dumps(facts | {"digest": identity(facts)}).encode())
                if not self.has(identifier):
                    temporary.rename(self.run(identifier))
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def read_record(self, identifier: str) -> dict[str, Any]:
        """A run's record. Raises UserError where it is truncated or altered."""
        path = self.run(identifier) / "record.json"
        try:
            record = json.loads(path.read_text())
            whole = record.pop("digest") == identity(record)
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            whole = False
        if not whole:
            raise damaged(path)
        return record

    def read_parameters(self, identifier: str) -> dict[str, np.ndarray]:
        """A run's arrays. Raises UserError where they are truncated or altered."""
        from safetensors.numpy import load

        path = self.run(identifier) / "parameters.safetensors"
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != self.read_record(identifier)["parameters"]:
            raise damaged(path)
        return load(content)

    def measurement(self, identifier: str, key: Mapping[str, Any]) -> Path:
        return self.run(identifier) / f"{key['kind']}-{identity(key)[:16]}.npz"

    def read_measurement(self, identifier: str, key: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
        """A stored measurement, or None where it is lacking or damaged: it is then measured again."""
        path = self.measurement(identifier, key)
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            if str(arrays.pop(KEY)) == canonical(key):
                return arrays
        except Exception as error:
            log.warning("%s is damaged (%s) and is measured again.", path.name, error)
        return None

    def write_measurement(self, identifier: str, key: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        content = io.BytesIO()
        arrays_of: Any = {KEY: np.asarray(canonical(key))} | {name: np.asarray(a) for name, a in arrays.items()}
        np.savez(content, **arrays_of)
        write_bytes(self.measurement(identifier, key), content.getvalue())


def damaged(path: Path) -> UserError:
    return UserError(
        f"{path} is truncated or altered: delete the folder {path.parent.name} and its run is trained again."
    )
