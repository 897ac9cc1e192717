"""Learned absolute positions (Gehring et al. 2017, arXiv:1705.03122, §3.1; BERT, GPT-2): a trained vector for each.

The table E has max_length rows, fixed when the model is built. A row that training never uses keeps its initial value,
since encodings have no weight decay. Row p is drawn from a key of its own, so it does not depend on the size of the
table.

`learned_bert` has BERT's initial scale of 0.02 on both sides (Devlin et al. 2019, arXiv:1810.04805; `initializer_range`
in the authors' code, where the normal distribution is cut off at two standard deviations). Position : token is 1, as in
`learned`; both start 50 times smaller. BERT then normalizes the sum before the first block, which is not done here.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, Key

from jaxpe.encodings.base import Context, Encoding


def draw_normal_rows(key: Key[Array, ""], rows: Int[Array, "N"], width: int) -> Float[Array, "N {width}"]:
    """A standard normal vector for each row number; it depends on the key and that number only."""
    return jax.vmap(lambda p: jax.random.normal(jax.random.fold_in(key, p), (width,)))(rows)


class Learned(Encoding):
    """x + E[p]. E has the shape max_length × D and starts as N(0, scale²), token embeddings as N(0, token_std²)."""

    integer_positions = True
    directed = True

    def __init__(self, context: Context, *, key: Key[Array, ""], scale: float = 1.0, token_std: float = 1.0) -> None:
        self.limit, self.token_std = context.max_length, token_std
        self.table = nnx.Param(scale * draw_normal_rows(key, jnp.arange(context.max_length), context.model_width))

    @property
    def position_limit(self) -> int:
        return self.limit

    def compute_untrained_share(self, trained: int, tested: int) -> float:
        return max(0.0, 1 - trained / tested)

    def embed(self, x: Float[Array, "T D"], positions: Int[Array, "T"]) -> Float[Array, "T D"]:
        return x + self.table[...][positions]


def reference_embed(x: np.ndarray, positions: np.ndarray, *, table: np.ndarray) -> np.ndarray:
    """`embed` as a slow loop."""
    out = np.array(x, np.float64)
    for t, p in enumerate(positions):
        for d in range(out.shape[1]):
            out[t, d] += table[int(p), d]
    return out
