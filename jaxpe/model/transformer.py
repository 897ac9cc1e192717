"""The three architectures: encoder, decoder and encoder-decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int, Key, Num

from jaxpe import encodings, streams
from jaxpe.encodings.base import Attention as AttentionKind
from jaxpe.encodings.base import Context, Encoding, View
from jaxpe.model.attention import make_weight
from jaxpe.model.interface import (
    DEFAULT_OPTIONS,
    ForwardOptions,
    Inputs,
    ModelConfig,
    Output,
    Record,
    make_padding_mask,
)
from jaxpe.model.products import contract
from jaxpe.model.stack import EncodingMaker, Stack


class Transformer(nnx.Module):
    """`stack` gives the logits; `source` is the encoder side of an encoder-decoder, None for the other two."""

    def __init__(self, config: ModelConfig, make_encoding: EncodingMaker, *, seed: int | Int[Array, ""]) -> None:
        cross = config.architecture == "encoder_decoder"
        kind: AttentionKind = "bidirectional" if config.architecture == "encoder" else "causal"
        self.source = Stack(config, "bidirectional", make_encoding, cross=False, side=1, seed=seed) if cross else None
        self.stack = Stack(config, kind, make_encoding, cross=cross, side=0, seed=seed)
        self.product_dtype = config.product_dtype
        key = jax.random.fold_in(streams.make_key("initialisation", seed), 2)
        self.unembedding = make_weight(key, config.width, config.vocabulary, fan_in=config.width)

    def __call__(self, inputs: Inputs, options: ForwardOptions = DEFAULT_OPTIONS, *, record: bool = False) -> Output:
        """Logits for every token; with `record`, also the residual stream and the attention of every block."""
        memory, source_record = None, None
        if self.source is not None:
            states, source_record = self.encode_source(inputs, options, record)
            memory = states, make_source_view(inputs, inputs.positions, options)
        x = self.stack.embed(inputs.tokens, inputs.positions, options)
        x, _, kept = self.stack(x, self.make_view(inputs, options), options, memory, record=record)
        return Output(self.unembed(x), None if kept is None else kept._replace(source=source_record))

    def unembed(self, x: Float[Array, "T D"]) -> Float[Array, "T V"]:
        """Logits from the normalised output of the last block."""
        return contract("td,dv->tv", x, self.unembedding[...], self.product_dtype)

    def make_view(self, inputs: Inputs, options: ForwardOptions = DEFAULT_OPTIONS) -> View:
        """What each token sees in self-attention: all real tokens, or those up to itself if attention is causal."""
        size = inputs.tokens.shape[0]
        mask = jnp.broadcast_to(make_padding_mask(size, inputs.length), (size, size))
        if self.stack.kind == "causal":
            mask = mask & jnp.tri(size, dtype=bool)
        return View(inputs.positions, inputs.positions, mask, scaling_length=options.scaling_length)

    def encode_source(
        self, inputs: Inputs, options: ForwardOptions = DEFAULT_OPTIONS, record: bool = False
    ) -> tuple[Float[Array, "S D"], Record | None]:
        """The encoder side of an encoder-decoder: the states that its decoder attends to and, if requested, their record."""
        assert self.source is not None
        if options.dropout is not None:  # random numbers other than those of the decoder
            options = options._replace(dropout=options.dropout.select(1000))
        x = self.source.embed(inputs.source, inputs.source_positions, options)
        x, _, kept = self.source(x, make_source_view(inputs, inputs.source_positions, options), options, record=record)
        return x, kept


def make_source_view(inputs: Inputs, q_positions: Num[Array, "T"], options: ForwardOptions) -> View:
    """All queries see all real tokens of the source."""
    size = inputs.source.shape[0]
    mask = jnp.broadcast_to(make_padding_mask(size, inputs.source_length), (q_positions.shape[0], size))
    return View(q_positions, inputs.source_positions, mask, scaling_length=options.scaling_length)


def build_model(
    config: ModelConfig,
    encoding: str,
    options: Mapping[str, Any],
    max_length: int,
    seed: int | Int[Array, ""],
    trained_positions: int | None = None,
) -> Transformer:
    """A model with new parameters, a pure function of its arguments. `seed` may be traced.

    `options` are those of the encoding; `max_length` is 1 + the largest position the model will read, and
    `trained_positions` that of training. Raises UserError for an unknown encoding or option.
    """

    def make_encoding(kind: AttentionKind, key: Key[Array, ""]) -> Encoding:
        context = Context(config.width, config.heads, max_length, kind, trained_positions)
        return encodings.build_encoding(encoding, context, key=key, **options)

    return Transformer(config, make_encoding, seed=seed)
