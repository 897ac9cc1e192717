"""What a test measures of one example: sums, which add up over examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpe.data.examples import EOS, Data, Example
from jaxpe.training.loss import compute_answer_loss


class Scores(NamedTuple):
    """Sums over the examples of one length. Answers are the symbols under the metric mask, without `<eos>`.

    The last four are by output index: entry i is about the i-th answer of an example.
    """

    examples: Float[Array, ""]
    answers: Float[Array, ""]
    correct: Float[Array, ""]
    exact: Float[Array, ""]  # examples with every answer and <eos> correct
    exact_given_length: Float[Array, ""]  # the same given the length: <eos> is neither required nor possible
    nats: Float[Array, ""]  # cross-entropy of the answers
    characters: Float[Array, ""]  # that the answers stand for; 0 except for text
    index_answers: Float[Array, "T"]
    index_correct: Float[Array, "T"]
    index_nats: Float[Array, "T"]
    index_characters: Float[Array, "T"]


class TokenLosses(NamedTuple):
    """Sums over the examples of one length, by token of the input: the answers, their nats and their characters."""

    answers: Float[Array, "T"]
    nats: Float[Array, "T"]
    characters: Float[Array, "T"]


Sums = TypeVar("Sums", Scores, TokenLosses)
Measure = Callable[[Float[Array, "T V"], Example, Data], Sums]


def measure_scores(logits: Float[Array, "T V"], example: Example, data: Data) -> Scores:
    """The scores of one example, with teacher forcing."""
    mask = example.metric_mask
    right = jnp.argmax(logits, axis=-1) == example.targets
    right_given_length = jnp.argmax(logits.at[:, EOS].set(-jnp.inf), axis=-1) == example.targets
    nats = jnp.where(mask, compute_answer_loss(logits, example), 0.0)
    characters = count_characters(example, data)
    # Row i selects the i-th answer. A scatter would be slow on every backend.
    is_answer = mask & (jnp.cumsum(mask) - 1 == jnp.arange(mask.shape[0])[:, None])
    by_index = is_answer @ jnp.stack([mask, right, nats, characters], axis=1).astype(jnp.float32)
    return Scores(
        jnp.ones(()),
        mask.sum().astype(jnp.float32),
        (right & mask).sum().astype(jnp.float32),
        (right | ~example.loss_mask).all().astype(jnp.float32),
        (right_given_length | ~mask).all().astype(jnp.float32),
        nats.sum(),
        characters.sum().astype(jnp.float32),
        *by_index.T,
    )


def measure_token_losses(logits: Float[Array, "T V"], example: Example, data: Data) -> TokenLosses:
    """The cross-entropy of one example by token, with teacher forcing."""
    mask = example.metric_mask
    nats = jnp.where(mask, compute_answer_loss(logits, example), 0.0)
    return TokenLosses(mask.astype(jnp.float32), nats, count_characters(example, data).astype(jnp.float32))


def count_characters(example: Example, data: Data) -> Float[Array, "T"]:
    """The characters that each answer stands for; 0 except for text."""
    mask = example.metric_mask
    return data["characters"][example.targets] * mask if "characters" in data else jnp.zeros(mask.shape)
