"""xPos (Sun et al. 2022, arXiv:2212.10554, §3.2): rotary encoding with a decay.

q at p is turned as in rotary and its pair c multiplied by ζ_c^(p/scale_base), k by ζ_c^(−p/scale_base), with
ζ_c = (2c/K + 0.4) / 1.4. The logit of pair c so decays as ζ_c^(r/scale_base), r = i − j ≥ 0. For keys on the right it
would grow without bound: the encoding is for causal attention only.

Only differences of positions count, so powers are taken from the middle of the keys' positions: nothing overflows early.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding
from jaxpe.encodings.rotary import frequencies, turned, turned_width
from jaxpe.errors import UserError


class XPos(Encoding):
    """Rotary times ζ_c^(±p/scale_base); `scaled`: scale_base = N/4 for N training positions."""

    causal_only = True
    invariance = "relative"
    keeps_norms = False

    def __init__(
        self,
        model_width: int,
        heads: int,
        max_length: int,
        attention: Attention,
        *,
        key: Key[Array, ""],
        base: float = 10_000.0,
        scale_base: float = 512.0,
        scaled: bool = False,
        trained_positions: int | None = None,
    ) -> None:
        if attention != "causal":
            raise UserError(f"xpos is for causal attention only, not {attention}: take rotary there.")
        if scaled and trained_positions is None:
            raise UserError("xpos with scaled=True needs trained_positions, how many positions training used.")
        self.width = turned_width(model_width // heads, 1.0)
        self.base = base
        self.scale_base = trained_positions / 4 if scaled and trained_positions else scale_base

    def rotate(
        self,
        q: Float[Array, "T H K"],
        k: Float[Array, "S H K"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
    ) -> tuple[Float[Array, "T H K"], Float[Array, "S H K"]]:
        frequency = frequencies(self.width, self.base)
        decay = np.log((np.arange(0, self.width, 2) / self.width + 0.4) / 1.4)
        middle = (k_positions.max() + k_positions.min()) // 2

        def grown(positions: Num[Array, P], sign: float) -> Float[Array, "P 1 K"]:
            power = (positions - middle).astype(jnp.float32)[:, None, None] * (sign / self.scale_base)
            return jnp.exp(power * jnp.asarray(np.repeat(decay, 2), jnp.float32))

        q, k = turned(q, q_positions, frequency), turned(k, k_positions, frequency)
        return q * grown(q_positions, 1.0), k * grown(k_positions, -1.0)


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
    """`rotate` as a slow loop in float64. Powers from the middle of the keys' positions, which no logit shows."""
    scale = trained_positions / 4 if scaled and trained_positions else scale_base
    middle = (max(k_positions) + min(k_positions)) // 2

    def turn(x: np.ndarray, positions: np.ndarray, sign: int) -> np.ndarray:
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

    return turn(q, q_positions, 1), turn(k, k_positions, -1)
