"""What a model loses without a head, without some of a head's keys, or with the same attention map for every sequence.

A head is removed by a zero on its slice of `out`. A key is removed by a logit of −1e9, so that the softmax is renormalised over
the others. Weights are replaced through the bias too. All changes are data to one compiled program. L layers, H heads,
T queries, S keys, K head width.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float
from numpy import ndarray

from jaxpe.analysis.head_scores import HeadAttention, count_heads
from jaxpe.analysis.repeated_tokens import ON_REPEATED, list_second_half
from jaxpe.data.examples import Example
from jaxpe.encodings.base import Encoding, View, Wrapper
from jaxpe.model import Inputs, Transformer
from jaxpe.training.loss import compute_answer_loss

OFFSETS = {"previous": 1, "next": -1}  # query minus key, of the patterns that are defined by distance
REMOVED = -1e9  # a logit that leaves no weight


class HeadChange(NamedTuple):
    """What is done to the heads: outputs times `gate`; `bias` added to the logits, or in their place where `fixed`."""

    gate: Float[ndarray, "L H"]
    bias: Float[ndarray, "L H T S"]
    fixed: Bool[ndarray, "L H"]


def make_identity_change(model: Transformer, size: int) -> HeadChange:
    """The change that changes nothing, for sequences of `size` tokens."""
    heads = count_heads(model)
    bias = np.zeros((*heads, size, size), np.float32)
    return HeadChange(np.ones(heads, np.float32), bias, np.zeros(heads, bool))


class ChangedEncoding(Wrapper):
    """An encoding with more bias, which can replace the logits: bias − (q·k / √K + original bias) + original bias."""

    def __init__(
        self, encoding: Encoding, more: Float[Array, "H T S"], fixed: Float[Array, "H"], head_width: int
    ) -> None:
        super().__init__(encoding)
        self.head_width = head_width
        self.more, self.fixed = nnx.Param(more), nnx.Param(fixed)

    def bias(self, q: Float[Array, "T H W"], k: Float[Array, "S H W"], view: View) -> Float[Array, "H T S"]:
        original = self.base.bias(q, k, view)
        original = jnp.zeros(()) if original is None else original
        logits = jnp.einsum("thw,shw->hts", q / math.sqrt(self.head_width), k) + original
        return original + self.more[...] - self.fixed[...][:, None, None] * logits


def apply_change(model: Transformer, change: HeadChange) -> Transformer:
    """A copy of the model with its heads changed."""
    new: Transformer = jax.tree.map(lambda leaf: leaf, model)
    encodings, wrapped = list(model.stack.encodings), []
    for layer, block in enumerate(new.stack.blocks):
        out, fixed = block.attention.out, jnp.asarray(change.fixed[layer], jnp.float32)
        out[...] = out[...] * jnp.asarray(change.gate)[layer][:, None, None]
        encoding = encodings[layer % len(encodings)].at(layer, 1.0)
        wrapped.append(ChangedEncoding(encoding, jnp.asarray(change.bias)[layer], fixed, out.shape[1]))
    new.stack.encodings = nnx.List(wrapped)
    return new


@jax.jit
def compute_changed_loss(model: Transformer, batch: tuple[Example, Inputs], change: HeadChange) -> Float[Array, ""]:
    """Nats per answer of the changed model: one compiled program for every head and every change."""
    changed = apply_change(model, change)

    def compute_one(pair: tuple[Example, Inputs]) -> tuple[Array, Array]:
        return compute_answer_loss(changed(pair[1]).logits, pair[0]).sum(), pair[0].loss_mask.sum()

    nats, answers = jax.lax.map(compute_one, batch, batch_size=32)
    loss: Array = nats.sum() / answers.sum()
    return loss


def compute_unchanged_loss(model: Transformer, batch: tuple[Example, Inputs]) -> float:
    """Nats per answer of the model as it is."""
    return float(compute_changed_loss(model, batch, make_identity_change(model, batch[1].tokens.shape[1])))


def compute_ablated_losses(model: Transformer, batch: tuple[Example, Inputs]) -> Float[ndarray, "L H"]:
    """Nats per answer with one head's output set to zero, for each head."""
    plain = make_identity_change(model, batch[1].tokens.shape[1])
    losses = np.zeros(plain.gate.shape)
    for layer, head in np.ndindex(losses.shape):
        gate = plain.gate.copy()
        gate[layer, head] = 0
        losses[layer, head] = compute_changed_loss(model, batch, plain._replace(gate=gate))
    return losses


def compute_losses_without_keys(
    model: Transformer, batch: tuple[Example, Inputs], removed: Bool[ndarray, "T S"]
) -> Float[ndarray, "L H"]:
    """Nats per answer with some keys removed from one head and its other weights renormalised, for each head."""
    plain = make_identity_change(model, removed.shape[0])
    losses = np.zeros(plain.gate.shape)
    for layer, head in np.ndindex(losses.shape):
        bias = plain.bias.copy()
        bias[layer, head][removed] = REMOVED
        losses[layer, head] = compute_changed_loss(model, batch, plain._replace(bias=bias))
    return losses


def compute_losses_with_map(
    model: Transformer, batch: tuple[Example, Inputs], maps: Float[ndarray, "L H T S"]
) -> Float[ndarray, "L H"]:
    """Nats per answer with one head's weights replaced by the same map for every sequence, for each head."""
    plain = make_identity_change(model, maps.shape[-1])
    losses = np.zeros(plain.gate.shape)
    for layer, head in np.ndindex(losses.shape):
        bias, fixed, weights = plain.bias.copy(), plain.fixed.copy(), maps[layer, head]
        bias[layer, head] = np.where(weights > 0, np.log(np.maximum(weights, 1e-38)), REMOVED)
        fixed[layer, head] = True
        losses[layer, head] = compute_changed_loss(model, batch, plain._replace(bias=bias, fixed=fixed))
    return losses


def compute_mean_maps(attention: HeadAttention) -> tuple[Float[ndarray, "L H T S"], Float[ndarray, "L H T S"]]:
    """Each head's mean weights over sequences, and uniform weights in the same shape."""
    sequences = np.maximum(attention.real.visible.max(-1, keepdims=True), 1)
    mean = attention.real.total / sequences
    shape = (*attention.heads, *mean.shape[1:])
    return mean[:-1].reshape(shape), np.broadcast_to(mean[-1], shape)


def mark_pattern_keys(kind: str, visible: Bool[ndarray, "T S"], half: int) -> Bool[ndarray, "T S"]:
    """The keys that are removed: at most one for each query, and never its only one."""
    t, s = np.arange(visible.shape[0])[:, None], np.arange(visible.shape[1])
    if kind == "first":
        keys = (s == 0) & (t > 0)
    elif kind in ON_REPEATED:
        keys = (s == t - half + ON_REPEATED[kind]) & np.isin(t, list_second_half(half))
    else:
        keys = s == t - OFFSETS[kind]
    removed: ndarray = keys & visible & (visible.sum(-1, keepdims=True) > 1)
    return removed


def draw_other_keys(removed: Bool[ndarray, "T S"], visible: Bool[ndarray, "T S"], seed: int) -> Bool[ndarray, "T S"]:
    """A control: for each query with a removed key, another visible key at random."""
    rank = np.where(visible & ~removed, np.random.default_rng(seed).random(visible.shape), -1)
    largest: ndarray = rank == rank.max(-1, keepdims=True)
    return largest & removed.any(-1, keepdims=True)


def predicts_next(example: Example) -> bool:
    """Whether every target of a batch is the next token."""
    following = np.roll(np.asarray(example.tokens), -1, axis=1)
    last = np.arange(following.shape[1]) == np.asarray(example.length)[:, None] - 1
    mask = np.asarray(example.loss_mask) & ~last
    return bool((np.asarray(example.targets)[mask] == following[mask]).all())
