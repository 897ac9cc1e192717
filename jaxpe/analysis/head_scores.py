"""Where the attention of each head lies: scores by kind of head, and curves.

A score is a mean weight after the softmax over all queries that see a key of the pattern: 0 … 1. Its baseline is attention
that is uniform over the visible keys.

    previous, current, next    the key one place before the query, at it, after it
    first, last_tenth          the first token; the last tenth of the real tokens
    recent_tenth               the last tenth of the keys that the query sees (bidirectional: the same as last_tenth)
    induction, duplicate       on <bos> w w, w random: for a query t in the second w, the key right after the earlier
                               occurrence of its token, t − |w| + 1 (prefix matching: Olsson et al. 2022, arXiv:2209.11895);
                               that occurrence itself, t − |w|
    positional                 share of the weights' variance that the places of query and key explain

L layers, H heads, N = L·H + 1: the last is no head but uniform attention. T queries, S keys, P patterns, B sequences.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key
from numpy import ndarray

from jaxpe.analysis.attention import make_visibility_mask
from jaxpe.analysis.repeated_tokens import ON_REPEATED, draw_random_halves, list_second_half, repeat_tokens
from jaxpe.model import Inputs, Transformer

PATTERNS = ("previous", "current", "next", "first", "last_tenth", "recent_tenth")
KINDS = (*PATTERNS, *ON_REPEATED, "positional")

Scores = dict[str, Float[ndarray, "L H"]]


class AttentionSummary(NamedTuple):
    """The attention of all heads over a batch, summed over its sequences."""

    total: Float[ndarray, "N T S"]  # weights summed over sequences
    visible: Int[ndarray, "T S"]  # sequences in which the query sees the key
    on: Float[ndarray, "P N"]  # mean weight on the keys of each of PATTERNS; NaN where no query sees one
    positional: Float[ndarray, "N"]  # see `compute_positional_share`
    shuffled: Float[ndarray, "N"]  # the same after `roll_weights`
    example: Float[ndarray, "N T S"]  # the weights on the first sequence


def summarize_attention(model: Transformer, inputs: Inputs) -> AttentionSummary:
    """The summary of a batch, of the stack that is read out (of an encoder-decoder: its decoder's self-attention)."""
    return AttentionSummary(*map(np.asarray, sum_attention(model, inputs)))


@jax.jit
def sum_attention(model: Transformer, inputs: Inputs) -> tuple[Array, ...]:
    """The fields of `AttentionSummary`, from the recorded weights of a batch."""

    def record_one(single: Inputs) -> tuple[Array, Array, Array]:
        record = model(single, record=True).record
        assert record is not None
        visible = make_visibility_mask(model, single)
        uniform = visible / jnp.maximum(visible.sum(-1, keepdims=True), 1)
        weights = jnp.concatenate([*(layer.weights for layer in record.attention), uniform[None]])
        return jnp.where(visible, weights, 0), visible, mark_patterns(visible, single.length)

    return sum_weights(*jax.vmap(record_one)(inputs))


def sum_weights(
    weights: Float[Array, "B N T S"], visible: Bool[Array, "B T S"], patterns: Bool[Array, "B P T S"]
) -> tuple[Array, ...]:
    """The fields of `AttentionSummary`. Weights are 0 where a key is not visible, and the last of N is uniform."""
    queries = patterns.any(-1).sum((0, -1))  # that see a key of the pattern
    on = jnp.einsum("bnts,bpts->pn", weights, patterns.astype(weights.dtype)) / queries[:, None]
    rolled = roll_weights(weights, visible, jax.random.key(0))
    shares = (compute_positional_share(part, visible) for part in (weights, rolled))
    return weights.sum(0), visible.sum(0), on, *shares, weights[0]


def mark_patterns(visible: Bool[Array, "T S"], length: Int[Array, ""]) -> Bool[Array, "P T S"]:
    """The keys of each of PATTERNS for every query. Visible keys are always the first ones, up to some number."""
    t, s = jnp.arange(visible.shape[0])[:, None], jnp.arange(visible.shape[1])
    count = visible.sum(-1, keepdims=True)
    tenth, recent = (s >= n - (n + 9) // 10 for n in (length, count))
    masks = (s == t - 1, s == t, s == t + 1, (s == 0) & (t > 0), tenth, recent)
    return jnp.stack([jnp.broadcast_to(mask, visible.shape) & visible for mask in masks])


def compute_positional_share(weights: Float[Array, "B N T S"], visible: Bool[Array, "B T S"]) -> Float[Array, "N"]:
    """R² = 1 − Σ (w[b,t,s] − mean_b w[t,s])² · n/(n − 1) / Σ (w[b,t,s] − 1/visible keys)², n sequences that have query t.

    1: the weights depend on the places of query and key only. 0 in expectation where the places explain nothing (the factor
    n/(n − 1) corrects for what a mean over n sequences explains by chance), and for uniform attention.
    """
    real = visible.any(-1)[:, None, :, None]
    n = real.sum(0)
    mean = weights.sum(0) / jnp.maximum(n, 1)
    factor = jnp.where(n > 1, n / jnp.maximum(n - 1, 1), 0)
    within = (factor * jnp.where(real, weights - mean, 0) ** 2).sum((0, 2, 3))
    around = jnp.where(n > 1, (weights - weights[:, -1:]) ** 2, 0).sum((0, 2, 3))
    varies = around > 1e-10 * (weights**2).sum((0, 2, 3))  # else uniform but for rounding
    return jnp.where(varies, (around - within) / jnp.where(varies, around, 1), 0)


def roll_weights(
    weights: Float[Array, "B N T S"], visible: Bool[Array, "B T S"], key: Key[Array, ""]
) -> Float[Array, "B N T S"]:
    """A control: every query's weights rolled along its visible keys by a random number of places, the same for all heads."""
    count = jnp.maximum(visible.sum(-1), 1)
    shift = jax.random.randint(key, count.shape, 0, count)
    source = (jnp.arange(visible.shape[-1]) + shift[..., None]) % count[..., None]
    return jnp.where(visible[:, None], jnp.take_along_axis(weights, source[:, None], axis=-1), 0)


class HeadAttention(NamedTuple):
    """Attention on real sequences; of causal models also on repeated random tokens, and on unrepeated ones."""

    heads: tuple[int, int]  # L, H
    real: AttentionSummary
    repeated: AttentionSummary | None
    unrepeated: AttentionSummary | None
    half: int  # tokens that are repeated, as many as the sequences have room for


def count_heads(model: Transformer) -> tuple[int, int]:
    """L and H."""
    return len(model.stack.blocks), model.stack.blocks[0].attention.query.shape[1]


def measure_head_attention(model: Transformer, inputs: Inputs) -> HeadAttention:
    """The attention of every head on a batch."""
    heads, half = count_heads(model), (inputs.tokens.shape[1] - 1) // 2
    real = summarize_attention(model, inputs)
    if model.stack.kind != "causal" or half < 2:
        return HeadAttention(heads, real, None, None, half)
    halves = draw_random_halves(inputs, half)
    again, other = (summarize_attention(model, repeat_tokens(inputs, halves, which)) for which in (True, False))
    return HeadAttention(heads, real, again, other, half)


def compute_scores(attention: HeadAttention) -> Scores:
    """Every kind's score by layer and head, and its baselines.

    `kind_uniform` is uniform attention. `kind_unrepeated` is the weight on the same places where the first w is another.
    `positional_shuffled` is that of `roll_weights`. Kinds that no query can have (next in a causal model, induction in a
    bidirectional one) are left out.
    """
    rows: dict[str, ndarray] = {
        name: row for name, row in zip(PATTERNS, attention.real.on, strict=True) if not np.isnan(row).any()
    }
    for kind, shift in ON_REPEATED.items():
        for suffix, summary in (("", attention.repeated), ("_unrepeated", attention.unrepeated)):
            if summary is not None:
                rows[kind + suffix] = average_repetition(summary, attention.half, shift)
    scores: Scores = {}
    for name, row in rows.items():
        scores[name] = row[:-1].reshape(attention.heads)
        if not name.endswith("_unrepeated"):
            scores[f"{name}_uniform"] = np.full(attention.heads, row[-1])
    for name, row in (("positional", attention.real.positional), ("positional_shuffled", attention.real.shuffled)):
        scores[name] = row[:-1].reshape(attention.heads)
    return scores


def average_repetition(summary: AttentionSummary, half: int, shift: int) -> Float[ndarray, "N"]:
    """Mean weight of the queries t in the second w on the key t − half + shift."""
    t = list_second_half(half)
    weights = summary.total[:, t, t - half + shift] / summary.visible[t, t - half + shift]
    means: ndarray = weights.mean(-1)
    return means


def average_by_distance(summary: AttentionSummary) -> dict[int, Float[ndarray, "N"]]:
    """Mean weight at each distance query − key, over all pairs of the batch in which the key is visible."""
    size = len(summary.visible)
    count = {d: np.trace(summary.visible, -d) for d in range(1 - size, size)}
    return {d: np.trace(summary.total, -d, 1, 2) / n for d, n in count.items() if n}


def average_by_key(summary: AttentionSummary) -> dict[int, Float[ndarray, "N"]]:
    """Mean weight at each place of the key, over all queries that see it."""
    count = summary.visible.sum(0)
    return {s: summary.total[:, :, s].sum(1) / n for s, n in enumerate(count) if n}


def find_clearest_heads(scores: Scores) -> dict[str, tuple[int, int]]:
    """The (layer, head) with the largest score of each kind, minus the head's own baseline where it has one."""
    clearest = {}
    for kind in KINDS:
        if kind in scores:
            difference = scores[kind] - scores.get(f"{kind}_unrepeated", 0)
            layer, head = np.unravel_index(np.argmax(difference), difference.shape)
            clearest[kind] = (int(layer), int(head))
    return clearest
