"""Multi-head attention, with three of the places where position enters: `rotate`, `bias` and `weights`."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Key

from jaxpe.encodings.base import Encoding, View
from jaxpe.model.interface import AttentionRecord
from jaxpe.model.products import contract


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
    ) -> tuple[Float[Array, "T D"], AttentionRecord]:
        q = contract("td,dhk->thk", x, self.query[...], self.product_dtype)
        scale = 1 / math.sqrt(q.shape[-1])
        q, k = encoding.rotate(q, k, view)
        logits = contract("thw,shw->hts", q * scale, k, self.product_dtype)
        bias = encoding.bias(q, k, view)
        if bias is not None:
            logits = logits + bias
        if view.scaling_length is not None:
            assert view.mask is not None
            logits = logits * scale_for_length(view.mask, view.scaling_length)
        weights = encoding.weights(logits, view)
        mixed = contract("hts,shk->thk", weights, v, self.product_dtype)
        x = contract("thk,hkd->td", mixed, self.out[...], self.product_dtype)
        return x, AttentionRecord(logits, weights)


def scale_for_length(mask: Bool[Array, "T S"], scaling_length: Float[Array, ""]) -> Float[Array, "T 1"]:
    """log n / log N for a query that sees n keys, if n is greater than N, the scaling length; 1 otherwise.

    The softmax flattens as the number of keys grows, and this factor undoes it (Chiang & Cholak 2022, arXiv:2202.12172).
    It separates a loss of accuracy on long inputs that comes from flattening from one that comes from position.
    """
    visible = mask.sum(-1, keepdims=True).astype(jnp.float32)
    return jnp.where(visible > scaling_length, jnp.log(visible) / jnp.log(scaling_length), 1.0)
