"""How many test examples a model has seen in training."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.data.examples import Example, ExampleStream
from jaxpe.tasks.evaluation_sets import make_evaluation_key
from jaxpe.training.batches import draw_batches, make_length_buckets
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluate import draw_test_batch

draw_compiled = jax.jit(draw_batches, static_argnames=("stream", "sampler", "length_buckets"))


def compute_seen_shares(
    config: RunConfig, stream: ExampleStream, seed: int, lengths: Sequence[int], examples: int
) -> list[float]:
    """For each length the share of its test examples that were in a training batch; both are drawn again to compare them.

    The shares are the same for every encoding, since batches depend on seed and step alone.
    """
    buckets = make_length_buckets(stream, config.train_length, config.training)
    steps, trained = jnp.arange(config.training.steps), set[bytes]()
    for batch, _ in draw_compiled(seed, steps, {}, stream=stream, sampler=config.sampler, length_buckets=buckets):
        merged = jax.tree.map(lambda part: part.reshape(part.shape[0] * part.shape[1], *part.shape[2:]), batch)
        trained |= set(identify_examples(merged))
    shares = []
    for length in lengths:
        key = make_evaluation_key(config.task, length)
        test, _ = draw_test_batch(
            key, length, 0, {}, stream=stream, sampler=config.sampler, longest=max(lengths), examples=examples
        )
        shares.append(float(np.mean([example in trained for example in identify_examples(test)])))
    return shares


def identify_examples(batch: Example) -> list[bytes]:
    """What tells the examples of a batch apart: their tokens without padding."""
    fields = (batch.tokens, batch.length, batch.source, batch.source_length)
    tokens, length, source, source_length = map(np.asarray, fields)
    return [
        tokens[i, : length[i]].tobytes() + b"|" + source[i, : source_length[i]].tobytes() for i in range(len(tokens))
    ]
