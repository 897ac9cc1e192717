"""CoPE, contextual position encoding (Golovneva et al. 2024, arXiv:2405.18719, §4): positions are counted by content.

With S_ij = q_i·k_j / √K under the mask, each visible key t has a gate g_it = σ(S_it), and the position of key j seen from i
is p_ij = Σ_{t ≥ j} g_it over visible t, at most `positions` − 1. The bias is q_i·e[p_ij], read between the two nearest rows
of a table e (positions × K) in every block, without 1/√K; the authors' repository divides it, which is the option
`divided`. The table starts at 0, as theirs. For causal attention only: in bidirectional attention Σ_{t ≥ j} would count
from the end of the input. `scaled`: as many rows as training has positions.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding
from jaxpe.errors import UserError


class CoPE(Encoding):
    """q_i·e[p_ij], p_ij = Σ_{t ≥ j} σ(S_it)."""

    shared = False
    causal_only = True
    invariance = "content"

    def __init__(
        self,
        model_width: int,
        heads: int,
        max_length: int,
        attention: Attention,
        *,
        key: Key[Array, ""],
        positions: int = 64,
        divided: bool = False,
        scaled: bool = False,
        trained_positions: int | None = None,
    ) -> None:
        if attention != "causal":
            raise UserError(f"cope is for causal attention only, not {attention}: take t5 or shaw there.")
        if scaled and trained_positions is None:
            raise UserError("cope with scaled=True needs trained_positions, how many positions training used.")
        rows = trained_positions if scaled and trained_positions else positions
        if rows < 2:
            raise UserError(f"cope needs at least 2 positions, got {rows}.")
        self.root, self.divided = math.sqrt(model_width // heads), divided
        self.table = nnx.Param(jnp.zeros((rows, model_width // heads)))

    def bias(
        self,
        q: Float[Array, "T H K"],
        k: Float[Array, "S H K"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Float[Array, "H T S"]:
        table = self.table[...]
        gates = jax.nn.sigmoid(jnp.einsum("thk,shk->hts", q, k) / self.root)
        if mask is not None:
            gates = jnp.where(mask, gates, 0.0)
        counted = jnp.flip(jnp.cumsum(jnp.flip(gates, -1), -1), -1)  # Σ over t ≥ j
        counted = jnp.minimum(counted, float(len(table) - 1))
        by_row = jnp.einsum("thk,nk->htn", q, table)
        below = jnp.minimum(jnp.floor(counted), float(len(table) - 2))
        row, part = below.astype(jnp.int32), counted - below
        low, high = (jnp.take_along_axis(by_row, row + n, axis=-1) for n in (0, 1))
        found = (1 - part) * low + part * high
        return found / self.root if self.divided else found


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
    found = np.zeros((heads, len(q), len(k)))
    for h in range(heads):
        for t in range(len(q)):
            count = 0.0
            for s in reversed(range(len(k))):
                if mask is None or mask[t, s]:
                    count += 1 / (1 + math.exp(-float(q[t, h] @ k[s, h]) / math.sqrt(width)))
                place = min(count, len(table) - 1.0)
                low, high = math.floor(place), math.ceil(place)
                code = table[low] + (place - low) * (np.asarray(table[high], np.float64) - table[low])
                found[h, t, s] = float(q[t, h] @ code) / (math.sqrt(width) if divided else 1.0)
    return found
