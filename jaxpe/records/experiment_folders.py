"""Which folders of a results folder hold its experiments, and what `jaxpe.json` says.

An experiment's folder says which name it was written under. A copy under another name, such as `accuracy_before`, is none of
the results: it is named once and not read.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, TypedDict

from jaxpe.records.csv_tables import read_table
from jaxpe.records.provenance import TABLE, read_provenance
from jaxpe.records.stored_files import read_typed_json


class Marker(TypedDict):
    """What `jaxpe.json` holds, as far as it is read: the schema that the folder was written under."""

    schema: int


class Members(NamedTuple):
    """Folders with a table, by name."""

    folders: list[Path]  # of the experiments
    ignored: list[Path]  # under another name than they were written

    @property
    def sentence(self) -> str:
        """What is ignored and why; '' where nothing is."""
        names = [f"{folder.name} (written as {read_home(folder)})" for folder in self.ignored]
        return (
            f"Ignored, since only the name under which a folder was written counts: {', '.join(names)}."
            if names
            else ""
        )


def read_marker(path: Path) -> Marker:
    """What a `jaxpe.json` says. Raises UserError where it is malformed."""
    return read_typed_json(path, Marker, "Restore it, or choose another folder.")


def list_members(results: Path) -> Members:
    """The folders of a results folder that hold experiments.

    Raises UserError where the table or the provenance of one cannot be read.
    """
    folders = sorted(path.parent for path in results.glob(f"*/{TABLE}"))
    own = {folder: read_home(folder) == folder.name for folder in folders}
    return Members([one for one in folders if own[one]], [one for one in folders if not own[one]])


def read_home(folder: Path) -> str:
    """The name that an experiment's folder was written under: by its provenance or, without one, by its table."""
    provenance = read_provenance(folder)
    return str(
        provenance.get("folder") or provenance.get("experiment") or read_table(folder / TABLE)["experiment"].iloc[0]
    )
