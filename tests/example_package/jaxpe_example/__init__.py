"""Distance that saturates: the logits of head h fall by m_h · |r| / (1 + |r| / c), r = i − j, so by m_h · c at most."""

import jax.numpy as jnp
import numpy as np

from jaxpe.encodings import Encoding


class SoftCap(Encoding):
    """−m_h · |r| / (1 + |r| / c), with m_h = 2^(−h) for h = 0 … H − 1."""

    invariance = "relative"
    directed = False

    def __init__(self, model_width, heads, max_length, attention, *, key, cap: float = 16.0):
        self.heads, self.cap = heads, cap

    def bias(self, q, k, q_positions, k_positions, mask=None):
        distance = jnp.abs(q_positions[:, None] - k_positions).astype(jnp.float32)
        slopes = 0.5 ** jnp.arange(self.heads, dtype=jnp.float32)[:, None, None]
        return -slopes * distance / (1 + distance / self.cap)


def reference_bias(q, k, q_positions, k_positions, mask=None, *, heads, cap=16.0):
    """The same as a slow loop."""
    out = np.zeros((heads, len(q_positions), len(k_positions)))
    for h, t, s in np.ndindex(*out.shape):
        r = abs(float(q_positions[t]) - float(k_positions[s]))
        out[h, t, s] = -(2.0**-h) * r / (1 + r / cap)
    return out
