"""One block of a Transformer: self-attention, cross-attention in the decoder of an encoder-decoder, and an MLP."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int, Key

from jaxpe.encodings.base import Encoding, View
from jaxpe.model.attention import MultiHeadAttention, choose_tile, make_weight
from jaxpe.model.interface import AttentionRecord, Dropout, ModelConfig, drop_out
from jaxpe.model.products import contract


class RMSNorm(nnx.Module):
    """x / RMS(x) · gain (Zhang & Sennrich 2019, arXiv:1910.07467)."""

    def __init__(self, width: int) -> None:
        self.gain = nnx.Param(jnp.ones(width))

    def __call__(self, x: Float[Array, "T D"]) -> Float[Array, "T D"]:
        return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * self.gain[...]


class KeyValueCache(NamedTuple):
    """Keys and values of one block as projected, before `rotate`, and what the encoding observed of their inputs."""

    k: Float[Array, "S H K"]
    v: Float[Array, "S H K"]
    seen: Any = None


class Memory(NamedTuple):
    """What cross-attention reads: the encoder's output, the encoding in use there, and what each query sees of it."""

    states: Float[Array, "M D"]
    encoding: Encoding
    view: View


class Block(nnx.Module):
    """x + attention(norm(x)), then x + cross_attention(norm(x)) if there is a memory, then x + MLP(norm(x)).

    The MLP is GELU(x W₁) W₂ of inner width 4 D.
    """

    def __init__(self, config: ModelConfig, cross: bool, *, key: Key[Array, ""]) -> None:
        key_of = partial(jax.random.fold_in, key)
        width = config.width
        self.norms = nnx.List([RMSNorm(width) for _ in range(3 if cross else 2)])
        self.product_dtype = config.product_dtype
        self.attention = MultiHeadAttention(width, config.heads, config.product_dtype, key=key_of(0))
        self.mlp_in = make_weight(key_of(1), width, 4 * width, fan_in=width)
        self.mlp_out = make_weight(key_of(2), 4 * width, width, fan_in=4 * width)
        self.cross = MultiHeadAttention(width, config.heads, config.product_dtype, key=key_of(3)) if cross else None

    def __call__(
        self,
        x: Float[Array, "T D"],
        encoding: Encoding,
        view: View,
        memory: Memory | None = None,
        cache: KeyValueCache | None = None,
        start: int | Int[Array, ""] = 0,
        dropout: Dropout | None = None,
        record: bool = False,
    ) -> tuple[Float[Array, "T D"], KeyValueCache, list[AttentionRecord]]:
        """The residual stream after the block, the cache with the new keys and values, and with `record` what attention did.

        With a cache, x holds the tokens from index `start` on, and attention reads the whole cache.
        """
        h = self.norms[0](x)
        q_seen = encoding.observe(h)
        kept = KeyValueCache(*self.attention.project_keys_values(h), q_seen)
        if cache is not None:
            write = partial(jax.lax.dynamic_update_slice_in_dim, start_index=start, axis=0)
            kept = jax.tree.map(write, cache, kept)
        view = view._replace(q_seen=q_seen, k_seen=kept.seen)
        tile = None if record else choose_tile(len(x), len(kept.k))
        mixed, of_self = self.attention(h, kept.k, kept.v, encoding, view, tile)
        x, records = x + drop_out(mixed, dropout, 0), [of_self]
        if memory is not None:
            assert self.cross is not None
            h = self.norms[1](x)
            k_memory, v_memory = self.cross.project_keys_values(memory.states)
            seen = {"q_seen": memory.encoding.observe(h), "k_seen": memory.encoding.observe(memory.states)}
            tile = None if record else choose_tile(len(x), len(k_memory))
            memory_view = memory.view._replace(**seen)
            mixed, of_cross = self.cross(h, k_memory, v_memory, memory.encoding, memory_view, tile)
            x, records = x + drop_out(mixed, dropout, 1), [*records, of_cross]
        h = self.norms[-1](x)
        inner = jax.nn.gelu(contract("td,de->te", h, self.mlp_in[...], self.product_dtype))
        outer = contract("te,ed->td", inner, self.mlp_out[...], self.product_dtype)
        return x + drop_out(outer, dropout, 2), kept, [one for one in records if one is not None]
