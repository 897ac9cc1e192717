"""`jaxpe plot` and `jaxpe report`: figures, claims and the report page again, from stored tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxpe.errors import UserError
from jaxpe.records.results import open_results
from jaxpe.report.page import write_page
from jaxpe.report.redraw import redraw
from jaxpe.study.experiment import load_experiment


def redraw_results(names: Sequence[str], results: Path, medium: str) -> int:
    """Writes claims, figures and the page of a results folder again; without names, of all its experiments."""
    stored = list_experiments(results)
    for name in names or stored:
        redraw(load_experiment(name), results / Path(name).stem, medium)
    print(f"The report is {write_page(results)}")
    if medium != "web":
        print(f"Figures for {medium} are in {results}/NAME/figures/{medium}")
    return 0


def rebuild_report(results: Path, language: str) -> int:
    """Writes the page of a results folder again."""
    list_experiments(results)
    print(f"The report is {write_page(results, language)}")
    return 0


def list_experiments(results: Path) -> list[str]:
    """The experiments that have a table in a results folder. Raises UserError where none has."""
    open_results(results, write=False)
    names = [path.parent.name for path in sorted(results.glob("*/table.csv"))]
    if not names:
        raise UserError(f"There is no table in {results}: run `jaxpe study --results {results}` first.")
    return names
