"""The sides of a comparison: results folders, or single experiments in them, as a user names them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from jaxpe.errors import UnknownName, UserError
from jaxpe.records.claims import read_claims
from jaxpe.records.csv_tables import read_table
from jaxpe.records.experiment_folders import Members, list_members, read_home
from jaxpe.records.provenance import TABLE, Edit, find_edits, read_provenance
from jaxpe.records.results import MARKER
from jaxpe.records.stored_files import exists

SAME_ENCODING = "as named"  # the encoding column of sides that are one encoding each, so that their rows pair


class StoredExperiment(NamedTuple):
    """What an experiment left in its folder."""

    table: pd.DataFrame
    claims: list[dict[str, Any]]
    provenance: dict[str, Any]
    edits: list[Edit]


class Side(NamedTuple):
    """One of the things compared: its name as it was typed, its experiments by name, and what is said of others in it."""

    name: str
    experiments: dict[str, StoredExperiment]
    others: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What a reader has to know of this side: edits since it was written, and folders that do not count."""
        edits = [edit.sentence for stored in self.experiments.values() for edit in stored.edits]
        return [f"{self.name}: {note}" for note in [*edits, *self.others]]


def read_sides(words: Sequence[str]) -> list[Side]:
    """The sides that a user named. Raises UserError for fewer than two, for a folder without a table, and for a repeated one."""
    if len(words) < 2:
        raise UserError("compare takes at least two results folders, or experiments in them (FOLDER/EXPERIMENT).")
    places = [split_side(word) for word in words]
    for (word, (folder, encoding)), (other_word, (other_folder, other_encoding)) in combinations(
        zip(words, places, strict=True), 2
    ):
        if (folder.resolve(), encoding) == (other_folder.resolve(), other_encoding):
            raise UserError(f"{word} and {other_word} are the same: name two different ones.")
    sides = [Side(word, *read_experiments(*place)) for word, place in zip(words, places, strict=True)]
    names = {read_experiment_name(one) for side in sides for one in side.experiments.values()}
    if len(names) == 1 and all(len(side.experiments) == 1 for side in sides):  # two scorecards, for example
        return [side._replace(experiments=dict.fromkeys(names, *side.experiments.values())) for side in sides]
    return sides


def read_experiment_name(stored: StoredExperiment) -> str:
    """The experiment that a table is of, whatever its folder is called."""
    return str(stored.provenance.get("experiment") or stored.table["experiment"].iloc[0])


def split_side(word: str) -> tuple[Path, str]:
    """'results/accuracy:learned' -> (results/accuracy, 'learned'); '' where no encoding is named."""
    path = Path(word).expanduser()
    if path.exists() or ":" not in word:
        return path, ""
    folder, _, encoding = word.rpartition(":")
    return Path(folder).expanduser(), encoding


def read_experiments(folder: Path, encoding: str) -> tuple[dict[str, StoredExperiment], tuple[str, ...]]:
    """The experiments of a folder by the name that they were written under, and which folders do not count, in sentences.

    A copy under another name is read where it is named itself. Where an encoding is named: its rows alone, and no claims.
    """
    members = Members([folder], [], []) if exists(folder / TABLE) else list_members(folder)
    others = [edit.sentence for lost in members.lost for edit in find_edits(lost)]
    others += [members.sentence] if members.ignored else []
    if not members.folders:
        raise explain_missing_table(folder, others)
    experiments = {
        read_home(one): StoredExperiment(
            read_table(one / TABLE), read_claims(one), read_provenance(one), find_edits(one)
        )
        for one in members.folders
    }
    return (select_encoding(experiments, encoding) if encoding else experiments), tuple(others)


def explain_missing_table(folder: Path, others: Sequence[str]) -> UserError:
    """An error that guesses which folder was meant."""
    tables = [path for path in folder.parent.glob("*/") if exists(path / TABLE)]
    folders = [path.parent for path in folder.parent.glob(f"*/{MARKER}")]
    if tables or get_close_matches(folder.name, [path.name for path in folders]):
        return UnknownName("results folder or experiment", str(folder), [str(path) for path in (*folders, *tables)])
    advice = "name a results folder, or the folder of an experiment in one."
    return UserError(" ".join([f"There is no table in {folder}: {advice}", *others]))


def select_encoding(experiments: dict[str, StoredExperiment], encoding: str) -> dict[str, StoredExperiment]:
    """The rows of one encoding, which has the same name on every side. Raises UserError where there are none."""
    known = {str(name) for stored in experiments.values() for name in stored.table["encoding"].dropna()}
    if encoding not in known:
        raise UnknownName("encoding", encoding, sorted(known))
    return {
        name: stored._replace(
            table=stored.table[stored.table["encoding"] == encoding].assign(encoding=SAME_ENCODING), claims=[]
        )
        for name, stored in experiments.items()
    }
