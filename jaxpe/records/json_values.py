"""Values as JSON: files for people to read, and the canonical text that identities are computed from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from jaxpe.errors import UserError
from jaxpe.records.files import write_text
from jaxpe.records.stored_files import AGAIN, exists, read_typed_json

T = TypeVar("T", list[Any], dict[str, Any])


def to_json_value(value: Any, strict: bool = False) -> Any:
    """Dataclasses, arrays, tuples and paths as JSON values.

    NaN and infinity, which JSON lacks, become null; with `strict` they raise UserError. Raises TypeError for a type that
    has no JSON form.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json_value(getattr(value, field.name), strict) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item, strict) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_value(item, strict) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return to_json_value(value.tolist(), strict)
    if isinstance(value, float) and not math.isfinite(value):
        if strict:
            raise UserError(f"{value} is not a number that a training can be defined by: give a finite one.")
        return None
    if isinstance(value, Path):
        return value.as_posix()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def to_tuple(value: Any) -> Any:
    """Lists as the tuples that they were before they were stored, also those inside of dictionaries."""
    if isinstance(value, dict):
        return {name: to_tuple(inner) for name, inner in value.items()}
    return tuple(map(to_tuple, value)) if isinstance(value, list) else value


def to_canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, floats by repr. Raises UserError for NaN and infinity."""
    return json.dumps(to_json_value(value, strict=True), sort_keys=True, separators=(",", ":"), allow_nan=False)


def compute_digest(value: Any) -> str:
    """SHA-256 of the canonical JSON text."""
    return hashlib.sha256(to_canonical_json(value).encode()).hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Writes JSON for people to read: see `format_json`. Raises UserError on a full disk."""
    write_text(path, format_json(value))


def format_json(value: Any) -> str:
    """JSON for people to read: one key a line, in the order of the value."""
    return json.dumps(to_json_value(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path, default: T, kind: Any = None, advice: str = AGAIN) -> T:
    """The list or object of a JSON file, whose type is `kind` (by default that of the default); the default without a file.

    Raises UserError where the file cannot be read, or holds anything else; it ends with the advice.
    """
    anything = list[Any] if isinstance(default, list) else dict[str, Any]
    return read_typed_json(path, kind or anything, advice) if exists(path) else default
