"""An experiment is one file: what is asked, what was predicted, the grid, what is measured, figures and claims.

It defines `PRESETS` (name -> Preset), `measure(work, runs, preset) -> rows`, `figures(table) -> {name: figure}` and
`claims(table) -> [Claim]`; and, where wanted, `summary(table) -> (title, rows)` and
`answers(table, claims by id) -> [Answer]` for the page, and `check(preset)` for input of its own. Tables, claims and figures are functions of stored runs, so the same command again resumes.
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
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.config import RunConfig

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
PARTS = ("PRESETS", "CLAIMS", "measure", "figures", "claims")


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
    """What an experiment trains: runs at the common learning rate, and the configs that choose one of their own."""

    preset: Preset
    runs: list[Run]
    grids: dict[RunConfig, tuple[float, ...]]

    def everything(self, work: Workspace) -> list[Run]:
        """All trainings, where every config chooses another rate than the common one."""
        other = {
            config: next((r for r in rates if r != common(config)), common(config))
            for config, rates in self.grids.items()
        }
        return [*self.runs, *tuning.candidates(work, self.grids), *tuning.own_rate_runs(work, self.runs, other)]


def common(config: RunConfig) -> float:
    return config.training.learning_rate


def plan(experiment: Experiment, preset: Preset, work: Workspace) -> Plan:
    """The runs of a preset, all input checked; an experiment may have a `check(preset)` of its own."""
    if hasattr(experiment.module, "check"):
        call(experiment, lambda: experiment.module.check(preset))
    configs = presets.configs(preset, work.sources)
    work.check(configs)
    runs = [run for config, asked in configs.items() for run in work.runs(config, range(asked.seeds))]
    return Plan(
        preset, runs, {config: asked.learning_rates for config, asked in configs.items() if asked.learning_rates}
    )


def run(experiment: Experiment, planned: Plan, work: Workspace, command: str) -> None:
    """Trains what is missing, measures, and writes table and provenance."""
    began = time.monotonic()
    preset = planned.preset
    work.train(planned.runs)
    chosen, recorded = tuning.choose(work, planned.grids, experiment.name, preset.examples)
    own = tuning.own_rate_runs(work, planned.runs, chosen)
    work.train(own)
    runs = [*planned.runs, *own]
    work.failed += [run for run in runs if work.diverged(run)]
    rows = call(experiment, lambda: experiment.module.measure(work, runs, preset)) + recorded
    folder = work.results.folder / experiment.name
    if store.keep_previous(folder / "table.csv", rows):
        work.progress.note(f"{folder}/table.csv held other trainings too: it is kept as {store.PREVIOUS}.")
    store.write_table(folder / "table.csv", rows)
    facts = {
        "question": experiment.question,
        "prediction": experiment.prediction,
        "preset": store.plain(preset),
        "runs": len(runs),
        "diverged": sum(run in work.failed for run in runs),
        "training_seconds": sum(work.results.read_record(run.id)["seconds"] for run in runs),
    }
    provenance = store.provenance(command, devices=work.mesh.size, seconds=time.monotonic() - began)
    store.write_json(folder / "provenance.json", provenance | facts)


def call(experiment: Experiment, function: Any) -> Any:
    """Calls a user's own experiment so that its faults are one sentence; jaxpe's own keep their traceback."""
    return function() if experiment.name in NAMES else call_user_code(function, f"{experiment.name}.py")
