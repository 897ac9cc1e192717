"""A soft-capped distance: attention falls with distance, but never by more than a fixed amount.

bias = −m_h·|r| / (1 + |r| / cap), where r = i − j, so it is never below −m_h·cap. The slopes are m_h = 2^(−h).
"""

import jax.numpy as jnp
import numpy as np

from jaxpe.encodings import Encoding


class SoftCap(Encoding):
    """bias = −m_h·|r| / (1 + |r| / cap), with m_h = 2^(−h) for h = 0 … H − 1."""

    invariance = "relative"
    directed = False

    def __init__(self, context, *, key, cap: float = 16.0):
        self.heads, self.cap = context.heads, cap

    def bias(self, q, k, view):
        distance = jnp.abs(view.distances)
        slopes = 0.5 ** jnp.arange(self.heads, dtype=jnp.float32)[:, None, None]
        return -slopes * distance / (1 + distance / self.cap)


def reference_bias(q, k, q_positions, k_positions, mask=None, *, heads, cap=16.0):
    """The same as a slow NumPy loop."""
    out = np.zeros((heads, len(q_positions), len(k_positions)))
    for h, t, s in np.ndindex(*out.shape):
        r = abs(float(q_positions[t]) - float(k_positions[s]))
        out[h, t, s] = -(2.0**-h) * r / (1 + r / cap)
    return out
