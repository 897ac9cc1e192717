"""The position as one growing number: a simple code that textbooks reject, kept for comparison.

x + scale·√3·p/N in every coordinate, with N training positions (`max_length` where N is not passed). Uniform positions
in training give it an RMS of `scale`. Neighbours differ by √3/N in a single direction, less for longer training inputs.
Beyond N the number keeps growing and drowns the token.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from jaxpe.encodings.base import Context, Encoding


class Scalar(Encoding):
    """x + scale·√3·p/N in every coordinate."""

    directed = True

    def __init__(self, context: Context, *, key: Key[Array, ""], scale: float = 1.0) -> None:
        self.slope = scale * math.sqrt(3) / (context.trained_positions or context.max_length)

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
        return x + self.slope * positions.astype(jnp.float32)[:, None]


def reference_embed(
    x: np.ndarray,
    positions: np.ndarray,
    *,
    max_length: int,
    scale: float = 1.0,
    trained_positions: int | None = None,
) -> np.ndarray:
    """`embed` as a slow loop."""
    out = np.array(x, np.float64)
    for t, p in enumerate(positions):
        for d in range(out.shape[1]):
            out[t, d] += scale * math.sqrt(3) * float(p) / (trained_positions or max_length)
    return out
