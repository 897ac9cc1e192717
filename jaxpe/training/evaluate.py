"""Tests of trained models, with one compiled program for a range of lengths.

Length, key, shift of positions and `ForwardOptions` are data to the programs: one draws the examples, the same for every
encoding and every seed, and one measures the models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Int, Key

from jaxpe import streams
from jaxpe.data.examples import Data, Example, ExampleStream
from jaxpe.devices import use_precision
from jaxpe.model import ForwardOptions, Inputs, Transformer
from jaxpe.positions import Sampler, Shifted
from jaxpe.tasks.evaluation_sets import make_evaluation_key
from jaxpe.training.batches import Batch, make_inputs
from jaxpe.training.config import RunConfig
from jaxpe.training.loss import choose_group_size
from jaxpe.training.mesh import make_sharded_shape, map_replicas, shard_replicas
from jaxpe.training.parameters import init_model
from jaxpe.training.scores import Measure, Sums

NO_LENGTH_SCALING = float("inf")  # a scaling length that no input exceeds


class Evaluator(NamedTuple, Generic[Sums]):
    """A compiled measurement of as many models at a time as there are devices, and the function that draws its batches."""

    measure: Callable[[Transformer, Batch, ForwardOptions, Data], Sums]  # of models on a first axis
    draw: Callable[[Key[Array, ""], int, int, Data], Batch]  # key, length, shift, data
    mesh: Mesh


@partial(jax.jit, static_argnames=("stream", "sampler", "longest", "examples"))
def draw_test_batch(
    key: Key[Array, ""],
    length: int | Int[Array, ""],
    shift: int | Int[Array, ""],
    data: Data,
    *,
    stream: ExampleStream,
    sampler: Sampler | None,
    longest: int,
    examples: int,
) -> Batch:
    """Examples of one length in arrays for length `longest`. All encodings of a task share this program.

    Without a sampler, positions are shift, shift + 1, …
    """
    used = Shifted(shift) if sampler is None else sampler

    def draw_example(number: Int[Array, ""]) -> tuple[Example, Inputs]:
        example_key = jax.random.fold_in(key, number)
        example = stream.example(example_key, length, longest, data)
        return example, make_inputs(example, used, jax.random.fold_in(example_key, streams.STREAMS["positions"]))

    return jax.vmap(draw_example)(jnp.arange(examples))


def measure_batch(
    model: Transformer, batch: Batch, options: ForwardOptions, data: Data, *, group: int, measure: Measure[Sums]
) -> Sums:
    """The sum of a measure over a batch, `group` examples at a time."""

    def measure_example(pair: Batch) -> Sums:
        example, inputs = pair
        return measure(model(inputs, options).logits, example, data)

    of_examples = jax.lax.map(measure_example, batch, batch_size=group)
    sums: Sums = jax.tree.map(lambda part: part.sum(0), of_examples)
    return sums


def compile_evaluator(
    config: RunConfig,
    stream: ExampleStream,
    data: Data,
    mesh: Mesh,
    longest: int,
    examples: int,
    measure: Measure[Sums],
    sampler: Sampler | None = None,
) -> Evaluator[Sums]:
    """Compiles a measure for tests of lengths up to `longest`, on data of these shapes."""
    draw = partial(draw_test_batch, stream=stream, sampler=sampler, longest=longest, examples=examples)
    group = choose_group_size(config, max(stream.sizes(longest)), examples)
    measure_model = partial(measure_batch, group=group, measure=measure)
    models = jax.tree.map(
        lambda leaf: make_sharded_shape((mesh.size, *leaf.shape), leaf.dtype, mesh),
        jax.eval_shape(lambda: init_model(config, stream)),
    )
    batch = jax.eval_shape(lambda: draw(jax.random.key(0), 1, 0, data))
    options, shapes = jax.eval_shape(lambda: (make_forward_options(config), data))
    with use_precision(config.precision):
        mapped = jax.jit(map_replicas(measure_model, mesh, "map", 3))
        return Evaluator(mapped.lower(models, batch, options, shapes).compile(), draw, mesh)


def make_forward_options(
    config: RunConfig, scaling_length: float = NO_LENGTH_SCALING, progress: float = 1.0
) -> ForwardOptions:
    """The options of a test as arrays. `progress`: the share of training that the models have had."""
    scales = None if config.scales is None else jnp.asarray(config.scales, jnp.float32)
    return ForwardOptions(scales, jnp.float32(scaling_length), jnp.float32(progress))


def evaluate(
    evaluator: Evaluator[Sums],
    models: Sequence[Transformer],
    data: Data,
    name: str,
    length: int,
    options: ForwardOptions,
    shift: int = 0,
) -> list[Sums]:
    """The sums of each model over the test examples of one length. `name` selects the examples, as a task's name does."""
    data = jax.device_put(data)
    batch = evaluator.draw(make_evaluation_key(name, length), length, shift, data)
    return evaluate_batch(evaluator, models, batch, data, options)


def evaluate_batch(
    evaluator: Evaluator[Sums], models: Sequence[Transformer], batch: Batch, data: Data, options: ForwardOptions
) -> list[Sums]:
    """The sums of each model over one batch, as NumPy arrays."""
    count, results = evaluator.mesh.size, list[Sums]()
    for first in range(0, len(models), count):
        group = models[first : first + count]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *[group[i % len(group)] for i in range(count)])
        stacked = jax.device_put(stacked, shard_replicas(evaluator.mesh))
        sums = jax.tree.map(np.asarray, evaluator.measure(stacked, batch, options, data))
        results += [select_model(sums, i) for i in range(len(group))]
    return results


def select_model(sums: Sums, i: int) -> Sums:
    """The sums of one model out of those of several on a first axis."""
    of_model: Sums = jax.tree.map(lambda part: part[i], sums)
    return of_model
