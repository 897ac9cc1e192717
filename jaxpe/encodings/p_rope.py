"""p-RoPE: rotary encoding without its lowest frequencies (Barbero et al. 2024, arXiv:2410.06205, §6.1).

The share `kept` of the pairs with the highest frequencies turns as in rotary, θ_c = base^(−2c/K); the others do not turn
and carry content alone. That is not `fraction` of `rotary`, whose pairs spread all frequencies over fewer coordinates.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Array, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding
from jaxpe.encodings.rotary import frequencies, turned, turned_width
from jaxpe.encodings.rotary import reference_rotate as rotary_reference
from jaxpe.errors import UserError


class PRope(Encoding):
    """Rotary in which the first round(kept·K/2) pairs turn."""

    invariance = "relative"
    directed = True

    def __init__(
        self,
        model_width: int,
        heads: int,
        max_length: int,
        attention: Attention,
        *,
        key: Key[Array, ""],
        base: float = 10_000.0,
        kept: float = 0.75,
    ) -> None:
        self.width = turned_width(model_width // heads, 1.0)
        self.pairs = round(kept * self.width / 2)
        if not 0 < self.pairs <= self.width // 2:
            raise UserError(f"p_rope keeps a share of the pairs above 0 and at most 1, got kept={kept}.")
        self.base = base

    def rotate(
        self,
        q: Float[Array, "T H K"],
        k: Float[Array, "S H K"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
    ) -> tuple[Float[Array, "T H K"], Float[Array, "S H K"]]:
        frequency = frequencies(self.width, self.base)[: self.pairs]
        return turned(q, q_positions, frequency), turned(k, k_positions, frequency)


def reference_rotate(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    *,
    base: float = 10_000.0,
    kept: float = 0.75,
) -> tuple[np.ndarray, np.ndarray]:
    """`rotate` as rotary's slow loop, with the slow pairs left as they were."""
    first = 2 * round(kept * q.shape[2] / 2)
    q_turned, k_turned = rotary_reference(q, k, q_positions, k_positions, base=base)
    q_turned[:, :, first:], k_turned[:, :, first:] = q[:, :, first:], k[:, :, first:]
    return q_turned, k_turned
