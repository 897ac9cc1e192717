"""xPos (Sun et al. 2022, arXiv:2212.10554, §3.2): rotary encoding whose logits decay with distance.

q at position p is rotated as in rotary, and its pair c is multiplied by ζ_c^(p/scale_base); k by ζ_c^(−p/scale_base),
with ζ_c = (2c/K + 0.4) / 1.4. So the logit of pair c decays as ζ_c^(r/scale_base), r = i − j ≥ 0. For keys on the right
it would grow without bound: the encoding is for causal attention only. `scaled` sets scale_base = N/4 for N training
positions.

Only differences of positions matter, so powers are counted from the middle of the keys' positions, which avoids
overflow.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from jaxpe.encodings.base import Context, Encoding, View, require_trained_positions
from jaxpe.encodings.frequencies import compute_frequencies
from jaxpe.encodings.rotary import compute_rotated_width, rotate_pairs


class XPos(Encoding):
    """Rotary, with pair c multiplied by ζ_c^(p/scale_base) in queries and ζ_c^(−p/scale_base) in keys."""

    causal_only = True
    invariance = "relative"
    keeps_norms = False

    def __init__(
        self,
        context: Context,
        *,
        key: Key[Array, ""],
        base: float = 10_000.0,
        scale_base: float = 512.0,
        scaled: bool = False,
    ) -> None:
        self.width = compute_rotated_width(context.head_width, 1.0)
        self.base = base
        if scaled:
            scale_base = require_trained_positions(context.trained_positions, "xpos with scaled=True") / 4
        self.scale_base = scale_base

    def rotate(
        self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View
    ) -> tuple[Float[Array, "T H K"], Float[Array, "S H K"]]:
        frequency = compute_frequencies(self.width, self.base)
        decay = np.log((np.arange(0, self.width, 2) / self.width + 0.4) / 1.4)
        middle = (view.k_positions.max() + view.k_positions.min()) // 2

        def compute_growth(positions: Num[Array, "P"], sign: float) -> Float[Array, "P 1 K"]:
            power = (positions - middle).astype(jnp.float32)[:, None, None] * (sign / self.scale_base)
            return jnp.exp(power * jnp.asarray(np.repeat(decay, 2), jnp.float32))

        q, k = rotate_pairs(q, view.q_positions, frequency), rotate_pairs(k, view.k_positions, frequency)
        return q * compute_growth(view.q_positions, 1.0), k * compute_growth(view.k_positions, -1.0)


def reference_rotate(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    *,
    base: float = 10_000.0,
    scale_base: float = 512.0,
    scaled: bool = False,
    trained_positions: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """`rotate` as a slow loop in float64, with powers counted from the middle of the keys' positions."""
    scale = trained_positions / 4 if scaled and trained_positions else scale_base
    middle = (max(k_positions) + min(k_positions)) // 2

    def rotate(x: np.ndarray, positions: np.ndarray, sign: int) -> np.ndarray:
        out = np.zeros(x.shape, np.float64)
        for t, p in enumerate(positions):
            for h in range(x.shape[1]):
                for c in range(x.shape[2] // 2):
                    angle = float(p) / base ** (2 * c / x.shape[2])
                    zeta = (2 * c / x.shape[2] + 0.4) / 1.4
                    size = zeta ** (sign * float(p - middle) / scale)
                    a, b = float(x[t, h, 2 * c]), float(x[t, h, 2 * c + 1])
                    out[t, h, 2 * c] = size * (a * math.cos(angle) - b * math.sin(angle))
                    out[t, h, 2 * c + 1] = size * (a * math.sin(angle) + b * math.cos(angle))
        return out

    return rotate(q, q_positions, 1), rotate(k, k_positions, -1)
