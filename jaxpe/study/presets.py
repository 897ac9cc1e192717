"""A preset is one size of the study: a grid of rows and the numbers they share. Every field has a command-line override."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Any, NamedTuple

from jaxpe import encodings, tasks
from jaxpe.data import language
from jaxpe.errors import UserError, unknown
from jaxpe.tasks.base import ARCHITECTURES
from jaxpe.training import population
from jaxpe.training.config import Options, RunConfig, Source, Training, source_of

Value = int | float | str | tuple[float, ...]
Overrides = dict[str, Value]  # fields of a preset and their values
THREE = ("none", "sinusoidal", "learned")
SIZES = {  # the presets that every experiment of the study has, smallest first
    "smoke": "about a minute: shows that everything runs, and nothing else",
    "quick": "minutes on two cores: every headline effect, over few seeds",
    "standard": "hours on two cores: ten paired seeds where a claim is decided",
    "full": "everything, also wide models: days on a CPU, minutes to hours on an accelerator",
}


@dataclass(frozen=True, kw_only=True)
class GridRow:
    """One task in some architectures, with some encodings and position samplers.

    `overrides` replaces fields of the preset for this row. Raises UserError for a name that is no field of a preset.
    """

    task: str
    architectures: tuple[str, ...]
    encodings: tuple[str, ...] = THREE
    positions: tuple[str, ...] = ("arange",)
    overrides: Mapping[str, Value] = field(default_factory=dict, hash=False)
    encoding_options: Options = ()  # of the encodings
    task_options: Options = ()
    scales: tuple[tuple[float, float] | None, ...] = (None,)  # factors of token and position, each a config of its own

    def __post_init__(self) -> None:
        for name in self.overrides:
            if name not in Preset.__dataclass_fields__:
                raise unknown("preset field", name, Preset.__dataclass_fields__)


@dataclass(frozen=True)
class Preset:
    """The grid, and what its rows share. Lengths count symbols of x, or tokens of text."""

    grid: tuple[GridRow, ...]
    seeds: int = 4
    train_length: int = 10
    max_length_ratio: float = 10.0  # tests go to reach times the training length
    num_test_lengths: int = 10  # about how many test lengths
    shift: bool = True  # tables have room for a test at positions shifted by the training length
    max_position_ratio: float = (
        0.0  # random positions lie below max_position_ratio times the training length; 0: below the end of the table
    )
    examples: int = 256  # per test length
    width: int = 32
    layers: int = 2
    heads: int = 2
    norm: str = "pre_rms"
    steps: int = 800
    batch: int = 64
    learning_rate: float = 3e-3  # common to all encodings
    learning_rates: tuple[
        float, ...
    ] = ()  # a grid from which each encoding also gets a rate of its own (jaxpe.study.tuning)
    warmup: int = 50
    decay: str = "cosine"  # or "linear"
    stop_every: int = 0  # steps between two looks at whether all training answers are right, which ends it; 0: never
    length_buckets: int = 2
    encodings: tuple[str, ...] = ()  # where there is no grid: those that were asked for
    corpus: str = "kjv"
    vocabulary: int = 512
    starts: str = "packed"
    precision: str = "highest"
    replicas_per_device: int | None = None  # models per device; None: the committed table of jaxpe.training.population
    batching: str | None = None
    activation_budget: int | None = None
    options: object | None = None  # what the experiment itself takes: an instance of its `Options`


NOT_OVERRIDDEN = ("grid", "encodings", "options")  # fields that `override` does not set


def override(preset: Preset, values: Mapping[str, object]) -> Preset:
    """The preset with other values of its fields, which replace those of its rows too.

    Raises UserError for an unknown field, and for a number that is not above 0.
    """
    known = [field.name for field in fields(Preset) if field.name not in NOT_OVERRIDDEN]
    for name, value in values.items():
        if name not in known:
            raise unknown("preset field", name, known)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, (int, float)) and not isinstance(number, bool) and not number > 0:
                raise UserError(f"{name} must be above 0, got {number:g}.")
    rows = tuple(
        replace(row, overrides={name: value for name, value in row.overrides.items() if name not in values})
        for row in preset.grid
    )
    changes: dict[str, Any] = {"grid": rows, **values}
    return replace(preset, **changes)


def narrow(
    preset: Preset,
    task_names: Sequence[str] = (),
    encoding_names: Sequence[str] = (),
    architectures: Sequence[str] = (),
) -> Preset:
    """The grid for these tasks, encodings and architectures; what the grid lacks is added at the preset's sizes."""
    for name in architectures:
        if name not in ARCHITECTURES:
            raise unknown("architecture", name, ARCHITECTURES)
    labels = [encodings.label(name) for name in dict.fromkeys(encoding_names)]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise UserError(f"Two encodings are called {twice[0]!r}, which tables could not tell apart: rename one class.")
    if not preset.grid:
        for name in encoding_names:
            encodings.resolve(name)
        return replace(preset, encodings=tuple(encoding_names))
    rows = [row for row in preset.grid if not task_names or row.task in task_names]
    for name in task_names:
        if not any(row.task == name for row in rows):
            rows.append(GridRow(task=name, architectures=list_architectures(name)))
    narrowed, sizes = list[GridRow](), dict[tuple[str, str], Any]()  # of the row that first has an architecture
    for row in rows:
        for architecture in row.architectures:
            sizes.setdefault((row.task, architecture), row.overrides)
    for row in rows:  # what a row does not have itself is trained at one size only: a table would mix two
        wanted = [a for a in (architectures or row.architectures) if a in list_architectures(row.task)]
        kept = tuple(
            a
            for a in wanted
            if a in row.architectures or sizes.setdefault((row.task, a), row.overrides) == row.overrides
        )
        if kept:
            narrowed.append(replace(row, architectures=kept, encodings=tuple(encoding_names) or row.encodings))
    if not narrowed:
        raise UserError("Nothing is left to run: none of the tasks is natural in these architectures.")
    return replace(preset, grid=tuple(narrowed))


def list_architectures(task: str) -> tuple[str, ...]:
    """The architectures that a task is defined for."""
    if task in language.OBJECTIVES:
        return (language.OBJECTIVES[task],)
    if task not in tasks.CATALOGUE:
        raise unknown("task", task, [*tasks.CATALOGUE, *language.OBJECTIVES])
    return tasks.build(task, train_length=10).architectures


def apply_overrides(preset: Preset, row: GridRow) -> Preset:
    """The preset with a row's own sizes."""
    return replace(preset, **row.overrides)


class RunRequest(NamedTuple):
    """What the rows of a grid ask for one config."""

    seeds: int
    learning_rates: tuple[float, ...]  # to choose its own learning rate from


def expand_grid(preset: Preset, sources: dict[Any, Source]) -> dict[RunConfig, RunRequest]:
    """Every config of the grid in its order, with the most that a row asks for. `sources` remembers what was opened."""
    found: dict[RunConfig, RunRequest] = {}
    for row in preset.grid:
        size = apply_overrides(preset, row)
        for architecture, encoding, sampler in product(row.architectures, row.encodings, row.positions):
            one = make_config(size, row.task, architecture, encoding, sampler, sources, row.task_options)
            for scales in row.scales:
                config = replace(one, scales=scales, encoding_options=one.encoding_options + row.encoding_options)
                before = found.get(config, RunRequest(0, ()))
                found[config] = RunRequest(max(size.seeds, before.seeds), size.learning_rates or before.learning_rates)
    return found


def make_config(
    preset: Preset,
    task: str,
    architecture: str,
    encoding: str,
    sampler: str,
    sources: dict[Any, Source],
    task_options: Options = (),
) -> RunConfig:
    """One config. Its position table covers `max_length_ratio` times the training length, and as asked a shift and a limit."""
    encodings.resolve(encoding)
    training = Training(
        preset.steps,
        preset.batch,
        preset.learning_rate,
        preset.warmup,
        length_buckets=preset.length_buckets,
        decay=preset.decay,
        stop_every=preset.stop_every,
    )
    config = RunConfig(
        task,
        architecture,
        encoding,
        preset.train_length,
        0,
        preset.width,
        preset.layers,
        preset.heads,
        preset.norm,
        sampler,
        task_options=task_options,
        training=training,
        corpus=preset.corpus,
        vocabulary=preset.vocabulary,
        starts=preset.starts,
        precision=preset.precision,
    )
    stream = open_source(config, sources).stream
    longest = stream.lengths(1, round(preset.max_length_ratio * preset.train_length))
    if not longest or not stream.lengths(1, preset.train_length):
        raise UserError(f"{task} has no example of length up to {preset.train_length}: raise train_length.")
    table = max(stream.sizes(longest[-1])) + preset.train_length * preset.shift
    table = max(table, round(preset.max_position_ratio * preset.train_length))
    config = replace(config, position_options=() if sampler == "arange" else (("limit", table),))
    trained = config.sampler.bound(max(stream.sizes(stream.lengths(1, preset.train_length)[-1])))
    replicas, batching, activation_budget = population.batching_for()
    return replace(
        config,
        table_length=table,
        encoding_options=tuple(encodings.told(encoding, trained).items()),
        replicas_per_device=preset.replicas_per_device or replicas,
        batching=preset.batching or batching,
        activation_budget=preset.activation_budget or activation_budget,
    )


def open_source(config: RunConfig, sources: dict[Any, Source]) -> Source:
    """The source of a config, opened once."""
    key: tuple[Any, ...] = (config.task, config.architecture, config.task_options, config.train_length)
    key += (config.corpus, config.vocabulary, config.starts) if config.language else ()
    if key not in sources:
        sources[key] = source_of(config)
    return sources[key]
