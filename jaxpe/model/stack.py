"""A stack of blocks with its token embeddings and encodings. Position enters here through `Encoding.embed`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, Key, Num

from jaxpe import streams
from jaxpe.encodings.base import Attention as AttentionKind
from jaxpe.encodings.base import Encoding, NoEncoding, View
from jaxpe.errors import UserError
from jaxpe.model.block import Block, KeyValueCache, Memory, RMSNorm
from jaxpe.model.interface import DEFAULT_OPTIONS, ForwardOptions, ModelConfig, Record, drop_out

EncodingMaker = Callable[[AttentionKind, Key[Array, ""]], Encoding]


class Stack(nnx.Module):
    """Token embeddings, blocks and a final norm: the encoder or the decoder side of a model."""

    def __init__(
        self,
        config: ModelConfig,
        kind: AttentionKind,
        make_encoding: EncodingMaker,
        *,
        cross: bool,
        side: int,
        seed: int | Int[Array, ""],
    ) -> None:
        """`kind`: which keys a query sees. `cross`: the blocks have cross-attention. `side` selects the random stream."""
        # Encodings have a random stream of their own, so that blocks start the same whatever the encoding.
        key_of, key_of_encoding = (
            partial(jax.random.fold_in, jax.random.fold_in(streams.make_key(name, seed), side))
            for name in ("initialisation", "encoding")
        )
        of_blocks = make_encodings(make_encoding, kind, config.layers, key_of_encoding)
        key_of_cross = lambda i: key_of_encoding(1000 + i)  # noqa: E731
        of_cross = make_encodings(make_encoding, "cross", config.layers, key_of_cross) if cross else []
        self.kind = kind
        numbers = jax.random.normal(key_of(0), (config.vocabulary, config.width))
        self.embedding = nnx.Param(of_blocks[0].token_std * numbers)
        self.blocks = nnx.List([Block(config, cross, key=key_of(1 + i)) for i in range(config.layers)])
        self.norm = RMSNorm(config.width)
        self.encodings = nnx.List(of_blocks)
        self.cross_encodings = nnx.List(of_cross)

    def embed(
        self, tokens: Int[Array, "T"], positions: Num[Array, "T"], options: ForwardOptions = DEFAULT_OPTIONS
    ) -> Float[Array, "T D"]:
        """The residual stream before the first block. Raises UserError for positions the encoding does not know."""
        check_positions(self.encodings[0], positions)
        x = self.embedding[...][tokens]
        embedded = self.encodings[0].at(0, options.progress).embed(x, positions)
        if options.scales is not None:
            embedded = options.scales[0] * x + options.scales[1] * (embedded - x)
        return drop_out(embedded, options.dropout, 0)

    def make_caches(self, size: int) -> list[KeyValueCache]:
        """Empty caches of the blocks of a trained model, for `size` tokens."""

        def make(i: int, block: Block) -> KeyValueCache:
            h = jnp.zeros((size, self.embedding.shape[1]))
            encoding = self.encodings[i % len(self.encodings)].at(i, DEFAULT_OPTIONS.progress)
            return KeyValueCache(*block.attention.project_keys_values(h), encoding.observe(h))

        shapes = [jax.eval_shape(partial(make, i, block)) for i, block in enumerate(self.blocks)]
        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)  # type: ignore[no-any-return]

    def __call__(
        self,
        x: Float[Array, "T D"],
        view: View,
        options: ForwardOptions = DEFAULT_OPTIONS,
        memory: tuple[Float[Array, "M D"], View] | None = None,
        caches: Sequence[KeyValueCache] | None = None,
        start: int | Int[Array, ""] = 0,
        record: bool = False,
    ) -> tuple[Float[Array, "T D"], list[KeyValueCache], Record | None]:
        """The normalised output of the last block, the caches and, if requested, the record.

        `memory`: states and what is seen of them.
        """
        kept, new_caches = Record([x], [], []), []
        for i, block in enumerate(self.blocks):
            encoding = self.encodings[i % len(self.encodings)].at(i, options.progress)
            of_block = None
            if memory is not None:
                cross_encoding = self.cross_encodings[i % len(self.cross_encodings)].at(i, options.progress)
                of_block = Memory(memory[0], cross_encoding, memory[1])
            dropout = None if options.dropout is None else options.dropout.select(1 + i)
            cache = caches[i] if caches else None
            x, cache, attention = block(x, encoding, view, of_block, cache, start, dropout, record)
            new_caches.append(cache)
            kept.hidden.append(x)
            kept.attention.extend(attention[:1])
            kept.cross.extend(attention[1:])
        return self.norm(x), new_caches, kept if record else None


def make_encodings(
    make_encoding: EncodingMaker, kind: AttentionKind, layers: int, key_of: Callable[[int], Key[Array, ""]]
) -> list[Encoding]:
    """One instance that all blocks share, or one for each block, as the encoding declares.

    Cross-attention gets no encoding (`none`) unless the encoding supports it.
    """
    first = make_encoding(kind, key_of(0))
    if kind == "cross" and not first.cross:
        return [NoEncoding()]
    return [first, *(make_encoding(kind, key_of(i)) for i in range(1, layers) if not first.shared)]


def check_positions(encoding: Encoding, positions: Num[Array, "T"]) -> None:
    """Refuses positions for which the encoding is not defined. Traced positions are unknown and pass.

    Raises UserError for fractional positions or positions at or above the encoding's limit.
    """
    if isinstance(positions, jax.core.Tracer):
        return
    name = type(encoding).__name__
    if encoding.integer_positions and not jnp.issubdtype(positions.dtype, jnp.integer):
        raise UserError(f"{name} takes integer positions only, got {positions.dtype}.")
    limit = encoding.position_limit
    values = np.asarray(positions)
    if limit is not None and values.size and not (values.min() >= 0 and values.max() < limit):
        raise UserError(
            f"{name} has the positions 0 … {limit - 1}, but the input uses position {int(values.max())}: "
            f"build it with a larger max_length."
        )
