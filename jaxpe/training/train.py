"""One training, pure: batches of stratified lengths, their loss, a step of AdamW, and a range of steps.

A lane is one model in training. Everything here is written for one lane; `jaxpe.training.population` maps it over many. Batches
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
from jaxpe.model import Inputs, Mix, Progress, Transformer
from jaxpe.positions import Sampler
from jaxpe.tasks.formatting import Data, Example, Stream
from jaxpe.training.config import Setting, Training

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
    done: Bool[Array, ""] | None = None  # where a training may stop early: whether this one has


Batch = tuple[Example, Inputs]  # examples of one stratum, counted by a first axis


class Stratum(NamedTuple):
    """A range of training lengths, padded to the longest of them."""

    lengths: tuple[int, ...]
    examples: int  # of a batch
    weight: float  # of each example, so that every length counts the same


def strata_of(stream: Stream, train_length: int, training: Training) -> tuple[Stratum, ...]:
    """The task's lengths up to train_length in contiguous ranges, each with its share of the batch (at least one)."""
    lengths = stream.lengths(1, train_length)
    ranges = [part for part in np.array_split(lengths, min(training.strata, len(lengths), training.batch)) if len(part)]
    ends = np.round(np.cumsum([len(part) for part in ranges]) * training.batch / len(lengths)).astype(int)
    sizes = np.maximum(np.diff(ends, prepend=0), 1)
    weights = [len(part) / len(lengths) * sizes.sum() / size for part, size in zip(ranges, sizes, strict=True)]
    return tuple(
        Stratum(tuple(map(int, part)), int(size), float(weight))
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
    """Cross-entropy in nats at every answered place, 0 elsewhere."""
    target = jnp.take_along_axis(logits, example.targets[:, None], axis=-1)[:, 0]
    return jnp.where(example.answered, jax.nn.logsumexp(logits, axis=-1) - target, 0.0)


def example_sums(
    model: Transformer, example: Example, inputs: Inputs, weight: float, mix: Mix, progress: Progress
) -> Sums:
    logits = model(inputs, mix=mix, progress=progress).logits
    right = jnp.where(example.answered, jnp.argmax(logits, axis=-1) == example.targets, True)
    answers = example.answered.sum().astype(jnp.float32)
    correct = (right & example.answered).sum().astype(jnp.float32)
    sums = Sums(answer_loss(logits, example).sum(), answers, correct, right.all().astype(jnp.float32), jnp.ones(()))
    return jax.tree.map(lambda total: weight * total, sums)


def batches_of(
    seed: Int[Array, ""],
    steps: Int[Array, N],
    data: Data,
    *,
    stream: Stream,
    sampler: Sampler,
    strata: Sequence[Stratum],
) -> list[Batch]:
    """The batches of some steps, a list over strata; the leaves' first two axes count steps and examples.

    All are drawn at once in arrays for the longest, and cut: an example does not depend on the room it is given. The
    length, the symbols and the positions of each come from keys of their own.
    """
    key, top = streams.stream("data", seed), strata[-1].lengths[-1]
    lengths = jnp.asarray([np.resize(stratum.lengths, top) for stratum in strata])
    counts = jnp.asarray([len(stratum.lengths) for stratum in strata])
    which = [(i, number) for i, stratum in enumerate(strata) for number in range(stratum.examples)]

    def one(step: Int[Array, ""], place: Int[Array, P]) -> tuple[Example, Inputs]:
        own = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, step), place[0]), place[1])
        choice = jax.random.randint(jax.random.fold_in(own, streams.STREAMS["length"]), (), 0, counts[place[0]])
        length = lengths[place[0], choice]
        example = stream.example(jax.random.fold_in(own, streams.STREAMS["data"]), length, top, data)
        return example, inputs_of(example, sampler, jax.random.fold_in(own, streams.STREAMS["positions"]))

    drawn = jax.vmap(jax.vmap(one, (None, 0)), (0, None))(steps, jnp.asarray(which))
    ends = np.cumsum([stratum.examples for stratum in strata])
    parts = [jax.tree.map(lambda leaf, a=a, b=b: leaf[:, a:b], drawn) for a, b in pairwise([0, *ends.tolist()])]
    return [cut(part, *stream.sizes(stratum.lengths[-1])) for part, stratum in zip(parts, strata, strict=True)]


def cut(batch: Batch, size: int, source_size: int) -> Batch:
    """A batch in arrays of these sizes."""
    example, inputs = batch
    target = {name: getattr(example, name)[..., :size] for name in ("tokens", "targets", "answered", "scored")}
    source = example.source[..., :source_size]
    places = inputs.positions[..., :size], inputs.source_positions[..., :source_size]
    inputs = Inputs(target["tokens"], places[0], example.length, source, places[1], example.source_length)
    return example._replace(**target, source=source), inputs


def at_once(setting: Setting, size: int, examples: int) -> int:
    """How many of the examples are worked on together: as many as the working set takes, in groups of the same size."""
    fitting = setting.working_set // (size * setting.width * setting.layers)
    return max(n for n in range(1, examples + 1) if examples % n == 0 and n <= max(1, fitting))


def batch_gradient(
    model: Transformer,
    batches: Sequence[Batch],
    setting: Setting,
    strata: Sequence[Stratum],
    mix: Mix = None,
    progress: Progress = 0.0,
) -> tuple[Sums, Transformer]:
    """Sums over one batch and the gradient of their loss: every stratum in its own padding, group after group."""

    def group_loss(model: Transformer, group: Batch, weight: float) -> tuple[Array, Sums]:
        each = jax.vmap(lambda example, inputs: example_sums(model, example, inputs, weight, mix, progress))(*group)
        sums = jax.tree.map(lambda part: part.sum(0), each)
        return sums.loss, sums

    totals: tuple[Sums, Transformer] = Sums(*[jnp.zeros(())] * len(Sums._fields)), jax.tree.map(jnp.zeros_like, model)
    for stratum, batch in zip(strata, batches, strict=True):
        size = max(batch[0].tokens.shape[-1], batch[0].source.shape[-1])
        group = at_once(setting, size, stratum.examples)

        def add(totals: Any, group: Batch, weight: float = stratum.weight) -> tuple[Any, None]:
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
    """AdamW but for the learning rate, which is a lane's own number."""
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
        jnp.zeros((), bool) if setting.training.stop_every else None,
    )


def step(
    number: Int[Array, ""], lane: Lane, batches: Sequence[Batch], setting: Setting, strata: Sequence[Stratum]
) -> Lane:
    """Step `number` of a training on its batch, one for each stratum."""
    progress = number / setting.training.steps
    sums, summed = batch_gradient(lane.model, batches, setting, strata, lane.mix, progress)
    value, gradient = sums.loss / sums.answers, jax.tree.map(lambda total: total / sums.answers, summed)
    updates, state = optimiser(setting.training).update(gradient, lane.optimiser, lane.model)
    rate = lane.learning_rate * schedule(number, setting.training)
    model = jax.tree.map(lambda p, u: p - rate * u, lane.model, updates)
    row = jnp.stack([value, sums.correct / sums.answers, sums.exact / sums.examples, jnp.ones(())])
    history = lane.history.at[number // HISTORY_EVERY].add(row)
    alive = lane.alive & jnp.isfinite(value) & jnp.isfinite(optax.tree.norm(gradient))
    new = lane._replace(model=model, optimiser=state, history=history)
    going_on = alive if lane.done is None else alive & ~lane.done
    kept = jax.tree.map(lambda after, before: jnp.where(going_on, after, before), new, lane)
    if lane.done is None:
        return kept._replace(alive=alive)
    row = history[number // HISTORY_EVERY]
    only_right = row[HISTORY.index("exact_match")] >= row[-1]
    looked_at = (number + 1) % setting.training.stop_every == 0
    return kept._replace(alive=alive | lane.done, done=lane.done | (looked_at & only_right))


def run(
    lane: Lane,
    batches: Sequence[Batch],
    begin: Int[Array, ""],
    first: Int[Array, ""],
    stop: Int[Array, ""],
    setting: Setting,
    strata: Sequence[Stratum],
) -> Lane:
    """Steps first … stop − 1 (traced: one program serves every chunk), on batches of the steps from `begin` on."""

    def one(number: Int[Array, ""], lane: Lane) -> Lane:
        now = jax.tree.map(lambda leaf: leaf[number - begin], batches)
        return step(number, lane, now, setting, strata)

    return jax.lax.fori_loop(first, stop, one, lane)


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
