"""Accuracy by length and by output index, in one compiled program per range of lengths.

Length, key, shift of positions and length scaling are data to the programs, so the same ones draw every point of a curve
and of its companions: one draws the examples, for all encodings, one scores them. The examples come from a key of their own: the same for every encoding and every seed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key

from jaxpe import positions, streams
from jaxpe.data.examples import EOS, Data, Example, Stream
from jaxpe.model import ForwardOptions, Inputs, Transformer
from jaxpe.positions import Sampler
from jaxpe.tasks import evaluation_sets
from jaxpe.training.config import RunConfig
from jaxpe.training.population import map_replicas, spread_over, spread_shape
from jaxpe.training.train import Batch, answer_loss, at_once, batches_of, inputs_of, length_buckets_of

NO_SCALING = np.float32(np.inf)  # a scaling_length that no input exceeds


class Scores(NamedTuple):
    """Sums over the examples of one length. The last four count single output indices."""

    examples: Float[Array, ""]
    answers: Float[Array, ""]  # answer symbols, <eos> not counted
    correct: Float[Array, ""]
    exact: Float[Array, ""]  # examples with every answer symbol and <eos> right
    exact_given_length: Float[
        Array, ""
    ]  # the same with the true length of the answer imposed: <eos> neither asked nor allowed
    nats: Float[Array, ""]  # summed cross-entropy of the answers, <eos> not counted
    characters: Float[Array, ""]  # that the answers stand for; 0 but for text
    index_answers: Float[Array, T]
    index_correct: Float[Array, T]
    index_nats: Float[Array, T]
    index_characters: Float[Array, T]


def score(logits: Float[Array, "T V"], example: Example, data: Data) -> Scores:
    """One example's scores from its logits, under teacher forcing."""
    metric_mask = example.metric_mask
    right = jnp.argmax(logits, axis=-1) == example.targets
    right_given_length = jnp.argmax(logits.at[:, EOS].set(-jnp.inf), axis=-1) == example.targets
    nats = jnp.where(metric_mask, answer_loss(logits, example), 0.0)
    characters = (
        data["characters"][example.targets] * metric_mask if "characters" in data else jnp.zeros(metric_mask.shape)
    )
    # Where the i-th answer stands, as a matrix: a scatter is slow on every backend.
    where = metric_mask & (jnp.cumsum(metric_mask) - 1 == jnp.arange(metric_mask.shape[0])[:, None])
    by_index = where @ jnp.stack([metric_mask, right, nats, characters], axis=1).astype(jnp.float32)

    return Scores(
        jnp.ones(()),
        metric_mask.sum().astype(jnp.float32),
        (right & metric_mask).sum().astype(jnp.float32),
        (right | ~example.loss_mask).all().astype(jnp.float32),
        (right_given_length | ~metric_mask).all().astype(jnp.float32),
        nats.sum(),
        characters.sum().astype(jnp.float32),
        *by_index.T,
    )


@partial(jax.jit, static_argnames=("stream", "sampler", "top", "examples"))
def examples_of(
    key: Key[Array, ""],
    length: Int[Array, ""],
    shift: Int[Array, ""],
    data: Data,
    *,
    stream: Stream,
    sampler: Sampler | None,
    top: int,
    examples: int,
) -> Batch:
    """`examples` examples of one length in arrays for `top`: one compiled program for all encodings of a task.

    Without a sampler, positions are arange + shift.
    """
    used = positions.Shifted(shift) if sampler is None else sampler

    def one(number: Int[Array, ""]) -> tuple[Example, Inputs]:
        example_key = jax.random.fold_in(key, number)
        example = stream.example(example_key, length, top, data)
        return example, inputs_of(example, used, jax.random.fold_in(example_key, streams.STREAMS["positions"]))

    return jax.vmap(one)(jnp.arange(examples))


class Losses(NamedTuple):
    """Sums over the examples of one length at every place of the input, where its answer is."""

    answers: Float[Array, T]
    nats: Float[Array, T]
    characters: Float[Array, T]


def losses(logits: Float[Array, "T V"], example: Example, data: Data) -> Losses:
    """One example's cross-entropy by place."""
    asked = example.metric_mask
    nats = jnp.where(asked, answer_loss(logits, example), 0.0)
    characters = data["characters"][example.targets] * asked if "characters" in data else jnp.zeros(asked.shape)
    return Losses(asked.astype(jnp.float32), nats, characters.astype(jnp.float32))


def score_batch(
    model: Transformer,
    batch: Batch,
    options: ForwardOptions,
    data: Data,
    *,
    group: int,
    measure: Callable[[Any, Example, Data], Any] = score,
) -> Any:
    """What `measure` finds, summed over a batch, `group` examples at a time."""

    def one(pair: tuple[Example, Inputs]) -> Any:
        logits = model(pair[1], options).logits
        return measure(logits, pair[0], data)

    return jax.tree.map(lambda part: part.sum(0), jax.lax.map(one, batch, batch_size=group))


class Evaluator(NamedTuple):
    """A compiled `score_batch` for as many models at a time as there are devices, and what draws its batches."""

    program: Any
    draw: Callable[..., Batch]
    mesh: Mesh


def compile_evaluator(
    config: RunConfig,
    stream: Stream,
    data: Data,
    mesh: Mesh,
    top: int,
    examples: int,
    sampler: Sampler | None = None,
    measure: Callable[[Any, Example, Data], Any] = score,
) -> Evaluator:
    """Compiles the evaluation of lengths up to `top`, on data of these shapes."""
    from jaxpe.training.parameters import fresh

    draw = partial(examples_of, stream=stream, sampler=sampler, top=top, examples=examples)
    one = partial(score_batch, group=at_once(config, max(stream.sizes(top)), examples), measure=measure)
    model = jax.tree.map(
        lambda leaf: spread_shape((mesh.size, *leaf.shape), leaf.dtype, mesh),
        jax.eval_shape(lambda: fresh(config, stream)),
    )
    batch = jax.eval_shape(lambda: draw(jax.random.key(0), 1, 0, data))
    scaling, shapes = jax.eval_shape(lambda: (jnp.float32(0), data))
    options = ForwardOptions(
        None if config.scales is None else jax.ShapeDtypeStruct((2,), jnp.float32), scaling, scaling
    )
    with jax.default_matmul_precision(config.precision):
        program = jax.jit(map_replicas(one, mesh, "map", 3)).lower(model, batch, options, shapes).compile()
    return Evaluator(program, draw, mesh)


def evaluate(
    evaluator: Evaluator,
    models: Sequence[Transformer],
    data: Data,
    task: str,
    length: int,
    shift: int = 0,
    scaling_length: float = float(NO_SCALING),
    scales: tuple[float, float] | None = None,
    progress: float = 1.0,
) -> list[Scores]:
    """Scores of every model at one length, as NumPy arrays. `progress`: the share of the training that they have had."""
    data = jax.device_put(data)
    batch = evaluator.draw(evaluation_sets.make_evaluation_key(task, length), length, shift, data)
    return evaluate_batch(evaluator, models, batch, data, scaling_length, scales, progress)


def evaluate_batch(
    evaluator: Evaluator,
    models: Sequence[Transformer],
    batch: Batch,
    data: Data,
    scaling_length: float = float(NO_SCALING),
    scales: tuple[float, float] | None = None,
    progress: float = 1.0,
) -> list[Any]:
    """What the evaluator measures of every model on one batch, as NumPy arrays."""
    size, results = evaluator.mesh.size, list[Any]()
    options = ForwardOptions(
        None if scales is None else jnp.asarray(scales, jnp.float32), jnp.float32(scaling_length), jnp.float32(progress)
    )
    rest = (batch, options, data)
    for first in range(0, len(models), size):
        group = models[first : first + size]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *[group[i % len(group)] for i in range(size)])
        scores = evaluator.program(jax.device_put(stacked, spread_over(evaluator.mesh)), *rest)
        scores = jax.tree.map(np.asarray, scores)
        results += [jax.tree.map(lambda part, i=i: part[i], scores) for i in range(len(group))]
    return results


def seen_in_training(
    config: RunConfig, stream: Stream, seed: int, lengths: Sequence[int], examples: int
) -> list[float]:
    """Share of the evaluation examples of each length that the training of a seed met too, by drawing both again.

    The same for every encoding, since batches depend on the seed alone. Beyond the training length it is 0.
    """
    length_buckets, met = length_buckets_of(stream, config.train_length, config.training), set[bytes]()
    steps = jnp.arange(config.training.steps)
    for batch, _ in drawn_batches(
        seed, steps, {}, stream=stream, sampler=config.sampler, length_buckets=length_buckets
    ):
        met |= identities(
            jax.tree.map(lambda part: part.reshape(part.shape[0] * part.shape[1], *part.shape[2:]), batch)
        )
    draw = partial(examples_of, stream=stream, sampler=config.sampler, top=max(lengths), examples=examples)
    found = []
    for length in lengths:
        test, _ = draw(evaluation_sets.make_evaluation_key(config.task, length), length, 0, {})
        found.append(float(np.mean([one in met for one in identities(test, list)])))
    return found


drawn_batches = jax.jit(batches_of, static_argnames=("stream", "sampler", "length_buckets"))


def identities(batch: Example, kind: Callable[..., Any] = set) -> Any:
    """What tells the examples of a batch from each other: their tokens without padding."""
    tokens, length, source, source_length = map(
        np.asarray, (batch.tokens, batch.length, batch.source, batch.source_length)
    )
    return kind(
        tokens[i, : length[i]].tobytes() + b"|" + source[i, : source_length[i]].tobytes() for i in range(len(tokens))
    )


def tops(lengths: Sequence[int], shortest: int = 1, programs: int = 2) -> dict[int, int]:
    """For each length the top that it is padded to: the ranges with the least padding, at most `programs` of them.

    Lengths up to `shortest` share one range more.
    """
    beyond = sorted({length for length in lengths if length > shortest})

    @cache
    def best(count: int, programs: int) -> tuple[int, tuple[int, ...]]:
        """The least padded length over the first `count`, and the tops that give it."""
        if count == 0:
            return 0, ()
        if programs == 0:
            return sys.maxsize, ()
        options = []
        for first in range(count):
            total, chosen = best(first, programs - 1)
            options.append((total + (count - first) * beyond[count - 1], (*chosen, beyond[count - 1])))
        return min(options)

    chosen = (shortest, *best(len(beyond), programs)[1])
    return {length: next(top for top in chosen if top >= length) for length in lengths}


def test_lengths(stream: Stream, train_length: int, max_length_ratio: float, points: int) -> list[int]:
    """About `points` lengths the task has, geometric from the shortest to reach·train_length, with train_length among them."""
    available = stream.lengths(1, round(max_length_ratio * train_length))
    wanted = [*np.geomspace(available[0], available[-1], points), train_length, train_length + 1, 2 * train_length]
    nearest: Callable[[float], int] = lambda want: min(available, key=lambda length: abs(length - want))  # noqa: E731
    return sorted({nearest(want) for want in wanted if want <= available[-1]})
