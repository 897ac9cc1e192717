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
from jaxpe.records.json_values import read_json
from jaxpe.records.results import MARKER

TABLE = "table.csv"
SAME_ENCODING = "as named"  # the encoding column of sides that are one encoding each, so that their rows pair


class StoredExperiment(NamedTuple):
    """What an experiment left in its folder."""

    table: pd.DataFrame
    claims: list[dict[str, Any]]
    provenance: dict[str, Any]


class Side(NamedTuple):
    """One of the things compared: its name as it was typed, and its experiments by name."""

    name: str
    experiments: dict[str, StoredExperiment]


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
    return [Side(word, read_experiments(*place)) for word, place in zip(words, places, strict=True)]


def split_side(word: str) -> tuple[Path, str]:
    """'results/accuracy:learned' -> (results/accuracy, 'learned'); '' where no encoding is named."""
    path = Path(word).expanduser()
    if path.exists() or ":" not in word:
        return path, ""
    folder, _, encoding = word.rpartition(":")
    return Path(folder).expanduser(), encoding


def read_experiments(folder: Path, encoding: str) -> dict[str, StoredExperiment]:
    """The experiments of a folder by name. Where an encoding is named: its rows alone, and no claims."""
    paths = [folder / TABLE] if (folder / TABLE).is_file() else sorted(folder.glob(f"*/{TABLE}"))
    if not paths:
        raise explain_missing_table(folder)
    experiments = {}
    for path in paths:
        table = read_table(path)
        name = str(table["experiment"].iloc[0]) if len(table) else path.parent.name
        provenance = read_json(path.with_name("provenance.json"), dict[str, Any]())
        experiments[name] = StoredExperiment(table, read_claims(path.parent), provenance)
    return select_encoding(experiments, encoding) if encoding else experiments


def explain_missing_table(folder: Path) -> UserError:
    """An error that guesses which folder was meant."""
    tables = [path.parent for path in folder.parent.glob(f"*/{TABLE}")]
    folders = [path.parent for path in folder.parent.glob(f"*/{MARKER}")]
    if tables or get_close_matches(folder.name, [path.name for path in folders]):
        return UnknownName("results folder or experiment", str(folder), [str(path) for path in (*folders, *tables)])
    return UserError(f"There is no table in {folder}: name a results folder, or the folder of an experiment in one.")


def select_encoding(experiments: dict[str, StoredExperiment], encoding: str) -> dict[str, StoredExperiment]:
    """The rows of one encoding, which has the same name on every side. Raises UserError where there are none."""
    known = {str(name) for stored in experiments.values() for name in stored.table["encoding"].dropna()}
    if encoding not in known:
        raise UnknownName("encoding", encoding, sorted(known))
    return {
        name: StoredExperiment(
            stored.table[stored.table["encoding"] == encoding].assign(encoding=SAME_ENCODING), [], stored.provenance
        )
        for name, stored in experiments.items()
    }
