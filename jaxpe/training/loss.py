"""The loss of a batch and its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxpe.data.examples import Example
from jaxpe.model import ForwardOptions, Inputs, Transformer
from jaxpe.training.batches import Batch, LengthBucket
from jaxpe.training.config import RunConfig


class BatchSums(NamedTuple):
    """Weighted sums over the examples of a batch."""

    loss: Float[Array, ""]  # nats
    answers: Float[Array, ""]  # tokens with a loss
    correct: Float[Array, ""]  # of these
    exact: Float[Array, ""]  # examples without error
    examples: Float[Array, ""]


def compute_answer_loss(logits: Float[Array, "T V"], example: Example) -> Float[Array, "T"]:
    """Cross-entropy in nats of each token under the loss mask, 0 elsewhere."""
    target = jnp.take_along_axis(logits, example.targets[:, None], axis=-1)[:, 0]
    return jnp.where(example.loss_mask, jax.nn.logsumexp(logits, axis=-1) - target, 0.0)


def compute_example_sums(
    model: Transformer, example: Example, inputs: Inputs, weight: float, options: ForwardOptions
) -> BatchSums:
    """The sums of one example with teacher forcing, times its weight."""
    logits = model(inputs, options).logits
    right = jnp.where(example.loss_mask, jnp.argmax(logits, axis=-1) == example.targets, True)
    sums = BatchSums(
        loss=compute_answer_loss(logits, example).sum(),
        answers=example.loss_mask.sum().astype(jnp.float32),
        correct=(right & example.loss_mask).sum().astype(jnp.float32),
        exact=right.all().astype(jnp.float32),
        examples=jnp.ones(()),
    )
    weighted: BatchSums = jax.tree.map(lambda total: weight * total, sums)
    return weighted


def choose_group_size(config: RunConfig, tokens: int, examples: int) -> int:
    """How many of the examples to process together: a divisor of their number, within the activation budget."""
    fitting = config.activation_budget // (tokens * config.width * config.layers)
    return max(n for n in range(1, examples + 1) if examples % n == 0 and n <= max(1, fitting))


def compute_gradient(
    model: Transformer,
    batches: Sequence[Batch],
    config: RunConfig,
    length_buckets: Sequence[LengthBucket],
    options: ForwardOptions,
) -> tuple[BatchSums, Transformer]:
    """The sums over one batch and the gradient of their loss, bucket by bucket and group by group.

    Every example of the batch gets a dropout key of its own, whatever the groups.
    """

    Group = tuple[Int[Array, "N"], Batch]  # examples and their numbers in the whole batch

    def compute_group_loss(model: Transformer, group: Group, weight: float) -> tuple[Array, BatchSums]:
        def compute_sums(number: Int[Array, ""], example: Example, inputs: Inputs) -> BatchSums:
            dropout = None if options.dropout is None else options.dropout.select(number)
            return compute_example_sums(model, example, inputs, weight, options._replace(dropout=dropout))

        sums = jax.tree.map(lambda part: part.sum(0), jax.vmap(compute_sums)(group[0], *group[1]))
        return sums.loss, sums

    Totals = tuple[BatchSums, Transformer]
    zero = BatchSums(*[jnp.zeros(())] * len(BatchSums._fields))
    totals: Totals = zero, jax.tree.map(jnp.zeros_like, model)
    first = 0
    for bucket, batch in zip(length_buckets, batches, strict=True):
        tokens = max(batch[0].tokens.shape[-1], batch[0].source.shape[-1])
        size = choose_group_size(config, tokens, bucket.examples)

        def add_group(totals: Totals, group: Group, weight: float = bucket.weight) -> tuple[Totals, None]:
            (_, sums), gradient = jax.value_and_grad(compute_group_loss, has_aux=True)(model, group, weight)
            return jax.tree.map(jnp.add, totals, (sums, gradient)), None

        numbered = jnp.arange(first, first + bucket.examples), batch
        groups = jax.tree.map(lambda leaf, n=size: leaf.reshape(len(leaf) // n, n, *leaf.shape[1:]), numbered)
        first += bucket.examples
        totals, _ = jax.lax.scan(add_group, totals, groups)
    return totals
