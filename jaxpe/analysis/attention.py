"""The first layer's attention logits, split exactly into what content and position contribute, and the model without a part.

With RMSNorm before attention, the RMS is one number per token, so the logits of x = constant + content + position are a sum
of nine bilinear parts, query side times key side:

    logits[h, t, s] = Σ_ab  (g∘x_a[t] / rms[t]) · W_q W_kᵀ · (g∘x_b[s] / rms[s]) / √K ,   a, b ∈ constant, content, position

A constant can move between token and position without changing a logit. Both are therefore centred first: `constant` is the
mean position row plus the mean token of the sample. H heads, T queries, S keys, D model width, K head width.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Num

from jaxpe.encodings.base import Encoding, View, Wrapper
from jaxpe.model import Inputs, Output, Transformer, make_padding_mask

# Name -> which of the nine parts, [query side, key side] in the order constant, content, position. Together they are all of
# the logits.
PARTS = {
    "content-content": ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
    "content-position": ((0, 0, 0), (0, 0, 1), (0, 0, 0)),
    "position-content": ((0, 0, 0), (0, 0, 0), (0, 1, 0)),
    "position-position": ((0, 0, 0), (0, 0, 0), (0, 0, 1)),
    "constant-content": ((0, 1, 0), (0, 0, 0), (0, 0, 0)),
    "constant-position": ((0, 0, 1), (0, 0, 0), (0, 0, 0)),
    "any-constant": ((1, 0, 0), (1, 0, 0), (1, 0, 0)),  # differs between keys by their RMS only
}
PART_GROUPS = {  # sums of parts that are removed together
    "nothing": ((0, 0, 0), (0, 0, 0), (0, 0, 0)),
    "mixed": ((0, 0, 0), (0, 0, 1), (0, 1, 0)),
    "constant": ((1, 1, 1), (1, 0, 0), (1, 0, 0)),
    "all with position": ((0, 0, 1), (0, 0, 1), (1, 1, 1)),
}


class Centre(NamedTuple):
    """The mean token embedding and the mean position row of a sample."""

    token: Float[Array, "D"]
    code: Float[Array, "D"]


def compute_code(encoding: Encoding, positions: Num[Array, "T"], width: int) -> Float[Array, "T D"]:
    """What an additive encoding adds at each position: its `embed` of zeros."""
    return encoding.embed(jnp.zeros((positions.shape[0], width)), positions)


def compute_token_part(encoding: Encoding, tokens: Float[Array, "N D"]) -> Float[Array, "N D"]:
    """What the sum holds of token embeddings: `embed` of them minus `embed` of zeros, at position 0.

    For an additive encoding they are the embeddings themselves, up to rounding.
    """
    positions = jnp.zeros(tokens.shape[0], jnp.int32)
    return encoding.embed(tokens, positions) - encoding.embed(jnp.zeros_like(tokens), positions)


def acts_additively(encoding: Encoding, positions: Num[Array, "T"], width: int) -> bool:
    """Whether embed(x) − x is the same for every x; measured on one random x."""
    x = jnp.asarray(3 * np.random.default_rng(0).normal(size=(positions.shape[0], width)), jnp.float32)
    gap = encoding.embed(x, positions) - x - compute_code(encoding, positions, width)
    return bool(np.abs(gap).max() <= 1e-5 * (1 + np.abs(x).max()))


@jax.jit
def compute_centre(model: Transformer, inputs: Inputs) -> Centre:
    """Means over the real tokens of a batch of inputs (batch on the first axis)."""
    stack = model.stack
    visible = jax.vmap(lambda one: make_padding_mask(one.tokens.shape[0], one.length))(inputs)[..., None]
    tokens = stack.embedding[...][inputs.tokens]
    codes = jax.vmap(lambda positions: compute_code(stack.encodings[0], positions, tokens.shape[-1]))(inputs.positions)
    token, code = (jnp.where(visible, part, 0).sum((0, 1)) / visible.sum() for part in (tokens, codes))
    return Centre(token, code)


def split_logits(model: Transformer, inputs: Inputs, centre: Centre) -> Float[Array, "A A H T T"]:
    """The nine parts of the first layer's logits, before the mask; A = 3: constant, content, position."""
    stack, attention = model.stack, model.stack.blocks[0].attention
    token = stack.embedding[...][inputs.tokens]
    code = compute_code(stack.encodings[0], inputs.positions, token.shape[-1])
    constant = jnp.broadcast_to(centre.token + centre.code, token.shape)
    signals = jnp.stack([constant, token - centre.token, code - centre.code])
    inverse_rms = jax.lax.rsqrt(((token + code) ** 2).mean(-1, keepdims=True) + 1e-6)
    normed = signals * inverse_rms * stack.blocks[0].norms[0].gain[...]
    q = jnp.einsum("atd,dhk->athk", normed, attention.query[...])
    k = jnp.einsum("bsd,dhk->bshk", normed, attention.key[...])
    return jnp.einsum("athk,bshk->abhts", q, k) / math.sqrt(q.shape[-1])


def make_visibility_mask(model: Transformer, inputs: Inputs) -> Bool[Array, "T T"]:
    """Which keys each query sees; padding sees nothing and is not seen."""
    size = inputs.tokens.shape[0]
    here = make_padding_mask(size, inputs.length)
    mask = here[:, None] & here
    return mask & jnp.tri(size, dtype=bool) if model.stack.kind == "causal" else mask


def sum_covariances(
    parts: Float[Array, "A A H T T"], mask: Bool[Array, "T T"]
) -> tuple[Float[Array, "A A H"], Float[Array, "H"]]:
    """Σ over queries of Cov(part, total) and of Var(total) over the visible keys. Their ratio is a part's share.

    What is constant over keys cancels in the softmax, and here. The shares of all parts sum to 1.
    """
    visible = jnp.maximum(mask.sum(-1, keepdims=True), 1)
    centred = parts - jnp.where(mask, parts, 0).sum(-1, keepdims=True) / visible
    centred = jnp.where(mask, centred, 0) / jnp.sqrt(visible)
    total = centred.sum((0, 1))
    return (centred * total).sum((-1, -2)), (total * total).sum((-1, -2))


class SubtractedLogits(Wrapper):
    """An additive encoding whose bias subtracts some logits."""

    def __init__(self, encoding: Encoding, logits: Float[Array, "H T T"]) -> None:
        super().__init__(encoding)
        self.logits = nnx.Param(logits)

    def bias(self, q: Float[Array, "T H W"], k: Float[Array, "S H W"], view: View) -> Float[Array, "H T T"]:
        return -self.logits[...]


def forward_without(
    model: Transformer, inputs: Inputs, centre: Centre, removed: Num[Array, "A A H"]
) -> Float[Array, "T V"]:
    """The output logits of the model after the parts that are 1 in `removed` are taken from its first layer's logits."""
    difference = jnp.einsum("abh,abhts->hts", jnp.asarray(removed, jnp.float32), split_logits(model, inputs, centre))
    ablated = jax.tree.map(lambda leaf: leaf, model)
    encodings, layers = list(model.stack.encodings), len(model.stack.blocks)
    others = [encodings[i % len(encodings)] for i in range(1, layers)]
    ablated.stack.encodings = nnx.List([SubtractedLogits(encodings[0], difference), *others])
    output: Output = ablated(inputs)
    return output.logits
