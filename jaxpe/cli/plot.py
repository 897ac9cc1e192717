"""`jaxpe plot` and `jaxpe report`: figures, claims and the report page again, from stored tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxpe.errors import UserError
from jaxpe.records.json_values import read_json
from jaxpe.records.results import open_results
from jaxpe.report.page import write_page
from jaxpe.report.redraw import redraw
from jaxpe.study.experiment import EXPERIMENTS, load_experiment


def redraw_results(names: Sequence[str], results: Path, medium: str) -> int:
    """Writes claims, figures and the page of a results folder again; without names, of all its experiments."""
    stored = list_experiments(results)
    for name in names:
        folder = results / Path(name).stem
        redraw(load_experiment(find_experiment(folder) if folder.name == name else name), folder, medium)
    for folder in () if names else [results / name for name in stored]:
        if (experiment := find_experiment(folder)) in EXPERIMENTS:
            redraw(load_experiment(experiment), folder, medium)
        else:
            print(f"{folder.name} is an experiment of your own: `jaxpe plot path/to/{folder.name}.py` draws it again.")
    print(f"The report is {write_page(results)}")
    if medium != "web":
        print(f"Figures for {medium} are in {results}/NAME/figures/{medium}")
    return 0


def find_experiment(folder: Path) -> str:
    """The experiment of jaxpe that wrote a folder; the folder's name if none did. Nothing that a folder names is loaded."""
    recorded = read_json(folder / "provenance.json", {}).get("experiment")
    return recorded if recorded in EXPERIMENTS else folder.name


def rebuild_report(results: Path, language: str) -> int:
    """Writes the page of a results folder again."""
    list_experiments(results)
    print(f"The report is {write_page(results, language)}")
    return 0


def list_experiments(results: Path) -> list[str]:
    """The experiments that have a table in a results folder. Raises UserError where none has."""
    if not results.exists():
        raise UserError(f"There is no folder {results}: give the --results of an earlier run.")
    open_results(results, write=False)
    names = [path.parent.name for path in sorted(results.glob("*/table.csv"))]
    if not names:
        raise UserError(f"There is no table in {results}: run `jaxpe study --results {results}` first.")
    return names
