"""Does a trained model use absolute position, or local order? Measured by what it loses when its positions are changed.

The same windows of text are read again with other positions, and the loss compared:

    shifted by c         p + c: what is lost is the use of absolute position                        (c = 1, 8, 32)
    shuffled in w        in random order inside windows of w neighbours: the use of local order       (w = 2, 4, 8)
    permuted in w        windows of w in random order, each kept whole: the use of anything coarser   (w = 2, 4, 8)
    one id               all tokens at one position: all that position is worth

Each cost is told as a share of the last, by model. A table probe cannot decide this (Wang & Chen 2020 read tables): a code
without an origin reads out almost perfectly. Sequences are so short that the longest shift stays among the rows that training
visited. `order blind` is what a rule loses that knows the words of a window but not their order (`bag_of_words`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key
from numpy import ndarray

from jaxpe import evaluate, keys, positions, study
from jaxpe.config import Setting
from jaxpe.evaluate import Evaluator, Losses
from jaxpe.formatting import SPECIALS
from jaxpe.positions import Sampler
from jaxpe.study import Cell, Workspace
from jaxpe.tasks.evaluation import evaluation_key
from jaxpe.train import Batch

MEASUREMENT = 1  # raise it when the numbers change
SHIFTS, WINDOWS = (1, 8, 32), (2, 4, 8)
FEWEST_BITS = (
    0.02  # per character: a model that loses less with one id for all does not use position, and has no shares
)


class Condition(NamedTuple):
    """How positions are changed, and by how much."""

    kind: str  # "as trained", "shift", "shuffle", "permute", "one id"
    size: int = 0

    def sampler(self, length: int) -> Sampler:
        """What gives the changed positions; one id is the middle of the sequence."""
        made: dict[str, Sampler] = {
            "as trained": positions.Arange(),
            "shift": positions.Shifted(self.size),
            "shuffle": positions.Shuffled(max(self.size, 1)),
            "permute": positions.Permuted(max(self.size, 1)),
            "one id": positions.Constant(length // 2),
        }
        return made[self.kind]


CONDITIONS = (
    Condition("as trained"),
    *[Condition("shift", c) for c in SHIFTS],
    *[Condition("shuffle", w) for w in WINDOWS],
    *[Condition("permute", w) for w in WINDOWS],
    Condition("one id"),
)


def test_length(setting: Setting) -> int:
    """Half the training length: shifted by as much again, every position was met in training."""
    return max(setting.train_length // 2, 2)


def conditions_for(setting: Setting) -> list[Condition]:
    """Those whose positions training visited, and whose windows are at least two."""
    length = test_length(setting)
    most = {"shift": setting.train_length - length, "shuffle": length // 2, "permute": length // 2}
    return [one for one in CONDITIONS if one.size <= most.get(one.kind, one.size)]


@partial(jax.jit, static_argnames=("condition", "length", "size"))
def positions_for(
    key: Key[Array, ""], examples: Int[Array, N], *, condition: Condition, length: int, size: int
) -> Int[Array, "N {size}"]:
    """The positions of the tokens of every example under a condition; the same for every model."""
    tokens = jnp.zeros(size, jnp.int32)

    def one(number: Int[Array, ""]) -> Int[Array, T]:
        own = jax.random.fold_in(jax.random.fold_in(key, number), keys.STREAMS["positions"])
        return condition.sampler(length)(own, tokens, size)

    return jax.vmap(one)(examples)


def measured(work: Workspace, cells: Sequence[Cell], examples: int) -> list[dict[str, Losses]]:
    """For each cell of one setting the losses by place: under every condition, and at the training length ("whole")."""
    setting = cells[0].setting
    key = {"kind": "use", "version": MEASUREMENT, "examples": examples}
    stored = [work.results.read_measurement(cell.id, key) for cell in cells]
    lacking = [cell for cell, found in zip(cells, stored, strict=True) if found is None]
    if lacking:
        models = [work.model(cell) for cell in lacking]
        found = {"whole": at_length(work, setting, models, setting.train_length, examples)}
        found |= changed(work, setting, models, examples)
        for i, cell in enumerate(lacking):
            arrays = {
                f"{name}/{part}": value for name, all_ in found.items() for part, value in all_[i]._asdict().items()
            }
            work.results.write_measurement(cell.id, key, arrays)
        stored = [work.results.read_measurement(cell.id, key) for cell in cells]
    return [unpacked(one) for one in stored if one is not None]


def unpacked(arrays: dict[str, Any]) -> dict[str, Losses]:
    """What was stored under 'name/part', by name."""
    names = dict.fromkeys(name.partition("/")[0] for name in arrays)
    return {name: Losses(*(arrays[f"{name}/{part}"] for part in Losses._fields)) for name in names}


def evaluator_of(work: Workspace, setting: Setting, top: int, examples: int) -> Evaluator:
    source = work.source(setting)
    work.progress.note(f"compiling losses by place of {study.describe(setting)} up to length {top}")
    return evaluate.compile_evaluator(
        setting, source.stream, source.validation, work.mesh, top, examples, measure=evaluate.losses
    )


def at_length(work: Workspace, setting: Setting, models: Sequence[Any], length: int, examples: int) -> list[Losses]:
    """Losses by place as trained."""
    evaluator = evaluator_of(work, setting, length, examples)
    data = jax.device_put(work.source(setting).validation)
    batch = evaluator.draw(evaluation_key(setting.task, length), length, 0, data)
    return evaluate.evaluate_batch(evaluator, models, batch, data)


def changed(work: Workspace, setting: Setting, models: Sequence[Any], examples: int) -> dict[str, list[Losses]]:
    """Losses under every condition, on the same windows."""
    length = test_length(setting)
    evaluator = evaluator_of(work, setting, length, examples)
    data, key = jax.device_put(work.source(setting).validation), evaluation_key("use", length)
    batch: Batch = evaluator.draw(evaluation_key(setting.task, length), length, 0, data)
    example, inputs = batch
    size, numbers, found = inputs.tokens.shape[1], jnp.arange(examples), {}
    for condition in conditions_for(setting):
        places = positions_for(key, numbers, condition=condition, length=length, size=size)
        now = example, inputs._replace(positions=places.astype(inputs.positions.dtype))
        found[name_of(condition)] = evaluate.evaluate_batch(evaluator, models, now, data)
    return found


def name_of(condition: Condition) -> str:
    return f"{condition.kind} {condition.size}" if condition.size else condition.kind


def bits(losses: Losses) -> float:
    """Bits per character over all places."""
    return float(losses.nats.sum() / losses.characters.sum() / np.log(2))


def costs(found: dict[str, Losses]) -> dict[Condition, float]:
    """Bits per character lost under each condition."""
    plain = bits(found["as trained"])
    return {
        condition: bits(found[name_of(condition)]) - plain
        for condition in CONDITIONS[1:]
        if name_of(condition) in found
    }


def shares(lost: dict[Condition, float]) -> dict[Condition, float]:
    """Each cost as a share of that of one id for all; NaN where that is too little to be shared out."""
    whole = lost[CONDITIONS[-1]]
    return {condition: cost / whole if whole >= FEWEST_BITS else np.nan for condition, cost in lost.items()}


# ── a rule blind to order ───────────────────────────────────────────────────────────────────────────────────────────

GRID = np.linspace(0.0, 0.95, 20)  # of the weight of a window's own words


def bag_of_words(work: Workspace, setting: Setting, examples: int) -> float:
    """Bits per character of a rule that sees which words a window shows, not where: λ · share in it + (1 − λ) · frequency.

    λ is the best of a grid on the same windows, so the rule has a small advantage. Of masked LM at the training length.
    """
    source, length = work.source(setting), setting.train_length
    draw = partial(evaluate.examples_of, stream=source.stream, sampler=None, top=length, examples=examples)
    example, _ = jax.tree.map(np.asarray, draw(evaluation_key(setting.task, length), length, 0, source.validation))
    seen = np.bincount(np.asarray(source.train["tokens"]), minlength=source.stream.vocabulary) + 1.0
    seen[:SPECIALS] = 0
    return bag_bits(
        example.tokens, example.targets, example.scored, seen / seen.sum(), np.asarray(source.train["characters"])
    )


def bag_bits(
    tokens: Int[ndarray, "N T"],
    targets: Int[ndarray, "N T"],
    asked: Any,
    frequency: Float[ndarray, V],
    characters: Float[ndarray, V],
) -> float:
    """The rule's bits per character; at places that are not asked for the word is shown."""
    shown = np.stack([np.bincount(row[row >= SPECIALS], minlength=len(frequency)) for row in tokens])
    rows, places = np.nonzero(asked)
    answer = targets[rows, places]
    local = shown[rows, answer] / np.maximum(shown.sum(1)[rows], 1)
    nats = [-np.log(weight * local + (1 - weight) * frequency[answer]).sum() for weight in GRID]
    return float(min(nats) / characters[answer].sum() / np.log(2))
