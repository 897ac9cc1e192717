"""Stick-breaking attention (Tan et al. 2024, arXiv:2410.17980, §2): the nearest keys take their share first.

With s_ij = q_i·k_j / √K and β_ij = σ(s_ij), the weight of key j for query i is A_ij = β_ij Π_{j < t < i} (1 − β_it): each key
takes the share β of what the keys between it and the query have left. A query does not see itself, and the weights of a row
sum to less than 1. Nothing else tells positions apart. Causal attention only.

What is left, 1 − Σ_j A_ij, goes to no key.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxpe.encodings.base import Encoding, View


class StickBreaking(Encoding):
    """A_ij = σ(s_ij) Π_{j < t < i} (1 − σ(s_it)), for keys before the query."""

    causal_only = True
    invariance = "content"

    def weights(self, logits: Float[Array, "H T S"], view: View) -> Float[Array, "H T S"]:
        before = find_earlier_keys(logits, view.mask)
        left = jnp.where(before, jax.nn.log_sigmoid(-logits), 0.0)  # log (1 − β)
        between = jnp.flip(jnp.cumsum(jnp.flip(left, -1), -1), -1) - left
        return jnp.where(before, jnp.exp(jax.nn.log_sigmoid(logits) + between), 0.0)


def find_earlier_keys(logits: Float[Array, "H T S"], mask: Bool[Array, "T S"] | None) -> Bool[Array, "T S"]:
    """The keys that a query sees, without the last of them: itself."""
    visible = jnp.ones(logits.shape[-2:], bool) if mask is None else mask
    later = jnp.flip(jnp.cumsum(jnp.flip(visible, -1), -1), -1)  # visible keys from j on
    return visible & (later > 1)


def reference_weights(logits: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`weights` as a slow loop in float64, written from the formula."""
    out = np.zeros(logits.shape)
    for head in range(logits.shape[0]):
        for i in range(logits.shape[1]):
            seen = [j for j in range(logits.shape[2]) if mask[i, j]][:-1]
            left = 1.0
            for j in reversed(seen):
                share = 1 / (1 + math.exp(-float(logits[head, i, j])))
                out[head, i, j] = share * left
                left *= 1 - share
    return out
