"""`jaxpe plot` and `jaxpe report`: figures, claims and the report page again, from stored tables.

Experiments are loaded by the names that were typed, or are those that `jaxpe.study.recorded` knows. What a results folder names
is never loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from jaxpe.errors import UserError, escape_unprintable
from jaxpe.figures.media import MEDIA, Medium, adapt_paper
from jaxpe.records.experiment_folders import list_members
from jaxpe.records.provenance import PROVENANCE, TABLE, find_edits
from jaxpe.records.results import open_results
from jaxpe.report.edits import explain_faults
from jaxpe.report.page import write_pages
from jaxpe.report.redraw import redraw
from jaxpe.study.experiment import Experiment, load_experiment
from jaxpe.study.origins import describe_edit
from jaxpe.study.recorded import describe_unknown, find_experiment, read_experiment_name


def redraw_results(names: Sequence[str], results: Path, medium: Medium) -> int:
    """Writes claims, figures and the page of a results folder again; without names, of all its experiments."""
    stored = list_experiments(results)
    for name in names:
        redraw_named(name, stored, results, medium)
    for folder in [] if names else stored:
        if experiment := find_experiment(folder):
            redraw_folder(experiment, folder, medium)
        else:
            command = f"`jaxpe plot {{file}} --results {results}` draws it again."
            print(escape_unprintable(describe_unknown(folder, command)))
    print(f"The report is {write_pages(results)}")
    if medium.name != "web":
        captions = ", their captions next to them as .txt" if medium.is_print else ""
        print(f"Figures for {medium.name} are in {results}/NAME/figures/{medium.name}{captions}")
    print_notes(results)
    return 0


def choose_medium(name: str, font: str, width: str) -> Medium:
    """The medium of a name, for paper with a font and a width. Raises UserError where these are for another one."""
    if name == "paper":
        return adapt_paper(font, width)
    if font or width:
        raise UserError("--font and --width are for paper: add --for paper.")
    return MEDIA[name]


def redraw_named(name: str, stored: Sequence[Path], results: Path, medium: Medium) -> None:
    """Redraws what was typed: an experiment by its name or its file, or one folder of an experiment that has several."""
    named = [folder for folder in stored if folder.name == name]
    experiment = (find_experiment(named[0]) if named else None) or load_experiment(name)
    folders = named or [folder for folder in stored if read_experiment_name(folder) == experiment.name]
    for folder in folders or [results / experiment.name]:  # which lacks the table, as `redraw` says
        redraw_folder(experiment, folder, medium)


def redraw_folder(experiment: Experiment, folder: Path, medium: Medium) -> None:
    """Redraws one folder. Raises UserError where its table leads to a fault, with what was edited."""
    edits = [edit for edit in find_edits(folder) if edit.path.endswith((TABLE, PROVENANCE))]
    with explain_faults(edits, f"{experiment.name} cannot be drawn again from {folder}"):
        redraw(experiment, folder, medium)
    if note := describe_edit(folder.name, experiment.origin, folder):
        print(note, file=sys.stderr)


def rebuild_report(results: Path, language: str, output: Path) -> int:
    """Writes the pages of a results folder into a folder."""
    list_experiments(results)
    print(f"The report is {write_pages(results, language, output)}")
    print_notes(results)
    return 0


def list_experiments(results: Path) -> list[Path]:
    """The folders of the experiments that a results folder holds. Raises UserError where it holds none."""
    if not results.exists():
        raise UserError(f"There is no folder {results}: give the --results of an earlier run.")
    open_results(results, write=False)
    members = list_members(results)
    if not members.folders:
        advice = f"There is no table in {results}: run `jaxpe study --results {results}` first."
        raise UserError(f"{advice} {members.sentence}".rstrip())
    return members.folders


def print_notes(results: Path) -> None:
    """Says on stderr which files were edited since they were written, and which folders do not count."""
    members = list_members(results)
    for note in [*(edit.sentence for edit in members.find_edits()), members.sentence]:
        if note:
            print(note, file=sys.stderr)
