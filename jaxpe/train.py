"""One training, pure: the loss of a batch of stratified lengths, a step of AdamW, and a range of steps.

A lane is one model in training. Everything here is written for one lane; `jaxpe.population` maps it over many.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, Key

from jaxpe import keys
from jaxpe import model as models
from jaxpe.config import Setting, Training
from jaxpe.formatting import Data, Example, Stream
from jaxpe.model import Inputs, Mix, Transformer
from jaxpe.positions import Sampler

HISTORY = ("loss", "token_accuracy", "exact_match", "steps")
HISTORY_EVERY = 10  # steps that are averaged into one row of the history


class Lane(NamedTuple):
    """One model in training."""

    model: Transformer
    optimiser: Any
    alive: Bool[Array, ""]  # False once the loss or the gradient was not finite: the lane is frozen as it was
    seed: Int[Array, ""]
    learning_rate: Float[Array, ""]
    history: Float[Array, "rows 4"]  # sums over HISTORY_EVERY steps
    mix: Mix = None  # of token and position, where the setting has one


class Stratum(NamedTuple):
    """A range of training lengths, padded to the longest of them."""

    lengths: tuple[int, ...]
    examples: int  # of a batch
    weight: float  # of each example, so that every length counts the same


def strata_of(stream: Stream, train_length: int, training: Training) -> list[Stratum]:
    """The task's lengths up to train_length in contiguous ranges, each with its share of the batch (at least one)."""
    lengths = stream.lengths(1, train_length)
    ranges = [part for part in np.array_split(lengths, min(training.strata, len(lengths), training.batch)) if len(part)]
    ends = np.round(np.cumsum([len(part) for part in ranges]) * training.batch / len(lengths)).astype(int)
    sizes = np.maximum(np.diff(ends, prepend=0), 1)
    weights = [len(part) / len(lengths) * sizes.sum() / size for part, size in zip(ranges, sizes, strict=True)]
    return [
        Stratum(tuple(map(int, part)), int(size), float(weight))
        for part, size, weight in zip(ranges, sizes, weights, strict=True)
    ]


def inputs_of(example: Example, sampler: Sampler, key: Key[Array, ""]) -> Inputs:
    """What the model reads of an example, with positions for both sides, each from a key of its own."""
    target_key, source_key = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
    return Inputs(
        example.tokens,
        sampler(target_key, example.tokens, example.length),
        example.length,
        example.source,
        sampler(source_key, example.source, example.source_length),
        example.source_length,
    )


class Sums(NamedTuple):
    """Weighted sums over the answers of some examples."""

    loss: Float[Array, ""]
    answers: Float[Array, ""]
    correct: Float[Array, ""]
    exact: Float[Array, ""]
    examples: Float[Array, ""]


def answer_loss(logits: Float[Array, "T V"], example: Example) -> Float[Array, T]:
    """Cross-entropy in nats at every answered place, 0 elsewhere."""
    target = jnp.take_along_axis(logits, example.targets[:, None], axis=-1)[:, 0]
    return jnp.where(example.answered, jax.nn.logsumexp(logits, axis=-1) - target, 0.0)


def example_sums(model: Transformer, example: Example, inputs: Inputs, weight: float, mix: Mix) -> Sums:
    logits = model(inputs, mix=mix).logits
    right = jnp.where(example.answered, jnp.argmax(logits, axis=-1) == example.targets, True)
    answers = example.answered.sum().astype(jnp.float32)
    correct = (right & example.answered).sum().astype(jnp.float32)
    sums = Sums(answer_loss(logits, example).sum(), answers, correct, right.all().astype(jnp.float32), jnp.ones(()))
    return jax.tree.map(lambda total: weight * total, sums)


def draw(stream: Stream, sampler: Sampler, stratum: Stratum, key: Key[Array, ""], data: Data) -> tuple[Example, Inputs]:
    """One training example of a stratum: its length, its symbols and its positions, each from a key of its own."""
    choice = jax.random.randint(jax.random.fold_in(key, keys.STREAMS["length"]), (), 0, len(stratum.lengths))
    length = jnp.asarray(stratum.lengths)[choice]
    example = stream.example(jax.random.fold_in(key, keys.STREAMS["data"]), length, stratum.lengths[-1], data)
    return example, inputs_of(example, sampler, jax.random.fold_in(key, keys.STREAMS["positions"]))


def at_once(setting: Setting, size: int, examples: int) -> int:
    """How many of the examples are worked on together: as many as the working set takes, in groups of the same size."""
    fitting = setting.working_set // (size * setting.width * setting.layers)
    return max(n for n in range(1, examples + 1) if examples % n == 0 and n <= max(1, fitting))


def batch_gradient(
    model: Transformer, setting: Setting, stream: Stream, key: Key[Array, ""], data: Data, mix: Mix = None
) -> tuple[Sums, Transformer]:
    """Sums over one batch and the gradient of their loss: every stratum in its own padding, group after group."""

    def group_loss(model: Transformer, numbers: Int[Array, N], i: int, stratum: Stratum) -> tuple[Array, Sums]:
        def one(number: Int[Array, ""]) -> Sums:
            example_key = jax.random.fold_in(jax.random.fold_in(key, i), number)
            return example_sums(model, *draw(stream, setting.sampler, stratum, example_key, data), stratum.weight, mix)

        sums = jax.tree.map(lambda part: part.sum(0), jax.vmap(one)(numbers))
        return sums.loss, sums

    totals: tuple[Sums, Transformer] = Sums(*[jnp.zeros(())] * len(Sums._fields)), jax.tree.map(jnp.zeros_like, model)
    for i, stratum in enumerate(strata_of(stream, setting.train_length, setting.training)):
        group = at_once(setting, max(stream.sizes(stratum.lengths[-1])), stratum.examples)

        def add(totals: Any, numbers: Int[Array, N], i: int = i, stratum: Stratum = stratum) -> tuple[Any, None]:
            (_, sums), gradient = jax.value_and_grad(group_loss, has_aux=True)(model, numbers, i, stratum)
            return jax.tree.map(jnp.add, totals, (sums, gradient)), None

        totals, _ = jax.lax.scan(add, totals, jnp.arange(stratum.examples).reshape(-1, group))
    return totals


def decayed(model: Transformer) -> Any:
    """True for the weights that decay: matrices, but nothing of an encoding."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf.ndim >= 2 and "encodings" not in jax.tree_util.keystr(path), model
    )


def optimiser(training: Training) -> optax.GradientTransformation:
    """AdamW but for the learning rate, which is a lane's own number."""
    return optax.chain(
        optax.clip_by_global_norm(training.clip),
        optax.scale_by_adam(b1=0.9, b2=0.98),
        optax.add_decayed_weights(training.weight_decay, mask=decayed),
    )


def schedule(step: Int[Array, ""], training: Training) -> Float[Array, ""]:
    """Share of the learning rate at a step: linear warm-up, then half a cosine down to zero."""
    warmup = min(training.warmup, training.steps // 2)
    rise = (step + 1) / (warmup + 1)
    fall = 0.5 * (1 + jnp.cos(jnp.pi * (step - warmup) / (training.steps - warmup)))
    return jnp.where(step < warmup, rise, fall)


def start(setting: Setting, stream: Stream, seed: Any, learning_rate: Any, mix: Any = None) -> Lane:
    """A lane before its first step."""
    model = models.build(
        setting.model(stream), setting.encoding, dict(setting.encoding_options), setting.table_length, seed
    )
    rows = -(-setting.training.steps // HISTORY_EVERY)
    return Lane(
        model,
        optimiser(setting.training).init(model),
        jnp.ones((), bool),
        jnp.asarray(seed, jnp.int32),
        jnp.asarray(learning_rate, jnp.float32),
        jnp.zeros((rows, len(HISTORY))),
        None if mix is None else jnp.asarray(mix, jnp.float32),
    )


def step(number: Int[Array, ""], lane: Lane, setting: Setting, stream: Stream, data: Data) -> Lane:
    """Step `number` of a training. Batches depend on (seed, number) only, so every encoding sees the same ones."""
    key = jax.random.fold_in(keys.stream("data", lane.seed), number)
    sums, summed = batch_gradient(lane.model, setting, stream, key, data, lane.mix)
    value, gradient = sums.loss / sums.answers, jax.tree.map(lambda total: total / sums.answers, summed)
    updates, state = optimiser(setting.training).update(gradient, lane.optimiser, lane.model)
    rate = lane.learning_rate * schedule(number, setting.training)
    model = jax.tree.map(lambda p, u: p - rate * u, lane.model, updates)
    row = jnp.stack([value, sums.correct / sums.answers, sums.exact / sums.examples, jnp.ones(())])
    history = lane.history.at[number // HISTORY_EVERY].add(row)
    alive = lane.alive & jnp.isfinite(value) & jnp.isfinite(optax.tree.norm(gradient))
    new = lane._replace(model=model, optimiser=state, history=history)
    return jax.tree.map(lambda after, before: jnp.where(alive, after, before), new, lane)._replace(alive=alive)


def run(lane: Lane, first: Int[Array, ""], stop: Int[Array, ""], setting: Setting, stream: Stream, data: Data) -> Lane:
    """Steps first … stop − 1 (both traced: one program serves every chunk)."""
    return jax.lax.fori_loop(first, stop, lambda number, lane: step(number, lane, setting, stream, data), lane)


def history_of(lane: Lane) -> dict[str, list[float]]:
    """The means over every HISTORY_EVERY steps, beside the step at which they end. A frozen lane's end where it froze."""
    rows = np.asarray(lane.history, np.float64)
    rows = rows[rows[:, -1] > 0]
    ends = np.cumsum(rows[:, -1]).astype(int)
    return {"step": ends.tolist()} | {name: (rows[:, i] / rows[:, -1]).tolist() for i, name in enumerate(HISTORY[:-1])}


def step_reaching(history: dict[str, list[float]], metric: str, criterion: float) -> int | None:
    """The first recorded step at which the running metric is at or above the criterion; None if never."""
    for at, value in zip(history["step"], history[metric], strict=True):
        if value >= criterion:
            return int(at)
    return None
