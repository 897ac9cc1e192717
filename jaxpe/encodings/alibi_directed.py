"""ALiBi with a bidirectional bias that tells left from right; in causal attention it equals ALiBi (Press et al. 2022).

The symmetric bias −m_h·|r| is the same on both sides of a query. Here keys on the left (r = i − j > 0) count as half a
position nearer: bias = −m_h·(|r| − ½) for r > 0, and −m_h·|r| otherwise. A variant of this package; slopes as in
`alibi`.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpe.encodings.alibi import Alibi
from jaxpe.encodings.alibi import reference_bias as alibi_reference
from jaxpe.encodings.base import Attention


class DirectedAlibi(Alibi):
    """bias = −m_h·(|r| − ½) for keys on the left, −m_h·|r| otherwise; −m_h·r in causal attention."""

    directed = True

    def compute_penalty(self, r: Float[Array, "T S"]) -> Float[Array, "T S"]:
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
    """ALiBi's slow loop, plus half a slope for keys on the left."""
    out = alibi_reference(q, k, q_positions, k_positions, mask, heads=heads, attention=attention)
    slope = -alibi_reference(q, k, np.array([1]), np.array([0]), heads=heads, attention="causal")[:, 0, 0]
    for t, i in enumerate(q_positions):
        for s, j in enumerate(k_positions):
            if attention != "causal" and i > j:
                out[:, t, s] += slope / 2
    return out
