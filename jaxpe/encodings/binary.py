"""The position written in binary: a simple code that textbooks reject, kept for comparison.

x + scale·b(p), where coordinate d of b(p) is bit (d mod 16) of p, as +1 or −1. The code is unique for 65,536 positions
and has an RMS of `scale`, like the sinusoids. But neighbours can differ in every bit (7 = 0111, 8 = 1000). Sinusoids
are its smooth version: both have coordinates that change fast and coordinates that change slowly.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from jaxpe.encodings.base import Context, Encoding

BITS = 16


class Binary(Encoding):
    """x_d + scale·(2·bit(p, d mod 16) − 1)."""

    integer_positions = True
    directed = True

    def __init__(self, context: Context, *, key: Key[Array, ""], scale: float = 1.0) -> None:
        self.scale = scale
        self.limit = 1 << min(BITS, context.model_width)

    @property
    def position_limit(self) -> int:
        return self.limit

    def embed(self, x: Float[Array, "T D"], positions: Int[Array, "T"]) -> Float[Array, "T D"]:
        place = jnp.asarray(np.arange(x.shape[-1]) % BITS, positions.dtype)
        bits = (positions[:, None] >> place) & 1
        return x + self.scale * (2.0 * bits.astype(jnp.float32) - 1.0)


def reference_embed(x: np.ndarray, positions: np.ndarray, *, scale: float = 1.0) -> np.ndarray:
    """`embed` as a slow loop over the binary digits as text."""
    out = np.array(x, np.float64)
    for t, p in enumerate(positions):
        digits = format(int(p), "016b")[::-1]
        for d in range(out.shape[1]):
            out[t, d] += scale if digits[d % 16] == "1" else -scale
    return out
