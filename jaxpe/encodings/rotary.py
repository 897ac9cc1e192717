"""Rotary encoding, RoPE (Su et al. 2021, arXiv:2104.09864, §3.2.2; GPT-NeoX, Llama): positions rotate queries and keys.

The pair of coordinates (2c, 2c+1) of every query and key, c = 0 … K/2 − 1, is rotated by the angle p·θ_c with
θ_c = base^(−2c/K). The logit of a query at i and a key at j then depends on r = i − j only, and norms do not change.
`fraction` below 1 rotates the first pairs only, with frequencies over their own width (GPT-NeoX: 25 %).

Cross-attention has no rotary encoding, nor any other relative one.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from jaxpe.encodings.base import Context, Encoding, View
from jaxpe.encodings.frequencies import compute_frequencies
from jaxpe.errors import UserError


def rotate_pairs(
    x: Float[Array, "T H K"], positions: Num[Array, "T"], frequency: np.ndarray, amplitude: float = 1.0
) -> Float[Array, "T H K"]:
    """x with its first pairs, one for each frequency, rotated by position · frequency and multiplied by `amplitude`.

    Angles are formed by broadcasting in float32: a matrix product may round them to 16 bits.
    """
    angle = positions.astype(jnp.float32)[:, None, None] * frequency
    sine, cosine = amplitude * jnp.sin(angle), amplitude * jnp.cos(angle)
    width = 2 * len(frequency)
    a, b = x[..., 0:width:2], x[..., 1:width:2]
    pairs = jnp.stack([a * cosine - b * sine, a * sine + b * cosine], axis=-1)
    return jnp.concatenate([pairs.reshape(*x.shape[:-1], width), x[..., width:]], axis=-1)


class Rotary(Encoding):
    """Pair c of q and k rotated by the angle p·base^(−2c/K)."""

    invariance = "relative"
    directed = True

    def __init__(self, context: Context, *, key: Key[Array, ""], base: float = 10_000.0, fraction: float = 1.0) -> None:
        self.width = compute_rotated_width(context.head_width, fraction)
        self.base = base

    def compute_untrained_share(self, trained: int, tested: int) -> float:
        turns = trained * compute_frequencies(self.width, self.base) / (2 * math.pi)
        return float((turns < 1).mean())

    def rotate(
        self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View
    ) -> tuple[Float[Array, "T H K"], Float[Array, "S H K"]]:
        frequency = compute_frequencies(self.width, self.base)
        return rotate_pairs(q, view.q_positions, frequency), rotate_pairs(k, view.k_positions, frequency)


def compute_rotated_width(head_width: int, fraction: float) -> int:
    """How many coordinates of a head are rotated. Raises UserError where none are, or the head width is odd."""
    width = 2 * round(fraction * head_width / 2)
    if head_width % 2 or not 0 < width <= head_width:
        raise UserError(
            f"rotary rotates pairs of coordinates; a head width of {head_width} and fraction={fraction} give {width}. "
            "Choose an even head width (model width / heads) and a fraction above 0 and at most 1."
        )
    return width


def reference_rotate(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    *,
    base: float = 10_000.0,
    fraction: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """`rotate` as a slow loop in float64, written from the formula."""

    def rotate(x: np.ndarray, positions: np.ndarray) -> np.ndarray:
        out = np.array(x, np.float64)
        width = 2 * round(fraction * x.shape[2] / 2)
        for t, p in enumerate(positions):
            for h in range(x.shape[1]):
                for c in range(width // 2):
                    angle = float(p) / base ** (2 * c / width)
                    a, b = float(x[t, h, 2 * c]), float(x[t, h, 2 * c + 1])
                    out[t, h, 2 * c] = a * math.cos(angle) - b * math.sin(angle)
                    out[t, h, 2 * c + 1] = a * math.sin(angle) + b * math.cos(angle)
        return out

    return rotate(q, q_positions), rotate(k, k_positions)
