"""The first layer's attention logits, split exactly into what content and position put in, and the model without a part.

With RMSNorm before attention, the RMS is one number a token, so the logits of x = constant + content + position are a sum
of nine bilinear parts, query side times key side:

    logits[h, t, s] = Σ_ab  (g∘x_a[t] / rms[t]) · W_q W_kᵀ · (g∘x_b[s] / rms[s]) / √K ,   a, b ∈ constant, content, position

A constant can move between token and position without changing a logit, so both are centred first: `constant` is the mean
position row plus the mean token of the sample. H heads, T queries, S keys, D width, K head width.
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
from scipy.optimize import nnls

from jaxpe.encodings.base import Encoding
from jaxpe.model import Inputs, Transformer, real

SIGNALS = ("constant", "content", "position")
# name -> which of the nine parts, [query side, key side]; together they are all of the logits
PARTS = {
    "content-content": ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
    "content-position": ((0, 0, 0), (0, 0, 1), (0, 0, 0)),
    "position-content": ((0, 0, 0), (0, 0, 0), (0, 1, 0)),
    "position-position": ((0, 0, 0), (0, 0, 0), (0, 0, 1)),
    "constant-content": ((0, 1, 0), (0, 0, 0), (0, 0, 0)),
    "constant-position": ((0, 0, 1), (0, 0, 0), (0, 0, 0)),
    "any-constant": ((1, 0, 0), (1, 0, 0), (1, 0, 0)),  # differs between keys by their RMS only
}
TOGETHER = {  # sums of parts that are removed at once
    "nothing": ((0, 0, 0), (0, 0, 0), (0, 0, 0)),
    "mixed": ((0, 0, 0), (0, 0, 1), (0, 1, 0)),
    "constant": ((1, 1, 1), (1, 0, 0), (1, 0, 0)),
    "all with position": ((0, 0, 1), (0, 0, 1), (1, 1, 1)),
}


class Centre(NamedTuple):
    """The mean token and the mean position row of a sample."""

    token: Float[Array, D]
    code: Float[Array, D]


def code_of(encoding: Encoding, positions: Num[Array, T], width: int) -> Float[Array, "T D"]:
    """What the encoding adds at each position (if it adds)."""
    return encoding.embed(jnp.zeros((positions.shape[0], width)), positions)


def adds(encoding: Encoding, positions: Num[Array, T], width: int) -> bool:
    """Measured: is embed(x) − x the same whatever x is?"""
    x = jnp.asarray(3 * np.random.default_rng(0).normal(size=(positions.shape[0], width)), jnp.float32)
    gap = encoding.embed(x, positions) - x - code_of(encoding, positions, width)
    return bool(np.abs(gap).max() <= 1e-5 * (1 + np.abs(x).max()))


@jax.jit
def centre_of(model: Transformer, inputs: Inputs) -> Centre:
    """Means over the real tokens of a batch of inputs (first axis)."""
    stack = model.stack
    visible = jax.vmap(lambda one: real(one.tokens.shape[0], one.length))(inputs)[..., None]
    tokens = stack.embedding[...][inputs.tokens]
    codes = jax.vmap(lambda positions: code_of(stack.encodings[0], positions, tokens.shape[-1]))(inputs.positions)
    token, code = (jnp.where(visible, part, 0).sum((0, 1)) / visible.sum() for part in (tokens, codes))
    return Centre(token, code)


def split_logits(model: Transformer, inputs: Inputs, centre: Centre) -> Float[Array, "A A H T T"]:
    """The nine parts of the first layer's logits, before the mask; A counts SIGNALS."""
    stack, attention = model.stack, model.stack.blocks[0].attention
    token = stack.embedding[...][inputs.tokens]
    code = code_of(stack.encodings[0], inputs.positions, token.shape[-1])
    constant = jnp.broadcast_to(centre.token + centre.code, token.shape)
    signals = jnp.stack([constant, token - centre.token, code - centre.code])
    inverse_rms = jax.lax.rsqrt(((token + code) ** 2).mean(-1, keepdims=True) + 1e-6)
    normed = signals * inverse_rms * stack.blocks[0].norms[0].gain[...]
    q = jnp.einsum("atd,dhk->athk", normed, attention.query[...])
    k = jnp.einsum("bsd,dhk->bshk", normed, attention.key[...])
    return jnp.einsum("athk,bshk->abhts", q, k) / math.sqrt(q.shape[-1])


def visible_keys(model: Transformer, inputs: Inputs) -> Bool[Array, "T T"]:
    """Which key a real token sees."""
    size = inputs.tokens.shape[0]
    here = real(size, inputs.length)
    mask = here[:, None] & here
    return mask & jnp.tri(size, dtype=bool) if model.stack.kind == "causal" else mask


def share_sums(
    parts: Float[Array, "A A H T T"], mask: Bool[Array, "T T"]
) -> tuple[Float[Array, "A A H"], Float[Array, H]]:
    """Σ over queries of Cov(part, total) and Var(total) over each query's visible keys: their ratio is a part's share.

    What is constant over keys cancels in the softmax, and here. The shares of all parts sum to 1.
    """
    seen = jnp.maximum(mask.sum(-1, keepdims=True), 1)
    centred = parts - jnp.where(mask, parts, 0).sum(-1, keepdims=True) / seen
    centred = jnp.where(mask, centred, 0) / jnp.sqrt(seen)
    total = centred.sum((0, 1))
    return (centred * total).sum((-1, -2)), (total * total).sum((-1, -2))


class Removed(Encoding):
    """An encoding that only adds, with some first-layer logits taken away again by the bias."""

    def __init__(self, encoding: Encoding, logits: Float[Array, "H T T"]) -> None:
        self.encoding, self.logits = encoding, nnx.Param(logits)

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, T]) -> Float[Array, "T D"]:
        return self.encoding.embed(x, positions)

    def bias(self, q, k, q_positions, k_positions, mask=None):  # type: ignore[no-untyped-def]
        return -self.logits[...]


def without(model: Transformer, inputs: Inputs, centre: Centre, removed: Num[Array, "A A H"]) -> Float[Array, "T V"]:
    """The output logits of a model whose first-layer heads lack the parts that are 1 in `removed`."""
    gone = jnp.einsum("abh,abhts->hts", jnp.asarray(removed, jnp.float32), split_logits(model, inputs, centre))
    ablated = jax.tree.map(lambda leaf: leaf, model)
    own, layers = list(model.stack.encodings), len(model.stack.blocks)
    others = [own[i % len(own)] for i in range(1, layers)]
    ablated.stack.encodings = nnx.List([Removed(own[0], gone), *others])
    return ablated(inputs).logits


# ── does a head compare positions by their distance? ────────────────────────────────────────────────────────────────


def position_logits(model: Transformer, positions: Num[Array, P]) -> Float[ndarray, "H P P"]:
    """code W_q W_kᵀ codeᵀ of the first layer's heads, on centred codes; the RMS is left out."""
    block, width = model.stack.blocks[0], model.stack.embedding[...].shape[1]
    code = np.asarray(code_of(model.stack.encodings[0], positions, width), np.float64)
    code = (code - code.mean(0)) * np.asarray(block.norms[0].gain[...], np.float64)
    query, key = (np.asarray(part[...], np.float64) for part in (block.attention.query, block.attention.key))
    return np.einsum("id,dhk,ehk,je->hij", code, query, key, code)


def explained(logits: Float[ndarray, "P P"], features: Float[ndarray, "F P P"]) -> float:
    """Share of the variance over keys (each query's mean taken off) that a sum of features with weights ≥ 0 explains."""
    y = (logits - logits.mean(1, keepdims=True)).ravel()
    x = (features - features.mean(2, keepdims=True)).reshape(len(features), -1).T
    _, rest = nnls(x, y)
    return float(1 - rest**2 / max(y @ y, 1e-30))


def distance_share(logits: Float[ndarray, "P P"]) -> float:
    """Share that any function of the distance s − t explains (it may be negative, hence both signs)."""
    places = np.arange(len(logits))
    diagonals = np.stack([places - places[:, None] == d for d in range(1 - len(places), len(places))]) * 1.0
    return explained(logits, np.concatenate([diagonals, -diagonals]))


def rotation_share(logits: Float[ndarray, "P P"], width: int, base: float = 10_000.0) -> tuple[float, int]:
    """The same for a block rotation by one offset k: Σ_c a_c cos((s − t − k) ω_c), a_c ≥ 0. The best share and its k.

    On sinusoids (ω_c = base^(−2c/D)) these are the logits of W_q W_kᵀ = ⊕_c a_c R(k ω_c): the query looks k places on.
    """
    places, frequency = np.arange(len(logits)), base ** (-np.arange(0, width, 2) / width)
    shares = {}
    for k in range(1 - len(places), len(places)):
        angle = (places - places[:, None] - k) * frequency[:, None, None]
        shares[k] = explained(logits, np.cos(angle))
    best = max(shares, key=lambda k: shares[k])
    return shares[best], best
