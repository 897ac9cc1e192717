"""An experiment is one file: the question, the prediction, the grid, what is measured, the claims and the figures.

Its module defines what `ExperimentModule` lists. It may also define

* `summary(table) -> (title, rows)`: a table for the page and the terminal;
* `answers(table, results) -> list[Answer]`: what the results, by id, say to the questions of the page;
* `adapt(preset) -> Preset`: the preset for the encodings that were requested, before it is planned;
* `check(preset)`: raises UserError for input that the experiment cannot use;
* `name_folder(preset)`: the folder of its results, where one experiment has several;
* `files(table, provenance) -> {name: text}`: further files of its results folder;
* `select_models(runs) -> list[Run]`: the runs whose models `models.json` keeps, at most one for each encoding;
* `READS_LEARNING_RATES = True`: its claims and figures select rows by their learning rate, so that presets may have several;
* `PRESET_FIELDS`: the fields of a preset that matter, where the presets have no grid; other ones are said to have no use;
* `CAPTIONS`: captions of figures by their names, in words;
* `OPTIONS`: a dataclass of options, which the command line fills and `preset.options` holds.

Tables, claims and figures depend on stored runs alone, so that the same command resumes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar, cast

from jaxpe.devices import describe_device, use_precision
from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.calls import call_user_code
from jaxpe.plugins.files import load_file
from jaxpe.records.claims import Claim, ClaimResult
from jaxpe.records.csv_tables import keep_previous, write_table
from jaxpe.records.provenance import collect_provenance, write_provenance
from jaxpe.study import tuning
from jaxpe.study.diverged import mark_diverged
from jaxpe.study.experiment_checks import check_module, check_rows
from jaxpe.study.histories import write_history
from jaxpe.study.kept_models import KeptModels, describe_models, write_models
from jaxpe.study.mixture import describe_mixture, find_mixture
from jaxpe.study.origins import TAKEN, Origin, check_folder, find_packaged, load_packaged, remember_file
from jaxpe.study.presets import Preset
from jaxpe.study.run_configs import expand_grid
from jaxpe.study.tables import TableRow
from jaxpe.study.tuning import RateGrids
from jaxpe.study.workspace import Run, Workspace

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

T = TypeVar("T")
STUDY = (  # what `jaxpe study` runs, in this order
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
)
EXPERIMENTS = (*STUDY, "throughput", "scorecard")


class ExperimentModule(Protocol):
    """What the file of an experiment defines. The first line of its docstring is the question."""

    PRESETS: Mapping[str, Preset]
    CLAIMS: Sequence[Claim]

    def measure(self, work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
        """The table of the experiment, measured from stored runs."""

    def claims(self, table: pd.DataFrame) -> list[ClaimResult]:
        """What the table says of the claims."""

    def figures(self, table: pd.DataFrame) -> Mapping[str, Figure]:
        """Figures by name."""


class Experiment(NamedTuple):
    """An experiment: the name of its file, and its module. `origin`: where one comes from that is not jaxpe's own."""

    name: str
    module: ExperimentModule
    origin: Origin | None = None

    @property
    def code(self) -> str | None:
        """The digest of an experiment that is not jaxpe's own."""
        return self.origin.code if self.origin else None

    @property
    def typed(self) -> str:
        """What a command names it by: its name, or the path of a file of the user's own."""
        return (self.origin and self.origin.file) or self.name

    @property
    def question(self) -> str:
        """The first line of the docstring."""
        return (self.module.__doc__ or "").strip().split("\n")[0]

    @property
    def prediction(self) -> str:
        """The paragraph of the docstring that begins with 'Predicted:'; '' where there is none."""
        paragraphs = (" ".join(part.split()) for part in (self.module.__doc__ or "").split("\n\n"))
        return next((part for part in paragraphs if part.startswith("Predicted:")), "")

    def get_preset(self, name: str) -> Preset:
        """A preset by name. Raises UserError for a name that the experiment does not have."""
        if name not in self.module.PRESETS:
            raise UnknownName("preset", name, self.module.PRESETS, f"Give one that {self.name} has as --preset NAME.")
        return self.module.PRESETS[name]


def find_experiments_folder() -> Path:
    """The folder of the experiments: next to the package in a checkout, inside it in an installed wheel."""
    inside = Path(__file__).parents[1] / "experiments"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "experiments"


def load_experiment(name: str) -> Experiment:
    """An experiment of the study by name, one in a file of the user's own by its path, or one of an installed package.

    Raises UserError for an unknown name, for a missing file, and for one that does not define what an experiment has.
    """
    if name in EXPERIMENTS:
        module = load_file(find_experiments_folder() / f"{name}.py").module
        return Experiment(name, cast(ExperimentModule, module))
    if name.endswith(".py"):
        return load_own(name)
    if name in (packaged := find_packaged()):
        return load_installed(name)
    hint = "`jaxpe list experiments` lists all; give one of your own as path/to/file.py."
    raise UnknownName("experiment", name, [*EXPERIMENTS, *packaged], hint)


def load_installed(name: str) -> Experiment:
    """The experiment that an installed package registered under a name. Raises UserError where it cannot be used."""
    module, origin = load_packaged(name, EXPERIMENTS)
    check_module(module, f"{name} ({origin.path.name})")
    return Experiment(name, cast(ExperimentModule, module), origin)


def load_own(file: str) -> Experiment:
    """The experiment in a file of the user's own. One that is called as jaxpe's is, or as a part of a results folder, is own_NAME.

    Raises UserError where there is no such file, or it is no experiment.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        what = f"{file!r} is a folder" if path.is_dir() else f"There is no file {file!r}"
        raise UserError(f"{what}: give the path of an experiment, or one of {', '.join(EXPERIMENTS)}.")
    loaded = load_file(path)
    check_module(loaded.module, path.name)
    name = f"own_{path.stem}" if path.stem in (*EXPERIMENTS, *TAKEN) else path.stem
    return Experiment(name, cast(ExperimentModule, loaded.module), Origin(loaded.digest, path.resolve(), file))


class TrainingPlan(NamedTuple):
    """What an experiment trains: runs at the common learning rate, and the rates that some configs choose from."""

    preset: Preset
    runs: list[Run]
    rates: RateGrids
    folder: str  # of the experiment's results

    def list_stages(self, work: Workspace) -> list[list[Run]]:
        """All runs, if every config that can choose a rate chooses another one than the common rate.

        Those of a stage do not wait for each other; a stage waits for those before it.
        """
        choices = {}
        for config, rates in self.rates.items():
            common = config.training.learning_rate
            choices[config] = next((rate for rate in rates if rate != common), common)
        candidates = tuning.list_rate_candidates(work, self.rates)
        return [self.runs, candidates, tuning.list_own_rate_runs(work, self.runs, choices)]


def plan_experiment(experiment: Experiment, preset: Preset, work: Workspace) -> TrainingPlan:
    """The runs of a preset. Raises UserError for any input that cannot be used, before anything compiles."""
    if adapt := getattr(experiment.module, "adapt", None):
        preset = call_experiment(experiment, lambda: adapt(preset))
        if not isinstance(preset, Preset):
            raise UserError(f"{experiment.name}: adapt must return a Preset.")
    if check := getattr(experiment.module, "check", None):
        call_experiment(experiment, lambda: check(preset))
    name_folder = getattr(experiment.module, "name_folder", lambda preset: experiment.name)
    folder: str = call_experiment(experiment, lambda: name_folder(preset))
    requests = expand_grid(preset, work.sources)
    work.check_configs(requests)
    runs = [run for config, request in requests.items() for run in work.list_runs(config, request.list_seeds())]
    rates = {config: request.learning_rates for config, request in requests.items() if request.learning_rates}
    if any(set(tuning.SEEDS) & set(request.list_seeds()) for request in requests.values() if request.learning_rates):
        raise UserError(f"The seeds {tuning.SEEDS[0]} and {tuning.SEEDS[1]} choose learning rates: give other --seeds.")
    if rates and not getattr(experiment.module, "READS_LEARNING_RATES", False):
        raise UserError(
            f"{experiment.name} compares runs of one learning rate: give `--set learning_rate=…`, or run `accuracy`, whose encodings may "
            "choose among several. (An experiment of your own that tells rates apart says READS_LEARNING_RATES = True.)"
        )
    return TrainingPlan(preset, runs, rates, folder)


def run_experiment(experiment: Experiment, plan: TrainingPlan, work: Workspace, command: str) -> None:
    """Trains the runs that are missing, measures all, and writes `table.csv`, `models.json` and `provenance.json`.

    Every row gets the experiment's name, and those of diverged runs a mark. Raises UserError, before anything is trained, where
    the folder is that of another experiment.
    """
    started = time.monotonic()
    folder = check_folder(experiment.name, experiment.origin, work.results.folder, plan.folder)
    rows, runs = measure_rows(experiment, plan, work)
    if kept := keep_previous(folder / "table.csv", rows):
        work.reporter.note(
            f"{folder}/table.csv also held other runs: the old table is kept as {kept}. A command that names all of them gives "
            "one table, without training again."
        )
    write_table(folder / "table.csv", rows)
    write_models(folder, keep_models(experiment, runs, work))
    write_history(folder, experiment.name, runs, work)
    mixture = find_mixture(work.read_record(run) for run in runs)
    if mixture:
        work.reporter.note(describe_mixture(mixture))
    provenance = collect_provenance(command, devices=work.mesh.size, seconds=time.monotonic() - started)
    facts = {
        "experiment": experiment.name,
        "question": experiment.question,
        "prediction": experiment.prediction,
        "preset": plan.preset,
        "runs": len(runs),
        "diverged": sum(work.has_diverged(run) for run in runs),
        "mixture": mixture,
        "device": describe_device(),
        "training_seconds": sum(work.read_record(run)["seconds"] for run in runs),
    }
    write_provenance(folder, provenance | facts | (experiment.origin.facts if experiment.origin else {}))
    remember_file(folder, experiment.origin)


def measure_rows(experiment: Experiment, plan: TrainingPlan, work: Workspace) -> tuple[list[TableRow], list[Run]]:
    """The rows of the table, and the runs that they are measured from; trains and measures what is not stored."""
    preset, known = plan.preset, len(work.diverged_runs)
    work.train(plan.runs)
    choices, rate_rows = tuning.choose_rates(work, plan.rates, experiment.name, preset.examples)
    own_rate_runs = tuning.list_own_rate_runs(work, plan.runs, choices)
    work.train(own_rate_runs)
    runs = select_stored([*plan.runs, *own_rate_runs], work)
    work.diverged_runs += [run for run in runs if work.has_diverged(run)]
    work.measuring_code = experiment.code
    with use_precision(preset.precision):
        rows = call_experiment(  # with the checks, since `measure` may be a generator
            experiment, lambda: check_rows(experiment.module.measure(work, runs, preset), experiment.name)
        )
    rows += rate_rows
    candidates = select_stored(tuning.list_rate_candidates(work, plan.rates), work)
    candidates = [run for run in candidates if work.has_diverged(run)]
    rows = mark_diverged(rows, [*work.diverged_runs[known:], *candidates])
    return [row | {"experiment": experiment.name} for row in rows], runs


def select_stored(runs: list[Run], work: Workspace) -> list[Run]:
    """The runs without those that an engine gave up: `work.failures` names them, and the command ends with exit code 3."""
    missing = {run.id for run in work.select_missing(runs)}
    return [run for run in runs if run.id not in missing]


def keep_models(experiment: Experiment, runs: list[Run], work: Workspace) -> KeptModels | None:
    """The models that the experiment keeps; None where it keeps none. Raises UserError for what is no list of runs."""
    select: Callable[[list[Run]], list[Run]] = getattr(experiment.module, "select_models", lambda runs: [])
    selected = call_experiment(experiment, lambda: select(runs))
    if not isinstance(selected, Sequence) or not all(isinstance(run, Run) for run in selected):
        raise UserError(f"{experiment.name}: select_models must return a list of the runs that it was given.")
    return call_experiment(experiment, lambda: describe_models(list(selected), work))


def call_experiment(experiment: Experiment, function: Callable[[], T]) -> T:
    """function(). Faults of a user's own experiment become a UserError; those of jaxpe keep their traceback."""
    if experiment.origin is None:
        return function()
    return call_user_code(function, experiment.origin.path.name)
