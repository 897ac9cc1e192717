"""What each experiment left in a results folder: claims, summary, answers, provenance and figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jaxpe.errors import UserError
from jaxpe.records.claims import read_answers, read_summary
from jaxpe.records.csv_tables import DIVERGED, read_table
from jaxpe.records.experiment_folders import Members, list_members
from jaxpe.records.provenance import TABLE, read_provenance
from jaxpe.records.stored_files import exists
from jaxpe.report.claims import Entry, Key
from jaxpe.report.drawings import Drawing, read_drawings
from jaxpe.study.experiment import EXPERIMENTS, STUDY

# What stands for missing provenance.
UNKNOWN: dict[str, Any] = {
    "runs": 0, "diverged": 0, "training_seconds": 0.0, "prediction": "", "question": "", "devices": 1, "device": "–",
    "versions": {"jaxpe": "–"}, "command": "–", "date": "–",
}  # fmt: skip


class Section(NamedTuple):
    """One experiment of a results folder."""

    name: str
    claims: list[Entry]
    provenance: dict[str, Any]
    summary: dict[str, Any]
    answers: list[dict[str, Any]]
    figures: list[Drawing]
    diverged: list[str]  # 'reverse, encoder, learned, seed 3'


def list_folders(results: Path) -> list[Path]:
    """The folders of the experiments: jaxpe's own in their order, then others."""
    return sort_folders(check_names(list_members(results)).folders)


def sort_folders(folders: Iterable[Path]) -> list[Path]:
    """jaxpe's own experiments in their order, then others."""
    by_name = {folder.name: folder for folder in folders}
    own = [name for name in EXPERIMENTS if name in by_name]
    return [by_name[name] for name in [*own, *(name for name in by_name if name not in EXPERIMENTS)]]


def check_names(members: Members) -> Members:
    """The members. Raises UserError where the folder of an experiment of jaxpe holds the results of another."""
    for folder in members.ignored:
        if folder.name in EXPERIMENTS:
            raise UserError(f"{folder} does not hold the results of {folder.name}. {members.sentence} Rename it.")
    return members


def list_missing(results: Path) -> list[str]:
    """jaxpe's own experiments that were not run."""
    return [name for name in STUDY if not exists(results / name / TABLE)]


def read_section(folder: Path, claims: Mapping[Key, Entry]) -> Section:
    """One experiment. Raises UserError where one of its files was altered."""
    provenance = UNKNOWN | read_provenance(folder)
    provenance["versions"] = UNKNOWN["versions"] | provenance["versions"]
    return Section(
        name=folder.name,
        claims=[entry for (experiment, _), entry in claims.items() if experiment == folder.name],
        provenance=provenance,
        summary=read_summary(folder),
        answers=read_answers(folder),
        figures=read_drawings(folder, provenance["command"]),
        diverged=list_diverged(folder),
    )


def list_diverged(folder: Path) -> list[str]:
    """The trainings that diverged, as far as the table marks them."""
    table = read_table(folder / TABLE)
    if DIVERGED not in table:
        return []
    rows = table[(table[DIVERGED].astype(str) == "True") & table["seed"].notna()]
    runs = rows[["task", "architecture", "encoding", "positions", "seed"]].drop_duplicates()
    return [
        ", ".join([str(word) for word in words if word == word and word != "arange"] + [f"seed {seed:g}"])
        for *words, seed in runs.itertuples(index=False)
    ]
