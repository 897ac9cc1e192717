"""Multi-head attention, with three of the places where position enters: `rotate`, `bias` and `weights`."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Encoding, View
from jaxpe.model.interface import AttentionRecord
from jaxpe.model.products import contract

WHOLE = 1024**2  # the most pairs of query and key whose logits are computed at once
TILE = 128  # queries at a time where there are more


class QueryRows(NamedTuple):
    """What differs between the queries of one attention, all with a first axis T."""

    q: Float[Array, "T H W"]
    positions: Num[Array, "T"]
    mask: Bool[Array, "T S"] | None
    seen: Any


def make_weight(key: Key[Array, ""], *shape: int, fan_in: int) -> nnx.Param:
    """A parameter of this shape, normally distributed with variance 1 / fan_in."""
    return nnx.Param(jax.random.normal(key, shape) / math.sqrt(fan_in))


class MultiHeadAttention(nnx.Module):
    """Multi-head attention (Vaswani et al. 2017, arXiv:1706.03762, §3.2), without biases.

    The encoding may change queries and keys (`rotate`), add to the logits (`bias`), and make the weights of them.
    """

    def __init__(self, width: int, heads: int, product_dtype: str = "float32", *, key: Key[Array, ""]) -> None:
        q, k, v, out = (jax.random.fold_in(key, i) for i in range(4))
        shape = (width, heads, width // heads)
        self.product_dtype = product_dtype
        self.query = make_weight(q, *shape, fan_in=width)
        self.key = make_weight(k, *shape, fan_in=width)
        self.value = make_weight(v, *shape, fan_in=width)
        self.out = make_weight(out, *shape[1:], width, fan_in=width)

    def project_keys_values(self, x: Float[Array, "S D"]) -> tuple[Float[Array, "S H K"], Float[Array, "S H K"]]:
        """Keys and values, before `rotate`."""
        k = contract("sd,dhk->shk", x, self.key[...], self.product_dtype)
        v = contract("sd,dhk->shk", x, self.value[...], self.product_dtype)
        return k, v

    def __call__(
        self,
        x: Float[Array, "T D"],
        k: Float[Array, "S H K"],
        v: Float[Array, "S H K"],
        encoding: Encoding,
        view: View,
        tile: int | None = None,
    ) -> tuple[Float[Array, "T D"], AttentionRecord | None]:
        """What attention adds to each query, and its record. With `tile`, so many queries at a time, and no record."""
        q = contract("td,dhk->thk", x, self.query[...], self.product_dtype)
        scale = 1 / math.sqrt(q.shape[-1])
        q, k = encoding.rotate(q, k, view)
        attend = partial(attend_queries, k=k, v=v, encoding=encoding, view=view, scale=scale, dtype=self.product_dtype)
        rows, record = QueryRows(q, view.q_positions, view.mask, view.q_seen), None
        if tile is None:
            mixed, record = attend(rows)
        else:
            mixed = map_tiles(lambda of_tile: attend(of_tile)[0], rows, tile)
        return contract("thk,hkd->td", mixed, self.out[...], self.product_dtype), record


def attend_queries(
    rows: QueryRows,
    k: Float[Array, "S H W"],
    v: Float[Array, "S H K"],
    encoding: Encoding,
    view: View,
    scale: float,
    dtype: str,
) -> tuple[Float[Array, "T H K"], AttentionRecord]:
    """The weighted mean of values for some queries, whose own rows replace those of the view. `scale`: 1 / √K."""
    view = view._replace(q_positions=rows.positions, mask=rows.mask, q_seen=rows.seen)
    logits = contract("thw,shw->hts", rows.q * scale, k, dtype)
    bias = encoding.bias(rows.q, k, view)
    if bias is not None:
        logits = logits + bias
    if view.scaling_length is not None:
        assert view.mask is not None
        logits = logits * scale_for_length(view.mask, view.scaling_length)
    weights = encoding.weights(logits, view)
    return contract("hts,shk->thk", weights, v, dtype), AttentionRecord(logits, weights)


def choose_tile(queries: int, keys: int) -> int | None:
    """How many queries attend at a time: all (None) where the logits of one head are few, else TILE.

    Tiles bring the memory of logits and weights from H · T · S numbers down to H · TILE · S.
    """
    return TILE if queries * keys > WHOLE and queries > TILE else None


def map_tiles(
    attend: Callable[[QueryRows], Float[Array, "N H K"]], rows: QueryRows, tile: int
) -> Float[Array, "T H K"]:
    """`attend` on `tile` queries at a time, one tile after the other; a gradient computes each tile again.

    The last tile is filled up with copies of the last query.
    """
    count = len(rows.q)
    tiles = -(-count // tile)

    def cut(leaf: Array) -> Array:
        filled = jnp.pad(leaf, [(0, tiles * tile - count)] + [(0, 0)] * (leaf.ndim - 1), mode="edge")
        return filled.reshape(tiles, tile, *leaf.shape[1:])

    mixed: Array = jax.lax.map(jax.checkpoint(attend, prevent_cse=False), jax.tree.map(cut, rows))
    joined: Array = mixed.reshape(tiles * tile, *mixed.shape[2:])[:count]
    return joined


def scale_for_length(mask: Bool[Array, "T S"], scaling_length: Float[Array, ""]) -> Float[Array, "T 1"]:
    """log n / log N for a query that sees n keys, if n is greater than N, the scaling length; 1 otherwise.

    The softmax flattens as the number of keys grows, and this factor undoes it (Chiang & Cholak 2022, arXiv:2202.12172).
    It separates a loss of accuracy on long inputs that comes from flattening from one that comes from position.
    """
    visible = mask.sum(-1, keepdims=True).astype(jnp.float32)
    return jnp.where(visible > scaling_length, jnp.log(visible) / jnp.log(scaling_length), 1.0)
