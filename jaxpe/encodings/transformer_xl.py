"""Transformer-XL's relative encoding (Dai et al. 2019, arXiv:1901.02860, §3.3): terms for content and distance.

The logit is ((q_i + u)·k_j + (q_i + v)·W R_r) / √K with r = i − j, so bias = (u·k_j + (q_i + v)·W R_r) / √K: u is a
global preference for contents, v one for distances. R_r is the sinusoid of the signed distance r at the model width D.
W (D × heads × K), u and v (heads × K) are learned in every block. W starts as N(0, 1/D), u and v as N(0, 0.02²).

R_{i−j} is a rotation of R_i by the angles of j, so the distance term is a product of a factor that depends on i and one
that depends on j. No table of all distances is built.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Context, Encoding, View
from jaxpe.encodings.frequencies import compute_frequencies
from jaxpe.errors import UserError


class TransformerXL(Encoding):
    """bias = (u·k_j + (q_i + v)·W R_r) / √K."""

    shared = False
    invariance = "relative"
    directed = True

    def __init__(self, context: Context, *, key: Key[Array, ""], base: float = 10_000.0) -> None:
        if context.model_width % 2:
            raise UserError(f"transformer_xl needs an even model width, got {context.model_width}: choose an even one.")
        self.base = base
        u, v, w = (jax.random.fold_in(key, i) for i in range(3))
        shape = (context.heads, context.head_width)
        self.content = nnx.Param(0.02 * jax.random.normal(u, shape))
        self.position = nnx.Param(0.02 * jax.random.normal(v, shape))
        self.matrix = nnx.Param(jax.random.normal(w, (context.model_width, *shape)) / math.sqrt(context.model_width))

    def bias(self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View) -> Float[Array, "H T S"]:
        frequency = compute_frequencies(self.matrix.shape[0], self.base)
        i, j = (p.astype(jnp.float32)[:, None] * frequency for p in (view.q_positions, view.k_positions))
        weights = jnp.einsum("thk,dhk->htd", q + self.position[...], self.matrix[...])
        of_sine, of_cosine = weights[..., 0::2], weights[..., 1::2]
        # sin(i − j) = sin i cos j − cos i sin j, cos(i − j) = cos i cos j + sin i sin j: factors of cos j, sin j.
        with_cosine = of_sine * jnp.sin(i) + of_cosine * jnp.cos(i)
        with_sine = of_cosine * jnp.sin(i) - of_sine * jnp.cos(i)
        left = jnp.concatenate([with_cosine, with_sine], axis=-1)
        right = jnp.concatenate([jnp.cos(j), jnp.sin(j)], axis=-1)
        by_distance = jnp.einsum("htd,sd->hts", left, right)
        by_content = jnp.einsum("hk,shk->hs", self.content[...], k)[:, None]
        return (by_distance + by_content) / math.sqrt(q.shape[-1])


def reference_bias(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    content: np.ndarray,
    position: np.ndarray,
    matrix: np.ndarray,
    base: float = 10_000.0,
) -> np.ndarray:
    """`bias` as a slow loop over all distances in float64, written from the formula."""
    width, heads, head_width = matrix.shape
    out = np.zeros((heads, len(q_positions), len(k_positions)))
    for t, i in enumerate(q_positions):
        for s, j in enumerate(k_positions):
            code = np.zeros(width)
            for c in range(width // 2):
                angle = (float(i) - float(j)) / base ** (2 * c / width)
                code[2 * c], code[2 * c + 1] = math.sin(angle), math.cos(angle)
            for h in range(heads):
                distance = np.asarray(matrix[:, h], np.float64).T @ code
                out[h, t, s] = content[h] @ k[s, h] + (q[t, h] + position[h]) @ distance
    return out / math.sqrt(head_width)
