"""Does a trained model use absolute position, or local order? Measured by what it loses when its positions are changed.

The same windows of text are read again with other positions, and the losses are compared:

    shift by c         p + c: the cost shows the use of absolute position                             (c = 1, 8, 32)
    shuffle in w       random order inside windows of w neighbours: the use of local order             (w = 2, 4, 8)
    permute in w       windows of w in random order, each kept whole: the use of the coarse order      (w = 2, 4, 8)
    one id             all tokens at one position: the whole value of position

Each cost is given in bits per character, and as a share of the last, by model. A probe of the table cannot decide this (Wang
& Chen 2020 probe tables): a code without an origin can be read almost perfectly. Sequences have half the training length, so
that training visited every row that a shift reaches. But rows near the end are visited by the longest windows alone: the shift
by 32 meets rows that hardly any window trained (its share is .90 where shifts by 1 and 8 cost .14 and .21), and is not counted
among the shifts that decide. All tests begin at position 0, also of models trained with random starts. T places, N examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key
from numpy import ndarray

from jaxpe import positions, streams
from jaxpe.analysis.bag_of_words import measure_bag_of_words
from jaxpe.model import Transformer
from jaxpe.positions import Sampler
from jaxpe.study import tables
from jaxpe.study.evaluators import describe_config
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.tasks.evaluation_sets import make_evaluation_key
from jaxpe.training import evaluate
from jaxpe.training.batches import Batch
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluate import Evaluator
from jaxpe.training.scores import TokenLosses, measure_token_losses
from jaxpe.training.sources import Source

VERSION = 1  # of stored measurements: increase it when the numbers change
SHIFTS, WINDOWS = (1, 8, 32), (2, 4, 8)
DECIDING_SIZES = {"shift": (1, 8), "shuffle": WINDOWS, "permute": WINDOWS}  # the changes that are averaged, by kind
LEAST_BITS = 0.02  # per character, lost with one id for all: below, a model does not use position
PLACES = 4  # neighbouring places whose losses are averaged
MODEL_COLUMNS = ["task", "encoding", "positions", "starts", "corpus", "seed"]  # columns that name a model


class Condition(NamedTuple):
    """How positions are changed, and by how much."""

    kind: str  # "as trained", "shift", "shuffle", "permute", "one id"
    size: int = 0

    @property
    def name(self) -> str:
        """'shift 8', 'one id'."""
        return f"{self.kind} {self.size}" if self.size else self.kind

    def build_sampler(self, length: int) -> Sampler:
        """The sampler of the changed positions; one id is the middle of the sequence."""
        samplers: dict[str, Sampler] = {
            "as trained": positions.Arange(),
            "shift": positions.Shifted(self.size),
            "shuffle": positions.Shuffled(max(self.size, 1)),
            "permute": positions.Permuted(max(self.size, 1)),
            "one id": positions.Constant(length // 2),
        }
        return samplers[self.kind]


CONDITIONS = (
    Condition("as trained"),
    *[Condition("shift", c) for c in SHIFTS],
    *[Condition("shuffle", w) for w in WINDOWS],
    *[Condition("permute", w) for w in WINDOWS],
    Condition("one id"),
)


def halve_train_length(config: RunConfig) -> int:
    """The test length. Even shifted by as much again, every position was met in training."""
    return max(config.train_length // 2, 2)


def list_position_conditions(config: RunConfig) -> list[Condition]:
    """The conditions whose positions training visited, and which have at least two windows."""
    length = halve_train_length(config)
    most = {"shift": config.train_length - length, "shuffle": length // 2, "permute": length // 2}
    return [condition for condition in CONDITIONS if condition.size <= most.get(condition.kind, condition.size)]


@partial(jax.jit, static_argnames=("condition", "length", "size"))
def sample_positions(
    key: Key[Array, ""], examples: Int[Array, "N"], *, condition: Condition, length: int, size: int
) -> Int[Array, "N {size}"]:
    """The positions of the tokens of every example under a condition; the same for every model."""
    tokens = jnp.zeros(size, jnp.int32)

    def sample(number: Int[Array, ""]) -> Int[Array, "T"]:
        stream = jax.random.fold_in(jax.random.fold_in(key, number), streams.STREAMS["positions"])
        return condition.build_sampler(length)(stream, tokens, size)

    return jax.vmap(sample)(examples)


def measure_losses(
    config: RunConfig, source: Source, mesh: Mesh, models: Sequence[Transformer], examples: int
) -> list[dict[str, TokenLosses]]:
    """For each model its losses by place: at the training length ("whole"), and under every condition.

    All conditions have the same windows, of half the training length.
    """
    data, n = jax.device_put(source.validation), config.train_length
    options = evaluate.make_forward_options(config)

    def compile_for(top: int) -> Evaluator[TokenLosses]:
        arguments = (config, source.stream, source.validation, mesh, top, examples)
        return evaluate.compile_evaluator(*arguments, measure_token_losses)

    def draw(evaluator: Evaluator[TokenLosses], length: int) -> Batch:
        return evaluator.draw(make_evaluation_key(config.task, length), length, 0, data)

    evaluator = compile_for(n)
    results = {"whole": evaluate.evaluate_batch(evaluator, models, draw(evaluator, n), data, options)}
    length = halve_train_length(config)
    evaluator = compile_for(length)
    example, inputs = draw(evaluator, length)
    key, numbers, size = make_evaluation_key("use", length), jnp.arange(examples), inputs.tokens.shape[1]
    for condition in list_position_conditions(config):
        places = sample_positions(key, numbers, condition=condition, length=length, size=size)
        batch = example, inputs._replace(positions=places.astype(inputs.positions.dtype))
        results[condition.name] = evaluate.evaluate_batch(evaluator, models, batch, data, options)
    return [{name: losses[i] for name, losses in results.items()} for i in range(len(models))]


def measure_use(work: Workspace, group: Sequence[Run], examples: int) -> list[dict[str, TokenLosses]]:
    """`measure_losses` of every run of a run config, measured where it is not stored yet."""
    key = {"kind": "use", "version": VERSION, "examples": examples}
    config = group[0].config
    missing = [run for run in group if work.results.read_measurement(run.id, key) is None]
    if missing:
        work.evaluators.note(f"changing positions of {describe_config(config)}")
        models = [work.load_model(run) for run in missing]
        results = measure_losses(config, work.open_source(config), work.mesh, models, examples)
        for run, losses in zip(missing, results, strict=True):
            work.results.write_measurement(run.id, key, pack_losses(losses))
    stored = [work.results.read_measurement(run.id, key) for run in group]
    return [unpack_losses(arrays) for arrays in stored if arrays is not None]


def pack_losses(losses: dict[str, TokenLosses]) -> dict[str, Float[ndarray, "T"]]:
    """Losses as arrays named 'condition/field', to be stored."""
    return {f"{name}/{field}": value for name, parts in losses.items() for field, value in parts._asdict().items()}


def unpack_losses(arrays: Mapping[str, ndarray]) -> dict[str, TokenLosses]:
    """The inverse of `pack_losses`."""
    names = dict.fromkeys(name.partition("/")[0] for name in arrays)
    return {name: TokenLosses(**{field: arrays[f"{name}/{field}"] for field in TokenLosses._fields}) for name in names}  # type: ignore[arg-type]


def compute_bits(losses: TokenLosses) -> float:
    """Bits per character over all places."""
    return float(losses.nats.sum() / losses.characters.sum() / np.log(2))


def compute_position_costs(losses: dict[str, TokenLosses]) -> dict[Condition, float]:
    """Bits per character lost under each condition."""
    plain = compute_bits(losses["as trained"])
    return {
        condition: compute_bits(losses[condition.name]) - plain
        for condition in CONDITIONS[1:]
        if condition.name in losses
    }


def make_use_rows(work: Workspace, group: Sequence[Run], bases: Sequence[TableRow], examples: int) -> list[TableRow]:
    """Bits per character under changed positions, a row for each condition and run; and by place, over all runs.

    `bases` are the columns of the runs.
    """
    config = group[0].config
    source, results = work.open_source(config), measure_use(work, group, examples)
    baseline = tables.compute_text_baseline(source, "bits_per_character")
    bag_of_words = measure_bag_of_words(config, source, examples) if config.task == "masked_lm" else None
    rows = list[TableRow]()
    for base, losses in zip(bases, results, strict=True):
        row = base | {"n_examples": examples, "test_length": halve_train_length(config)}
        bits = row | {"metric": "bits_per_character", "length_baseline": baseline}
        whole = {"value": compute_bits(losses["whole"]), "test_length": config.train_length}
        rows.append(bits | whole | {"order_blind_baseline": bag_of_words})
        rows.append(bits | {"value": compute_bits(losses["as trained"])})
        for condition, cost in compute_position_costs(losses).items():
            columns = {"metric": "cost", "condition": condition.kind, "size": condition.size, "value": round(cost, 6)}
            rows.append(row | columns)
    base = bases[0] | {"seed": None, "test_length": config.train_length}
    return rows + make_place_rows(base, [losses["whole"] for losses in results])


def make_place_rows(base: TableRow, losses: Sequence[TokenLosses]) -> list[TableRow]:
    """Bits per character and perplexity at every four places, over all runs; `row` is the middle of the four."""
    rows, total = list[TableRow](), jax.tree.map(lambda *parts: np.sum(parts, axis=0), *losses)
    for first in range(0, len(total.nats), PLACES):
        answers, nats, characters = (part[first : first + PLACES].sum() for part in total)
        if characters:
            here = base | {"row": first + (PLACES - 1) / 2}
            rows.append(here | {"metric": "bits_by_place", "value": round(float(nats / characters / np.log(2)), 4)})
            rows.append(here | {"metric": "perplexity_by_place", "value": round(float(np.exp(nats / answers)), 4)})
    return rows


# ── shares ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def compute_shares(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of costs with a column `share`: the cost over that of one id for all, of the same model.

    Models that lose less than LEAST_BITS with one id are left out: they do not use position.
    """
    costs = table[table["metric"] == "cost"]
    whole = costs[costs["condition"] == "one id"].groupby(MODEL_COLUMNS)["value"].mean().rename("whole").reset_index()
    shares = costs[costs["condition"] != "one id"].merge(whole[whole["whole"] >= LEAST_BITS], on=MODEL_COLUMNS)
    return shares.assign(share=shares["value"] / shares["whole"])


def select_deciding_sizes(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of costs or shares without changes of sizes that decide nothing."""
    kinds = [(rows["condition"] == kind) & rows["size"].isin(sizes) for kind, sizes in DECIDING_SIZES.items()]
    return rows[np.logical_or.reduce(kinds)]


class Costs(NamedTuple):
    """What changed positions cost some models: in bits per character, and as a share of the value of position."""

    bits: pd.DataFrame
    shares: pd.DataFrame

    def select(self, **columns: object) -> Costs:
        """The costs of some models."""
        return Costs(tables.select_rows(self.bits, **columns), tables.select_rows(self.shares, **columns))

    def average(self, task: str, kind: str, unit: str = "share", sizes: Sequence[int] = ()) -> pd.Series:
        """The mean cost of a kind of change by seed, over its deciding sizes unless some are named.

        `unit`: "share", of models that use position, or "bits", of all.
        """
        rows, column = (self.shares, "share") if unit == "share" else (self.bits, "value")
        rows = tables.select_rows(rows, task=task, condition=kind)
        rows = rows[rows["size"].isin(sizes or DECIDING_SIZES[kind])]
        return rows.groupby("seed")[column].mean().sort_index()

    def describe_dropped(self, *tasks: str) -> str:
        """How many models of these tasks have no share; '' where all have one."""
        whole = self.bits[(self.bits["condition"] == "one id") & self.bits["task"].isin(tasks)]
        dropped = int((whole["value"] < LEAST_BITS).sum())
        if not dropped:
            return ""
        return f"{dropped} of {len(whole)} models have no share and are left out: position is worth less than {LEAST_BITS:g} bits."


def read_costs(table: pd.DataFrame) -> Costs:
    """The costs of all models of a table."""
    return Costs(table[table["metric"] == "cost"], compute_shares(table))
