"""KERPLE, logarithmic kernel (Chi et al. 2022, arXiv:2205.09921, §4).

bias = −p_h·log(1 + a_h·|r|), r = i − j, with p_h, a_h > 0 learned for each head, the same in all blocks: ALiBi with a slope
that is learned and a decay that flattens. Both are softplus of a free number (public code clamps them at 0.01 instead) and
start as p ~ U(0, 2), a ~ U(0, 1). It cannot tell left from right.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding, distances


class Kerple(Encoding):
    """−softplus(p)·log(1 + softplus(a)·|r|)."""

    invariance = "relative"
    directed = False

    def __init__(
        self, model_width: int, heads: int, max_length: int, attention: Attention, *, key: Key[Array, ""]
    ) -> None:
        def free(number: int, high: float) -> Float[Array, H]:
            """What softplus takes to a uniform draw; away from 0, where it would be −∞."""
            wanted = jax.random.uniform(jax.random.fold_in(key, number), (heads,), minval=0.01, maxval=high)
            return jnp.log(jnp.expm1(wanted))

        self.slope, self.rate = nnx.Param(free(0, 2.0)), nnx.Param(free(1, 1.0))

    def bias(
        self,
        q: Float[Array, "T H W"],
        k: Float[Array, "S H W"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Float[Array, "H T S"]:
        slope, rate = (jax.nn.softplus(free[...])[:, None, None] for free in (self.slope, self.rate))
        return -slope * jnp.log1p(rate * jnp.abs(distances(q_positions, k_positions)))


def reference_bias(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    slope: np.ndarray,
    rate: np.ndarray,
) -> np.ndarray:
    """`bias` as a slow loop in float64, written from the formula."""
    out = np.zeros((len(slope), len(q_positions), len(k_positions)))
    for h in range(len(slope)):
        p, a = (math.log(1 + math.exp(float(free[h]))) for free in (slope, rate))
        for t, i in enumerate(q_positions):
            for s, j in enumerate(k_positions):
                out[h, t, s] = -p * math.log(1 + a * abs(float(i) - float(j)))
    return out
