"""Relative position representations (Shaw et al. 2018, arXiv:1803.02155, §3.2): a learned vector per clipped distance.

bias = q_i·a[clip(r, −k, k)] / √K, with r = i − j, k = clip, and a learned table a of (2k + 1) × heads × K in every
block (`shared_heads`: one for all heads). All distances beyond k share a row. The paper adds a second table to the
values and finds that it makes no difference (Table 3); it is left out here. Rows start as N(0, 2/(2k + 1 + K))
(Glorot). `scaled` sets k = N/2 for N training positions, so that training uses every row.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Context, Encoding, View, require_trained_positions
from jaxpe.errors import UserError


class Shaw(Encoding):
    """bias = q_i·a[clip(r, −k, k)] / √K, with a of shape (2k + 1) × heads × K."""

    shared = False
    integer_positions = True
    invariance = "relative"
    directed = True

    def __init__(
        self, context: Context, *, key: Key[Array, ""], clip: int = 16, shared_heads: bool = False, scaled: bool = False
    ) -> None:
        if scaled:
            clip = max(1, require_trained_positions(context.trained_positions, "shaw with scaled=True") // 2)
        if clip < 1:
            raise UserError(f"shaw needs a clip of at least 1, got {clip}.")
        self.clip = clip
        self.width = context.head_width
        rows = 2 * self.clip + 1
        shape = (rows, 1 if shared_heads else context.heads, self.width)
        self.table = nnx.Param(jax.random.normal(key, shape) * math.sqrt(2 / (rows + self.width)))

    def compute_untrained_share(self, trained: int, tested: int) -> float:
        in_test, in_training = min(self.clip, tested - 1), min(self.clip, trained - 1)
        return (in_test - in_training) / (in_test + 1)

    def bias(self, q: Float[Array, "T H W"], k: Float[Array, "S H W"], view: View) -> Float[Array, "H T S"]:
        table = jnp.broadcast_to(self.table[...], (2 * self.clip + 1, *q.shape[1:]))
        by_row = jnp.einsum("thk,rhk->htr", q, table) / math.sqrt(self.width)
        row = jnp.clip(view.q_positions[:, None] - view.k_positions, -self.clip, self.clip) + self.clip
        return jnp.take_along_axis(by_row, jnp.broadcast_to(row, (q.shape[1], *row.shape)), axis=-1)


def reference_bias(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    table: np.ndarray,
    heads: int,
    clip: int = 16,
    scaled: bool = False,
    trained_positions: int | None = None,
) -> np.ndarray:
    """`bias` as a slow loop in float64, written from the formula."""
    out = np.zeros((heads, len(q_positions), len(k_positions)))
    largest = max(1, trained_positions // 2) if scaled and trained_positions else clip
    for h in range(heads):
        for t, i in enumerate(q_positions):
            for s, j in enumerate(k_positions):
                row = table[min(largest, max(-largest, int(i) - int(j))) + largest]
                vector = row[h if len(row) > 1 else 0]
                out[h, t, s] = sum(float(a) * float(b) for a, b in zip(q[t, h], vector, strict=True))
    return out / math.sqrt(q.shape[2])
