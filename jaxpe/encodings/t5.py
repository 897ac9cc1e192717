"""T5's relative bias (Raffel et al. 2020, arXiv:1910.10683, §2.1): a learned number for each head and bucket of distances.

bias = b_h[bucket(r)], r = i − j, the same table in all blocks. Of n buckets, the distances 0 … n/2 − 1 have one each; larger
ones share the rest on a logarithmic scale up to `max_distance`, and all beyond it the last. In causal attention all buckets
are for max(r, 0); in bidirectional attention half of them are for keys on the left or at the query, and half for keys on the
right (r < 0). T5 leaves the logits unscaled; here they are divided by √K as everywhere, and the bias is not.

The rows start as N(0, 1/D), as in T5. `scaled`: min(32, N) buckets up to the distance N, for N training positions; at the
paper's 32 and 128 the first bucket that 20 tokens never meet begins at 21.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Key, Num

from jaxpe.encodings.base import Attention, Encoding, distances
from jaxpe.errors import UserError


class T5(Encoding):
    """b_h[bucket(r)], with b of shape buckets × heads."""

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
        buckets: int = 32,
        max_distance: int = 128,
        scaled: bool = False,
        trained_positions: int | None = None,
    ) -> None:
        if scaled and trained_positions is None:
            raise UserError("t5 with scaled=True needs trained_positions, how many positions training used.")
        if scaled and trained_positions:
            buckets, max_distance = min(32, max(4, trained_positions - trained_positions % 4)), trained_positions
        self.causal = attention == "causal"
        self.starts = bucket_starts(buckets if self.causal else buckets // 2, max_distance)
        self.table = nnx.Param(jax.random.normal(key, (buckets, heads)) / math.sqrt(model_width))

    def bias(
        self,
        q: Float[Array, "T H W"],
        k: Float[Array, "S H W"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Float[Array, "H T S"]:
        bucket = self.bucket(distances(q_positions, k_positions))
        return jnp.moveaxis(self.table[...][bucket], -1, 0)

    def unvisited(self, trained: int, tested: int) -> float:
        def met(count: int) -> set[int]:
            r = np.arange(0 if self.causal else 1 - count, count, dtype=np.float32)
            return set(np.asarray(self.bucket(jnp.asarray(r)[:, None])).ravel().tolist())

        asked = met(tested)
        return len(asked - met(trained)) / len(asked)

    def bucket(self, r: Float[Array, "T S"]) -> Int[Array, "T S"]:
        """How many buckets begin at or before the distance; those for keys on the right are the upper half."""
        distance = jnp.maximum(r, 0.0) if self.causal else jnp.abs(r)
        near = (distance[..., None] >= np.asarray(self.starts, np.float32)).sum(-1)
        return near if self.causal else jnp.where(r < 0, near + len(self.starts) + 1, near)


def bucket_starts(count: int, max_distance: int) -> tuple[float, ...]:
    """The distances at which buckets 1 … count − 1 begin. Raises UserError where they would not rise."""
    exact = count // 2
    if exact < 1 or max_distance <= exact:
        raise UserError(
            f"t5 needs at least 2 buckets a side and a max_distance above {exact}, half of them; got {count} and "
            f"{max_distance}."
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
    """`bias` as a slow loop, the bucket by a logarithm as the paper's code has it."""
    out = np.zeros((heads, len(q_positions), len(k_positions)))
    max_length_ratio = trained_positions if scaled and trained_positions else max_distance
    count = len(table) if attention == "causal" else len(table) // 2
    exact = count // 2
    for t, i in enumerate(q_positions):
        for s, j in enumerate(k_positions):
            r = float(i) - float(j)
            distance = max(r, 0.0) if attention == "causal" else abs(r)
            bucket = int(distance)
            if distance >= exact:
                share = math.log(distance / exact) / math.log(max_length_ratio / exact)
                bucket = min(count - 1, exact + int(share * (count - exact) + 1e-5))
            if attention != "causal" and r < 0:
                bucket += count
            out[:, t, s] = table[bucket]
    return out
