"""The results folder: `runs/ID/` holds one training each, and each experiment has a folder for its table and figures.

A run is `record.json`, `parameters.safetensors` and one npz file a measurement. It is written whole and never again. What is
read back is compared with what it claims to be: every file holds the id of its run and a digest of its content.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np

from jaxpe.errors import UserError
from jaxpe.records.files import (
    TEMPORARY,
    disk_errors,
    make_temporary_name,
    sweep_temporary_files,
    write_bytes,
    write_durably,
)
from jaxpe.records.json_values import compute_digest, to_canonical_json, to_json_value, write_json
from jaxpe.records.stored_files import read_typed_json

log = logging.getLogger("jaxpe")
SCHEMA = 3  # raise it when runs of an older version can no longer be read
MARKER = "jaxpe.json"
FILES = ("record.json", "parameters.safetensors")  # that make a run whole
KEY, DIGEST = (
    "__key__",
    "__digest__",
)  # the arrays in which a measurement keeps its run and key, and a digest of its arrays


class Marker(TypedDict):
    """What `jaxpe.json` holds, as far as it is read: the schema that the folder was written under."""

    schema: int


def open_results(folder: Path, write: bool = True) -> Results:
    """Opens a results folder; with `write`, makes it where it does not exist.

    Raises UserError where the folder holds something else, or its marker is malformed or that of a newer schema.
    """
    marker = folder / MARKER
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: choose another folder.")
    if marker.exists():
        schema = read_typed_json(marker, Marker, "Restore it, or choose another folder.")["schema"]
        if schema > SCHEMA:
            raise UserError(
                f"{folder} was written by a newer version of jaxpe (record schema {schema}, this one has {SCHEMA}): "
                "choose another folder."
            )
        if write and schema < SCHEMA:
            warn_of_older_schema(folder, schema)
            write_json(marker, {"schema": SCHEMA, "jaxpe": version("jaxpe")})
    elif folder.is_dir() and not is_unused(folder) and not marker.is_file():  # which another process may write just now
        raise UserError(f"{folder} is not a results folder and not empty: choose another folder.")
    elif write:
        write_json(marker, {"schema": SCHEMA, "jaxpe": version("jaxpe")})
    if write:
        sweep_temporary_files(folder)
    return Results(folder)


def is_unused(folder: Path) -> bool:
    """Whether a folder holds nothing but what a process is writing."""
    return all(path.name.startswith(TEMPORARY) for path in folder.iterdir())


def warn_of_older_schema(folder: Path, schema: int) -> None:
    """Says what becomes of the runs of an older version of jaxpe, where there are any."""
    if count := len(list(folder.glob("runs/*/record.json"))):
        log.warning(
            f"{folder} was written under record schema {schema}, and runs are identified in another way since (schema "
            f"{SCHEMA}): its {count} stored runs are not used and are trained again where they are needed."
        )


class Results(NamedTuple):
    """A results folder. Runs are written once; reading checks them against their digests."""

    folder: Path

    def locate_run(self, identifier: str) -> Path:
        """The folder of a run, which may not exist."""
        return self.folder / "runs" / identifier

    def has_run(self, identifier: str) -> bool:
        """Whether a run is stored whole."""
        folder = self.locate_run(identifier)
        return all((folder / name).is_file() for name in FILES)

    def write_run(self, identifier: str, record: Mapping[str, Any], parameters: Mapping[str, np.ndarray]) -> None:
        """Writes a run into a temporary folder and renames it. A run that exists stays as it is.

        What lies in its place without being whole is set aside, as ID.incomplete-….
        """
        from safetensors.numpy import save

        content = save({name: np.asarray(value, order="C") for name, value in parameters.items()}, {"run": identifier})
        facts = to_json_value(record) | {
            "id": identifier,
            "schema": SCHEMA,
            "parameters": hashlib.sha256(content).hexdigest(),
        }
        text = json.dumps(facts | {"digest": compute_digest(facts)})
        self.write_files(identifier, {"parameters.safetensors": content, "record.json": text.encode()})

    def write_files(self, identifier: str, files: Mapping[str, bytes]) -> None:
        """The same for a run that is given as its files, by name: what `read_files` returned on another machine."""
        temporary = self.locate_run(make_temporary_name())
        with disk_errors():
            temporary.mkdir(parents=True)
            try:
                for name, content in files.items():
                    write_durably(temporary / name, content)
                self.place_run(temporary, identifier)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def read_files(self, identifier: str) -> dict[str, bytes]:
        """The files of a stored run, without its measurements."""
        return {name: (self.locate_run(identifier) / name).read_bytes() for name in FILES}

    def place_run(self, temporary: Path, identifier: str) -> None:
        """Renames the folder of a finished run. Another process may have stored the same run meanwhile."""
        target = self.locate_run(identifier)
        while not self.has_run(identifier):
            try:
                temporary.rename(target)
                return
            except OSError:
                if not target.exists():
                    raise
                with suppress(FileNotFoundError):
                    target.rename(f"{target}.incomplete-{secrets.token_hex(4)}")

    def read_record(self, identifier: str) -> dict[str, Any]:
        """The record of a run. Raises UserError where it is truncated or altered, or is that of another run."""
        path = self.locate_run(identifier) / "record.json"
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            intact = record.pop("digest") == compute_digest(record)
            intact = intact and (record["id"], record["schema"]) == (identifier, SCHEMA)
        except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
            intact = False
        if not intact:
            raise make_damage_error(path)
        return record

    def read_parameters(self, identifier: str) -> dict[str, np.ndarray]:
        """The arrays of a run. Raises UserError where they are truncated or altered, or are those of another run."""
        from safetensors.numpy import load

        path = self.locate_run(identifier) / "parameters.safetensors"
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != self.read_record(identifier)["parameters"]:
            raise make_damage_error(path)
        return load(content)

    def read_parameters_digest(self, identifier: str) -> str:
        """The digest of a run's parameters, by its record; '' where there is none."""
        path = self.locate_run(identifier) / "record.json"
        return read_digest(path, path.stat().st_mtime_ns) if path.is_file() else ""

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
            if str(arrays.pop(DIGEST)) != hash_arrays(arrays):
                raise ValueError("it was altered")
            if str(arrays.pop(KEY)) != describe_measurement(identifier, key, self.read_parameters_digest(identifier)):
                raise ValueError("it is another measurement, or of other parameters")
            return arrays
        except Exception as error:
            log.warning("%s is damaged (%s) and is measured again.", path.name, error or type(error).__name__)
        return None

    def write_measurement(self, identifier: str, key: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        """Stores the arrays of a measurement with its key. Raises UserError on a full or protected disk."""
        content = io.BytesIO()
        described = describe_measurement(identifier, key, self.read_parameters_digest(identifier))
        stored: Any = {KEY: np.asarray(described)}
        stored |= {name: np.asarray(a) for name, a in arrays.items()}
        np.savez(content, **stored | {DIGEST: np.asarray(hash_arrays(stored))})
        write_bytes(self.locate_measurement(identifier, key), content.getvalue())


@lru_cache(maxsize=4096)
def read_digest(path: Path, changed: int) -> str:
    """The digest of the parameters that a record names, which was last changed at `changed`; '' where it names none."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["parameters"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def describe_measurement(identifier: str, key: Mapping[str, Any], parameters: str) -> str:
    """The run, its parameters' digest and the key of a measurement, as one line.

    The same run can have other last bits on another machine, whose measurements are not those of these parameters.
    """
    return f"{identifier} {parameters} {to_canonical_json(key)}"


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, types, shapes and bytes."""
    total = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def make_damage_error(path: Path) -> UserError:
    """The error for a file of a run that does not match its digest, or its run."""
    return UserError(
        f"{path} is truncated or altered, or is that of another run: delete the folder {path.parent.name} and its run is "
        "trained again."
    )


def is_run_id(name: str) -> bool:
    """Whether a folder of `runs` is a run's: others are copies, or unfinished."""
    return re.fullmatch("[0-9a-f]{64}", name) is not None


def check_output(path: Path | None) -> None:
    """Raises UserError for a file that lies in a results folder, where it could take the place of what is stored."""
    if path is not None and any((folder / MARKER).is_file() for folder in path.absolute().resolve().parents):
        raise UserError(f"{path} lies in a results folder: choose an --output outside of it.")
