"""Greedy decoding, one token at a time, with cached keys and values."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from jaxpe.encodings.base import View
from jaxpe.model.block import KeyValueCache
from jaxpe.model.interface import DEFAULT_OPTIONS, ForwardOptions, Inputs, make_padding_mask
from jaxpe.model.stack import check_positions
from jaxpe.model.transformer import Transformer, make_source_view

DecodingState = tuple[Int[Array, "T"], list[KeyValueCache], Bool[Array, ""]]


def generate(
    model: Transformer, inputs: Inputs, stop: int, options: ForwardOptions = DEFAULT_OPTIONS
) -> Int[Array, "T"]:
    """Completes a prompt: the first `inputs.length` tokens are kept, the rest is generated until the token `stop`.

    Tokens after `stop` are 0. Raises UserError for positions that the encoding does not know. Each step calls the same hooks of the encoding as the full forward pass, with one query
    and the whole cache as keys.
    """
    check_positions(model.stack.encodings[0], inputs.positions)  # here, since inside the scan they are traced
    size = inputs.tokens.shape[0]
    source = None if model.source is None else model.encode_source(inputs, options)[0]
    caches = model.stack.make_caches(size)

    def step(state: DecodingState, t: Int[Array, ""]) -> tuple[DecodingState, None]:
        tokens, caches, done = state
        position = jax.lax.dynamic_slice_in_dim(inputs.positions, t, 1)
        view = View(position, inputs.positions, make_padding_mask(size, t + 1)[None])
        memory = None if source is None else (source, make_source_view(inputs, position, options))
        x = model.stack.embed(jax.lax.dynamic_slice_in_dim(tokens, t, 1), position, options)
        x, caches, _ = model.stack(x, view, options, memory, caches=caches, start=t)
        best = jnp.argmax(model.unembed(x)[0]).astype(tokens.dtype)
        writes = (t + 1 >= inputs.length) & ~done & (t + 1 < size)
        next_token = jnp.where(writes, best, tokens[jnp.minimum(t + 1, size - 1)])
        tokens = tokens.at[t + 1].set(next_token, mode="drop")
        return (tokens, caches, done | (writes & (best == stop))), None

    prompt = jnp.where(make_padding_mask(size, inputs.length), inputs.tokens, 0)
    (tokens, _, _), _ = jax.lax.scan(step, (prompt, caches, jnp.asarray(False)), jnp.arange(size))
    return tokens
