"""T5's relative bias (Raffel et al. 2020, arXiv:1910.10683, §2.1): a learned number per head and bucket of distances.

bias = b_h[bucket(r)], r = i − j; all blocks share the table b. With n buckets, each distance 0 … n/2 − 1 has its own.
Larger distances share the others on a logarithmic scale up to `max_distance`, and all distances beyond it share the
last. In causal attention all buckets are for max(r, 0). In bidirectional attention half of them are for keys at or left
of the query, half for keys on the right (r < 0). T5 does not scale logits by 1/√K; here they are scaled as everywhere,
and the bias is not.

Rows start as N(0, 1/D), as in T5. With the paper's 32 buckets up to distance 128, the first bucket that 20 training
tokens never use begins at 21. `scaled` sets min(32, N) buckets up to the distance N, for N training positions.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, Key

from jaxpe.encodings.base import Attention, Context, Encoding, View, require_trained_positions
from jaxpe.errors import UserError


class T5(Encoding):
    """bias = b_h[bucket(r)], with b of shape buckets × heads."""

    invariance = "relative"
    directed = True

    def __init__(
        self, context: Context, *, key: Key[Array, ""], buckets: int = 32, max_distance: int = 128, scaled: bool = False
    ) -> None:
        if scaled:
            max_distance = require_trained_positions(context.trained_positions, "t5 with scaled=True")
            buckets = min(32, max(4, max_distance - max_distance % 4))
        self.causal = context.attention == "causal"
        self.starts = compute_bucket_starts(buckets if self.causal else buckets // 2, max_distance)
        self.table = nnx.Param(jax.random.normal(key, (buckets, context.heads)) / math.sqrt(context.model_width))

    def bias(self, q: Float[Array, "T H W"], k: Float[Array, "S H W"], view: View) -> Float[Array, "H T S"]:
        bucket = self.find_bucket(view.distances)
        return jnp.moveaxis(self.table[...][bucket], -1, 0)

    def compute_untrained_share(self, trained: int, tested: int) -> float:
        def list_buckets(count: int) -> set[int]:
            r = np.arange(0 if self.causal else 1 - count, count, dtype=np.float32)
            return set(np.asarray(self.find_bucket(jnp.asarray(r)[:, None])).ravel().tolist())

        in_test = list_buckets(tested)
        return len(in_test - list_buckets(trained)) / len(in_test)

    def find_bucket(self, r: Float[Array, "T S"]) -> Int[Array, "T S"]:
        """How many buckets begin at or before a distance; keys on the right have the upper half of the table."""
        distance = jnp.maximum(r, 0.0) if self.causal else jnp.abs(r)
        near = (distance[..., None] >= np.asarray(self.starts, np.float32)).sum(-1)
        return near if self.causal else jnp.where(r < 0, near + len(self.starts) + 1, near)


def compute_bucket_starts(count: int, max_distance: int) -> tuple[float, ...]:
    """The distances at which buckets 1 … count − 1 begin. Raises UserError where they would not increase."""
    exact = count // 2
    if exact < 1 or max_distance <= exact:
        raise UserError(
            f"t5 needs at least 2 buckets per side and a max_distance above half of them ({exact}); got {count} "
            f"buckets per side and max_distance={max_distance}."
        )
    far = [exact * (max_distance / exact) ** (n / (count - exact)) for n in range(count - exact)]
    return (*map(float, range(1, exact)), *far)


def reference_bias(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    table: np.ndarray,
    heads: int,
    attention: Attention,
    max_distance: int = 128,
    scaled: bool = False,
    trained_positions: int | None = None,
) -> np.ndarray:
    """`bias` as a slow loop, with the bucket from a logarithm as in the authors' code."""
    out = np.zeros((heads, len(q_positions), len(k_positions)))
    furthest = trained_positions if scaled and trained_positions else max_distance
    count = len(table) if attention == "causal" else len(table) // 2
    exact = count // 2
    for t, i in enumerate(q_positions):
        for s, j in enumerate(k_positions):
            r = float(i) - float(j)
            distance = max(r, 0.0) if attention == "causal" else abs(r)
            bucket = int(distance)
            if distance >= exact:
                share = math.log(distance / exact) / math.log(furthest / exact)
                bucket = min(count - 1, exact + int(share * (count - exact) + 1e-5))
            if attention != "causal" and r < 0:
                bucket += count
            out[:, t, s] = table[bucket]
    return out
