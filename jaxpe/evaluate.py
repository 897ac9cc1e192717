"""Accuracy by length and by output index, in one compiled program per range of lengths.

Length, key, shift of positions and length scaling are arguments of the program, so the same one draws every point of a
curve and of its companions. The examples come from a key of their own: the same for every encoding and every seed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key

from jaxpe import keys, positions
from jaxpe.config import Setting
from jaxpe.formatting import EOS, Data, Example, Stream
from jaxpe.model import Mix, Transformer
from jaxpe.population import over_lanes, spread_over
from jaxpe.positions import Sampler
from jaxpe.tasks import evaluation
from jaxpe.train import Stratum, answer_loss, at_once, draw, inputs_of, strata_of

NO_SCALING = np.float32(np.inf)  # a scaling_length that no input exceeds


class Scores(NamedTuple):
    """Sums over the examples of one length. The last four count single output indices."""

    examples: Float[Array, ""]
    answers: Float[Array, ""]  # answer symbols, <eos> not counted
    correct: Float[Array, ""]
    exact: Float[Array, ""]  # examples with every answer symbol and <eos> right
    exact_imposed: Float[
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
    scored = example.scored
    right = jnp.argmax(logits, axis=-1) == example.targets
    right_imposed = jnp.argmax(logits.at[:, EOS].set(-jnp.inf), axis=-1) == example.targets
    nats = jnp.where(scored, answer_loss(logits, example), 0.0)
    characters = data["characters"][example.targets] * scored if "characters" in data else jnp.zeros(scored.shape)
    # Where the i-th answer stands, as a matrix: a scatter is slow on every backend.
    where = scored & (jnp.cumsum(scored) - 1 == jnp.arange(scored.shape[0])[:, None])
    by_index = where @ jnp.stack([scored, right, nats, characters], axis=1).astype(jnp.float32)

    return Scores(
        jnp.ones(()),
        scored.sum().astype(jnp.float32),
        (right & scored).sum().astype(jnp.float32),
        (right | ~example.answered).all().astype(jnp.float32),
        (right_imposed | ~scored).all().astype(jnp.float32),
        nats.sum(),
        characters.sum().astype(jnp.float32),
        *by_index.T,
    )


def score_length(
    model: Transformer,
    key: Key[Array, ""],
    length: Int[Array, ""],
    shift: Int[Array, ""],
    scaling_length: Float[Array, ""],
    mix: Mix,
    data: Data,
    *,
    stream: Stream,
    sampler: Sampler | None,
    top: int,
    examples: int,
    group: int,
) -> Scores:
    """Scores over `examples` examples of one length, `group` at a time, in arrays for `top`.

    Without a sampler, positions are arange + shift.
    """
    used = positions.Shifted(shift) if sampler is None else sampler

    def one(number: Int[Array, ""]) -> Scores:
        example_key = jax.random.fold_in(key, number)
        example = stream.example(example_key, length, top, data)
        inputs = inputs_of(example, used, jax.random.fold_in(example_key, keys.STREAMS["positions"]))
        return score(model(inputs, scaling_length=scaling_length, mix=mix).logits, example, data)

    return jax.tree.map(lambda part: part.sum(0), jax.lax.map(one, jnp.arange(examples), batch_size=group))


class Evaluator(NamedTuple):
    """A compiled `score_length` for as many models at a time as there are devices."""

    program: Any
    mesh: Mesh


def compile_evaluator(
    setting: Setting, stream: Stream, data: Data, mesh: Mesh, top: int, examples: int, sampler: Sampler | None = None
) -> Evaluator:
    """Compiles the evaluation of lengths up to `top`, on data of these shapes."""
    from jaxpe.parameters import fresh

    group = at_once(setting, max(stream.sizes(top)), examples)
    options: Any = {"stream": stream, "sampler": sampler, "top": top, "examples": examples, "group": group}

    def one(model: Transformer, *rest: Any) -> Scores:
        return score_length(model, *rest, **options)

    spread = spread_over(mesh)
    model = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((mesh.size, *leaf.shape), leaf.dtype, sharding=spread),
        jax.eval_shape(lambda: fresh(setting, stream)),
    )
    rest = jax.eval_shape(lambda: arguments("", 1, 0, NO_SCALING, setting.mix))
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), data)
    with jax.default_matmul_precision(setting.precision):
        program = jax.jit(over_lanes(one, mesh, "map", 6)).lower(model, *rest, shapes).compile()
    return Evaluator(program, mesh)


def arguments(task: str, length: int, shift: int, scaling_length: Any, mix: Any) -> tuple[Any, ...]:
    numbers = jnp.int32(length), jnp.int32(shift), jnp.float32(scaling_length)
    return evaluation.evaluation_key(task, length), *numbers, None if mix is None else jnp.asarray(mix, jnp.float32)


def evaluate(
    evaluator: Evaluator,
    models: Sequence[Transformer],
    data: Data,
    task: str,
    length: int,
    shift: int = 0,
    scaling_length: float = float(NO_SCALING),
    mix: tuple[float, float] | None = None,
) -> list[Scores]:
    """Scores of every model at one length, as NumPy arrays."""
    size, results = evaluator.mesh.size, list[Scores]()
    for first in range(0, len(models), size):
        group = models[first : first + size]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *[group[i % len(group)] for i in range(size)])
        stacked = jax.device_put(stacked, spread_over(evaluator.mesh))
        scores = evaluator.program(stacked, *arguments(task, length, shift, scaling_length, mix), jax.device_put(data))
        scores = jax.tree.map(np.asarray, scores)
        results += [jax.tree.map(lambda part, i=i: part[i], scores) for i in range(len(group))]
    return results


def seen_in_training(setting: Setting, stream: Stream, seed: int, lengths: Sequence[int], examples: int) -> list[float]:
    """Share of the evaluation examples of each length that the training of a seed met too, by drawing both again.

    The same for every encoding, since batches depend on the seed alone. Beyond the training length it is 0.
    """
    key = keys.stream("data", seed)
    met: set[bytes] = set()
    for i, stratum in enumerate(strata_of(stream, setting.train_length, setting.training)):

        def one(step: Int[Array, ""], number: Int[Array, ""], i: int = i, stratum: Stratum = stratum) -> Example:
            example_key = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, step), i), number)
            return draw(stream, setting.sampler, stratum, example_key, {})[0]

        steps, numbers = jnp.arange(setting.training.steps), jnp.arange(stratum.examples)
        drawn = jax.jit(jax.vmap(jax.vmap(one, (None, 0)), (0, None)))(steps, numbers)
        count = len(steps) * len(numbers)
        met |= identities(jax.tree.map(lambda part, count=count: part.reshape(count, *part.shape[2:]), drawn))
    keys_of = [evaluation.evaluation_key(setting.task, length) for length in lengths]

    def test(key: Key[Array, ""], length: Int[Array, ""], number: Int[Array, ""]) -> Example:
        return stream.example(jax.random.fold_in(key, number), length, max(lengths), {})

    batches = jax.jit(jax.vmap(jax.vmap(test, (None, None, 0)), (0, 0, None)))
    drawn = batches(jnp.stack(keys_of), jnp.asarray(lengths), jnp.arange(examples))
    of_length = [identities(jax.tree.map(lambda part, i=i: part[i], drawn), list) for i in range(len(lengths))]
    return [float(np.mean([one in met for one in batch])) for batch in of_length]


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


def test_lengths(stream: Stream, train_length: int, reach: float, points: int) -> list[int]:
    """About `points` lengths the task has, geometric from the shortest to reach·train_length, with train_length among them."""
    available = stream.lengths(1, round(reach * train_length))
    wanted = [*np.geomspace(available[0], available[-1], points), train_length, train_length + 1, 2 * train_length]
    nearest: Callable[[float], int] = lambda want: min(available, key=lambda length: abs(length - want))  # noqa: E731
    return sorted({nearest(want) for want in wanted if want <= available[-1]})
