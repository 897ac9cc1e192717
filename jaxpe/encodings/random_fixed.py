"""Control: a fixed random vector for each position, never trained.

x + scale·G[p], with G[p] ~ N(0, 1) drawn from (code, p) when it is used, so every whole position is defined. Like
sinusoids it identifies each position, but neighbours are not similar. The difference between the two is what that
structure is worth.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from jaxpe.encodings.base import Context, Encoding
from jaxpe.encodings.learned import draw_normal_rows


class RandomFixed(Encoding):
    """x + scale·G[p]. `code` numbers the table G, which is the same for all seeds, as for sinusoids."""

    integer_positions = True
    directed = True

    def __init__(self, context: Context, *, key: Key[Array, ""], scale: float = 1.0, code: int = 0) -> None:
        self.scale = scale
        self.code = code

    def compute_untrained_share(self, trained: int, tested: int) -> float:
        return max(0.0, 1 - trained / tested)

    def embed(self, x: Float[Array, "T D"], positions: Int[Array, "T"]) -> Float[Array, "T D"]:
        key = jax.random.key(self.code)
        return x + self.scale * draw_normal_rows(key, positions.astype(jnp.int32), x.shape[-1])


def reference_embed(x: np.ndarray, positions: np.ndarray, *, scale: float = 1.0, code: int = 0) -> np.ndarray:
    """`embed` as a slow loop over the same random rows."""
    out = np.array(x, np.float64)
    for t, p in enumerate(positions):
        row = jax.random.normal(jax.random.fold_in(jax.random.key(code), int(p)), (out.shape[1],))
        for d in range(out.shape[1]):
            out[t, d] += scale * float(row[d])
    return out
