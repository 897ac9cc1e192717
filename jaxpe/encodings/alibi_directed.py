"""ALiBi that tells left from right in bidirectional attention; in causal attention it is ALiBi (Press et al. 2022).

The symmetric bias −m_h·|r| gives the keys on either side the same. Here those on the left (r = i − j > 0) are half a
position nearer: −m_h·(|r| − ½) for r > 0, −m_h·|r| else.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpe.encodings.alibi import Alibi
from jaxpe.encodings.alibi import reference_bias as alibi_reference
from jaxpe.encodings.base import Attention


class DirectedAlibi(Alibi):
    """−m_h·(|r| − ½) for keys on the left, −m_h·|r| else; −m_h·r in causal attention."""

    directed = True

    def distance(self, r: Float[Array, "T S"]) -> Float[Array, "T S"]:
        return r if self.causal else jnp.abs(r) - 0.5 * (r > 0).astype(jnp.float32)


def reference_bias(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    heads: int,
    attention: Attention,
) -> np.ndarray:
    """`bias` as ALiBi's slow loop, and half a slope more for keys on the left."""
    out = alibi_reference(q, k, q_positions, k_positions, mask, heads=heads, attention=attention)
    slope = -alibi_reference(q, k, np.array([1]), np.array([0]), heads=heads, attention="causal")[:, 0, 0]
    for t, i in enumerate(q_positions):
        for s, j in enumerate(k_positions):
            if attention != "causal" and i > j:
                out[:, t, s] += slope / 2
    return out
