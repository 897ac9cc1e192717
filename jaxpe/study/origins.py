"""Where an experiment that is not jaxpe's own comes from: a file of the user's own, or an installed package.

A results folder records it, for people to read. Which file of this machine wrote which folder is remembered in the user's cache,
so that it can be drawn again from any working directory: a file is loaded again only because its user ran it here before, never
because a folder, which may come from anywhere, names it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from jaxpe.data.cache import cache_folder
from jaxpe.encodings import ENCODINGS
from jaxpe.errors import UserError
from jaxpe.plugins.calls import call_user_code
from jaxpe.plugins.code import collect_closure
from jaxpe.plugins.registry import find_entry_points, split_options
from jaxpe.records.files import write_text
from jaxpe.records.provenance import read_provenance

ENTRY_POINTS = "jaxpe.experiments"
TAKEN = (  # in a results folder
    "runs", "checkpoints", "leases", "failures", "metrics", "index.html", "compare.html", "jaxpe.json",
)  # fmt: skip


class Origin(NamedTuple):
    """The file of an experiment, and what is recorded of it.

    `code`: a digest of the file and of what it imports. `file`: its path as it was typed; '' where a package brought it.
    """

    code: str
    path: Path
    file: str = ""
    package: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """What provenance records."""
        facts = {"code": self.code, "file": self.file, "package": self.package}
        return {name: value for name, value in facts.items() if value}


# ── installed packages ──────────────────────────────────────────────────────────────────────────────────────────────


def find_packaged() -> dict[str, list[EntryPoint]]:
    """Experiments of installed packages: the entry points of the group `jaxpe.experiments`, by name."""
    return find_entry_points(ENTRY_POINTS)


def load_packaged(name: str, taken: Iterable[str]) -> tuple[ModuleType, Origin]:
    """The module that an installed package registered under a name, and where it comes from.

    Raises UserError where it cannot be loaded, or where the name is taken or belongs to two packages.
    """
    points = find_packaged()[name]
    values = " and ".join(point.value for point in points)
    if name in (*taken, *TAKEN) or len(points) > 1 or Path(name).name != name:
        owner = "registered by two packages" if len(points) > 1 else "no name for an experiment, or jaxpe has it too"
        raise UserError(f"The experiment name {name!r} is {owner}: rename the entry point of {values}.")
    module = call_user_code(points[0].load, f"experiment {name!r} could not be loaded")
    if not isinstance(module, ModuleType) or not getattr(module, "__file__", None):
        raise UserError(
            f"The entry point of the experiment {name!r} is {values}: let it name a module, as package.module."
        )
    path = Path(str(module.__file__)).resolve()
    package = points[0].dist.name if points[0].dist else values
    return module, Origin(collect_closure(module.__name__, path).compute_digest(), path, package=package)


# ── results folders ─────────────────────────────────────────────────────────────────────────────────────────────────


def check_folder(name: str, origin: Origin | None, results: Path, folder: str) -> Path:
    """The folder for an experiment's results. Raises UserError where it is none for them, or holds those of another one.

    Two files of one name are told apart by their places and their code: a file may be edited, or moved, not both.
    """
    if origin and not (isinstance(folder, str) and folder.startswith(name) and Path(folder).name == folder):
        raise UserError(f"{name}: name_folder gave {folder!r}: let it give {name!r}, or a name that begins so.")
    path = results / folder
    provenance = read_provenance(path)
    written = str(provenance.get("experiment", name))
    if written != name:
        raise UserError(f"{path} holds the results of {written}: rename one of the two, or choose another --results.")
    if origin and provenance.get("code", origin.code) != origin.code and not is_written_by(path, origin, provenance):
        source = provenance.get("file") or provenance.get("package")
        raise UserError(
            f"{path} holds the results of another experiment of this name, from {source}: rename one of the two, or choose "
            f"another --results; if it is the same one in a new place, remove {path}, which loses no run."
        )
    return path


def is_written_by(folder: Path, origin: Origin, provenance: dict[str, Any]) -> bool:
    """Whether a folder was written by this file or package, whatever its code was then."""
    if origin.package:
        return bool(provenance.get("package") == origin.package)
    if known := recall_file(folder):
        return known == origin.path
    file = str(provenance.get("file") or "")
    return bool(file) and os.path.normpath(file) == os.path.normpath(origin.file)


def describe_edit(name: str, origin: Origin | None, folder: Path) -> str:
    """That an experiment is not what measured a folder any more, in a sentence; '' where it is, or nothing is recorded."""
    code = read_provenance(folder).get("code")
    if origin is None or code in (None, origin.code):
        return ""
    return (
        f"{origin.path.name} was edited since it measured {name}: claims and figures follow from its code as it is now."
    )


# ── the memory of this machine ──────────────────────────────────────────────────────────────────────────────────────


def locate_memory(folder: Path) -> Path:
    """The file of the cache that says which file wrote a folder."""
    return cache_folder() / "experiments" / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()


def remember_file(folder: Path, origin: Origin | None) -> None:
    """Remembers which file of the user's own wrote a folder, as far as the cache can be written."""
    with suppress(UserError, ValueError):
        if origin and origin.file:
            write_text(locate_memory(folder), str(origin.path))


def recall_file(folder: Path) -> Path | None:
    """The file of the user's own that wrote a folder on this machine, be it still there or not; None if none is known."""
    with suppress(OSError, UserError, ValueError):
        return Path(locate_memory(folder).read_text(encoding="utf-8"))
    return None


def list_plugin_files(names: Iterable[str]) -> list[Path]:
    """The files that names of tasks and encodings, as path/to/file.py:Class, are in, as far as they are there."""
    paths = [Path(split_options(name)[0].rpartition(":")[0]).expanduser() for name in names if ENCODINGS.is_path(name)]
    return [path.resolve() for path in paths if path.is_file()]


def locate_plugin(path: Path) -> Path:
    """The file of the cache that says that a file of the user's own was run on this machine."""
    return cache_folder() / "plugins" / hashlib.sha256(str(path).encode()).hexdigest()


def remember_plugins(names: Iterable[str]) -> None:
    """Remembers the files of the user's own that a run was trained with, as far as the cache can be written."""
    for path in list_plugin_files(names):
        with suppress(UserError, OSError):
            if not locate_plugin(path).exists():
                write_text(locate_plugin(path), str(path))


def find_unknown_plugin(names: Iterable[str]) -> Path | None:
    """The first of these files that was never run on this machine: a folder from elsewhere must not decide what is imported."""
    for path in list_plugin_files(names):
        with suppress(UserError, OSError):
            if locate_plugin(path).is_file():
                continue
        return path
    return None
