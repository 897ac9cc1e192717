"""From the grid of a preset to run configs: what each training needs to know."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product
from typing import NamedTuple

from jaxpe import encodings
from jaxpe.data.corpus import BPE
from jaxpe.errors import UserError
from jaxpe.records.json_values import compute_digest
from jaxpe.study.presets import GridRow, Preset, apply_overrides
from jaxpe.tasks.formatting import TaskStream
from jaxpe.tasks.registry import identify_task, label_task
from jaxpe.tasks.validate import validate_task
from jaxpe.training.config import Options, RunConfig, Training
from jaxpe.training.mesh import get_batching
from jaxpe.training.sources import Source, load_source

MAX_POSITIONS = 2**24  # float32 counts no further in whole numbers
Sources = dict[tuple[object, ...], Source]  # the tasks and texts opened so far


class RunRequest(NamedTuple):
    """What a grid asks for one run config."""

    seeds: int  # how many, from the first on
    learning_rates: tuple[float, ...]  # from which the config gets a rate of its own
    first_seed: int = 0

    def list_seeds(self) -> range:
        """The seeds that are trained."""
        return range(self.first_seed, self.first_seed + self.seeds)

    def include(self, seeds: range, learning_rates: tuple[float, ...]) -> RunRequest:
        """This request and another one: every seed from the least to the greatest of both, and the later rates."""
        first, end = min(self.first_seed, seeds.start), max(self.first_seed + self.seeds, seeds.stop)
        return RunRequest(end - first, learning_rates or self.learning_rates, first)


def expand_grid(preset: Preset, sources: Sources) -> dict[RunConfig, RunRequest]:
    """Every run config of the grid, in its order, with the most that any row asks for it.

    `sources` keeps what is opened. Raises UserError for a config that no model can be made for.
    """
    requests: dict[RunConfig, RunRequest] = {}
    for row in preset.grid:
        sizes = apply_overrides(preset, row)
        for config in expand_row(sizes, row, sources):
            earlier = requests.get(config, RunRequest(sizes.seeds, (), sizes.first_seed))
            requests[config] = earlier.include(sizes.list_seeds(), sizes.learning_rates)
    return requests


def expand_row(sizes: Preset, row: GridRow, sources: Sources) -> list[RunConfig]:
    """The run configs of one row at its sizes."""
    configs = []
    for architecture, encoding, sampler in product(row.architectures, row.encodings, row.positions):
        config = make_run_config(sizes, row.task, architecture, encoding, sampler, sources, row.task_options)
        options = config.encoding_options + row.encoding_options
        configs += [replace(config, scales=scales, encoding_options=options) for scales in row.scales]
    return configs


def make_run_config(
    preset: Preset,
    task: str,
    architecture: str,
    encoding: str,
    sampler: str,
    sources: Sources,
    task_options: Options = (),
) -> RunConfig:
    """One run config.

    Its position table covers the longest test, plus the training length where the preset has room for a shift, or the
    range of random positions where that is more. Raises UserError where the task has no example of these lengths, and for
    more positions than there can be.
    """
    encodings.resolve_encoding(encoding)
    for name in ("max_length_ratio", "max_position_ratio"):
        if (reached := getattr(preset, name) * preset.train_length) > MAX_POSITIONS:
            raise UserError(f"{name} times train_length must be at most {MAX_POSITIONS} positions, got {reached:g}.")
    replicas, batching, activation_budget = get_batching()
    config = RunConfig(
        task=task,
        architecture=architecture,
        encoding=encoding,
        train_length=preset.train_length,
        table_length=0,  # known once the task is open
        width=preset.width,
        layers=preset.layers,
        heads=preset.heads,
        positions=sampler,
        task_options=task_options,
        training=make_training(preset),
        corpus=preset.corpus,
        text_column=preset.text_column,
        tokenizer=preset.tokenizer,
        vocabulary=preset.vocabulary if preset.tokenizer == BPE else 0,
        starts=preset.starts,
        precision=preset.precision,
        replicas_per_device=preset.replicas_per_device or replicas,
        batching=preset.batching or batching,
        activation_budget=preset.activation_budget or activation_budget,
    )
    stream = open_source(config, sources).stream
    longest = round(preset.max_length_ratio * preset.train_length)
    if isinstance(stream, TaskStream):
        validate_task(task, stream.task, longest)
    trained = stream.lengths(1, preset.train_length)
    tested = stream.lengths(1, longest)
    for lengths, most, cure in (
        (trained, preset.train_length, "raise train_length"),
        (tested, longest, "raise max_length_ratio, which sets the longest test"),
    ):
        if not lengths:
            raise UserError(f"{label_task(task)} has no example of length up to {most}: {cure}.")
    table = max(stream.sizes(tested[-1])) + preset.train_length * preset.shift
    table = max(table, round(preset.max_position_ratio * preset.train_length))
    position_options: Options = () if sampler == "arange" else (("limit", table),)
    config = replace(config, table_length=table, position_options=position_options)
    trained_positions = config.sampler.bound(max(stream.sizes(trained[-1])))
    return replace(config, trained_positions=trained_positions)


def make_training(preset: Preset) -> Training:
    """How the runs of a preset are trained, which it says in fields of the same names."""
    return Training(**{field.name: getattr(preset, field.name) for field in fields(Training)})


def open_source(config: RunConfig, sources: Sources) -> Source:
    """The task or text of a config, opened once."""
    key: tuple[object, ...] = (config.task, config.architecture, config.task_options, config.train_length)
    if config.is_language:
        key += (config.corpus, config.text_column, config.tokenizer, config.vocabulary, config.starts)
    else:
        key += (compute_digest(identify_task(config.task)),)  # a file of the user's own may have been edited
    if key not in sources:
        sources[key] = load_source(config)
    return sources[key]
