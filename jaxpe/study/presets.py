"""A preset is one size of an experiment: a grid of rows, and the numbers that its rows share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jaxpe import encodings, tasks
from jaxpe.data.corpus import BPE
from jaxpe.errors import UnknownName, UserError
from jaxpe.positions import SAMPLERS, TRAINING_SAMPLERS
from jaxpe.tasks.base import ARCHITECTURES
from jaxpe.training.config import Options

Value = int | float | str | tuple[float, ...]
Overrides = dict[str, Value]  # fields of a preset and their values
Scales = tuple[float, float]  # factors of the token and of the position
THREE = ("none", "sinusoidal", "learned")
SIZES = {  # the presets that every experiment of the study has, smallest first
    "smoke": "minutes: shows that everything runs, and nothing else",
    "quick": "minutes on two cores: every headline effect, over few seeds",
    "standard": "hours on two cores: ten seeds, the same for all encodings, where a claim is decided",
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
    encoding_options: Options = ()
    task_options: Options = ()
    scales: tuple[Scales | None, ...] = (None,)  # one run config for each

    def __post_init__(self) -> None:
        for name in self.overrides:
            if name not in Preset.__dataclass_fields__:
                raise UnknownName("preset field", name, Preset.__dataclass_fields__)


@dataclass(frozen=True)
class Preset:
    """A grid, and what its rows share: fields that `jaxpe.study.fields` describes."""

    grid: tuple[GridRow, ...]
    seeds: int = 4
    first_seed: int = 0
    train_length: int = 10
    max_length_ratio: float = 10.0
    num_test_lengths: int = 10
    shift: bool = True
    max_position_ratio: float = 0.0
    examples: int = 256
    share_tests: bool = False
    width: int = 32
    layers: int = 2
    heads: int = 2
    steps: int = 800
    batch: int = 64
    learning_rate: float = 3e-3
    learning_rates: tuple[float, ...] = ()
    warmup: int = 50
    decay: str = "cosine"
    stop_every: int = 0
    optimizer: str = "adamw"
    weight_decay: float = 0.01
    clip: float = 1.0
    dropout: float = 0.0
    length_buckets: int = 2
    encodings: tuple[str, ...] = ()  # those of the command line, for an experiment without a grid
    corpus: str = "kjv"
    text_column: str = ""
    tokenizer: str = BPE
    vocabulary: int = 512
    starts: str = "packed"
    precision: str = "highest"
    replicas_per_device: int | None = None  # None, here and below: the row of the backend in jaxpe.training.population
    batching: str | None = None
    activation_budget: int | None = None
    options: object | None = None  # options of the experiment: an instance of its `Options`

    @property
    def test_padding(self) -> float:
        """Training lengths that every test is padded to; 0: ranges of lengths are padded to their longest."""
        return self.max_length_ratio if self.share_tests else 0.0

    def list_seeds(self) -> range:
        """The seeds of a run config."""
        return range(self.first_seed, self.first_seed + self.seeds)


NOT_OVERRIDDEN = ("grid", "encodings", "options")  # fields that `override` does not set


def narrow_grid(
    preset: Preset,
    task_names: Sequence[str] = (),
    encoding_names: Sequence[str] = (),
    architectures: Sequence[str] = (),
    sampler_names: Sequence[str] = (),
) -> Preset:
    """The preset for these tasks, encodings, architectures and position samplers alone; its own where none is named.

    A task that the grid does not have is added at the sizes of the preset, with what the first row is trained with. Raises UserError for an unknown name, for two
    tasks or encodings with the same label, and where nothing is left.
    """
    check_names(task_names, encoding_names, architectures)
    check_samplers(sampler_names)
    if not preset.grid:
        return replace(preset, encodings=tuple(encoding_names))
    rows = [row for row in preset.grid if not task_names or row.task in task_names]
    missing_tasks = [name for name in dict.fromkeys(task_names) if all(row.task != name for row in rows)]
    rows += [add_task(preset.grid[0], name) for name in missing_tasks]
    rows = select_architectures(rows, architectures)
    if not rows:
        raise UserError("Nothing is left to run: none of the tasks is defined for these architectures.")
    if len(sampler_names) > 1 and len({name for row in rows for name in row.positions}) == 1:
        raise UserError(
            "This experiment compares encodings at one position sampler: give --positions one name, and each its own --results."
        )
    if sampler_names:
        rows = list(dict.fromkeys(replace(row, positions=tuple(sampler_names)) for row in rows))
    if encoding_names:
        rows = [replace(row, encodings=select_encodings(row, encoding_names)) for row in rows]
        rows = [part for row in rows for part in split_by_architecture(row)]
        if not any(row.encodings for row in rows) and (left_out := list_left_out(rows, encoding_names)):
            raise UserError(
                f"Nothing is left to run, since these are for causal attention only: {', '.join(left_out)}. "
                "Give `--architectures decoder`."
            )
    return replace(preset, grid=tuple(row for row in rows if row.encodings))


def add_task(first: GridRow, name: str) -> GridRow:
    """A row for another task, with the encodings, samplers and, as far as the task is defined for them, architectures of a row."""
    known = tasks.find_task(name).architectures
    architectures = tuple(one for one in first.architectures if one in known) or known
    return GridRow(task=name, architectures=architectures, encodings=first.encodings, positions=first.positions)


def split_by_architecture(row: GridRow) -> list[GridRow]:
    """The row in parts, each with the encodings that its architectures can take."""
    everywhere = [n for n in row.encodings if all(encodings.fits_architecture(n, a) for a in row.architectures)]
    parts = [replace(row, encodings=tuple(everywhere))]
    others = tuple(name for name in row.encodings if name not in everywhere)
    for architecture in row.architectures if others else ():
        fitting = tuple(name for name in others if encodings.fits_architecture(name, architecture))
        parts.append(replace(row, architectures=(architecture,), encodings=fitting))
    return parts


def list_left_out(rows: Sequence[GridRow], names: Sequence[str]) -> list[str]:
    """'cope in encoder' for each of the encodings and each architecture of the rows that cannot take it."""
    architectures = dict.fromkeys(architecture for row in rows for architecture in row.architectures)
    return [
        f"{encodings.label_encoding(name)} in {architecture.replace('_', '-')}"
        for name in names
        for architecture in architectures
        if not encodings.fits_architecture(name, architecture)
    ]


def select_encodings(row: GridRow, names: Sequence[str]) -> tuple[str, ...]:
    """The named encodings for a row; only its own among them where it sets options, which other encodings do not have."""
    return tuple(name for name in names if not row.encoding_options or name in row.encodings)


def check_names(task_names: Sequence[str], encoding_names: Sequence[str], architectures: Sequence[str]) -> None:
    """Raises UserError for an unknown name, and for two tasks or two encodings with the same label."""
    for name in architectures:
        if name not in ARCHITECTURES:
            raise UnknownName("architecture", name, ARCHITECTURES)
    encodings.ENCODINGS.check_labels(encoding_names)
    tasks.TASKS.check_labels(task_names)
    for name in encoding_names:
        encodings.resolve_encoding(name)
    for name in task_names:
        tasks.find_task(name)


def check_samplers(names: Sequence[str]) -> None:
    """Raises UserError for a position sampler that training does not use."""
    for name in names:
        if name in SAMPLERS and name not in TRAINING_SAMPLERS:
            raise UserError(f"{name} positions are for tests: train with {', '.join(TRAINING_SAMPLERS)}.")
        if name not in TRAINING_SAMPLERS:
            raise UnknownName("position sampler", name, TRAINING_SAMPLERS)


def select_architectures(rows: Sequence[GridRow], architectures: Sequence[str]) -> list[GridRow]:
    """The rows in these architectures (in their own where none is named), as far as their tasks are defined for them.

    A row gets an architecture that it does not have, but only at the sizes of the first row with the same task and
    architecture: a table could not tell two sizes apart.
    """
    sizes: dict[tuple[str, str], Mapping[str, Value]] = {}
    for row in rows:
        for architecture in row.architectures:
            sizes.setdefault((row.task, architecture), row.overrides)
    selected = []
    for row in rows:
        kept = tuple(
            architecture
            for architecture in architectures or row.architectures
            if architecture in tasks.find_task(row.task).architectures
            and (
                architecture in row.architectures
                or sizes.setdefault((row.task, architecture), row.overrides) == row.overrides
            )
        )
        if kept:
            selected.append(replace(row, architectures=kept))
    return selected


def apply_overrides(preset: Preset, row: GridRow) -> Preset:
    """The preset at the sizes of one row."""
    return replace(preset, **dict[str, Any](row.overrides))
