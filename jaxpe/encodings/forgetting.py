"""Forgetting attention, FoX (Lin et al. 2025, arXiv:2503.02130, §3): a gate at every token decides how much of the past is kept.

Each head has a forget gate f_t = σ(w_h·x_t + b_h), computed from the input x_t that queries and keys are projected from.
bias_ij = Σ_{t = j+1 … i} log f_t, so that a key is discounted by every gate between it and the query. The decay of ALiBi
with slopes that depend on content. Positions are not used: order enters by the mask and the sum. Causal attention only.

Here w starts as a projection of the model does, and b at 0. The "Pro" block of the
paper (output gate, norms of queries and keys, shifts of keys and values) is not part of the encoding.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Context, Encoding, View


class Forgetting(Encoding):
    """bias = Σ_{t = j+1 … i} log σ(w_h·x_t + b_h)."""

    shared = False
    causal_only = True
    invariance = "content"

    def __init__(self, context: Context, *, key: Key[Array, ""]) -> None:
        shape = (context.model_width, context.heads)
        self.weight = nnx.Param(jax.random.normal(key, shape) / math.sqrt(context.model_width))
        self.offset = nnx.Param(jnp.zeros(context.heads))

    def observe(self, h: Float[Array, "T D"]) -> Float[Array, "T H"]:
        """log f of every token and head."""
        return jax.nn.log_sigmoid(h @ self.weight[...] + self.offset[...])

    def bias(self, q: Float[Array, "T H W"], k: Float[Array, "S H W"], view: View) -> Float[Array, "H T S"]:
        kept = view.k_seen.T[:, None, :]  # [H, 1, S]
        visible = kept if view.mask is None else jnp.where(view.mask, kept, 0.0)
        after = jnp.flip(jnp.cumsum(jnp.flip(visible, -1), -1), -1) - visible  # Σ over visible t > j
        return jnp.broadcast_to(after, (kept.shape[0], len(q), len(k)))


def reference_observe(h: np.ndarray, *, weight: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """`observe` as a slow loop in float64, written from the formula."""
    out = np.zeros((len(h), len(offset)))
    for t in range(len(h)):
        for head in range(len(offset)):
            out[t, head] = -math.log1p(
                math.exp(-float(h[t].astype(np.float64) @ weight[:, head]) - float(offset[head]))
            )
    return out


def reference_bias(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    k_seen: np.ndarray,
) -> np.ndarray:
    """`bias` as a slow loop in float64, written from the formula."""
    out = np.zeros((q.shape[1], len(q), len(k)))
    for head in range(q.shape[1]):
        for i in range(len(q)):
            for j in range(len(k)):
                between = [t for t in range(j + 1, len(k)) if mask is None or mask[i, t]]
                out[head, i, j] = sum(float(k_seen[t, head]) for t in between)
    return out
