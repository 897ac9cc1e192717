"""Claims, answers, summary and figures of an experiment, made from its stored table; nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from jaxpe.errors import UserError
from jaxpe.figures.media import MEDIA, Medium, use_medium
from jaxpe.figures.save import save_figure
from jaxpe.records.claims import ClaimResult
from jaxpe.records.csv_tables import read_table
from jaxpe.records.files import disk_errors, write_text
from jaxpe.records.json_values import format_json
from jaxpe.records.provenance import DERIVED, TABLE, read_provenance, record_derived
from jaxpe.records.stored_files import exists
from jaxpe.study.experiment import Experiment, call_experiment


def redraw(experiment: Experiment, folder: Path, medium: Medium = MEDIA["web"]) -> None:
    """Writes them into the experiment's folder; figures for paper and talk into a folder of their own.

    The digests of what is written are recorded, that of the table stays. Raises UserError where there is no table, and where
    the folder is a link, which may lead anywhere.
    """
    target = folder / "figures" / ("" if medium.name == "web" else medium.name)
    if not exists(folder / TABLE):
        raise UserError(f"There is no table of {experiment.name} in {folder}: run `jaxpe run {experiment.name}` first.")
    if links := [path for path in (folder, folder / "figures", target) if path.is_symlink()]:
        raise UserError(
            f"{links[0]} is a link, and nothing is written outside of a results folder: name the real folder."
        )
    table = read_table(folder / TABLE)
    with disk_errors():
        texts = make_texts(experiment, table, read_provenance(folder))
        for name in DERIVED:
            if name not in texts:
                (folder / name).unlink(missing_ok=True)
        for name, text in texts.items():
            write_text(folder / name, text)
        with use_medium(medium):
            figures = call_experiment(experiment, lambda: experiment.module.figures(table))
            for name, figure in figures.items():
                save_figure(figure, target, name)
    for file in target.glob("*"):  # figures of an earlier table, which the page would still show
        if file.suffix in (".svg", ".png", ".pdf", ".txt") and file.stem not in figures:
            file.unlink()
    drawn = [f"figures/{path.name}" for path in sorted((folder / "figures").glob("*.svg"))]
    record_derived(folder, [*texts, *drawn])


def make_texts(experiment: Experiment, table: pd.DataFrame, provenance: Mapping[str, Any]) -> dict[str, str]:
    """The text files that are made from the table, by name: those of `make_derived`, and the experiment's own."""
    texts = {name: format_json(value) for name, value in make_derived(experiment, table).items()}
    if make_files := getattr(experiment.module, "files", None):
        files = call_experiment(experiment, lambda: make_files(table, provenance))
        texts |= {Path(name).name: text for name, text in files.items()}
    return texts


def make_derived(experiment: Experiment, table: pd.DataFrame) -> dict[str, Any]:
    """The content of claims.json, and where the experiment has them of answers.json and summary.json."""
    module = experiment.module
    results = judge_claims(experiment, table)
    derived: dict[str, Any] = {"claims.json": [result.to_json(experiment.name) for result in results]}
    if hasattr(module, "answers"):
        by_id = {result.id: result for result in results}
        derived["answers.json"] = call_experiment(experiment, lambda: module.answers(table, by_id))
    if hasattr(module, "summary"):
        title, rows = call_experiment(experiment, lambda: module.summary(table))
        columns = list(dict.fromkeys(column for row in rows for column in row))
        lines = [[row.get(column, "–") for column in columns] for row in rows]
        derived["summary.json"] = {"title": title, "columns": columns, "rows": lines}
    return derived


def judge_claims(experiment: Experiment, table: pd.DataFrame) -> list[ClaimResult]:
    """The results of an experiment's claims. Raises UserError for one that was not declared, or for an id used twice."""
    results: list[ClaimResult] = call_experiment(experiment, lambda: experiment.module.claims(table))
    ids = [result.id for result in results]
    for result in results:
        if result.claim not in experiment.module.CLAIMS:
            raise UserError(f"{experiment.name}: the claim {result.id!r} is not declared in CLAIMS.")
        if ids.count(result.id) > 1:
            raise UserError(f"{experiment.name}: two results have the id {result.id!r}: give each its own.")
    return results
