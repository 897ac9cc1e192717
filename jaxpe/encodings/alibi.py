"""ALiBi, attention with linear biases (Press et al. 2022, arXiv:2108.12409, §3).

The logit of head h falls by m_h per position: bias = −m_h·r in causal attention, −m_h·|r| in bidirectional, r = i − j. The
slopes are m_h = 2^(−8h/H), h = 1 … H, where H is a power of two; else those of the largest power of two P below H, then the
1st, 3rd, 5th … of the series for 2P. Nothing is learned, and nothing else tells position: the paper's models have no
absolute table beside it. With 2 heads the slopes are 1/16 and 1/256, next to nothing at 20 tokens: use at least 4 heads.

Of the same distance on either side, the bidirectional form cannot tell left from right: `alibi_directed` can.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding, distances


def slopes(heads: int) -> np.ndarray:
    """m_h for h = 1 … heads."""
    power = 2 ** math.floor(math.log2(heads))
    own = [2 ** (-8 * h / power) for h in range(1, power + 1)]
    between = [2 ** (-4 * h / power) for h in range(1, 2 * power, 2)]
    return np.asarray((own + between)[:heads], np.float32)


class Alibi(Encoding):
    """−m_h·r, or −m_h·|r| in bidirectional attention."""

    invariance = "relative"
    directed: bool | None = False

    def __init__(
        self, model_width: int, heads: int, max_length: int, attention: Attention, *, key: Key[Array, ""]
    ) -> None:
        self.heads, self.causal = heads, attention == "causal"

    def bias(
        self,
        q: Float[Array, "T H W"],
        k: Float[Array, "S H W"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Float[Array, "H T S"]:
        return self.distance(distances(q_positions, k_positions)) * -slopes(self.heads)[:, None, None]

    def distance(self, r: Float[Array, "T S"]) -> Float[Array, "T S"]:
        """What a logit falls with."""
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
