"""KERPLE with the logarithmic kernel (Chi et al. 2022, arXiv:2205.09921, §4): logits fall with log distance.

bias = −p_h·log(1 + a_h·|r|), with r = i − j and p_h, a_h > 0 learned for each head; all blocks share them. Compared
with ALiBi the slope is learned and the decay flattens. Both are the softplus of a free parameter (the authors' code
clamps them at 0.01 instead) and start as p ~ U(0, 2), a ~ U(0, 1). The bias cannot tell left from right.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Context, Encoding, View


class Kerple(Encoding):
    """bias = −softplus(slope)·log(1 + softplus(rate)·|r|)."""

    invariance = "relative"
    directed = False

    def __init__(self, context: Context, *, key: Key[Array, ""]) -> None:
        def draw(number: int, high: float) -> Float[Array, "H"]:
            """The inverse softplus of a uniform draw from 0.01 … high; at 0 it would be −∞."""
            start = jax.random.uniform(jax.random.fold_in(key, number), (context.heads,), minval=0.01, maxval=high)
            return jnp.log(jnp.expm1(start))

        self.slope, self.rate = nnx.Param(draw(0, 2.0)), nnx.Param(draw(1, 1.0))

    def bias(self, q: Float[Array, "T H W"], k: Float[Array, "S H W"], view: View) -> Float[Array, "H T S"]:
        slope, rate = (jax.nn.softplus(free[...])[:, None, None] for free in (self.slope, self.rate))
        return -slope * jnp.log1p(rate * jnp.abs(view.distances))


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
