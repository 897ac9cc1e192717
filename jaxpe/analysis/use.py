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
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key
from numpy import ndarray

from jaxpe import positions, streams
from jaxpe.data.examples import SPECIALS, Data
from jaxpe.model import Transformer
from jaxpe.positions import Sampler
from jaxpe.tasks.evaluation import evaluation_key
from jaxpe.training import evaluate
from jaxpe.training.config import RunConfig, Source
from jaxpe.training.evaluate import Evaluator, Losses
from jaxpe.training.train import Batch

SHIFTS, WINDOWS = (1, 8, 32), (2, 4, 8)
FEWEST_BITS = 0.02  # per character, lost with one id for all


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


def test_length(config: RunConfig) -> int:
    """Half the training length: shifted by as much again, every position was met in training."""
    return max(config.train_length // 2, 2)


def conditions_for(config: RunConfig) -> list[Condition]:
    """Those whose positions training visited, and whose windows are at least two."""
    length = test_length(config)
    most = {"shift": config.train_length - length, "shuffle": length // 2, "permute": length // 2}
    return [one for one in CONDITIONS if one.size <= most.get(one.kind, one.size)]


@partial(jax.jit, static_argnames=("condition", "length", "size"))
def positions_for(
    key: Key[Array, ""], examples: Int[Array, N], *, condition: Condition, length: int, size: int
) -> Int[Array, "N {size}"]:
    """The positions of the tokens of every example under a condition; the same for every model."""
    tokens = jnp.zeros(size, jnp.int32)

    def one(number: Int[Array, ""]) -> Int[Array, T]:
        own = jax.random.fold_in(jax.random.fold_in(key, number), streams.STREAMS["positions"])
        return condition.sampler(length)(own, tokens, size)

    return jax.vmap(one)(examples)


def measured(
    config: RunConfig, source: Source, mesh: Mesh, models: Sequence[Transformer], examples: int
) -> list[dict[str, Losses]]:
    """For each model of a config the losses by place: at the training length ("whole"), and under every condition.

    The conditions see the same windows, at `test_length`.
    """
    found, data, n = dict[str, list[Losses]](), jax.device_put(source.validation), config.train_length
    evaluator = evaluator_of(config, source, mesh, n, examples)
    found["whole"] = evaluate.evaluate_batch(evaluator, models, drawn(evaluator, config, n, data), data)
    length = test_length(config)
    evaluator = evaluator_of(config, source, mesh, length, examples)
    example, inputs = drawn(evaluator, config, length, data)
    key, numbers, size = evaluation_key("use", length), jnp.arange(examples), inputs.tokens.shape[1]
    for condition in conditions_for(config):
        places = positions_for(key, numbers, condition=condition, length=length, size=size)
        now = example, inputs._replace(positions=places.astype(inputs.positions.dtype))
        found[name_of(condition)] = evaluate.evaluate_batch(evaluator, models, now, data)
    return [{name: every[i] for name, every in found.items()} for i in range(len(models))]


def evaluator_of(config: RunConfig, source: Source, mesh: Mesh, top: int, examples: int) -> Evaluator:
    arguments = (config, source.stream, source.validation, mesh, top, examples)
    return evaluate.compile_evaluator(*arguments, measure=evaluate.losses)


def drawn(evaluator: Evaluator, config: RunConfig, length: int, data: Data) -> Batch:
    return evaluator.draw(evaluation_key(config.task, length), length, 0, data)


def packed(found: dict[str, Losses]) -> dict[str, Float[ndarray, T]]:
    """As arrays called 'name/part', to be stored."""
    return {f"{name}/{part}": value for name, one in found.items() for part, value in one._asdict().items()}


def unpacked(arrays: dict[str, Any]) -> dict[str, Losses]:
    """What `packed` made of it."""
    names = dict.fromkeys(name.partition("/")[0] for name in arrays)
    return {name: Losses(*(arrays[f"{name}/{part}"] for part in Losses._fields)) for name in names}


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


MODEL = ["task", "encoding", "positions", "starts", "corpus", "seed"]  # columns that name a model


def shares(table: Any) -> Any:
    """The rows of costs with a column `share`, of that of one id for all; without models that do not use position.

    Such a model loses less than FEWEST_BITS with one id, which is too little to be shared out.
    """
    costs = table[table["metric"] == "cost"]
    whole = costs[costs["condition"] == "one id"].groupby(MODEL)["value"].mean().rename("whole").reset_index()
    found = costs[costs["condition"] != "one id"].merge(whole[whole["whole"] >= FEWEST_BITS], on=MODEL)
    return found.assign(share=found["value"] / found["whole"])


# ── a rule blind to order ───────────────────────────────────────────────────────────────────────────────────────────

GRID = np.linspace(0.0, 0.95, 20)  # of the weight of a window's own words


def bag_of_words(config: RunConfig, source: Source, examples: int) -> float:
    """Bits per character of a rule that sees which words a window shows, not where: λ · share in it + (1 − λ) · frequency.

    λ is the best of a grid on the same windows, so the rule has a small advantage. Of masked LM at the training length.
    """
    length = config.train_length
    draw = partial(evaluate.examples_of, stream=source.stream, sampler=None, top=length, examples=examples)
    example, _ = jax.tree.map(np.asarray, draw(evaluation_key(config.task, length), length, 0, source.validation))
    seen = np.bincount(np.asarray(source.train["tokens"]), minlength=source.stream.vocabulary) + 1.0
    seen[:SPECIALS] = 0
    characters = np.asarray(source.train["characters"])
    return bag_bits(example.tokens, example.targets, example.metric_mask, seen / seen.sum(), characters)


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
