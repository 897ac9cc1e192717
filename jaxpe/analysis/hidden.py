"""Sequences to probe, the labels of their tokens, and the hidden states of a model on them.

The sequences have all lengths from half the training length up, so that the distance from the start and the distance to the
end are different targets. B sequences, T tokens in each, N real tokens in all, L + 1 states of a network of L layers.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from numpy import ndarray

from jaxpe.data.examples import Data, Example
from jaxpe.model import Inputs, Transformer
from jaxpe.positions import Arange
from jaxpe.tasks.evaluation_sets import make_evaluation_key
from jaxpe.training.batches import make_inputs
from jaxpe.training.config import RunConfig
from jaxpe.training.sources import Source


class ProbeSample(NamedTuple):
    """Sequences to probe. The labels are those of the real tokens, one sequence after the other."""

    inputs: Inputs
    real: Bool[ndarray, "B T"]
    sequence: Int[ndarray, "N"]
    position: Int[ndarray, "N"]
    end: Int[ndarray, "N"]  # distance to the last token
    token: Int[ndarray, "N"]
    neighbour: Int[ndarray, "N"]  # the token on the left; 0 before the first
    loss_mask: Bool[ndarray, "N"]  # places whose output has a loss
    answer: Int[ndarray, "N"]  # the target there


class ProbeData(NamedTuple):
    """What every model of a run config is tested on."""

    sample: ProbeSample
    batch: tuple[Example, Inputs]  # examples of the training length, for losses and accuracies
    data: Data


def draw_probe_data(config: RunConfig, source: Source, count: int) -> ProbeData:
    """About `count` / 2 sequences to probe and `count` examples to answer; the same for every encoding and seed."""
    stream, n = source.stream, config.train_length
    lengths = stream.lengths((n + 1) // 2, n)
    probed = np.repeat(lengths, max(count // 2, 24) // len(lengths) + 1)

    def draw(length: Int[Array, ""], number: Int[Array, ""]) -> tuple[Example, Inputs]:
        key = jax.random.fold_in(make_evaluation_key(f"{config.task} probes", n), number)
        example = stream.example(key, length, n, source.validation)
        return example, make_inputs(example, Arange(), key)

    every = np.concatenate([probed, np.full(count, lengths[-1])])
    pairs = jax.jit(jax.vmap(draw))(jnp.asarray(every), jnp.arange(len(every)))
    first, rest = (
        jax.tree.map(lambda leaf, part=part: leaf[part], pairs)
        for part in (slice(len(probed)), slice(len(probed), None))
    )
    return ProbeData(label_sequences(first[1], first[0]), rest, source.validation)


def draw_longer_sequences(config: RunConfig, source: Source, count: int) -> ProbeSample:
    """Sequences of twice the training length; the same for every encoding and seed."""
    length = 2 * config.train_length

    def draw(number: Int[Array, ""]) -> Inputs:
        key = jax.random.fold_in(make_evaluation_key(f"{config.task} probes", length), number)
        example = source.stream.example(key, length, length, source.validation)
        return make_inputs(example, Arange(), key)

    return label_sequences(jax.jit(jax.vmap(draw))(jnp.arange(count)))


def label_sequences(inputs: Inputs, example: Example | None = None) -> ProbeSample:
    """The labels of the real tokens of a batch. Without examples every place counts as an answer."""
    tokens, lengths = np.asarray(inputs.tokens), np.asarray(inputs.length)[:, None]
    place = np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)
    real = place < lengths
    # Sequences come ordered by length. Their numbers are permuted, so that every fold holds all lengths.
    number = np.random.default_rng(0).permutation(len(tokens))[:, None] + 0 * place
    left = np.pad(tokens[:, :-1], ((0, 0), (1, 0)))
    loss_mask, answer = np.ones_like(real), np.zeros_like(tokens)
    if example is not None:
        loss_mask, answer = np.asarray(example.loss_mask), np.asarray(example.targets)
    labels = (number, place, lengths - 1 - place, tokens, left, loss_mask, answer)
    return ProbeSample(inputs, real, *(part[real] for part in labels))


@jax.jit
def record_hidden_states(model: Transformer, inputs: Inputs) -> Float[Array, "L B T D"]:
    """The residual stream before each block and after the last, for a batch."""

    def record(single: Inputs) -> Float[Array, "L T D"]:
        hidden = model(single, record=True).record
        assert hidden is not None
        return jnp.stack(hidden.hidden)

    return jax.vmap(record, out_axes=1)(inputs)
