"""PoPE, polar coordinates (Gopalakrishnan et al. 2025, arXiv:2509.10534): content in magnitudes, position in angles.

Each of the K coordinates of a head becomes a vector in a plane. For a query it has the length softplus(q_c) and the
angle p·θ_c; for a key the length softplus(k_c) and the angle p·θ_c + δ_c, with θ_c = base^(−c/K). The logit is Σ_c
softplus(q_c)·softplus(k_c)·cos(r·θ_c − δ_c) / √K, r = i − j. The phase δ (heads × K) is learned in every block, starts
at 0 and is clamped to [−2π, 0]. Queries and keys become twice as wide (W = 2K), so compare at equal FLOPs too.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key, Num

from jaxpe.encodings.base import Context, Encoding, View
from jaxpe.encodings.frequencies import compute_frequencies


class PoPE(Encoding):
    """Vectors of length softplus(x_c) at the angle p·base^(−c/K), plus a learned phase for keys."""

    shared = False
    invariance = "relative"
    directed = True
    keeps_norms = False

    def __init__(self, context: Context, *, key: Key[Array, ""], base: float = 10_000.0) -> None:
        self.base = base
        self.phase = nnx.Param(jnp.zeros((context.heads, context.head_width)))

    def rotate(
        self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View
    ) -> tuple[Float[Array, "T H W"], Float[Array, "S H W"]]:
        width = q.shape[-1]
        frequency = compute_frequencies(width, self.base, step=1)

        def to_polar(
            x: Float[Array, "P H K"], positions: Num[Array, "P"], phase: Array | float
        ) -> Float[Array, "P H W"]:
            angle = positions.astype(jnp.float32)[:, None, None] * frequency + phase
            size = jax.nn.softplus(x)
            return jnp.concatenate([size * jnp.cos(angle), size * jnp.sin(angle)], axis=-1)

        phase = jnp.clip(self.phase[...], -2 * math.pi, 0.0)
        return to_polar(q, view.q_positions, 0.0), to_polar(k, view.k_positions, phase)


def reference_rotate(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    *,
    phase: np.ndarray,
    base: float = 10_000.0,
) -> tuple[np.ndarray, np.ndarray]:
    """`rotate` as a slow loop in float64: the cosines of all coordinates, then their sines."""

    def to_polar(x: np.ndarray, positions: np.ndarray, phases: np.ndarray) -> np.ndarray:
        count, heads, width = x.shape
        out = np.zeros((count, heads, 2 * width))
        for t, p in enumerate(positions):
            for h in range(heads):
                for c in range(width):
                    angle = float(p) / base ** (c / width) + min(0.0, max(-2 * math.pi, float(phases[h, c])))
                    size = math.log1p(math.exp(float(x[t, h, c])))
                    out[t, h, c] = size * math.cos(angle)
                    out[t, h, width + c] = size * math.sin(angle)
        return out

    return to_polar(q, q_positions, np.zeros_like(phase)), to_polar(k, k_positions, phase)
