"""Learned absolute positions (Gehring et al. 2017, arXiv:1705.03122; BERT, GPT-2): E[p] is added to the token embedding.

The table has max_length rows, fixed when the model is built; a row that training never visits stays as it was drawn
(encodings are exempt from weight decay). Row p is drawn from a key of its own, so it does not depend on the table's size.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, Key

from jaxpe.encodings.base import Attention, Encoding


def normal_rows(key: Key[Array, ""], rows: Int[Array, N], width: int) -> Float[Array, "N {width}"]:
    """A standard normal row for each row number, the same whatever other rows are asked for."""
    return jax.vmap(lambda p: jax.random.normal(jax.random.fold_in(key, p), (width,)))(rows)


class Learned(Encoding):
    """x + E[p], with E of shape max_length × D starting as N(0, scale²)."""

    integer_positions = True
    directed = True

    def __init__(
        self,
        model_width: int,
        heads: int,
        max_length: int,
        attention: Attention,
        *,
        key: Key[Array, ""],
        scale: float = 1.0,
    ) -> None:
        self.limit = max_length
        self.table = nnx.Param(scale * normal_rows(key, jnp.arange(max_length), model_width))

    @property
    def position_limit(self) -> int:
        return self.limit

    def unvisited(self, trained: int, tested: int) -> float:
        return max(0.0, 1 - trained / tested)

    def embed(self, x: Float[Array, "T D"], positions: Int[Array, T]) -> Float[Array, "T D"]:
        return x + self.table[...][positions]


def reference_embed(x: np.ndarray, positions: np.ndarray, *, table: np.ndarray) -> np.ndarray:
    """`embed` as a slow loop."""
    out = np.array(x, np.float64)
    for t, p in enumerate(positions):
        for d in range(out.shape[1]):
            out[t, d] += table[int(p), d]
    return out
