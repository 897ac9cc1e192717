"""p-RoPE: rotary encoding without its lowest frequencies (Barbero et al. 2024, arXiv:2410.06205, §6.1).

The fraction `kept` of the pairs with the highest frequencies is rotated as in rotary, θ_c = base^(−2c/K). The other
pairs are not rotated and carry content only. This differs from `fraction` of `rotary`, which spreads all frequencies
over fewer pairs.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Context, Encoding, View
from jaxpe.encodings.frequencies import compute_frequencies
from jaxpe.encodings.rotary import compute_rotated_width, rotate_pairs
from jaxpe.encodings.rotary import reference_rotate as rotary_reference
from jaxpe.errors import UserError


class PRope(Encoding):
    """Rotary in which only the first round(kept·K/2) pairs are rotated."""

    invariance = "relative"
    directed = True

    def __init__(self, context: Context, *, key: Key[Array, ""], base: float = 10_000.0, kept: float = 0.75) -> None:
        self.width = compute_rotated_width(context.head_width, 1.0)
        self.pairs = round(kept * self.width / 2)
        if not 0 < self.pairs <= self.width // 2:
            raise UserError(f"p_rope needs a fraction of pairs above 0 and at most 1, got kept={kept}.")
        self.base = base

    def rotate(
        self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View
    ) -> tuple[Float[Array, "T H K"], Float[Array, "S H K"]]:
        frequency = compute_frequencies(self.width, self.base)[: self.pairs]
        return rotate_pairs(q, view.q_positions, frequency), rotate_pairs(k, view.k_positions, frequency)


def reference_rotate(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    *,
    base: float = 10_000.0,
    kept: float = 0.75,
) -> tuple[np.ndarray, np.ndarray]:
    """Rotary's slow loop, with the pairs of low frequency unchanged."""
    first = 2 * round(kept * q.shape[2] / 2)
    rotated_q, rotated_k = rotary_reference(q, k, q_positions, k_positions, base=base)
    rotated_q[:, :, first:], rotated_k[:, :, first:] = q[:, :, first:], k[:, :, first:]
    return rotated_q, rotated_k
