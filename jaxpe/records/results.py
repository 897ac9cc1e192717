"""The results folder: `runs/ID/` holds one training each, and each experiment has a folder for its table and figures.

A run is `record.json`, `parameters.safetensors` and one npz file a measurement. It is written whole and never again.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxpe.errors import UserError
from jaxpe.records.files import disk_errors, make_temporary_name, write_bytes, write_durably
from jaxpe.records.json_values import compute_digest, to_canonical_json, to_json_value, write_json

log = logging.getLogger("jaxpe")
SCHEMA = 2  # raise it when runs of an older version can no longer be read
MARKER = "jaxpe.json"
KEY = "__key__"  # the array in which a measurement keeps its key


def open_results(folder: Path, write: bool = True) -> Results:
    """Opens a results folder; with `write`, makes it where it does not exist.

    Raises UserError where the folder holds something else or was written under another schema.
    """
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
    """A results folder. Runs are written once; reading checks them against their digests."""

    folder: Path

    def locate_run(self, identifier: str) -> Path:
        """The folder of a run, which may not exist."""
        return self.folder / "runs" / identifier

    def has_run(self, identifier: str) -> bool:
        return (self.locate_run(identifier) / "record.json").is_file()

    def write_run(self, identifier: str, record: Mapping[str, Any], parameters: Mapping[str, np.ndarray]) -> None:
        """Writes a run into a temporary folder and renames it. A run that exists stays as it is."""
        from safetensors.numpy import save

        content = save({name: np.asarray(value, order="C") for name, value in parameters.items()}, {"run": identifier})
        facts = to_json_value(record) | {"schema": SCHEMA, "parameters": hashlib.sha256(content).hexdigest()}
        temporary = self.locate_run(make_temporary_name())
        with disk_errors():
            temporary.mkdir(parents=True)
            try:
                write_durably(temporary / "parameters.safetensors", content)
                text = json.dumps(facts | {"digest": compute_digest(facts)})
                write_durably(temporary / "record.json", text.encode())
                if not self.has_run(identifier):
                    temporary.rename(self.locate_run(identifier))
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def read_record(self, identifier: str) -> dict[str, Any]:
        """The record of a run. Raises UserError where it is truncated or altered."""
        path = self.locate_run(identifier) / "record.json"
        try:
            record: dict[str, Any] = json.loads(path.read_text())
            intact = record.pop("digest") == compute_digest(record)
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            intact = False
        if not intact:
            raise make_damage_error(path)
        return record

    def read_parameters(self, identifier: str) -> dict[str, np.ndarray]:
        """The arrays of a run. Raises UserError where they are truncated or altered."""
        from safetensors.numpy import load

        path = self.locate_run(identifier) / "parameters.safetensors"
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != self.read_record(identifier)["parameters"]:
            raise make_damage_error(path)
        return load(content)

    def locate_measurement(self, identifier: str, key: Mapping[str, Any]) -> Path:
        """The file of a measurement, which may not exist."""
        return self.locate_run(identifier) / f"{key['kind']}-{compute_digest(key)[:16]}.npz"

    def read_measurement(self, identifier: str, key: Mapping[str, Any]) -> dict[str, np.ndarray] | None:
        """The arrays of a stored measurement; None where it is missing or damaged, and has to be measured again."""
        path = self.locate_measurement(identifier, key)
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            if str(arrays.pop(KEY)) == to_canonical_json(key):
                return arrays
        except Exception as error:
            log.warning("%s is damaged (%s) and is measured again.", path.name, error)
        return None

    def write_measurement(self, identifier: str, key: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        """Stores the arrays of a measurement with its key. Raises UserError on a full or protected disk."""
        content = io.BytesIO()
        stored: Any = {KEY: np.asarray(to_canonical_json(key))} | {name: np.asarray(a) for name, a in arrays.items()}
        np.savez(content, **stored)
        write_bytes(self.locate_measurement(identifier, key), content.getvalue())


def make_damage_error(path: Path) -> UserError:
    """The error for a file of a run that does not match its digest."""
    return UserError(
        f"{path} is truncated or altered: delete the folder {path.parent.name} and its run is trained again."
    )
