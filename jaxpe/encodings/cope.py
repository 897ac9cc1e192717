"""CoPE, contextual position encoding (Golovneva et al. 2024, arXiv:2405.18719, §4): content decides which tokens count.

With S_ij = q_i·k_j / √K, each visible key t has a gate g_it = σ(S_it). The position of key j, seen from query i, is the
sum of the gates from j to i: p_ij = Σ_{t ≥ j} g_it over visible t, clipped to the last row of the table. bias =
q_i·e[p_ij], where e[p] interpolates linearly between the two nearest rows of a learned table e (rows × K) that every
block has of its own and that starts at 0.

Options: `positions` is the number of rows; `scaled` takes as many rows as training has positions; `divided` divides the
bias by √K, as the authors' code does and the paper does not. Causal attention only: in bidirectional attention the sum
would count from the end of the input.
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


class CoPE(Encoding):
    """bias = q_i·e[p_ij], with p_ij = Σ_{t ≥ j} σ(q_i·k_t / √K) over visible keys t."""

    shared = False
    causal_only = True
    invariance = "content"

    def __init__(
        self, context: Context, *, key: Key[Array, ""], positions: int = 64, divided: bool = False, scaled: bool = False
    ) -> None:
        rows = require_trained_positions(context.trained_positions, "cope with scaled=True") if scaled else positions
        if rows < 2:
            raise UserError(f"cope needs at least 2 positions, got {rows}.")
        self.root, self.divided = math.sqrt(context.head_width), divided
        self.table = nnx.Param(jnp.zeros((rows, context.head_width)))

    def bias(self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View) -> Float[Array, "H T S"]:
        table = self.table[...]
        gates = jax.nn.sigmoid(jnp.einsum("thk,shk->hts", q, k) / self.root)
        if view.mask is not None:
            gates = jnp.where(view.mask, gates, 0.0)
        counted = jnp.flip(jnp.cumsum(jnp.flip(gates, -1), -1), -1)  # Σ over t ≥ j
        counted = jnp.minimum(counted, float(len(table) - 1))
        by_row = jnp.einsum("thk,nk->htn", q, table)
        below = jnp.minimum(jnp.floor(counted), float(len(table) - 2))
        row, part = below.astype(jnp.int32), counted - below
        low, high = (jnp.take_along_axis(by_row, row + n, axis=-1) for n in (0, 1))
        bias = (1 - part) * low + part * high
        return bias / self.root if self.divided else bias


def reference_bias(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    table: np.ndarray,
    divided: bool = False,
) -> np.ndarray:
    """`bias` as a slow loop in float64, written from the formula."""
    heads, width = q.shape[1:]
    out = np.zeros((heads, len(q), len(k)))
    for h in range(heads):
        for t in range(len(q)):
            count = 0.0
            for s in reversed(range(len(k))):
                if mask is None or mask[t, s]:
                    count += 1 / (1 + math.exp(-float(q[t, h] @ k[s, h]) / math.sqrt(width)))
                place = min(count, len(table) - 1.0)
                low, high = math.floor(place), math.ceil(place)
                code = table[low] + (place - low) * (np.asarray(table[high], np.float64) - table[low])
                out[h, t, s] = float(q[t, h] @ code) / (math.sqrt(width) if divided else 1.0)
    return out
