"""How many test examples a model has seen in training."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np
from jax.sharding import Mesh

from jaxpe.data.examples import Example
from jaxpe.tasks.evaluation_sets import make_evaluation_key
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluate import draw_test_batch
from jaxpe.training.population import CHUNK, count_replicas, make_draw, place_seeds
from jaxpe.training.sources import Source


def compute_seen_shares(
    config: RunConfig, source: Source, mesh: Mesh, seed: int, lengths: Sequence[int], examples: int, longest: int
) -> list[float]:
    """For each length the share of its test examples that were in a training batch; both are drawn again to compare them.

    The shares are the same for every encoding, since batches depend on seed and step alone. `longest`: the length that test
    examples are padded to, which changes no share. The programs that draw are those of training and of tests.
    """
    stream, steps, trained = source.stream, config.training.steps, set[bytes]()
    draw, seeds = make_draw(config, source, mesh), place_seeds([seed] * count_replicas(config, mesh), mesh)
    for begin in range(0, steps, CHUNK):
        for batch, _ in draw(seeds, begin):
            of_seed = jax.tree.map(lambda part, stop=steps - begin: np.asarray(part)[0, :stop], batch)
            merged = jax.tree.map(lambda part: part.reshape(part.shape[0] * part.shape[1], *part.shape[2:]), of_seed)
            trained |= set(identify_examples(merged))
    shares = []
    for length in lengths:
        key = make_evaluation_key(config.task, length)
        test, _ = draw_test_batch(key, length, 0, {}, stream=stream, sampler=None, longest=longest, examples=examples)
        shares.append(float(np.mean([example in trained for example in identify_examples(test)])))
    return shares


def identify_examples(batch: Example) -> list[bytes]:
    """What tells the examples of a batch apart: their tokens without padding."""
    fields = (batch.tokens, batch.length, batch.source, batch.source_length)
    tokens, length, source, source_length = map(np.asarray, fields)
    return [
        tokens[i, : length[i]].tobytes() + b"|" + source[i, : source_length[i]].tobytes() for i in range(len(tokens))
    ]
