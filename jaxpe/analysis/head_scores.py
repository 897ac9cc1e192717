"""Where the attention of each head lies: scores by kind of head, curves, and sequences on which induction would show.

A score is a mean weight after the softmax, over all queries that see a key of the pattern: 0 … 1, beside what attention that
is uniform over the visible keys would give.

    previous, current, next    the key one place before the query, at it, after it
    first, last_tenth          the first token; the last tenth of the real tokens
    recent_tenth               the last tenth of the keys that the query sees (bidirectional: the same as last_tenth)
    induction, duplicate       on <bos> w w, w random: for a query t in the second w, the key right after the earlier
                               occurrence of its token, t − |w| + 1 (prefix matching: Olsson et al. 2022, arXiv:2209.11895);
                               that occurrence itself, t − |w|
    positional                 share of the weights' variance that the places of query and key explain (`explained`)

L layers, H heads, N = L·H + 1: the last is no head but uniform attention. T queries, S keys, P patterns, B sequences, W = |w|.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key
from numpy import ndarray

from jaxpe.analysis.attention import visible_keys
from jaxpe.data.examples import BOS, PAD, SPECIALS
from jaxpe.model import Inputs, Transformer

PATTERNS = ("previous", "current", "next", "first", "last_tenth", "recent_tenth")
ON_REPEATED = {"induction": 1, "duplicate": 0}  # key minus the earlier occurrence
KINDS = (*PATTERNS, *ON_REPEATED, "positional")

Scores = dict[str, Float[ndarray, "L H"]]


class Attended(NamedTuple):
    """The attention of all heads over a batch, summed up."""

    total: Float[ndarray, "N T S"]  # weights summed over sequences
    visible: Int[ndarray, "T S"]  # sequences in which the query sees the key
    on: Float[ndarray, "P N"]  # mean weight on the keys of each of PATTERNS; NaN where no query sees one
    positional: Float[ndarray, N]
    shuffled: Float[ndarray, N]  # positional, after every query's weights were turned by a random number of keys
    example: Float[ndarray, "N T S"]  # the weights on the first sequence


def attended(model: Transformer, inputs: Inputs) -> Attended:
    return Attended(*map(np.asarray, attention_sums(model, inputs)))


@jax.jit
def attention_sums(model: Transformer, inputs: Inputs) -> tuple[Array, ...]:
    """`Attended` of the stack that is read out (of an encoder-decoder: its decoder's self-attention)."""

    def one(single: Inputs) -> tuple[Array, Array, Array]:
        record = model(single, record=True).record
        assert record is not None
        seen = visible_keys(model, single)
        uniform = seen / jnp.maximum(seen.sum(-1, keepdims=True), 1)
        weights = jnp.concatenate([*(layer.weights for layer in record.attention), uniform[None]])
        return jnp.where(seen, weights, 0), seen, patterns(seen, single.length)

    return summed_up(*jax.vmap(one)(inputs))


def summed_up(
    weights: Float[Array, "B N T S"], seen: Bool[Array, "B T S"], chosen: Bool[Array, "B P T S"]
) -> tuple[Array, ...]:
    """The fields of `Attended`. Weights are 0 where a key is not seen, and the last of N is uniform."""
    asking = chosen.any(-1).sum((0, -1))  # queries that see a key of the pattern
    on = jnp.einsum("bnts,bpts->pn", weights, chosen.astype(weights.dtype)) / asking[:, None]
    turned = rotated(weights, seen, jax.random.key(0))
    return weights.sum(0), seen.sum(0), on, explained(weights, seen), explained(turned, seen), weights[0]


def patterns(seen: Bool[Array, "T S"], length: Int[Array, ""]) -> Bool[Array, "P T S"]:
    """The keys of each of PATTERNS for every query. Visible keys are always the first ones, up to some number."""
    t, s = jnp.arange(seen.shape[0])[:, None], jnp.arange(seen.shape[1])
    visible = seen.sum(-1, keepdims=True)
    tenth, recent = (s >= n - (n + 9) // 10 for n in (length, visible))
    every = (s == t - 1, s == t, s == t + 1, (s == 0) & (t > 0), tenth, recent)
    return jnp.stack([jnp.broadcast_to(part, seen.shape) & seen for part in every])


def explained(weights: Float[Array, "B N T S"], seen: Bool[Array, "B T S"]) -> Float[Array, N]:
    """R² = 1 − Σ (w[b,t,s] − mean_b w[t,s])² · n/(n − 1) / Σ (w[b,t,s] − 1/visible keys)², n sequences that have query t.

    1: the weights depend on the places of query and key only. 0 in expectation where the places say nothing (the factor
    n/(n − 1) takes off what a mean over n sequences explains by chance), also for uniform attention.
    """
    here = seen.any(-1)[:, None, :, None]
    n = here.sum(0)
    mean = weights.sum(0) / jnp.maximum(n, 1)
    fair = jnp.where(n > 1, n / jnp.maximum(n - 1, 1), 0)
    within = (fair * jnp.where(here, weights - mean, 0) ** 2).sum((0, 2, 3))
    around = jnp.where(n > 1, (weights - weights[:, -1:]) ** 2, 0).sum((0, 2, 3))
    varies = around > 1e-10 * (weights**2).sum((0, 2, 3))  # else uniform but for rounding
    return jnp.where(varies, (around - within) / jnp.where(varies, around, 1), 0)


def rotated(weights: Float[Array, "B N T S"], seen: Bool[Array, "B T S"], key: Key[Array, ""]) -> Array:
    """Every query's weights turned round its visible keys by a random number of places, the same for all heads."""
    visible = jnp.maximum(seen.sum(-1), 1)
    turn = jax.random.randint(key, visible.shape, 0, visible)
    source = (jnp.arange(seen.shape[-1]) + turn[..., None]) % visible[..., None]
    return jnp.where(seen[:, None], jnp.take_along_axis(weights, source[:, None], axis=-1), 0)


class Halves(NamedTuple):
    """What stands in `<bos> w w`: w of every sequence, and another w for the control."""

    words: Int[ndarray, "B W"]
    others: Int[ndarray, "B W"]


def random_halves(inputs: Inputs, half: int) -> Halves:
    """Uniformly random ones of the content tokens that occur in the sequences, always the same draws.

    All differ within a w where there are enough. (A token that never occurs was never trained, and tells nothing.)
    """
    tokens, generator = np.asarray(inputs.tokens), np.random.default_rng(0)
    content = np.unique(tokens[tokens >= SPECIALS])
    draws = [generator.choice(content, half, replace=len(content) < half) for _ in range(2 * len(tokens))]
    return Halves(*np.split(np.stack(draws), 2))


def text_halves(inputs: Inputs, half: int) -> Halves:
    """The beginnings of the sequences themselves; the control is the beginning of another sequence."""
    words = np.asarray(inputs.tokens)[:, 1 : half + 1]
    return Halves(words, np.roll(words, 1, axis=0))


def repeated(inputs: Inputs, halves: Halves, again: bool = True) -> Inputs:
    """`<bos> w w` in arrays of the shape of `inputs`. Without `again` the first w is the other one: a control."""
    half, tokens = halves.words.shape[1], np.full(inputs.tokens.shape, PAD, np.int32)
    tokens[:, 0], tokens[:, half + 1 : 2 * half + 1] = BOS, halves.words
    tokens[:, 1 : half + 1] = halves.words if again else halves.others
    places = np.broadcast_to(np.arange(tokens.shape[1], dtype=np.int32), tokens.shape)
    length = np.full(len(tokens), 2 * half + 1, np.int32)
    return inputs._replace(tokens=jnp.asarray(tokens), positions=jnp.asarray(places), length=jnp.asarray(length))


class Looked(NamedTuple):
    """Attention on real sequences; of causal models also on repeated random tokens, and on unrepeated ones."""

    heads: tuple[int, int]  # L, H
    real: Attended
    repeated: Attended | None
    unrepeated: Attended | None
    half: int  # tokens that are repeated, as many as the sequences have room for


def shape_of(model: Transformer) -> tuple[int, int]:
    """L and H."""
    return len(model.stack.blocks), model.stack.blocks[0].attention.query.shape[1]


def look_at(model: Transformer, inputs: Inputs) -> Looked:
    heads, half = shape_of(model), (inputs.tokens.shape[1] - 1) // 2

    real = attended(model, inputs)
    if model.stack.kind != "causal" or half < 2:
        return Looked(heads, real, None, None, half)
    halves = random_halves(inputs, half)
    again, other = (attended(model, repeated(inputs, halves, which)) for which in (True, False))
    return Looked(heads, real, again, other, half)


def head_scores(model: Transformer, inputs: Inputs) -> Scores:
    """Every kind's score by layer and head, and its baselines as `kind_uniform`, `kind_unrepeated`, `positional_shuffled`.

    `inputs`: a batch. Kinds that no query can have (next in a causal model, induction in a bidirectional one) are left out.
    """
    return scores_of(look_at(model, inputs))


def scores_of(looked: Looked) -> Scores:
    """`unrepeated`: the weight on the same places where the first w is another; `shuffled`: see `rotated`."""
    by_head: dict[str, ndarray] = {
        name: row for name, row in zip(PATTERNS, looked.real.on, strict=True) if not np.isnan(row).any()
    }
    for kind, shift in ON_REPEATED.items():
        for suffix, part in (("", looked.repeated), ("_unrepeated", looked.unrepeated)):
            if part is not None:
                by_head[kind + suffix] = back(part, looked.half, shift)
    scores: Scores = {}
    for name, row in by_head.items():
        scores[name] = row[:-1].reshape(looked.heads)
        if not name.endswith("_unrepeated"):
            scores[f"{name}_uniform"] = np.full(looked.heads, row[-1])
    for name, row in (("positional", looked.real.positional), ("positional_shuffled", looked.real.shuffled)):
        scores[name] = row[:-1].reshape(looked.heads)
    return scores


def second_half(half: int) -> Int[ndarray, half]:
    """The places of the second w in `<bos> w w`."""
    return np.arange(half + 1, 2 * half + 1)


def back(part: Attended, half: int, shift: int) -> Float[ndarray, N]:
    """Mean weight of the queries t in the second w on the key t − half + shift."""
    t = second_half(half)
    return (part.total[:, t, t - half + shift] / part.visible[t, t - half + shift]).mean(-1)


def by_distance(part: Attended) -> dict[int, Float[ndarray, N]]:
    """Mean weight at each distance query − key, over all pairs of the batch in which the key is seen."""
    size = len(part.visible)
    count = {d: np.trace(part.visible, -d) for d in range(1 - size, size)}
    return {d: np.trace(part.total, -d, 1, 2) / n for d, n in count.items() if n}


def by_key(part: Attended) -> dict[int, Float[ndarray, N]]:
    """Mean weight at each place of the key, over all queries that see it."""
    count = part.visible.sum(0)
    return {s: part.total[:, :, s].sum(1) / n for s, n in enumerate(count) if n}


def clearest(scores: Scores) -> dict[str, tuple[int, int]]:
    """The (layer, head) with the largest score of each kind, above a head's own baseline where it has one."""
    found = {}
    for kind in KINDS:
        if kind in scores:
            own = scores[kind] - scores.get(f"{kind}_unrepeated", 0)
            layer, head = np.unravel_index(np.argmax(own), own.shape)
            found[kind] = (int(layer), int(head))
    return found
