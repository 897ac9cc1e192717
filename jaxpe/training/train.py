"""One training, pure: batches of stratified lengths, their loss, a step of AdamW, and a range of steps.

A replica is one model in training. Everything here is written for one replica; `jaxpe.training.population` maps it over many. Batches
depend on the seed and the step alone: they are drawn by a program of their own, which all encodings share.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, Key

from jaxpe import model as models
from jaxpe import streams
from jaxpe.data.examples import Data, Example, Stream
from jaxpe.model import ForwardOptions, Inputs, Scales, Transformer
from jaxpe.positions import Sampler
from jaxpe.training.config import RunConfig, Training

HISTORY = ("loss", "token_accuracy", "exact_match", "steps")
HISTORY_EVERY = 10  # steps that are averaged into one row of the history


class Replica(NamedTuple):
    """One model in training."""

    model: Transformer
    optimiser: Any
    alive: Bool[Array, ""]  # False once the loss or the gradient was not finite: the replica is frozen as it was
    seed: Int[Array, ""]
    learning_rate: Float[Array, ""]
    history: Float[Array, "rows 4"]  # sums over HISTORY_EVERY steps
    scales: Scales | None = None  # of token and position, where the config has one
    done: Bool[Array, ""] | None = None  # where a training may stop early: whether this one has


Batch = tuple[Example, Inputs]  # examples of one bucket, counted by a first axis


class LengthBucket(NamedTuple):
    """A range of training lengths, padded to the longest of them."""

    lengths: tuple[int, ...]
    examples: int  # of a batch
    weight: float  # of each example, so that every length counts the same


def length_buckets_of(stream: Stream, train_length: int, training: Training) -> tuple[LengthBucket, ...]:
    """The task's lengths up to train_length in contiguous ranges, each with its share of the batch (at least one)."""
    lengths = stream.lengths(1, train_length)
    ranges = [
        part
        for part in np.array_split(lengths, min(training.length_buckets, len(lengths), training.batch))
        if len(part)
    ]
    ends = np.round(np.cumsum([len(part) for part in ranges]) * training.batch / len(lengths)).astype(int)
    sizes = np.maximum(np.diff(ends, prepend=0), 1)
    weights = [len(part) / len(lengths) * sizes.sum() / size for part, size in zip(ranges, sizes, strict=True)]
    return tuple(
        LengthBucket(tuple(map(int, part)), int(size), float(weight))
        for part, size, weight in zip(ranges, sizes, weights, strict=True)
    )


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
    """Cross-entropy in nats at every loss_mask place, 0 elsewhere."""
    target = jnp.take_along_axis(logits, example.targets[:, None], axis=-1)[:, 0]
    return jnp.where(example.loss_mask, jax.nn.logsumexp(logits, axis=-1) - target, 0.0)


def example_sums(model: Transformer, example: Example, inputs: Inputs, weight: float, options: ForwardOptions) -> Sums:
    logits = model(inputs, options).logits
    right = jnp.where(example.loss_mask, jnp.argmax(logits, axis=-1) == example.targets, True)
    answers = example.loss_mask.sum().astype(jnp.float32)
    correct = (right & example.loss_mask).sum().astype(jnp.float32)
    sums = Sums(answer_loss(logits, example).sum(), answers, correct, right.all().astype(jnp.float32), jnp.ones(()))
    return jax.tree.map(lambda total: weight * total, sums)


def batches_of(
    seed: Int[Array, ""],
    steps: Int[Array, N],
    data: Data,
    *,
    stream: Stream,
    sampler: Sampler,
    length_buckets: Sequence[LengthBucket],
) -> list[Batch]:
    """The batches of some steps, a list over length_buckets; the leaves' first two axes count steps and examples.

    All are drawn at once in arrays for the longest, and cut: an example does not depend on the room it is given. The
    length, the symbols and the positions of each come from keys of their own.
    """
    key, top = streams.stream("data", seed), length_buckets[-1].lengths[-1]
    lengths = jnp.asarray([np.resize(bucket.lengths, top) for bucket in length_buckets])
    counts = jnp.asarray([len(bucket.lengths) for bucket in length_buckets])
    which = [(i, number) for i, bucket in enumerate(length_buckets) for number in range(bucket.examples)]

    def one(step: Int[Array, ""], place: Int[Array, P]) -> tuple[Example, Inputs]:
        own = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, step), place[0]), place[1])
        choice = jax.random.randint(jax.random.fold_in(own, streams.STREAMS["length"]), (), 0, counts[place[0]])
        length = lengths[place[0], choice]
        example = stream.example(jax.random.fold_in(own, streams.STREAMS["data"]), length, top, data)
        return example, inputs_of(example, sampler, jax.random.fold_in(own, streams.STREAMS["positions"]))

    drawn = jax.vmap(jax.vmap(one, (None, 0)), (0, None))(steps, jnp.asarray(which))
    ends = np.cumsum([bucket.examples for bucket in length_buckets])
    parts = [jax.tree.map(lambda leaf, a=a, b=b: leaf[:, a:b], drawn) for a, b in pairwise([0, *ends.tolist()])]
    return [cut(part, *stream.sizes(bucket.lengths[-1])) for part, bucket in zip(parts, length_buckets, strict=True)]


def cut(batch: Batch, size: int, source_size: int) -> Batch:
    """A batch in arrays of these sizes."""
    example, inputs = batch
    target = {name: getattr(example, name)[..., :size] for name in ("tokens", "targets", "loss_mask", "metric_mask")}
    source = example.source[..., :source_size]
    places = inputs.positions[..., :size], inputs.source_positions[..., :source_size]
    inputs = Inputs(target["tokens"], places[0], example.length, source, places[1], example.source_length)
    return example._replace(**target, source=source), inputs


def at_once(config: RunConfig, size: int, examples: int) -> int:
    """How many of the examples are worked on together: as many as the activation budget takes, in groups of the same size."""
    fitting = config.activation_budget // (size * config.width * config.layers)
    return max(n for n in range(1, examples + 1) if examples % n == 0 and n <= max(1, fitting))


def batch_gradient(
    model: Transformer,
    batches: Sequence[Batch],
    config: RunConfig,
    length_buckets: Sequence[LengthBucket],
    options: ForwardOptions,
) -> tuple[Sums, Transformer]:
    """Sums over one batch and the gradient of their loss: every bucket in its own padding, group after group."""

    def group_loss(model: Transformer, group: Batch, weight: float) -> tuple[Array, Sums]:
        each = jax.vmap(lambda example, inputs: example_sums(model, example, inputs, weight, options))(*group)
        sums = jax.tree.map(lambda part: part.sum(0), each)
        return sums.loss, sums

    totals: tuple[Sums, Transformer] = Sums(*[jnp.zeros(())] * len(Sums._fields)), jax.tree.map(jnp.zeros_like, model)
    for bucket, batch in zip(length_buckets, batches, strict=True):
        size = max(batch[0].tokens.shape[-1], batch[0].source.shape[-1])
        group = at_once(config, size, bucket.examples)

        def add(totals: Any, group: Batch, weight: float = bucket.weight) -> tuple[Any, None]:
            (_, sums), gradient = jax.value_and_grad(group_loss, has_aux=True)(model, group, weight)
            return jax.tree.map(jnp.add, totals, (sums, gradient)), None

        groups = jax.tree.map(lambda leaf, n=group: leaf.reshape(len(leaf) // n, n, *leaf.shape[1:]), batch)
        totals, _ = jax.lax.scan(add, totals, groups)
    return totals


def decayed(model: Transformer) -> Any:
    """True for the weights that decay: matrices, but nothing of an encoding."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf.ndim >= 2 and "encodings" not in jax.tree_util.keystr(path), model
    )


def optimiser(training: Training) -> optax.GradientTransformation:
    """AdamW but for the learning rate, which is a replica's own number."""
    return optax.chain(
        optax.clip_by_global_norm(training.clip),
        optax.scale_by_adam(b1=0.9, b2=0.98),
        optax.add_decayed_weights(training.weight_decay, mask=decayed),
    )


def schedule(step: Int[Array, ""], training: Training) -> Float[Array, ""]:
    """Share of the learning rate at a step: linear warm-up, then half a cosine, or a line, down to zero."""
    warmup = min(training.warmup, training.steps // 2)
    rise = (step + 1) / (warmup + 1)
    passed = (step - warmup) / (training.steps - warmup)
    fall = 1 - passed if training.decay == "linear" else 0.5 * (1 + jnp.cos(jnp.pi * passed))
    return jnp.where(step < warmup, rise, fall)


def start(config: RunConfig, stream: Stream, seed: Any, learning_rate: Any, scales: Any = None) -> Replica:
    """A replica before its first step."""
    model = models.build_model(
        config.model(stream), config.encoding, dict(config.encoding_options), config.table_length, seed
    )
    rows = -(-config.training.steps // HISTORY_EVERY)
    return Replica(
        model,
        optimiser(config.training).init(model),
        jnp.ones((), bool),
        jnp.asarray(seed, jnp.int32),
        jnp.asarray(learning_rate, jnp.float32),
        jnp.zeros((rows, len(HISTORY))),
        None if scales is None else jnp.asarray(scales, jnp.float32),
        jnp.zeros((), bool) if config.training.stop_every else None,
    )


def step(
    number: Int[Array, ""],
    replica: Replica,
    batches: Sequence[Batch],
    config: RunConfig,
    length_buckets: Sequence[LengthBucket],
) -> Replica:
    """Step `number` of a training on its batch, one for each bucket."""
    options = ForwardOptions(scales=replica.scales, progress=number / config.training.steps)
    sums, summed = batch_gradient(replica.model, batches, config, length_buckets, options)
    value, gradient = sums.loss / sums.answers, jax.tree.map(lambda total: total / sums.answers, summed)
    updates, state = optimiser(config.training).update(gradient, replica.optimiser, replica.model)
    rate = replica.learning_rate * schedule(number, config.training)
    model = jax.tree.map(lambda p, u: p - rate * u, replica.model, updates)
    row = jnp.stack([value, sums.correct / sums.answers, sums.exact / sums.examples, jnp.ones(())])
    history = replica.history.at[number // HISTORY_EVERY].add(row)
    alive = replica.alive & jnp.isfinite(value) & jnp.isfinite(optax.tree.norm(gradient))
    new = replica._replace(model=model, optimiser=state, history=history)
    going_on = alive if replica.done is None else alive & ~replica.done
    kept = jax.tree.map(lambda after, before: jnp.where(going_on, after, before), new, replica)
    if replica.done is None:
        return kept._replace(alive=alive)
    row = history[number // HISTORY_EVERY]
    only_right = row[HISTORY.index("exact_match")] >= row[-1]
    looked_at = (number + 1) % config.training.stop_every == 0
    return kept._replace(alive=alive | replica.done, done=replica.done | (looked_at & only_right))


def run(
    replica: Replica,
    batches: Sequence[Batch],
    begin: Int[Array, ""],
    first: Int[Array, ""],
    stop: Int[Array, ""],
    config: RunConfig,
    length_buckets: Sequence[LengthBucket],
) -> Replica:
    """Steps first … stop − 1 (traced: one program serves every chunk), on batches of the steps from `begin` on."""

    def one(number: Int[Array, ""], replica: Replica) -> Replica:
        now = jax.tree.map(lambda leaf: leaf[number - begin], batches)
        return step(number, replica, now, config, length_buckets)

    return jax.lax.fori_loop(first, stop, one, replica)


def history_of(replica: Replica) -> dict[str, list[float]]:
    """The means over every HISTORY_EVERY steps, beside the step at which they end. A frozen replica's end where it froze."""
    rows = np.asarray(replica.history, np.float64)
    rows = rows[rows[:, -1] > 0]
    ends = np.cumsum(rows[:, -1]).astype(int)
    return {"step": ends.tolist()} | {name: (rows[:, i] / rows[:, -1]).tolist() for i, name in enumerate(HISTORY[:-1])}


def step_reaching(history: dict[str, list[float]], metric: str, criterion: float) -> int | None:
    """The first recorded step at which the running metric is at or above the criterion; None if never."""
    for at, value in zip(history["step"], history[metric], strict=True):
        if value >= criterion:
            return int(at)
    return None
