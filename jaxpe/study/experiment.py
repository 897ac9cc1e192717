"""An experiment is one file: what is asked, what was predicted, the grid, what is measured, figures and claims.

It defines `PRESETS` (name -> Preset), `measure(work, cells, preset) -> rows`, `figures(table) -> {name: figure}` and
`claims(table) -> [Claim]`; and, where wanted, `summary(table) -> (title, rows)` and
`answers(table, claims by id) -> [Answer]` for the page, and `check(preset)` for input of its own. Tables, claims and figures are functions of stored cells, so the same command again resumes.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from jaxpe.errors import UserError, unknown
from jaxpe.plugins import call_user_code, load_file
from jaxpe.records import store
from jaxpe.study import presets, tuning
from jaxpe.study.presets import Preset
from jaxpe.study.workspace import Cell, Workspace
from jaxpe.training.config import Setting

STUDY = (
    "accuracy",
    "extrapolation",
    "catalogue",
    "randomized",
    "reproduction",
    "structure",
    "pretrained",
    "harm",
    "extraction",
    "superposition",
    "tour",
)  # what `jaxpe study` runs, in this order
NAMES = (*STUDY, "throughput")
PARTS = ("PRESETS", "measure", "figures", "claims")


class Experiment(NamedTuple):
    name: str
    module: ModuleType

    @property
    def question(self) -> str:
        """The first line of the file's docstring."""
        return (self.module.__doc__ or "").strip().split("\n")[0]

    @property
    def prediction(self) -> str:
        """The docstring's paragraph that begins with 'Prediction:'."""
        parts = [p for p in (self.module.__doc__ or "").split("\n\n") if p.strip().startswith("Prediction:")]
        return " ".join(parts[0].split()) if parts else ""

    def preset(self, name: str) -> Preset:
        if name not in self.module.PRESETS:
            raise unknown("preset", name, self.module.PRESETS)
        return self.module.PRESETS[name]


def folder_of_experiments() -> Path:
    """Beside the package in a checkout, inside it in an installed wheel."""
    inside = Path(__file__).parents[1] / "experiments"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "experiments"


def load(name: str) -> Experiment:
    """An experiment by name, or a user's own by path. Raises UserError where it is none."""
    if name in NAMES:
        path = folder_of_experiments() / f"{name}.py"
    elif name.endswith(".py"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise UserError(f"There is no file {name!r}: give the path of an experiment, or one of {', '.join(NAMES)}.")
    else:
        raise unknown("experiment", name, NAMES, "One of your own is given as path/to/file.py.")
    module = load_file(path)
    if lacking := [part for part in PARTS if not hasattr(module, part)]:
        raise UserError(f"{path.name} is not an experiment: it does not define {', '.join(lacking)}.")
    return Experiment(path.stem, module)


class Plan(NamedTuple):
    """What an experiment trains: cells at the common learning rate, and the settings that choose one of their own."""

    preset: Preset
    cells: list[Cell]
    grids: dict[Setting, tuple[float, ...]]

    def everything(self, work: Workspace) -> list[Cell]:
        """All trainings, where every setting chooses another rate than the common one."""
        other = {
            setting: next((r for r in rates if r != common(setting)), common(setting))
            for setting, rates in self.grids.items()
        }
        return [*self.cells, *tuning.candidates(work, self.grids), *tuning.own_cells(work, self.cells, other)]


def common(setting: Setting) -> float:
    return setting.training.learning_rate


def plan(experiment: Experiment, preset: Preset, work: Workspace) -> Plan:
    """The cells of a preset, all input checked; an experiment may have a `check(preset)` of its own."""
    if hasattr(experiment.module, "check"):
        call(experiment, lambda: experiment.module.check(preset))
    settings = presets.settings(preset, work.sources)
    work.check(settings)
    cells = [cell for setting, asked in settings.items() for cell in work.cells(setting, range(asked.seeds))]
    return Plan(preset, cells, {setting: asked.rates for setting, asked in settings.items() if asked.rates})


def run(experiment: Experiment, planned: Plan, work: Workspace, command: str) -> None:
    """Trains what is missing, measures, and writes table, provenance, claims and figures."""
    began = time.monotonic()
    preset = planned.preset
    work.train(planned.cells)
    chosen, recorded = tuning.choose(work, planned.grids, experiment.name, preset.examples)
    own = tuning.own_cells(work, planned.cells, chosen)
    work.train(own)
    cells = [*planned.cells, *own]
    work.failed += [cell for cell in cells if work.diverged(cell)]
    rows = call(experiment, lambda: experiment.module.measure(work, cells, preset)) + recorded
    folder = work.results.folder / experiment.name
    if store.keep_previous(folder / "table.csv", rows):
        work.progress.note(f"{folder}/table.csv held other trainings too: it is kept as {store.PREVIOUS}.")
    store.write_table(folder / "table.csv", rows)
    facts = {
        "question": experiment.question,
        "prediction": experiment.prediction,
        "preset": store.plain(preset),
        "cells": len(cells),
        "diverged": sum(cell in work.failed for cell in cells),
        "training_seconds": sum(work.results.read_record(cell.id)["seconds"] for cell in cells),
    }
    provenance = store.provenance(command, devices=work.mesh.size, seconds=time.monotonic() - began)
    store.write_json(folder / "provenance.json", provenance | facts)
    draw(experiment, folder)


def draw(experiment: Experiment, folder: Path, medium: str = "web") -> None:
    """Claims and figures anew from the stored table, in a folder of their own for other media than the web's page."""
    from jaxpe.figures import style

    path = folder / "table.csv"
    if not path.is_file():
        raise UserError(f"There is no table of {experiment.name} in {folder}: run `jaxpe run {experiment.name}` first.")
    table = store.read_table(path)
    claims = call(experiment, lambda: experiment.module.claims(table))
    store.write_json(folder / "claims.json", [claim.to_json() for claim in claims])
    if hasattr(experiment.module, "answers"):
        answers = call(experiment, lambda: experiment.module.answers(table, {claim.id: claim for claim in claims}))
        store.write_json(folder / "answers.json", answers)
    if hasattr(experiment.module, "summary"):
        title, rows = call(experiment, lambda: experiment.module.summary(table))
        columns = list(dict.fromkeys(column for row in rows for column in row))
        lines = [[row.get(column, "–") for column in columns] for row in rows]
        store.write_json(folder / "summary.json", {"title": title, "columns": columns, "rows": lines})
    drawn = call(experiment, lambda: experiment.module.figures(table))
    shown = folder / "figures" / ("" if medium == "web" else medium)
    with store.disk_errors():
        for name, figure in drawn.items():
            style.save(figure, shown, name, medium)
        for path in shown.glob("*"):  # of an earlier table, which a page would still show
            if path.suffix in (".svg", ".png", ".pdf") and path.stem not in drawn:
                path.unlink()


def call(experiment: Experiment, function: Any) -> Any:
    """Calls a user's own experiment so that its faults are one sentence; jaxpe's own keep their traceback."""
    return function() if experiment.name in NAMES else call_user_code(function, f"{experiment.name}.py")
