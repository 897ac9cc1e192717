"""What a model loses without a head, without some of a head's keys, or with the same weights for every sequence.

A head goes by its slice of `out`; keys go by a logit of −1e9, so that the softmax is renormalised over the others; weights
are replaced through the bias too. All of it is data to one compiled program. L layers, H heads, T queries, S keys.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Num
from numpy import ndarray

from jaxpe.analysis.head_scores import ON_REPEATED, Halves, Looked, repeated, second_half, shape_of
from jaxpe.data.examples import PAD, Example
from jaxpe.encodings.base import Encoding
from jaxpe.model import Inputs, Transformer
from jaxpe.training.train import answer_loss

OFFSETS = {"previous": 1, "next": -1}  # query minus key, of the patterns that are knocked out by distance
HIDDEN = -1e9  # a logit that leaves no weight


class Change(NamedTuple):
    """What is done to the heads: outputs times `gate`; `bias` added to the logits, or in their place where `fixed`."""

    gate: Float[ndarray, "L H"]
    bias: Float[ndarray, "L H T S"]
    fixed: Bool[ndarray, "L H"]


def unchanged(model: Transformer, size: int) -> Change:
    heads = shape_of(model)
    return Change(np.ones(heads, np.float32), np.zeros((*heads, size, size), np.float32), np.zeros(heads, bool))


class Changed(Encoding):
    """An encoding with more bias, which may undo the logits too: bias − (q·k / √K + own bias) + own bias."""

    def __init__(
        self, encoding: Encoding, more: Float[Array, "H T S"], fixed: Float[Array, H], head_width: int
    ) -> None:
        self.encoding, self.head_width = encoding, head_width
        self.more, self.fixed = nnx.Param(more), nnx.Param(fixed)

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, T]) -> Float[Array, "T D"]:
        return self.encoding.embed(x, positions)

    def rotate(self, q, k, q_positions, k_positions):  # type: ignore[no-untyped-def]
        return self.encoding.rotate(q, k, q_positions, k_positions)

    def bias(self, q, k, q_positions, k_positions, mask=None):  # type: ignore[no-untyped-def]
        own = self.encoding.bias(q, k, q_positions, k_positions, mask)
        own = jnp.zeros(()) if own is None else own
        logits = jnp.einsum("thw,shw->hts", q / math.sqrt(self.head_width), k) + own
        return own + self.more[...] - self.fixed[...][:, None, None] * logits


def changed(model: Transformer, change: Change) -> Transformer:
    """A copy of the model with its heads changed."""
    new = jax.tree.map(lambda leaf: leaf, model)
    own, wrapped = list(model.stack.encodings), []
    for layer, block in enumerate(new.stack.blocks):
        out, fixed = block.attention.out, jnp.asarray(change.fixed[layer], jnp.float32)
        out[...] = out[...] * jnp.asarray(change.gate)[layer][:, None, None]
        wrapped.append(
            Changed(own[layer % len(own)].at(layer, 1.0), jnp.asarray(change.bias)[layer], fixed, out.shape[1])
        )
    new.stack.encodings = nnx.List(wrapped)
    return new


@jax.jit
def loss_with(model: Transformer, batch: tuple[Example, Inputs], change: Change) -> Float[Array, ""]:
    """Nats per answer of the changed model: one compiled program for every head and every change."""
    altered = changed(model, change)

    def one(pair: tuple[Example, Inputs]) -> tuple[Array, Array]:
        return answer_loss(altered(pair[1]).logits, pair[0]).sum(), pair[0].loss_mask.sum()

    nats, answers = jax.lax.map(one, batch, batch_size=32)
    return nats.sum() / answers.sum()


def whole_loss(model: Transformer, batch: tuple[Example, Inputs]) -> float:
    """Nats per answer of the model as it is."""
    return float(loss_with(model, batch, unchanged(model, batch[1].tokens.shape[1])))


def ablated_losses(model: Transformer, batch: tuple[Example, Inputs]) -> Float[ndarray, "L H"]:
    """Nats per answer with one head's output set to zero, for each head."""
    plain = unchanged(model, batch[1].tokens.shape[1])
    losses = np.zeros(plain.gate.shape)
    for layer, head in np.ndindex(losses.shape):
        gate = plain.gate.copy()
        gate[layer, head] = 0
        losses[layer, head] = loss_with(model, batch, plain._replace(gate=gate))
    return losses


def losses_without_keys(
    model: Transformer, batch: tuple[Example, Inputs], removed: Bool[ndarray, "T S"]
) -> Float[ndarray, "L H"]:
    """Nats per answer with one head kept from some keys, its other weights renormalised, for each head."""
    plain = unchanged(model, removed.shape[0])
    losses = np.zeros(plain.gate.shape)
    for layer, head in np.ndindex(losses.shape):
        bias = plain.bias.copy()
        bias[layer, head][removed] = HIDDEN
        losses[layer, head] = loss_with(model, batch, plain._replace(bias=bias))
    return losses


def losses_with_map(
    model: Transformer, batch: tuple[Example, Inputs], maps: Float[ndarray, "L H T S"]
) -> Float[ndarray, "L H"]:
    """Nats per answer with one head's weights replaced by the same map for every sequence, for each head."""
    plain = unchanged(model, maps.shape[-1])
    losses = np.zeros(plain.gate.shape)
    for layer, head in np.ndindex(losses.shape):
        bias, fixed, own = plain.bias.copy(), plain.fixed.copy(), maps[layer, head]
        bias[layer, head] = np.where(own > 0, np.log(np.maximum(own, 1e-38)), HIDDEN)
        fixed[layer, head] = True
        losses[layer, head] = loss_with(model, batch, plain._replace(bias=bias, fixed=fixed))
    return losses


def mean_maps(looked: Looked) -> tuple[Float[ndarray, "L H T S"], Float[ndarray, "L H T S"]]:
    """Each head's mean weights over sequences, and uniform ones in the same shape."""
    sequences = np.maximum(looked.real.visible.max(-1, keepdims=True), 1)
    mean = looked.real.total / sequences
    shape = (*looked.heads, *mean.shape[1:])
    return mean[:-1].reshape(shape), np.broadcast_to(mean[-1], shape)


def pattern_keys(kind: str, visible: Bool[ndarray, "T S"], half: int) -> Bool[ndarray, "T S"]:
    """The keys that are knocked out: at most one for each query, and never its only one."""
    t, s = np.arange(visible.shape[0])[:, None], np.arange(visible.shape[1])
    if kind == "first":
        chosen = (s == 0) & (t > 0)
    elif kind in ON_REPEATED:
        chosen = (s == t - half + ON_REPEATED[kind]) & np.isin(t, second_half(half))
    else:
        chosen = s == t - OFFSETS[kind]
    return chosen & visible & (visible.sum(-1, keepdims=True) > 1)


def other_keys(removed: Bool[ndarray, "T S"], visible: Bool[ndarray, "T S"], seed: int) -> Bool[ndarray, "T S"]:
    """For each query that lacks a key, another visible one at random."""
    chance = np.where(visible & ~removed, np.random.default_rng(seed).random(visible.shape), -1)
    return (chance == chance.max(-1, keepdims=True)) & removed.any(-1, keepdims=True)


def repeated_batch(inputs: Inputs, halves: Halves, again: bool = True) -> tuple[Example, Inputs]:
    """`<bos> w w` as examples that ask for the next token in the second w (but for its first, which no repetition tells)."""
    made, half = repeated(inputs, halves, again), halves.words.shape[1]
    place = jnp.arange(made.tokens.shape[1])
    loss_mask = jnp.broadcast_to((place > half) & (place < 2 * half), made.tokens.shape)
    targets = jnp.where(loss_mask, jnp.roll(made.tokens, -1, axis=1), PAD)
    return Example(made.tokens, made.length, targets, loss_mask, loss_mask, made.source, made.source_length), made


def predicts_next(example: Example) -> bool:
    """Is it always the next token that a batch asks for?"""
    following = np.roll(np.asarray(example.tokens), -1, axis=1)
    last = np.arange(following.shape[1]) == np.asarray(example.length)[:, None] - 1
    asked = np.asarray(example.loss_mask) & ~last
    return bool((np.asarray(example.targets)[asked] == following[asked]).all())
