"""What `jaxpe.train` and `jaxpe.load` return: stored runs, and their models."""

from __future__ import annotations

import logging
import operator
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, overload

import jax
import jax.numpy as jnp
import pandas as pd

from jaxpe.data.examples import EOS, SPECIALS
from jaxpe.devices import use_precision
from jaxpe.errors import UnknownName, UserError
from jaxpe.model import Inputs, Output, Transformer, generate
from jaxpe.positions import Arange
from jaxpe.records.results import open_results
from jaxpe.study import tables
from jaxpe.study.evaluators import describe_config
from jaxpe.study.scores import PLAIN_SAMPLER, EvaluationConfig, list_test_samplers
from jaxpe.study.workspace import Run, Workspace, group_runs
from jaxpe.tasks import Task, label_task
from jaxpe.tasks.base import Sample
from jaxpe.tasks.formatting import TaskStream, format_sample
from jaxpe.training.batches import make_inputs
from jaxpe.training.checks import check_position_count, find_position_needs
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluate import make_forward_options

log = logging.getLogger("jaxpe")
COLUMNS = ("seed", "test_length", "metric", "value", "length_baseline", "order_blind_baseline", "n_examples")
MOST_LENGTH = 100_000  # of a test; attention over more keys fits into no memory
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
                f"{label_task(self.config.task)} is a task of real text, whose models take tokens: call `model(inputs)`."
            )
        return self.source.stream.task

    def make_prompt(self, symbols: str | Iterable[int]) -> Inputs:
        """What the model reads before it answers, without padding, from the symbols of an input: "3 1 4" or [3, 1, 4].

        An encoder reads the input and blanks for the answer, a decoder `<bos> input <sep>`, and an encoder-decoder the
        input on its source side and `<bos>`. Positions are 0, 1, 2, … Raises UserError for symbols that the task does not
        have, and where no input of the task has this many.
        """
        x = parse_symbols(symbols, self.task.symbols)
        lengths = [n for n in self.task.lengths(1, len(x) + 1) if self.task.x_size(n) == len(x)]
        if not lengths:
            raise UserError(f"{label_task(self.config.task)} has no input of {len(x)} symbols.")
        size = self.task.y_size(lengths[0])
        sample = Sample(jnp.asarray(x), jnp.asarray(len(x)), jnp.zeros(size, jnp.int32), jnp.asarray(size))
        architecture, stream = self.config.architecture, self.source.stream
        example = format_sample(sample, architecture, self.task.in_place, stream.sizes(lengths[0]))
        given = {"encoder": int(example.length), "decoder": len(x) + 2, "encoder_decoder": 1}[architecture]
        example = example._replace(tokens=example.tokens[:given], length=jnp.asarray(given))
        return make_inputs(example, Arange(), jax.random.key(0))

    def forward(self, symbols: str | Iterable[int], record: bool = False) -> Output:
        """The logits for every token of the prompt, [T, vocabulary], as `.logits`.

        With `record`, also `.record.hidden[i]` [T, width] before block i and after the last, and
        `.record.attention[i].weights` [heads, T, T] of block i.
        """
        with use_precision(self.config.precision):
            return self.model(self.make_prompt(symbols), make_forward_options(self.config), record=record)

    def generate(self, symbols: str | Iterable[int]) -> list[int]:
        """The symbols that the model answers, the likeliest at each step, up to `<eos>`. Special tokens are −1."""
        inputs = self.make_prompt(symbols)
        if self.config.architecture == "encoder":
            tokens = jnp.argmax(self.forward(symbols).logits, axis=-1)
            answer = tokens if self.task.in_place else tokens[len(parse_symbols(symbols, self.task.symbols)) :]
            return [max(int(token) - SPECIALS, -1) for token in answer]
        given, count = int(inputs.length), len(parse_symbols(symbols, self.task.symbols))
        check_position_count(self.config, max(self.source.stream.sizes(count)), "an answer")
        limit = find_position_needs(self.config).limit
        size = max(self.source.stream.sizes(count + 1)) + 1
        size = size if limit is None else min(size, limit)
        room = jnp.zeros(max(size - given, 1), inputs.tokens.dtype)
        padded = inputs._replace(tokens=jnp.append(inputs.tokens, room), positions=jnp.arange(given + len(room)))
        with use_precision(self.config.precision):
            tokens = generate(self.model, padded, EOS, make_forward_options(self.config))
        completed = [int(token) for token in tokens[given:]]
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
            row = tables.make_base_row("", run.config, run.seed, None)
            which = {name: row[name] for name in WHICH} if several else {}
            parts.append(pd.DataFrame({**which, "seed": run.seed, **self.work.read_record(run)["history"]}))
        return pd.concat(parts, ignore_index=True)

    def evaluate(
        self, lengths: int | Iterable[int], examples: int = 512, sampler: str | None = None, shift: int = 0
    ) -> pd.DataFrame:
        """Scores at these input lengths, with both baselines: one row for each run, length and metric.

        `sampler`: of the test positions, None: that of training; `shift` is added to the positions 0, 1, 2, … Lengths that
        the task does not have are left out. Raises UserError where a length needs more positions than the table of an
        encoding has: `max_length_ratio` of `train` says how many times the training length it can be tested at.
        `.pivot_table(index="test_length", columns="metric", values="value")` gives means over the runs.
        """
        table = self.measure(lengths, examples, EvaluationConfig(shift=shift, sampler=sampler))
        groups = list(group_runs(self.runs))
        told_apart = dict.fromkeys(name for fields in list_differences(groups) for name in fields)
        return table[[*(WHICH if len(groups) > 1 else ()), *told_apart, *COLUMNS]]

    def measure(self, lengths: int | Iterable[int], examples: int, evaluation: EvaluationConfig) -> pd.DataFrame:
        """The same with all columns of a table of results, and one for every other field in which the configs differ."""
        asked = parse_lengths(lengths)
        if isinstance(examples, bool) or not isinstance(examples, int) or examples < 1:
            raise UserError(f"examples is a whole number above 0, not {examples!r}.")
        check_test_sampler(evaluation.sampler)
        rows, groups = [], group_runs(self.runs)
        for (config, group), differences in zip(groups.items(), list_differences(list(groups)), strict=True):
            source, before = self.work.open_source(config), len(self.work.failures)
            known = [n for n in asked if n in source.stream.lengths(n, n)]
            if not known:
                raise UserError(
                    f"{label_task(config.task)} has no example of the lengths {', '.join(map(str, asked))}."
                )
            if evaluation.shift and (evaluation.sampler or config.positions) != PLAIN_SAMPLER:
                raise UserError(f"Only the positions 0, 1, 2, … can be shifted: give sampler {PLAIN_SAMPLER}.")
            for (seed, length), scores in self.work.measure_scores(group, known, examples, evaluation).items():
                scored = tables.make_score_rows("", config, source, seed, length, scores, evaluation=evaluation)
                rows += [row | differences for row in scored]
            for fault in self.work.failures[before:]:
                log.warning("%s", fault)
        return pd.DataFrame(rows)

    def save(self, folder: str | Path) -> Path:
        """Copies the runs, with what was measured in them, into a results folder, from which `jaxpe.load` reads them."""
        target = open_results(Path(folder))
        if target.folder.resolve() == self.folder.resolve():
            return target.folder  # they are there
        for run in self.runs:
            shutil.copytree(self.work.results.locate_run(run.id), target.locate_run(run.id), dirs_exist_ok=True)
        return target.folder


def list_differences(configs: Sequence[RunConfig]) -> list[dict[str, str]]:
    """For each config its fields that differ among them, as text, without those that a table of results has anyway."""
    named = (*WHICH, "training", "learning_rate", "trained_positions")
    rows = [
        {name: value for part in (config, config.training) for name, value in vars(part).items() if name not in named}
        for config in configs
    ]
    differing = [name for name in (rows[0] if rows else ()) if len({row[name] for row in rows}) > 1]
    return [{name: describe_value(row[name]) for name in differing} for row in rows]


def describe_value(value: object) -> str:
    """A field of a config as a short text: 'share=0.25', '1 10', '32'."""
    if isinstance(value, tuple):
        return " ".join("=".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in value)
    return str(value)


def check_test_sampler(sampler: str | None) -> None:
    """Raises UserError for an unknown sampler of test positions; None: that of training."""
    if sampler is not None and sampler not in list_test_samplers():
        raise UnknownName("position sampler", sampler, list_test_samplers())


def parse_lengths(lengths: int | Iterable[int]) -> list[int]:
    """The lengths as a list. Raises UserError for anything but whole numbers above 0."""
    values = [lengths] if isinstance(lengths, int) else lengths if isinstance(lengths, Iterable) else []
    numbers = [operator.index(value) if hasattr(value, "__index__") else 0 for value in values]
    if not numbers or min(numbers) < 1:
        raise UserError(f"lengths is a whole number above 0, or several of them, not {lengths!r}.")
    if max(numbers) > MOST_LENGTH:
        raise UserError(f"A test length is at most {MOST_LENGTH:,}, got {max(numbers):,}.")
    return numbers


def parse_symbols(symbols: str | Iterable[int], count: int) -> list[int]:
    """The symbols of an input. Raises UserError for none, and for what is no symbol of the task."""
    try:
        given = symbols.split() if isinstance(symbols, str) else symbols
        values = [int(symbol) if isinstance(symbol, str) else operator.index(symbol) for symbol in given]
    except (TypeError, ValueError):
        raise UserError(f"An input is numbers with spaces between them, as '3 1 4', not {symbols!r}.") from None
    if not values or min(values) < 0 or max(values) >= count:
        raise UserError(f"An input is one or more symbols from 0 to {count - 1}, not {symbols!r}.")
    return values
