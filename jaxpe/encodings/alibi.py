"""ALiBi, attention with linear biases (Press et al. 2022, arXiv:2108.12409, §3): logits fall linearly with distance.

bias = −m_h·r in causal attention and −m_h·|r| in bidirectional attention, with r = i − j and a fixed slope m_h for each
head. Nothing is learned, and no other encoding is used with it.

Slopes: m_h = 2^(−8h/H), h = 1 … H, where the number of heads H is a power of two. Otherwise the slopes of the largest
power of two P below H come first, then every second slope of 2P heads (the 1st, 3rd, 5th …). With 2 heads the slopes
are 1/16 and 1/256, too small to matter for 20 tokens: use at least 4 heads.

The bidirectional form treats both sides alike, so it cannot tell left from right; `alibi_directed` can.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Attention, Context, Encoding, View


def compute_slopes(heads: int) -> np.ndarray:
    """The slopes m_1 … m_H."""
    power = 2 ** math.floor(math.log2(heads))
    first = [2 ** (-8 * h / power) for h in range(1, power + 1)]
    between = [2 ** (-4 * h / power) for h in range(1, 2 * power, 2)]
    return np.asarray((first + between)[:heads], np.float32)


class Alibi(Encoding):
    """bias = −m_h·r in causal attention, −m_h·|r| in bidirectional attention."""

    invariance = "relative"
    directed: bool | None = False

    def __init__(self, context: Context, *, key: Key[Array, ""]) -> None:
        self.heads, self.causal = context.heads, context.attention == "causal"

    def bias(self, q: Float[Array, "T H W"], k: Float[Array, "S H W"], view: View) -> Float[Array, "H T S"]:
        return self.compute_penalty(view.distances) * -compute_slopes(self.heads)[:, None, None]

    def compute_penalty(self, r: Float[Array, "T S"]) -> Float[Array, "T S"]:
        """What each slope is multiplied by: r or |r|."""
        return r if self.causal else jnp.abs(r)


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
    """`bias` as a slow loop in float64, written from the formula."""
    out = np.zeros((heads, len(q_positions), len(k_positions)))
    power = 1
    while 2 * power <= heads:
        power *= 2
    for h in range(heads):
        slope = 2.0 ** (-8 * (h + 1) / power) if h < power else 2.0 ** (-8 * (2 * (h - power) + 1) / (2 * power))
        for t, i in enumerate(q_positions):
            for s, j in enumerate(k_positions):
                r = float(i) - float(j)
                out[h, t, s] = -slope * (r if attention == "causal" else abs(r))
    return out
