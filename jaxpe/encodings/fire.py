"""FIRE, functional interpolation for relative encodings (Li et al. 2023, arXiv:2310.04418, §3): an MLP of distance.

bias = f_h(ψ(|r|) / ψ(max(L, i))) in causal attention, with ψ(x) = log(c·x + 1), r = i − j, and i the position of the
query. Distances are divided by the largest distance that the query can see, so the arguments of f stay in the trained
range on longer inputs. Below the length L they are divided by ψ(L). In bidirectional attention the argument is
sign(r)·ψ(|r|) / ψ(max(L, largest visible |r|)).

f is an MLP with one input, `hidden` units with ReLU and one output for each head; it has no output bias, since the
softmax ignores a constant for each head. All blocks share it. c and L are learned: c starts at 0.1, and L =
multiplier·L₀ with a multiplier that starts at 1; absolute values keep both positive. With the paper's L₀ = 512, 20
tokens are never normalised; `scaled` sets L₀ = N/4 for N training positions.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Attention, Context, Encoding, View, require_trained_positions


class Fire(Encoding):
    """bias = f_h(ψ(|r|) / ψ(max(L, i))), with ψ(x) = log(|c|·x + 1) and L = |multiplier|·L₀."""

    invariance = "relative below a length"
    directed = True

    def __init__(
        self, context: Context, *, key: Key[Array, ""], length: float = 512.0, hidden: int = 32, scaled: bool = False
    ) -> None:
        self.causal = context.attention == "causal"
        if not self.causal:
            self.invariance = "relative"  # distances are divided by a distance, not by a position
        if scaled:
            length = require_trained_positions(context.trained_positions, "fire with scaled=True") / 4
        self.length = length
        weight, offset, out = (jax.random.fold_in(key, i) for i in range(3))
        self.steepness = nnx.Param(jnp.asarray(0.1))
        self.multiplier = nnx.Param(jnp.asarray(1.0))
        self.weight = nnx.Param(jax.random.uniform(weight, (hidden,), minval=-1.0, maxval=1.0))
        self.offset = nnx.Param(jax.random.uniform(offset, (hidden,), minval=-1.0, maxval=1.0))
        self.out = nnx.Param(jax.random.normal(out, (hidden, context.heads)) / math.sqrt(hidden))

    def bias(self, q: Float[Array, "T H W"], k: Float[Array, "S H W"], view: View) -> Float[Array, "H T S"]:
        r = view.distances
        if self.causal:
            largest = view.q_positions.astype(jnp.float32)[:, None]
        else:
            visible = jnp.abs(r) if view.mask is None else jnp.where(view.mask, jnp.abs(r), 0.0)
            largest = visible.max(axis=-1, keepdims=True)
        normaliser = self.compress(jnp.maximum(jnp.abs(self.multiplier[...]) * self.length, largest))
        argument = self.compress(jnp.abs(r)) / normaliser
        if not self.causal:
            argument = jnp.sign(r) * argument
        hidden = jax.nn.relu(argument[..., None] * self.weight[...] + self.offset[...])
        return jnp.einsum("tsn,nh->hts", hidden, self.out[...])

    def compress(self, x: Float[Array, "T S"]) -> Float[Array, "T S"]:
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
    bias = np.zeros((out.shape[1], len(q_positions), len(k_positions)))
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
                bias[:, t, s] += max(0.0, x * float(weight[n]) + float(offset[n])) * out[n]
    return bias
