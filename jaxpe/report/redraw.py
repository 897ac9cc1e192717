"""Claims, answers, summary and figures of an experiment, made from its stored table; nothing is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from jaxpe.errors import UserError
from jaxpe.figures.learning_curves import NAME, draw_learning_curves
from jaxpe.figures.media import MEDIA, Medium, use_medium
from jaxpe.figures.save import save_figure
from jaxpe.records.claims import AnswerEntry, ClaimEntry, ClaimResult, Summary
from jaxpe.records.csv_tables import PREVIOUS, read_table
from jaxpe.records.files import disk_errors, write_text
from jaxpe.records.json_values import format_json
from jaxpe.records.provenance import DERIVED, HISTORY, MODELS, PROVENANCE, TABLE, read_provenance, record_derived
from jaxpe.records.stored_files import exists, find_mismatch
from jaxpe.study.experiment import Experiment, call_experiment
from jaxpe.study.experiment_checks import check_plain_names

# The types of what is made from a table.
KINDS: dict[str, Any] = {
    "claims.json": list[ClaimEntry], "answers.json": list[AnswerEntry], "summary.json": Summary, "captions.json": dict[str, str],
}  # fmt: skip


def redraw(experiment: Experiment, folder: Path, medium: Medium = MEDIA["web"]) -> None:
    """Writes them into the experiment's folder; figures for paper and talk into a folder of their own.

    The digests of what is written are recorded, that of the table stays. Raises UserError where there is no table, and where
    the folder is a link, which may lead anywhere.
    """
    target = folder / "figures" / ("" if medium.name == "web" else medium.name)
    if not exists(folder / TABLE):
        raise UserError(
            f"There is no table of {experiment.name} in {folder}: run `jaxpe run {experiment.typed}` first."
        )
    if links := [path for path in (folder, folder / "figures", target) if path.is_symlink()]:
        raise UserError(
            f"{links[0]} is a link, and nothing is written outside of a results folder: name the real folder."
        )
    table = read_table(folder / TABLE)
    with disk_errors():
        texts = call_experiment(experiment, lambda: make_texts(experiment, table, read_provenance(folder)))
        with use_medium(medium):
            figures = call_experiment(experiment, lambda: draw_figures(experiment, table))
            if exists(folder / HISTORY):
                figures.setdefault(NAME, draw_learning_curves(read_table(folder / HISTORY)))
            for name in DERIVED:
                if name not in texts:
                    (folder / name).unlink(missing_ok=True)
            for name, text in texts.items():
                write_text(folder / name, text)
            call_experiment(experiment, lambda: save_figures(figures, target))
    for file in target.glob("*"):  # figures of an earlier table, which the page would still show
        if file.suffix in (".svg", ".png", ".pdf", ".txt") and file.stem not in figures:
            file.unlink()
    drawn = [f"figures/{path.name}" for path in sorted((folder / "figures").glob("*.svg"))]
    record_derived(folder, [*texts, *drawn])


def draw_figures(experiment: Experiment, table: pd.DataFrame) -> dict[str, Figure]:
    """The figures by name. Raises UserError for anything else, and for a name that no file can have."""
    figures = experiment.module.figures(table)
    if not isinstance(figures, Mapping) or not all(isinstance(figure, Figure) for figure in figures.values()):
        raise UserError(f"{experiment.name}: figures must return a dictionary of matplotlib figures by name.")
    check_plain_names(figures, f"{experiment.name}: figures")
    return dict(figures)


def save_figures(figures: Mapping[str, Figure], target: Path) -> None:
    """Writes each figure under its name."""
    for name, figure in figures.items():
        save_figure(figure, target, name)


def make_texts(experiment: Experiment, table: pd.DataFrame, provenance: Mapping[str, Any]) -> dict[str, str]:
    """The text files that are made from the table, by name: those of `make_derived`, and the experiment's own.

    Raises UserError where one of its own would take the place of another file of jaxpe.
    """
    texts = {}
    for name, value in make_derived(experiment, table).items():
        texts[name] = format_json(value)
        if fault := find_mismatch(json.loads(texts[name]), KINDS[name]):
            raise UserError(f"{experiment.name} cannot have this {name}: {fault}.")
    if make_files := getattr(experiment.module, "files", None):
        files = make_files(table, provenance)
        check_plain_names(files, f"{experiment.name}: files")
        for name, text in files.items():
            if name in (TABLE, PREVIOUS, MODELS, HISTORY, PROVENANCE, *DERIVED, "figures"):
                raise UserError(f"{experiment.name}: files gave {name!r}, which jaxpe writes: choose another name.")
            if not isinstance(text, str):
                raise UserError(f"{experiment.name}: files: the content of {name!r} must be text.")
        texts |= files
    return texts


def make_derived(experiment: Experiment, table: pd.DataFrame) -> dict[str, Any]:
    """The content of claims.json, and where the experiment has them of answers.json, summary.json and captions.json."""
    module = experiment.module
    results = judge_claims(experiment, table)
    derived: dict[str, Any] = {"claims.json": [result.to_json(experiment.name) for result in results]}
    if hasattr(module, "answers"):
        by_id = {result.id: result for result in results}
        derived["answers.json"] = module.answers(table, by_id)
    if hasattr(module, "summary"):
        title, rows = read_summary_parts(experiment.name, module.summary(table))
        columns = list(dict.fromkeys(column for row in rows for column in row))
        lines = [[row.get(column, "–") for column in columns] for row in rows]
        derived["summary.json"] = {"title": title, "columns": columns, "rows": lines}
    if captions := getattr(module, "CAPTIONS", None):
        derived["captions.json"] = captions
    return derived


def read_summary_parts(name: str, summary: Any) -> tuple[str, list[Mapping[str, Any]]]:
    """The title and the rows of a summary. Raises UserError for anything else."""
    title, rows = summary if isinstance(summary, tuple) and len(summary) == 2 else ("", None)
    if (
        not isinstance(title, str)
        or not isinstance(rows, Sequence)
        or not all(isinstance(row, Mapping) for row in rows)
    ):
        raise UserError(
            f"{name}: summary must return a title and a list of rows, each a dictionary of entries by column."
        )
    return title, list(rows)


def judge_claims(experiment: Experiment, table: pd.DataFrame) -> list[ClaimResult]:
    """The results of an experiment's claims.

    Raises UserError for what is none, for one that was not declared, and for an id used twice.
    """
    results = experiment.module.claims(table)
    if not isinstance(results, Sequence) or not all(isinstance(result, ClaimResult) for result in results):
        raise UserError(f"{experiment.name}: claims must return a list of what `Claim.make_result` gives.")
    ids = [result.id for result in results]
    for result in results:
        if result.claim not in experiment.module.CLAIMS:
            raise UserError(f"{experiment.name}: the claim {result.id!r} is not declared in CLAIMS.")
        if ids.count(result.id) > 1:
            raise UserError(f"{experiment.name}: two results have the id {result.id!r}: give each its own.")
    return list(results)
