"""Where results come from: versions, devices, command and time, but no names of people, hosts or folders on a machine.

provenance.json also holds digests. `measured` has those of table.csv, models.json and history.csv, `digest` that of everything measured,
and both are written by the run alone. `derived` has those of what is made from the table, and is written whenever that is made
again. They show edits, not forgery: whoever edits a file can write its digest too.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from jaxpe.records.json_values import compute_digest, read_json, to_json_value, write_json
from jaxpe.records.stored_files import exists, read_bytes


def collect_versions() -> dict[str, str]:
    """The versions of Python and of the libraries that can change a number."""
    return {"python": platform.python_version()} | {
        n: version(n) for n in ("jaxpe", "jax", "jaxlib", "flax", "optax", "numpy")
    }


def collect_provenance(command: str, *, devices: int, seconds: float) -> dict[str, Any]:
    """How a result was made: by which command, on which devices, in how many seconds, under which versions."""
    import jax

    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": collect_versions(),
        "commit": read_commit(),
        "system": f"{platform.system()} {platform.machine()}",
        "backend": jax.default_backend(),
        "device": jax.local_devices()[0].device_kind,
        "devices": devices,
        "seconds": round(seconds, 1),
    }


def read_commit() -> str | None:
    """The commit of the checkout that jaxpe runs from; None for an installed wheel."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        # Inside a hook of another repository, variables name that one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None


# ── provenance.json ─────────────────────────────────────────────────────────────────────────────────────────────────

PROVENANCE, TABLE, MODELS, HISTORY = "provenance.json", "table.csv", "models.json", "history.csv"
MEASURED = (TABLE, MODELS, HISTORY)  # files that the run writes
DERIVED = ("claims.json", "answers.json", "summary.json", "captions.json")  # from the table, and figures
UNSEALED = ("digest", "derived")  # what the digest does not cover
EDITED, REMOVED, UNKNOWN = "edited", "removed", "unknown"  # kinds of an `Edit`


class Row(TypedDict, total=False):
    """A row of a grid, as far as it is read."""

    task: str
    encodings: list[str]


class PresetEntry(TypedDict, total=False):
    """A preset, as far as it is read."""

    grid: list[Row]
    encodings: list[str]


class Provenance(TypedDict, total=False):
    """What provenance.json may hold."""

    experiment: str
    folder: str  # the name of the experiment's folder
    question: str
    prediction: str
    code: str  # of an experiment that is not jaxpe's: a digest, and the file as it was typed, or the package
    file: str
    package: str
    command: str
    date: str
    versions: dict[str, str]
    commit: str | None
    system: str
    backend: str
    device: str
    devices: int
    seconds: float
    preset: PresetEntry
    runs: int
    diverged: int
    training_seconds: float
    measured: dict[str, str]
    derived: dict[str, str]
    digest: str


class Edit(NamedTuple):
    """A file that is not, or may not be, what was written."""

    path: str  # EXPERIMENT/FILE
    kind: str  # EDITED, REMOVED, or UNKNOWN: nothing is recorded by which it could be noticed

    @property
    def sentence(self) -> str:
        return {
            EDITED: f"{self.path} was edited since it was written.",
            REMOVED: f"{self.path} was removed since it was written.",
            UNKNOWN: f"{self.path} has no digests: edits of the files in this folder cannot be noticed.",
        }[self.kind]


def read_provenance(folder: Path) -> dict[str, Any]:
    """The provenance of an experiment's folder; {} where it has none. Raises UserError where the file is malformed."""
    return read_json(folder / PROVENANCE, {}, Provenance)


def write_provenance(folder: Path, facts: Mapping[str, Any]) -> None:
    """Writes facts of a run, the name of its folder and the digests of what it measured, sealed by a digest of their own."""
    measured = {name: hash_file(folder / name) for name in MEASURED if exists(folder / name)}
    sealed = to_json_value(facts) | {"folder": folder.name, "measured": measured}
    write_json(folder / PROVENANCE, sealed | {"digest": compute_digest(sealed), "derived": {}})


def record_derived(folder: Path, names: Iterable[str]) -> None:
    """Records the digests of files that were made from the table. What the run recorded stays as it is."""
    if provenance := read_provenance(folder):
        derived = {name: hash_file(folder / name) for name in names}
        write_json(folder / PROVENANCE, provenance | {"derived": derived})


def find_edits(folder: Path) -> list[Edit]:
    """The files of an experiment's folder that are not what was written."""
    provenance = read_provenance(folder)
    if "digest" not in provenance:
        return [Edit(f"{folder.name}/{PROVENANCE}", UNKNOWN)]
    sealed = {name: value for name, value in provenance.items() if name not in UNSEALED}
    recorded = provenance.get("measured", {}) | provenance.get("derived", {})
    present = [*MEASURED, *DERIVED, *sorted(f"figures/{path.name}" for path in (folder / "figures").glob("*.svg"))]
    edits = [] if provenance["digest"] == compute_digest(sealed) else [Edit(f"{folder.name}/{PROVENANCE}", EDITED)]
    for name in present:
        if exists(folder / name):
            if hash_file(folder / name) != recorded.get(name):
                edits.append(Edit(f"{folder.name}/{name}", EDITED))
        elif name in recorded:
            edits.append(Edit(f"{folder.name}/{name}", REMOVED))
    return edits


def hash_file(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(read_bytes(path)).hexdigest()
