"""Claims, answers, summary and figures of an experiment, made from its stored table; nothing is trained."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from jaxpe.errors import UserError
from jaxpe.figures.media import use_medium
from jaxpe.figures.save import save_figure
from jaxpe.records.claims import ClaimResult
from jaxpe.records.csv_tables import read_table
from jaxpe.records.files import disk_errors, write_text
from jaxpe.records.json_values import read_json, write_json
from jaxpe.study.experiment import Experiment, call_experiment


def redraw(experiment: Experiment, folder: Path, medium: str = "web") -> None:
    """Writes them into the experiment's folder; figures for paper and talk into a folder of their own.

    Raises UserError where there is no table.
    """
    path = folder / "table.csv"
    if not path.is_file():
        raise UserError(f"There is no table of {experiment.name} in {folder}: run `jaxpe run {experiment.name}` first.")
    table = read_table(path)
    write_sentences(experiment, table, folder)
    if make_files := getattr(experiment.module, "files", None):
        provenance = read_json(folder / "provenance.json", {})
        for name, text in call_experiment(experiment, lambda: make_files(table, provenance)).items():
            write_text(folder / Path(name).name, text)
    target = folder / "figures" / ("" if medium == "web" else medium)
    with disk_errors(), use_medium(medium):
        figures = call_experiment(experiment, lambda: experiment.module.figures(table))
        for name, figure in figures.items():
            save_figure(figure, target, name)
        for file in target.glob("*"):  # figures of an earlier table, which the page would still show
            if file.suffix in (".svg", ".png", ".pdf") and file.stem not in figures:
                file.unlink()


def write_sentences(experiment: Experiment, table: pd.DataFrame, folder: Path) -> None:
    """Writes claims.json, and where the experiment has them answers.json and summary.json."""
    module = experiment.module
    results = judge_claims(experiment, table)
    write_json(folder / "claims.json", [result.to_json(experiment.name) for result in results])
    if hasattr(module, "answers"):
        answers = call_experiment(experiment, lambda: module.answers(table, {result.id: result for result in results}))
        write_json(folder / "answers.json", answers)
    if hasattr(module, "summary"):
        title, rows = call_experiment(experiment, lambda: module.summary(table))
        columns = list(dict.fromkeys(column for row in rows for column in row))
        lines = [[row.get(column, "–") for column in columns] for row in rows]
        write_json(folder / "summary.json", {"title": title, "columns": columns, "rows": lines})


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
