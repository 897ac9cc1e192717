"""Batches of training examples, whose lengths are uniform over the training lengths.

A batch depends on the seed and the step alone, so a program of its own draws it, which all encodings share.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from jaxpe import streams
from jaxpe.data.examples import Data, Example, ExampleStream
from jaxpe.model import Inputs
from jaxpe.positions import Sampler
from jaxpe.training.config import Training

Batch = tuple[Example, Inputs]  # the leaves have the examples of one length bucket on their first axis


class LengthBucket(NamedTuple):
    """A range of training lengths. Examples are padded to the longest of them."""

    lengths: tuple[int, ...]
    examples: int  # in each batch
    weight: float  # of each example in the loss, such that every length counts the same


def make_length_buckets(stream: ExampleStream, train_length: int, training: Training) -> tuple[LengthBucket, ...]:
    """Splits the lengths up to `train_length` into ranges, each with its share of the batch, at least one example."""
    lengths = stream.lengths(1, train_length)
    count = min(training.length_buckets, len(lengths), training.batch)
    ranges = [part for part in np.array_split(lengths, count) if len(part)]
    ends = np.round(np.cumsum([len(part) for part in ranges]) * training.batch / len(lengths)).astype(int)
    sizes = np.maximum(np.diff(ends, prepend=0), 1)
    weights = [len(part) / len(lengths) * sizes.sum() / size for part, size in zip(ranges, sizes, strict=True)]
    return tuple(
        LengthBucket(tuple(map(int, part)), int(size), float(weight))
        for part, size, weight in zip(ranges, sizes, weights, strict=True)
    )


def make_inputs(example: Example, sampler: Sampler, key: Key[Array, ""]) -> Inputs:
    """What the model reads of an example, with sampled positions. Target and source side have a key each."""
    target_key, source_key = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
    return Inputs(
        example.tokens,
        sampler(target_key, example.tokens, example.length),
        example.length,
        example.source,
        sampler(source_key, example.source, example.source_length),
        example.source_length,
    )


def draw_batches(
    seed: Int[Array, ""],
    steps: Int[Array, "N"],
    data: Data,
    *,
    stream: ExampleStream,
    sampler: Sampler,
    length_buckets: Sequence[LengthBucket],
) -> list[Batch]:
    """The batches of some steps, one for each length bucket. The first two axes of a leaf are steps and examples.

    All examples are drawn in arrays for the longest length and then cropped, since padding does not change an example. The
    length, the symbols and the positions of an example have a key each.
    """
    key, longest = streams.make_key("data", seed), length_buckets[-1].lengths[-1]
    lengths = jnp.asarray([np.resize(bucket.lengths, longest) for bucket in length_buckets])
    counts = jnp.asarray([len(bucket.lengths) for bucket in length_buckets])
    slots = [(i, number) for i, bucket in enumerate(length_buckets) for number in range(bucket.examples)]

    def draw_example(step: Int[Array, ""], slot: Int[Array, "P"]) -> tuple[Example, Inputs]:
        example_key = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, step), slot[0]), slot[1])
        length_key, data_key, position_key = (
            jax.random.fold_in(example_key, streams.STREAMS[name]) for name in ("length", "data", "positions")
        )
        length = lengths[slot[0], jax.random.randint(length_key, (), 0, counts[slot[0]])]
        example = stream.example(data_key, length, longest, data)
        return example, make_inputs(example, sampler, position_key)

    batch = jax.vmap(jax.vmap(draw_example, (None, 0)), (0, None))(steps, jnp.asarray(slots))
    ends = np.cumsum([bucket.examples for bucket in length_buckets])
    parts = [jax.tree.map(lambda leaf, a=a, b=b: leaf[:, a:b], batch) for a, b in pairwise([0, *ends.tolist()])]
    return [
        crop_batch(part, *stream.sizes(bucket.lengths[-1])) for part, bucket in zip(parts, length_buckets, strict=True)
    ]


def crop_batch(batch: Batch, size: int, source_size: int) -> Batch:
    """The batch in arrays for `size` tokens and `source_size` source tokens."""
    example, inputs = batch
    target = {name: getattr(example, name)[..., :size] for name in ("tokens", "targets", "loss_mask", "metric_mask")}
    source = example.source[..., :source_size]
    inputs = Inputs(
        target["tokens"],
        inputs.positions[..., :size],
        example.length,
        source,
        inputs.source_positions[..., :source_size],
        example.source_length,
    )
    return example._replace(**target, source=source), inputs
