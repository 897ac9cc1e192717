"""FIRE, functional interpolation for relative encodings (Li et al. 2023, arXiv:2310.04418, §3).

bias = f_h(ψ(|r|) / ψ(max(L, i))), ψ(x) = log(c·x + 1), r = i − j, with i the query's position: distances are normalised by
the largest that the query can see, so that longer inputs meet no new argument; below the length L they are not. **max**, not
min. In bidirectional attention the argument is sign(r)·ψ(|r|) / ψ(max(L, largest visible |r|)).

f is an MLP 1 → 32 → heads with ReLU and no output bias (a constant for each head is dead in the softmax), the same in all
blocks; c and L = multiplier·L₀ are learned through their absolute values, from c = 0.1 and the multiplier 1. L₀ = 512 never
normalises at 20 tokens: `scaled` has L₀ = N/4 for N training positions.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding, distances
from jaxpe.errors import UserError


class Fire(Encoding):
    """f_h(ψ(|r|) / ψ(max(L, i))), ψ(x) = log(|c|·x + 1), L = |multiplier|·L₀."""

    invariance = "relative below a length"
    directed = True

    def __init__(
        self,
        model_width: int,
        heads: int,
        max_length: int,
        attention: Attention,
        *,
        key: Key[Array, ""],
        length: float = 512.0,
        hidden: int = 32,
        scaled: bool = False,
        trained_positions: int | None = None,
    ) -> None:
        if scaled and trained_positions is None:
            raise UserError("fire with scaled=True needs trained_positions, how many positions training used.")
        self.causal = attention == "causal"
        if not self.causal:
            self.invariance = "relative"  # its normaliser is a distance, not a position
        self.length = trained_positions / 4 if scaled and trained_positions else length
        weight, offset, out = (jax.random.fold_in(key, i) for i in range(3))
        self.steepness = nnx.Param(jnp.asarray(0.1))
        self.multiplier = nnx.Param(jnp.asarray(1.0))
        self.weight = nnx.Param(jax.random.uniform(weight, (hidden,), minval=-1.0, maxval=1.0))
        self.offset = nnx.Param(jax.random.uniform(offset, (hidden,), minval=-1.0, maxval=1.0))
        self.out = nnx.Param(jax.random.normal(out, (hidden, heads)) / math.sqrt(hidden))

    def bias(
        self,
        q: Float[Array, "T H W"],
        k: Float[Array, "S H W"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Float[Array, "H T S"]:
        r = distances(q_positions, k_positions)
        if self.causal:
            largest = q_positions.astype(jnp.float32)[:, None]
        else:
            visible = jnp.abs(r) if mask is None else jnp.where(mask, jnp.abs(r), 0.0)
            largest = visible.max(axis=-1, keepdims=True)
        normaliser = self.squeezed(jnp.maximum(jnp.abs(self.multiplier[...]) * self.length, largest))
        argument = self.squeezed(jnp.abs(r)) / normaliser
        if not self.causal:
            argument = jnp.sign(r) * argument
        hidden = jax.nn.relu(argument[..., None] * self.weight[...] + self.offset[...])
        return jnp.einsum("tsn,nh->hts", hidden, self.out[...])

    def squeezed(self, x: Float[Array, "T S"]) -> Float[Array, "T S"]:
        """ψ(x) = log(|c|·x + 1)."""
        return jnp.log1p(jnp.abs(self.steepness[...]) * x)


def reference_bias(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    steepness: np.ndarray,
    multiplier: np.ndarray,
    weight: np.ndarray,
    offset: np.ndarray,
    out: np.ndarray,
    attention: Attention,
    length: float = 512.0,
    scaled: bool = False,
    trained_positions: int | None = None,
) -> np.ndarray:
    """`bias` as a slow loop in float64, written from the formula."""
    start = trained_positions / 4 if scaled and trained_positions else length
    found = np.zeros((out.shape[1], len(q_positions), len(k_positions)))
    for t, i in enumerate(q_positions):
        seen = [abs(float(i) - float(j)) for s, j in enumerate(k_positions) if mask is None or mask[t, s]]
        largest = float(i) if attention == "causal" else max(seen, default=0.0)
        normaliser = math.log(abs(float(steepness)) * max(abs(float(multiplier)) * start, largest) + 1)
        for s, j in enumerate(k_positions):
            r = float(i) - float(j)
            x = math.log(abs(float(steepness)) * abs(r) + 1) / normaliser
            if attention != "causal" and r < 0:
                x = -x
            for n in range(len(weight)):
                found[:, t, s] += max(0.0, x * float(weight[n]) + float(offset[n])) * out[n]
    return found
