"""Models from Python: train some, test them, look inside, keep them, and find stored ones again.

`jaxpe.train` and `jaxpe.load` are the entry points. What they train is identified and stored as by `jaxpe run`:

>>> import jaxpe
>>> runs = jaxpe.train("reverse", "encoder", "sinusoidal", seeds=2, steps=40, train_length=4, width=8)
>>> runs
<2 runs: reverse, encoder, sinusoidal; seeds 0, 1>
>>> list(runs.history.columns)
['seed', 'step', 'loss', 'token_accuracy', 'exact_match']
>>> scores = runs.evaluate(lengths=[3, 6], examples=16)
>>> sorted(scores["metric"].unique())
['exact_match', 'token_accuracy']
>>> out = runs[0].forward("3 1 4", record=True)
>>> out.record.attention[0].weights.shape  # heads, queries, keys: three symbols and three slots for the answer
(2, 6, 6)
>>> len(runs[0].generate("3 1 4"))
3
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, overload

import jax
import jax.numpy as jnp
import pandas as pd

from jaxpe import devices
from jaxpe.data.examples import EOS, SPECIALS
from jaxpe.encodings import label_encoding, replace_alias
from jaxpe.errors import UnknownName, UserError
from jaxpe.model import Inputs, Output, Transformer, generate
from jaxpe.positions import Arange
from jaxpe.records.results import Results, open_results
from jaxpe.study import presets, run_configs, tables
from jaxpe.study.evaluators import describe_config
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.workspace import Run, Workspace, group_runs
from jaxpe.tasks import Task
from jaxpe.tasks.base import Sample
from jaxpe.tasks.formatting import TaskStream, format_sample
from jaxpe.training.batches import make_inputs
from jaxpe.training.config import RunConfig, Training

COLUMNS = ("seed", "test_length", "metric", "value", "length_baseline", "order_blind_baseline", "n_examples")
WHICH = ("task", "architecture", "encoding", "positions", "train_length")  # columns that say which runs a row is of


class TrainedModel:
    """One stored run: its config, its seed, its training history and its model, a pure function that can be jitted."""

    def __init__(self, work: Workspace, run: Run) -> None:
        self.config, self.seed, self.id = run.config, run.seed, run.id
        self.model: Transformer = jax.tree.map(jnp.asarray, work.load_model(run))
        self.source = work.open_source(run.config)
        self.record = work.read_record(run)

    def __repr__(self) -> str:
        return f"<{describe_config(self.config)}, seed {self.seed}>"

    @property
    def history(self) -> pd.DataFrame:
        """Means over the steps that end at `step`: the loss, and the accuracies of the training batches."""
        return pd.DataFrame({"seed": self.seed, **self.record["history"]})

    @property
    def task(self) -> Task:
        """The synthetic task that the model was trained on. Raises UserError for a model of text."""
        if not isinstance(self.source.stream, TaskStream):
            raise UserError(
                f"{self.config.task} is a task of real text, whose models take tokens: call `model(inputs)`."
            )
        return self.source.stream.task

    def make_prompt(self, symbols: str | Iterable[int]) -> Inputs:
        """What the model reads before it answers, from the symbols of an input: "3 1 4" or [3, 1, 4].

        An encoder reads the input and blanks for the answer, a decoder `<bos> input <sep>`, and an encoder-decoder the
        input on its source side and `<bos>`. Positions are 0, 1, 2, … Raises UserError for symbols that the task does not
        have, and where no input of the task has this many.
        """
        x = parse_symbols(symbols, self.task.symbols)
        lengths = [n for n in self.task.lengths(1, len(x) + 1) if self.task.x_size(n) == len(x)]
        if not lengths:
            raise UserError(f"{self.config.task} has no input of {len(x)} symbols.")
        size = self.task.y_size(lengths[0])
        sample = Sample(jnp.asarray(x), jnp.asarray(len(x)), jnp.zeros(size, jnp.int32), jnp.asarray(size))
        architecture, stream = self.config.architecture, self.source.stream
        example = format_sample(sample, architecture, self.task.in_place, stream.sizes(lengths[0]))
        given = {"encoder": int(example.length), "decoder": len(x) + 2, "encoder_decoder": 1}[architecture]
        inputs = make_inputs(example._replace(length=jnp.asarray(given)), Arange(), jax.random.key(0))
        real = jnp.arange(inputs.tokens.shape[0]) < given
        return inputs._replace(tokens=jnp.where(real, inputs.tokens, 0))

    def forward(self, symbols: str | Iterable[int], record: bool = False) -> Output:
        """The logits for every token of the prompt; with `record`, also hidden states and attention, block by block."""
        return self.model(self.make_prompt(symbols), record=record)

    def generate(self, symbols: str | Iterable[int]) -> list[int]:
        """The symbols that the model answers, the likeliest at each step. Special tokens in an answer are −1."""
        inputs = self.make_prompt(symbols)
        if self.config.architecture == "encoder":
            tokens = jnp.argmax(self.model(inputs).logits, axis=-1)
            answer = tokens if self.task.in_place else tokens[len(parse_symbols(symbols, self.task.symbols)) :]
            return [max(int(token) - SPECIALS, -1) for token in answer]
        completed = [int(token) for token in generate(self.model, inputs, EOS)[int(inputs.length) :]]
        end = completed.index(EOS) if EOS in completed else len(completed)
        return [max(token - SPECIALS, -1) for token in completed[:end]]


class Runs(Sequence[TrainedModel]):
    """Stored runs, by seed within each config. `folder` holds them; `save` copies them into another one."""

    def __init__(self, work: Workspace, runs: Sequence[Run], temporary: Any = None) -> None:
        self.work, self.runs, self.temporary = work, list(runs), temporary

    def __repr__(self) -> str:
        groups = group_runs(self.runs)
        parts = [f"{describe_config(c)}; seeds {', '.join(str(run.seed) for run in own)}" for c, own in groups.items()]
        return f"<{len(self.runs)} run{'s' * (len(self.runs) != 1)}: {' | '.join(parts)}>"

    def __len__(self) -> int:
        return len(self.runs)

    @overload
    def __getitem__(self, index: int) -> TrainedModel: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> TrainedModel | Runs:
        if isinstance(index, slice):
            return Runs(self.work, self.runs[index], self.temporary)
        return TrainedModel(self.work, self.runs[index])

    @property
    def folder(self) -> Path:
        """The results folder. One that `train` made for itself is removed when these runs are gone."""
        return self.work.results.folder

    @property
    def history(self) -> pd.DataFrame:
        """The training histories, one below the other: of several configs with the columns that tell them apart."""
        several = len(group_runs(self.runs)) > 1
        parts = []
        for run in self.runs:
            which = {name: getattr(run.config, name) for name in WHICH} if several else {}
            parts.append(pd.DataFrame({**which, "seed": run.seed, **self.work.read_record(run)["history"]}))
        return pd.concat(parts, ignore_index=True)

    def evaluate(self, lengths: Iterable[int], examples: int = 512) -> pd.DataFrame:
        """Scores at these input lengths, with both baselines: one row for each run, length and metric.

        Lengths that the task does not have are left out. Raises UserError where a length needs positions that a model was
        not built for: `max_length_ratio` of `train` says how many times the training length can be tested.
        """
        rows = []
        for config, group in group_runs(self.runs).items():
            source = self.work.open_source(config)
            known = [n for n in lengths if n in source.stream.lengths(n, n)]
            for (seed, length), scores in self.work.measure_scores(group, known, examples).items():
                rows += tables.make_score_rows("", config, source, seed, length, scores)
        several = len(group_runs(self.runs)) > 1
        return pd.DataFrame(rows)[[*(WHICH if several else ()), *COLUMNS]]

    def save(self, folder: str | Path) -> Path:
        """Copies the runs, with what was measured in them, into a results folder, from which `jaxpe.load` reads them."""
        target = open_results(Path(folder))
        for run in self.runs:
            shutil.copytree(self.work.results.locate_run(run.id), target.locate_run(run.id), dirs_exist_ok=True)
        return target.folder


def train(
    task: str = "reverse",
    architecture: str = "encoder",
    encoding: str = "sinusoidal",
    *,
    seeds: int | Iterable[int] = 3,
    positions: str = "arange",
    results: str | Path | None = None,
    encoding_options: Mapping[str, Any] | None = None,
    task_options: Mapping[str, Any] | None = None,
    **sizes: Any,
) -> Runs:
    """Trains one model for each seed, or finds those that the results folder holds already.

    `encoding`: a name of `jaxpe list encodings`, or path/to/file.py:Class; `positions`: the sampler in training; `sizes`:
    fields of a preset, such as steps, train_length, width, layers, heads, max_length_ratio. Without `results` the runs live
    in a temporary folder. Raises UserError for names and values that do not exist, before anything is trained.
    """
    devices.prepare_jax(None)
    encoding = replace_alias(encoding)
    options: dict[str, Any] = {"encoding_options": encoding_options, "task_options": task_options}
    options = {name: tuple(dict(values).items()) for name, values in options.items() if values}
    row = GridRow(task=task, architectures=(architecture,), encodings=(encoding,), positions=(positions,), **options)
    presets.check_names([encoding], [architecture])
    preset = presets.override(Preset((row,)), sizes)
    temporary = None if results is not None else tempfile.TemporaryDirectory(prefix="jaxpe-")
    work = Workspace(open_results(Path(results or temporary.name)))  # type: ignore[union-attr]
    [config] = run_configs.expand_grid(preset, work.sources)
    work.check_configs([config])
    runs = work.list_runs(config, range(seeds) if isinstance(seeds, int) else seeds)
    work.train(runs)
    return Runs(work, runs, temporary)


def load(folder: str | Path, **fields: Any) -> Runs:
    """The stored runs of a results folder with these values: `load("results", encoding="sinusoidal", seed=0)`.

    `fields`: of `jaxpe.training.config.RunConfig`, and `seed`. An encoding of one's own can be given by its label. Raises
    UserError where no run has these values, and for runs that were trained by other code than is installed.
    """
    devices.prepare_jax(None)
    work = Workspace(open_results(Path(folder), write=False))
    check_fields(fields)
    matching: list[Run] = []
    others: list[Run] = []
    for run, _ in read_runs(work.results):
        matches = all(value in list_values(run, name) for name, value in fields.items())
        (matching if matches else others).append(run)
    if not matching:
        words = ", ".join(f"{name}={value!r}" for name, value in fields.items()) or "any value"
        known = sorted({describe_config(run.config) for run in others})
        raise UserError(f"No run in {folder} has {words}. It holds {'; '.join(known[:6]) or 'no runs'}.")
    for run in matching:
        work.require_current(run)
    order = {config: i for i, config in enumerate(group_runs(matching))}
    return Runs(work, sorted(matching, key=lambda run: (order[run.config], run.seed)))


def read_runs(results: Results) -> list[tuple[Run, dict[str, Any]]]:
    """Every whole run of a results folder with its record. Raises UserError for a record that was altered."""
    runs = []
    for path in sorted((results.folder / "runs").glob("*/record.json")):
        if results.has_run(path.parent.name):
            record = results.read_record(path.parent.name)
            runs.append((Run(restore_config(record["config"]), record["seed"], path.parent.name), record))
    return runs


def check_fields(values: Mapping[str, Any]) -> None:
    """Raises UserError for the name of a field that no run has."""
    known = ["seed", *(field.name for field in fields(RunConfig))]
    for name in values:
        if name not in known:
            raise UnknownName("field of a run", name, known)


def list_values(run: Run, name: str) -> tuple[Any, ...]:
    """The value of a field of a run, or its seed; an encoding of one's own has its name and its label."""
    if name == "encoding":
        return run.config.encoding, label_encoding(run.config.encoding)
    return (run.seed if name == "seed" else getattr(run.config, name),)


def restore_config(stored: Mapping[str, Any]) -> RunConfig:
    """The config of a run from its record. Raises UserError where the record is of another version."""
    try:
        values = {name: freeze(value) for name, value in stored.items()}
        return RunConfig(**values | {"training": Training(**stored["training"])})
    except (TypeError, KeyError) as error:
        raise UserError(f"A stored run is of another version of jaxpe ({error}): train it again.") from error


def freeze(value: Any) -> Any:
    """Lists as tuples, as they were before they were stored."""
    return tuple(map(freeze, value)) if isinstance(value, list) else value


def parse_symbols(symbols: str | Iterable[int], count: int) -> list[int]:
    """The symbols of an input. Raises UserError for none, and for what is no symbol of the task."""
    try:
        values = [int(symbol) for symbol in (symbols.split() if isinstance(symbols, str) else symbols)]
    except (TypeError, ValueError):
        raise UserError(f"An input is numbers with spaces between them, as '3 1 4', not {symbols!r}.") from None
    if not values or min(values) < 0 or max(values) >= count:
        raise UserError(f"An input is one or more symbols from 0 to {count - 1}, not {symbols!r}.")
    return values
