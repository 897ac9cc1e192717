"""Which folders of a results folder hold its experiments.

An experiment's folder says which name it was written under. A copy under another name, such as `accuracy_before`, is none of
the results: it is named once and not read.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jaxpe.records.csv_tables import read_table
from jaxpe.records.provenance import TABLE, Edit, find_edits, read_provenance
from jaxpe.records.stored_files import exists


class Members(NamedTuple):
    """Folders that experiments wrote, by name."""

    folders: list[Path]  # of the experiments
    ignored: list[Path]  # under another name than they were written
    lost: list[Path]  # of experiments whose table is gone

    @property
    def sentence(self) -> str:
        """What is ignored and why; '' where nothing is."""
        names = [f"{folder.name} (written as {read_home(folder)})" for folder in self.ignored]
        return (
            f"Ignored, since only the name under which a folder was written counts: {', '.join(names)}."
            if names
            else ""
        )

    def find_edits(self) -> list[Edit]:
        """The files of the experiments that are not what was written."""
        return [edit for folder in [*self.folders, *self.lost] for edit in find_edits(folder)]


def list_members(results: Path) -> Members:
    """The folders of a results folder that hold experiments.

    Raises UserError where the table or the provenance of one cannot be read.
    """
    members = Members([], [], [])
    for folder in sorted(path for path in results.glob("*") if path.is_dir()):
        if exists(folder / TABLE):
            (members.folders if read_home(folder) == folder.name else members.ignored).append(folder)
        elif read_provenance(folder).get("folder") == folder.name:
            members.lost.append(folder)
    return members


def read_home(folder: Path) -> str:
    """The name that an experiment's folder was written under: by its provenance or, without one, by its table."""
    provenance = read_provenance(folder)
    return str(
        provenance.get("folder") or provenance.get("experiment") or read_table(folder / TABLE)["experiment"].iloc[0]
    )
