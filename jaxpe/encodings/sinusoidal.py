"""Sinusoidal encoding (Vaswani et al. 2017, arXiv:1706.03762, §3.5): sines and cosines of many frequencies are added.

x + PE(p), with PE(p, 2c) = sin(p / base^(2c/D)) and PE(p, 2c+1) = cos(p / base^(2c/D)), c = 0 … D/2 − 1. Each pair (2c,
2c+1) is like a clock hand that turns by a fixed angle per position, so PE(p+k) is a rotation of PE(p) that depends on k
only. The squares of a row sum to D/2. `scale` is the RMS per coordinate, hence the factor scale·√2.

With `paper_scale` both sides have their published scales: token embeddings are multiplied by √D (§3.4) and start as
N(0, 1/D), as in the authors' code (tensor2tensor, `layers/modalities.py`), so that their RMS is 1; the amplitude of the
sinusoids is 1, so that their RMS is 1/√2. Position : token is 0.71 at every width.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from jaxpe.encodings.base import Context, Encoding
from jaxpe.encodings.frequencies import compute_frequencies
from jaxpe.errors import UserError


def compute_sinusoids(positions: Num[Array, "T"], width: int, base: float = 10_000.0) -> Float[Array, "T {width}"]:
    """PE at these positions, with amplitude 1. Angles are formed by broadcasting in float32, as in `rotary`."""
    frequency = compute_frequencies(width, base)
    angle = positions.astype(jnp.float32)[:, None] * frequency
    return jnp.stack([jnp.sin(angle), jnp.cos(angle)], axis=-1).reshape(positions.shape[0], width)


class Sinusoidal(Encoding):
    """x + scale·√2·PE(p). With `paper_scale`: √D·x + PE(p), where x starts as N(0, 1/D)."""

    directed = True

    def __init__(
        self,
        context: Context,
        *,
        key: Key[Array, ""],
        base: float = 10_000.0,
        scale: float = 1.0,
        paper_scale: bool = False,
    ) -> None:
        if context.model_width % 2:
            raise UserError(f"sinusoidal needs an even model width, got {context.model_width}: choose an even one.")
        self.base = base
        self.amplitude = 1.0 if paper_scale else scale * math.sqrt(2)
        self.token_scale = math.sqrt(context.model_width) if paper_scale else 1.0
        self.token_std = 1 / self.token_scale

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
        return x * self.token_scale + self.amplitude * compute_sinusoids(positions, x.shape[-1], self.base)


def reference_embed(
    x: np.ndarray, positions: np.ndarray, *, base: float = 10_000.0, scale: float = 1.0, paper_scale: bool = False
) -> np.ndarray:
    """`embed` as a slow loop in float64, written from the formula."""
    out = np.array(x, np.float64)
    width = out.shape[1]
    amplitude = 1.0 if paper_scale else scale * math.sqrt(2)
    if paper_scale:
        out *= math.sqrt(width)
    for t, p in enumerate(positions):
        for c in range(width // 2):
            angle = float(p) / base ** (2 * c / width)
            out[t, 2 * c] += amplitude * math.sin(angle)
            out[t, 2 * c + 1] += amplitude * math.cos(angle)
    return out
