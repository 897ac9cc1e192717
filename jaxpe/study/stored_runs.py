"""A table and kept models against the stored runs that they come from, as far as these and their measurements are there."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jaxpe import encodings
from jaxpe.data import cache
from jaxpe.errors import UserError
from jaxpe.plugins.registry import split_options
from jaxpe.records.csv_tables import format_table
from jaxpe.records.json_values import format_json, to_json_value, to_tuple
from jaxpe.records.provenance import HISTORY, MODELS, TABLE, read_provenance
from jaxpe.records.results import Results, open_results
from jaxpe.records.stored_files import exists, read_text
from jaxpe.study.evaluators import EvaluatorCache, describe_config
from jaxpe.study.experiment import Experiment, call_experiment, keep_models, measure_rows, plan_experiment
from jaxpe.study.histories import average_histories
from jaxpe.study.kept_models import KeptModels
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import Measurements, TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.tasks.registry import list_tasks_of_jaxpe
from jaxpe.training.config import RunConfig

OWN_CORPUS = "kjv"  # the text that ships with jaxpe
NO_RUNS = "There are no runs here, so that tables are not compared with them."
NAMED = 5  # rows that are named, of each kind


class NotStored(UserError):
    """Something that a table was measured from is not in the results folder. The message says what, in a few words."""


class Verification(NamedTuple):
    """How many values and lines agree, what differs, and what could not be compared, in sentences."""

    agreeing: int = 0
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def join(self, other: Verification) -> Verification:
        """Both together."""
        return Verification(
            self.agreeing + other.agreeing, self.differences + other.differences, self.notes + other.notes
        )


class NoEvaluators(EvaluatorCache):
    """Compiles nothing."""

    def get(self, config: RunConfig, *arguments: Any) -> Any:
        raise NotStored(f"an evaluation of {describe_config(config)}")


def refuse(what: str) -> None:
    """Raises NotStored for what would be measured."""
    raise NotStored(f"what is needed for {what}")


class StoredWorkspace(Workspace):
    """A workspace that only reads: it raises NotStored where another one would train, compile or measure."""

    def __init__(self, results: Results) -> None:
        super().__init__(results)
        self.evaluators = NoEvaluators(self.mesh, refuse)

    def train(self, runs: Sequence[Run]) -> None:
        for run in self.select_missing(runs):
            raise NotStored(f"the run of {describe_config(run.config)}, seed {run.seed}")

    def measure_once(self, run: Run, key: dict[str, Any], measure: Callable[[], Measurements]) -> Measurements:
        def refuse() -> Measurements:
            raise NotStored(f"what was measured in {describe_config(run.config)}, seed {run.seed}")

        return super().measure_once(run, key, refuse)


def compare_with_runs(experiment: Experiment, results: Path, folder: Path) -> Verification:
    """The table in an experiment's folder, row by row, against the rows that its `measure` makes from stored runs.

    The models and the course of training that the folder keeps are compared with those of the runs too.
    """
    if not (results / "runs").is_dir():
        return Verification(notes=(NO_RUNS,))
    try:
        preset = parse_preset(experiment, read_provenance(folder).get("preset"))
        work = StoredWorkspace(open_results(results, write=False))
        rows, runs = measure_rows(experiment, plan_experiment(experiment, preset, work), work)
        models = keep_models(experiment, runs, work)
    except NotStored as error:
        return Verification(notes=(f"{folder.name}/{TABLE} is not compared with its runs: {error} is not stored.",))
    stored, measured = (count_rows(text) for text in (read_text(folder / TABLE), format_table(rows)))
    return Verification(
        (stored & measured).total(),
        (
            *name_rows(folder, stored - measured, "is in the table, and the stored runs do not give it"),
            *name_rows(folder, measured - stored, "follows from the stored runs, and is not in the table"),
            *compare_models(folder, models),
            *compare_history(folder, average_histories(experiment.name, runs, work)),
        ),
    )


def compare_models(folder: Path, models: KeptModels | None) -> list[str]:
    """What is wrong with the models that an experiment's folder keeps, where those of the stored runs are these."""
    stored = read_text(folder / MODELS) if exists(folder / MODELS) else ""
    computed = "" if models is None else format_json(models)
    return [] if stored == computed else [f"{folder.name}/{MODELS} does not hold the models of the stored runs."]


def compare_history(folder: Path, rows: Sequence[TableRow]) -> list[str]:
    """What is wrong with the course of training in an experiment's folder, where that of the stored runs is this.

    Nothing where there is no such file: older versions wrote none.
    """
    if not exists(folder / HISTORY) or count_rows(read_text(folder / HISTORY)) == count_rows(format_table(rows)):
        return []
    return [f"{folder.name}/{HISTORY} does not hold the course of training of the stored runs."]


def count_rows(text: str) -> Counter[tuple[tuple[str, str], ...]]:
    """The rows of a table as pairs of column and entry, without empty entries."""
    lines = csv.DictReader(io.StringIO(text))
    return Counter(tuple((name, entry) for name, entry in line.items() if entry) for line in lines)


def name_rows(folder: Path, rows: Counter[tuple[tuple[str, str], ...]], what: str) -> list[str]:
    """The first rows in words, and how many more there are."""
    lines = [
        f"{folder.name}/{TABLE}: {', '.join(f'{name} {entry}' for name, entry in row)}: {what}."
        for row in list(rows.elements())[:NAMED]
    ]
    more = rows.total() - NAMED
    return [*lines, f"{folder.name}/{TABLE}: {more} more such rows."] if more > 0 else lines


# ── the preset ──────────────────────────────────────────────────────────────────────────────────────────────────────


def parse_preset(experiment: Experiment, entry: Any) -> Preset:
    """The preset that provenance records.

    Raises NotStored where it is none of this version, has no grid, or names encodings, texts or files of the user's own:
    these are never loaded by a name that a folder holds.
    """
    known, of_row = ({field.name for field in fields(kind)} for kind in (Preset, GridRow))
    if not isinstance(entry, dict) or not entry.keys() <= known or not entry.get("grid"):
        raise NotStored("a grid of this version of jaxpe")
    if not all(row.keys() <= of_row for row in entry["grid"]):
        raise NotStored("a grid of this version of jaxpe")
    require_known_names(entry)
    options = parse_options(experiment, entry.get("options"))
    values = {name: to_tuple(value) for name, value in entry.items()}
    try:
        grid = tuple(GridRow(**{name: to_tuple(value) for name, value in row.items()}) for row in entry["grid"])
        return Preset(**values | {"grid": grid, "options": options})
    except (TypeError, UserError) as error:
        raise NotStored(f"a preset of this version of jaxpe ({error})") from error


def parse_options(experiment: Experiment, entry: Any) -> Any:
    """The experiment's own options that provenance records. Raises NotStored where they may name further input."""
    make_options = getattr(experiment.module, "OPTIONS", lambda: None)
    default: Any = call_experiment(experiment, make_options)
    if entry in (None, to_json_value(default)):
        return default
    known = [field.name for field in fields(default)] if is_dataclass(default) else []
    if isinstance(entry, dict) and sorted(entry) == sorted(known) and not list(list_texts(entry)):
        values = {name: to_tuple(value) for name, value in entry.items()}
        options: Any = call_experiment(experiment, lambda: make_options(**values))
        if to_json_value(options) == entry:
            return options
    raise NotStored("the input that its options name")


def require_known_names(entry: dict[str, Any]) -> None:
    """Raises NotStored for a name that would be loaded from a file or fetched."""
    rows = entry["grid"]
    corpora = {value["corpus"] for value in (entry, *(row.get("overrides", {}) for row in rows)) if "corpus" in value}
    names = {split_options(name)[0] for value in (entry, *rows) for name in value.get("encodings", ())}
    known_corpora = {OWN_CORPUS, *(name for name in cache.DOWNLOADS if cache.is_fetched(name))}
    for used, known in (
        (names, set(encodings.CATALOGUE)),
        ({split_options(str(row.get("task")))[0] for row in rows}, set(list_tasks_of_jaxpe())),
        (corpora, known_corpora),
    ):
        if unknown := sorted(map(str, used - known)):
            raise NotStored(unknown[0])
    if files := [text for text in list_texts(entry) if "/" in text or ".py" in text]:
        raise NotStored(files[0])


def list_texts(value: Any) -> Iterable[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from list_texts(inner)
