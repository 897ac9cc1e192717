"""NTK-aware rotary encoding (bloc97 2023; Peng et al. 2023, arXiv:2309.00071, §3.1), for inputs `factor` times longer.

Rotary with base' = base·s^(K/(K−2)), s = factor: the fastest pair is unchanged, the slowest rotates s times more
slowly. It is meant for testing a model that was trained with plain rotary. For position interpolation (Chen et al.
2023, arXiv:2306.15595) use the position sampler `interpolated`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Context, Encoding, View
from jaxpe.encodings.frequencies import compute_frequencies
from jaxpe.encodings.rotary import compute_rotated_width, rotate_pairs
from jaxpe.encodings.rotary import reference_rotate as rotary_reference
from jaxpe.errors import UserError


class RotaryNTK(Encoding):
    """Rotary with the base base·s^(K/(K−2)), s = factor."""

    invariance = "relative"
    directed = True

    def __init__(self, context: Context, *, key: Key[Array, ""], base: float = 10_000.0, factor: float = 4.0) -> None:
        self.width = compute_rotated_width(context.head_width, 1.0)
        if self.width < 4 or factor < 1:
            raise UserError(
                f"rotary_ntk needs a head width of at least 4 and a factor of at least 1, got {self.width}, {factor}."
            )
        self.base = base * factor ** (self.width / (self.width - 2))

    def rotate(
        self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View
    ) -> tuple[Float[Array, "T H K"], Float[Array, "S H K"]]:
        frequency = compute_frequencies(self.width, self.base)
        return rotate_pairs(q, view.q_positions, frequency), rotate_pairs(k, view.k_positions, frequency)


def reference_rotate(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    *,
    base: float = 10_000.0,
    factor: float = 4.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Rotary's slow loop with the larger base."""
    width = q.shape[2]
    return rotary_reference(q, k, q_positions, k_positions, base=base * factor ** (width / (width - 2)))
