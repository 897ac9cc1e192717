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

from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins import call_user_code, load_file
from jaxpe.records.csv_tables import PREVIOUS, keep_previous, write_table
from jaxpe.records.json_values import to_json_value, write_json
from jaxpe.records.provenance import collect_provenance
from jaxpe.study import run_configs, tuning
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
EXPERIMENTS = (*STUDY, "throughput")
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
        """The docstring's paragraph that begins with 'Predicted:'."""
        parts = [p for p in (self.module.__doc__ or "").split("\n\n") if p.strip().startswith("Predicted:")]
        return " ".join(parts[0].split()) if parts else ""

    def preset(self, name: str) -> Preset:
        if name not in self.module.PRESETS:
            raise UnknownName("preset", name, self.module.PRESETS)
        return self.module.PRESETS[name]


def find_experiments_folder() -> Path:
    """Beside the package in a checkout, inside it in an installed wheel."""
    inside = Path(__file__).parents[1] / "experiments"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "experiments"


def load_experiment(name: str) -> Experiment:
    """An experiment by name, or a user's own by path. Raises UserError where it is none."""
    if name in EXPERIMENTS:
        path = find_experiments_folder() / f"{name}.py"
    elif name.endswith(".py"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise UserError(f"There is no file {name!r}: give the path of an experiment, or one of {', '.join(EXPERIMENTS)}.")
    else:
        raise UnknownName("experiment", name, EXPERIMENTS, "One of your own is given as path/to/file.py.")
    module = load_file(path)
    if lacking := [part for part in PARTS if not hasattr(module, part)]:
        raise UserError(f"{path.name} is not an experiment: it does not define {', '.join(lacking)}.")
    return Experiment(path.stem, module)


class TrainingPlan(NamedTuple):
    """What an experiment trains: runs at the common learning rate, and the configs that choose one of their own."""

    preset: Preset
    runs: list[Run]
    grids: dict[RunConfig, tuple[float, ...]]

    def everything(self, work: Workspace) -> list[Run]:
        """All trainings, where every config chooses another rate than the common one."""
        other = {
            config: next((r for r in rates if r != common_learning_rate(config)), common_learning_rate(config))
            for config, rates in self.grids.items()
        }
        return [*self.runs, *tuning.list_candidates(work, self.grids), *tuning.list_own_rate_runs(work, self.runs, other)]


def common_learning_rate(config: RunConfig) -> float:
    return config.training.learning_rate


def plan_experiment(experiment: Experiment, preset: Preset, work: Workspace) -> TrainingPlan:
    """The runs of a preset, all input checked; an experiment may have a `check(preset)` of its own."""
    if hasattr(experiment.module, "check"):
        call_experiment(experiment, lambda: experiment.module.check(preset))
    configs = run_configs.expand_grid(preset, work.sources)
    work.check_configs(configs)
    runs = [run_experiment for config, asked in configs.items() for run_experiment in work.list_runs(config, range(asked.seeds))]
    return TrainingPlan(
        preset, runs, {config: asked.learning_rates for config, asked in configs.items() if asked.learning_rates}
    )


def run_experiment(experiment: Experiment, planned: TrainingPlan, work: Workspace, command: str) -> None:
    """Trains what is missing, measures, and writes table and provenance."""
    began = time.monotonic()
    preset = planned.preset
    work.train(planned.runs)
    chosen, recorded = tuning.choose_rates(work, planned.grids, experiment.name, preset.examples)
    own = tuning.list_own_rate_runs(work, planned.runs, chosen)
    work.train(own)
    runs = [*planned.runs, *own]
    work.diverged_runs += [run_experiment for run_experiment in runs if work.has_diverged(run_experiment)]
    rows = call_experiment(experiment, lambda: experiment.module.measure(work, runs, preset)) + recorded
    folder = work.results.folder / experiment.name
    if keep_previous(folder / "table.csv", rows):
        work.reporter.note(f"{folder}/table.csv held other trainings too: it is kept as {PREVIOUS}.")
    write_table(folder / "table.csv", rows)
    facts = {
        "question": experiment.question,
        "prediction": experiment.prediction,
        "preset": to_json_value(preset),
        "runs": len(runs),
        "diverged": sum(run_experiment in work.diverged_runs for run_experiment in runs),
        "training_seconds": sum(work.results.read_record(run_experiment.id)["seconds"] for run_experiment in runs),
    }
    provenance = collect_provenance(command, devices=work.mesh.size, seconds=time.monotonic() - began)
    write_json(folder / "provenance.json", provenance | facts)


def call_experiment(experiment: Experiment, function: Any) -> Any:
    """Calls a user's own experiment so that its faults are one sentence; jaxpe's own keep their traceback."""
    return function() if experiment.name in EXPERIMENTS else call_user_code(function, f"{experiment.name}.py")
