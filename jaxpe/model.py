"""Encoder, decoder and encoder-decoder Transformers from scratch, written for one example.

Letters: T queries, S keys, D model width, H heads, K = D / H head width, V vocabulary. Pre-norm with RMSNorm and no biases
anywhere, MLP of width 4·D with GELU, untied embeddings. Position enters through the three hooks of an `Encoding` and
nowhere else; encodings are handed to the blocks as arguments. The batch and the population are `vmap`s of the caller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Key, Num

from jaxpe import encodings, streams
from jaxpe.encodings.base import Attention as AttentionKind
from jaxpe.encodings.base import Encoding
from jaxpe.errors import UserError

NORMS = ("pre_rms", "post_layer")


@dataclass(frozen=True)
class ModelConfig:
    """Sizes. `norm` "post_layer" (LayerNorm after each residual sum, Vaswani 2017) is there for sensitivity checks."""

    architecture: str
    vocabulary: int
    width: int = 32
    layers: int = 2
    heads: int = 2
    norm: str = "pre_rms"

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise UserError(
                f"The width {self.width} is not divisible by {self.heads} heads: choose another of the two."
            )
        if self.norm not in NORMS:
            raise encodings.unknown("norm", self.norm, NORMS)


# (a, b): embeddings are a·token + b·position, position being what the encoding adds. None: as the encoding has it.
Scales = Float[Array, "2"] | None
# The share of the training that is done, for encodings that change on the way (`Encoding.at`); 1 afterwards.
Progress = float | Float[Array, ""]


class Inputs(NamedTuple):
    """What a forward pass reads; the source is an encoder-decoder's. Tokens at or beyond a length are padding."""

    tokens: Int[Array, T]
    positions: Num[Array, T]
    length: Int[Array, ""]
    source: Int[Array, S]
    source_positions: Num[Array, S]
    source_length: Int[Array, ""]


class View(NamedTuple):
    """Who sees whom: the positions of queries and keys, and the mask (True = visible)."""

    q_positions: Num[Array, T]
    k_positions: Num[Array, S]
    mask: Bool[Array, "T S"]
    scaling_length: Float[Array, ""] | None = None  # N: logits times log n / log N where more than N keys are visible


class AttentionRecord(NamedTuple):
    """Scaled logits with their bias, before the mask, and the weights after the softmax."""

    logits: Float[Array, "H T S"]
    weights: Float[Array, "H T S"]


class Record(NamedTuple):
    """What one wants to look at: the residual stream before each block and after the last, and the attention."""

    hidden: list[Float[Array, "T D"]]
    attention: list[AttentionRecord]
    cross: list[AttentionRecord]
    source: Any = None  # the Record of an encoder-decoder's encoder


class Output(NamedTuple):
    logits: Float[Array, "T V"]
    record: Record | None


def matrix(key: Key[Array, ""], *shape: int, fan_in: int) -> nnx.Param:
    """A weight of variance 1 / fan_in."""
    return nnx.Param(jax.random.normal(key, shape) / math.sqrt(fan_in))


class Norm(nnx.Module):
    """RMSNorm (Zhang & Sennrich 2019), or LayerNorm when `centred`; a gain, no bias."""

    def __init__(self, width: int, centred: bool) -> None:
        self.gain = nnx.Param(jnp.ones(width))
        self.centred = centred

    def __call__(self, x: Float[Array, "T D"]) -> Float[Array, "T D"]:
        if self.centred:
            x = x - x.mean(-1, keepdims=True)
        return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * self.gain[...]


class Attention(nnx.Module):
    """Multi-head attention (Vaswani et al. 2017, §3.2) with the three places for position."""

    def __init__(self, width: int, heads: int, *, key: Key[Array, ""]) -> None:
        q, k, v, out = (jax.random.fold_in(key, i) for i in range(4))
        shape = (width, heads, width // heads)
        self.query = matrix(q, *shape, fan_in=width)
        self.key = matrix(k, *shape, fan_in=width)
        self.value = matrix(v, *shape, fan_in=width)
        self.out = matrix(out, *shape[1:], width, fan_in=width)

    def keys_values(self, memory: Float[Array, "S D"]) -> tuple[Float[Array, "S H K"], Float[Array, "S H K"]]:
        k = jnp.einsum("sd,dhk->shk", memory, self.key[...])
        v = jnp.einsum("sd,dhk->shk", memory, self.value[...])
        return k, v

    def __call__(
        self,
        x: Float[Array, "T D"],
        k: Float[Array, "S H K"],
        v: Float[Array, "S H K"],
        encoding: Encoding,
        view: View,
    ) -> tuple[Float[Array, "T D"], AttentionRecord]:
        q = jnp.einsum("td,dhk->thk", x, self.query[...])
        scale = 1 / math.sqrt(q.shape[-1])
        q, k = encoding.rotate(q, k, view.q_positions, view.k_positions)
        logits = jnp.einsum("thw,shw->hts", q * scale, k)
        bias = encoding.bias(q, k, view.q_positions, view.k_positions, view.mask)
        if bias is not None:
            logits = logits + bias
        if view.scaling_length is not None:
            logits = logits * length_scaling(view.mask, view.scaling_length)
        weights = jax.nn.softmax(jnp.where(view.mask, logits, jnp.finfo(logits.dtype).min), axis=-1)
        mixed = jnp.einsum("hts,shk->thk", weights, v)
        return jnp.einsum("thk,hkd->td", mixed, self.out[...]), AttentionRecord(logits, weights)


def length_scaling(mask: Bool[Array, "T S"], trained: Float[Array, ""]) -> Float[Array, "T 1"]:
    """log n / log N for the n keys a query sees, where n exceeds the N of training, else 1.

    It undoes the flattening of the softmax over more keys (Chiang & Cholak 2022, arXiv:2202.12172), so that a loss of
    accuracy at long inputs can be told from a failure of position.
    """
    visible = mask.sum(-1, keepdims=True).astype(jnp.float32)
    return jnp.where(visible > trained, jnp.log(visible) / jnp.log(trained), 1.0)


class Cache(NamedTuple):
    """One block's keys and values as projected, before `rotate`."""

    k: Float[Array, "S H K"]
    v: Float[Array, "S H K"]


class Block(nnx.Module):
    """Self-attention, cross-attention where there is a memory, and an MLP, each with a residual connection."""

    def __init__(self, config: ModelConfig, cross: bool, *, key: Key[Array, ""]) -> None:
        key_of = partial(jax.random.fold_in, key)
        width, self.pre = config.width, config.norm == "pre_rms"
        self.norms = nnx.List([Norm(width, centred=not self.pre) for _ in range(3 if cross else 2)])
        self.attention = Attention(width, config.heads, key=key_of(0))
        self.mlp_in = matrix(key_of(1), width, 4 * width, fan_in=width)
        self.mlp_out = matrix(key_of(2), 4 * width, width, fan_in=4 * width)
        self.cross = Attention(width, config.heads, key=key_of(3)) if cross else None

    def __call__(
        self,
        x: Float[Array, "T D"],
        encoding: Encoding,
        view: View,
        memory: tuple[Float[Array, "M D"], Encoding, View] | None = None,
        cache: Cache | None = None,
        start: int | Int[Array, ""] = 0,
    ) -> tuple[Float[Array, "T D"], Cache, list[AttentionRecord]]:
        records = []

        def attend(h: Float[Array, "T D"]) -> Float[Array, "T D"]:
            nonlocal cache
            k, v = self.attention.keys_values(h)
            if cache is not None:
                k = jax.lax.dynamic_update_slice_in_dim(cache.k, k, start, 0)
                v = jax.lax.dynamic_update_slice_in_dim(cache.v, v, start, 0)
            cache = Cache(k, v)
            mixed, record = self.attention(h, k, v, encoding, view)
            records.append(record)
            return mixed

        def attend_memory(h: Float[Array, "T D"]) -> Float[Array, "T D"]:
            assert memory is not None and self.cross is not None
            source, cross_encoding, cross_view = memory
            mixed, record = self.cross(h, *self.cross.keys_values(source), cross_encoding, cross_view)
            records.append(record)
            return mixed

        def mlp(h: Float[Array, "T D"]) -> Float[Array, "T D"]:
            return jax.nn.gelu(h @ self.mlp_in[...]) @ self.mlp_out[...]

        parts = [attend, mlp] if memory is None else [attend, attend_memory, mlp]
        for norm, part in zip(self.norms, parts, strict=True):
            x = x + part(norm(x)) if self.pre else norm(x + part(x))
        assert cache is not None
        return x, cache, records


class Stack(nnx.Module):
    """Token embeddings, positions, blocks and a last norm: one side of a model."""

    def __init__(
        self, config: ModelConfig, kind: AttentionKind, cross: bool, make: Any, *, side: int, seed: Any
    ) -> None:
        key_of = partial(jax.random.fold_in, jax.random.fold_in(streams.stream("initialisation", seed), side))
        self.kind, self.pre = kind, config.norm == "pre_rms"
        self.embedding = nnx.Param(jax.random.normal(key_of(0), (config.vocabulary, config.width)))
        self.blocks = nnx.List([Block(config, cross, key=key_of(1 + i)) for i in range(config.layers)])
        self.norm = Norm(config.width, centred=not self.pre)
        # Encodings draw from a stream of their own: the blocks start the same whatever the encoding.
        encoding_key = partial(jax.random.fold_in, jax.random.fold_in(streams.stream("encoding", seed), side))
        self.encodings = nnx.List(encodings_of(make, kind, config.layers, encoding_key, 0))
        self.cross_encodings = nnx.List(encodings_of(make, "cross", config.layers, encoding_key, 1000) if cross else [])

    def embed(
        self, tokens: Int[Array, T], positions: Num[Array, T], scales: Scales = None, progress: Progress = 1.0
    ) -> Float[Array, "T D"]:
        check_positions(self.encodings[0], positions)
        x = self.embedding[...][tokens]
        coded = self.encodings[0].at(0, progress).embed(x, positions)
        return coded if scales is None else scales[0] * x + scales[1] * (coded - x)

    def __call__(
        self,
        x: Float[Array, "T D"],
        view: View,
        memory: tuple[Float[Array, "M D"], View] | None = None,
        caches: Sequence[Cache] | None = None,
        start: int | Int[Array, ""] = 0,
        progress: Progress = 1.0,
    ) -> tuple[Float[Array, "T D"], list[Cache], Record]:
        record, new = Record([x], [], []), []
        for i, block in enumerate(self.blocks):
            encoding = self.encodings[i % len(self.encodings)].at(i, progress)
            crossing = None
            if memory is not None:
                cross_encoding = self.cross_encodings[i % len(self.cross_encodings)].at(i, progress)
                crossing = (memory[0], cross_encoding, memory[1])
            x, cache, records = block(x, encoding, view, crossing, caches[i] if caches else None, start)
            new.append(cache)
            record.hidden.append(x)
            record.attention.append(records[0])
            record.cross.extend(records[1:])
        return self.norm(x) if self.pre else x, new, record


def encodings_of(make: Any, kind: AttentionKind, layers: int, key_of: Any, first: int) -> list[Encoding]:
    """One shared instance, or one per block; where the encoding has no answer for cross-attention, none at all."""
    one = make(kind, key_of(first))
    if kind == "cross" and not one.cross:
        return [encodings.build("none", model_width=0, heads=0, max_length=0, attention="cross", key=key_of(first))]
    return [one, *(make(kind, key_of(first + i)) for i in range(1, layers) if not one.shared)]


def check_positions(encoding: Encoding, positions: Num[Array, T]) -> None:
    """Outside jit, where positions are known: refuse what the encoding is not defined for."""
    if isinstance(positions, jax.core.Tracer):
        return
    if encoding.integer_positions and not jnp.issubdtype(positions.dtype, jnp.integer):
        raise UserError(f"{type(encoding).__name__} takes whole positions only, got {positions.dtype}.")
    limit = encoding.position_limit
    known = np.asarray(positions)
    if limit is not None and known.size and not (known.min() >= 0 and known.max() < limit):
        raise UserError(
            f"{type(encoding).__name__} knows the positions 0 … {limit - 1}, but was asked for {int(known.max())}: "
            f"build it with a larger max_length."
        )


def real(size: int, length: Int[Array, ""] | int) -> Bool[Array, {size}]:
    return jnp.arange(size) < length


class Transformer(nnx.Module):
    """All three architectures: an optional source stack, and the stack that is read out."""

    def __init__(self, config: ModelConfig, make: Any, *, seed: int | Int[Array, ""]) -> None:
        decodes = config.architecture != "encoder"
        crosses = config.architecture == "encoder_decoder"
        self.source = Stack(config, "bidirectional", False, make, side=1, seed=seed) if crosses else None
        self.stack = Stack(config, "causal" if decodes else "bidirectional", crosses, make, side=0, seed=seed)
        key = jax.random.fold_in(streams.stream("initialisation", seed), 2)
        self.unembedding = matrix(key, config.width, config.vocabulary, fan_in=config.width)

    def read_source(
        self, inputs: Inputs, scaling_length: Any = None, scales: Scales = None, progress: Progress = 1.0
    ) -> tuple[Float[Array, "S D"], Record]:
        """The encoder side of an encoder-decoder: the memory that its decoder looks at."""
        assert self.source is not None
        size = inputs.source.shape[0]
        mask = jnp.broadcast_to(real(size, inputs.source_length), (size, size))
        view = View(inputs.source_positions, inputs.source_positions, mask, scaling_length)
        x = self.source.embed(inputs.source, inputs.source_positions, scales, progress)
        x, _, record = self.source(x, view, progress=progress)
        return x, record

    def memory(self, inputs: Inputs, x: Float[Array, "S D"], q_positions: Num[Array, T], scaling_length: Any) -> Any:
        mask = jnp.broadcast_to(real(x.shape[0], inputs.source_length), (q_positions.shape[0], x.shape[0]))
        return x, View(q_positions, inputs.source_positions, mask, scaling_length)

    def __call__(
        self,
        inputs: Inputs,
        *,
        scaling_length: Any = None,
        scales: Scales = None,
        progress: Progress = 1.0,
        record: bool = False,
    ) -> Output:
        """Logits at every place. `scaling_length` N multiplies attention logits by log n / log N beyond N keys."""
        size = inputs.tokens.shape[0]
        mask = jnp.broadcast_to(real(size, inputs.length), (size, size))
        if self.stack.kind == "causal":
            mask = mask & jnp.tri(size, dtype=bool)
        memory, source_record = None, None
        if self.source is not None:
            x, source_record = self.read_source(inputs, scaling_length, scales, progress)
            memory = self.memory(inputs, x, inputs.positions, scaling_length)
        view = View(inputs.positions, inputs.positions, mask, scaling_length)
        x = self.stack.embed(inputs.tokens, inputs.positions, scales, progress)
        x, _, seen = self.stack(x, view, memory, progress=progress)
        return Output(x @ self.unembedding[...], seen._replace(source=source_record) if record else None)

    def generate(self, inputs: Inputs, stop: int) -> Int[Array, T]:
        """Greedy decoding: the first `length` tokens are the prompt, the rest is filled until `stop` has come.

        Keys and values are cached as projected; each step calls the same hooks with T = 1 on the whole cache.
        """
        size = inputs.tokens.shape[0]
        source = None if self.source is None else self.read_source(inputs)[0]
        attention = self.stack.blocks[0].attention
        zero = jnp.zeros((size, *attention.key.shape[1:]))
        caches = [Cache(zero, zero) for _ in self.stack.blocks]

        def step(carry: Any, t: Int[Array, ""]) -> tuple[Any, None]:
            tokens, caches, done = carry
            here = jax.lax.dynamic_slice_in_dim(inputs.positions, t, 1)
            view = View(here, inputs.positions, real(size, t + 1)[None])
            memory = None if source is None else self.memory(inputs, source, here, None)
            x = self.stack.embed(jax.lax.dynamic_slice_in_dim(tokens, t, 1), here)
            x, caches, _ = self.stack(x, view, memory, caches, t)
            best = jnp.argmax((x @ self.unembedding[...])[0]).astype(tokens.dtype)
            free = (t + 1 >= inputs.length) & ~done & (t + 1 < size)
            tokens = tokens.at[t + 1].set(jnp.where(free, best, tokens[jnp.minimum(t + 1, size - 1)]), mode="drop")
            return (tokens, caches, done | (free & (best == stop))), None

        start = jnp.where(real(size, inputs.length), inputs.tokens, 0)
        (tokens, _, _), _ = jax.lax.scan(step, (start, caches, jnp.asarray(False)), jnp.arange(size))
        return tokens


def build(
    config: ModelConfig, encoding: str, options: dict[str, Any], max_length: int, seed: int | Int[Array, ""]
) -> Transformer:
    """A model with fresh parameters: a pure function of its arguments; `seed` may be traced."""

    def make(kind: AttentionKind, key: Key[Array, ""]) -> Encoding:
        sizes = {"model_width": config.width, "heads": config.heads, "max_length": max_length}
        return encodings.build(encoding, **sizes, attention=kind, key=key, **options)

    return Transformer(config, make, seed=seed)
