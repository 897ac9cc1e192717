"""The time and memory of one layer of causal attention, computed in several ways."""

from __future__ import annotations

import time
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpe.devices import use_precision
from jaxpe.encodings import build_encoding
from jaxpe.encodings.base import Context, Encoding, View
from jaxpe.model.attention import MultiHeadAttention

WHOLE, FUSED = "whole", "fused"
WAYS = (WHOLE, "128", "1024", FUSED)  # a number: so many queries at a time
HEADS, BATCH = 8, 4
TIMES = 5  # of which the fastest counts


class AttentionCase(NamedTuple):
    """One layer on a batch of BATCH inputs, forward and backward.

    `way`: WHOLE, the number of queries in a tile, or FUSED: `jax.nn.dot_product_attention`, which takes factors in bfloat16
    and no bias. `dtype`: of the factors of products.
    """

    way: str
    encoding: str
    length: int
    width: int
    dtype: str

    def compile(self) -> jax.stages.Compiled:
        """The gradient of the summed output, for the layer, its encoding and the inputs."""
        layer, encoding, x = jax.eval_shape(self.make_arguments)
        with use_precision("bfloat16" if self.dtype == "bfloat16" else "highest"):
            return jax.jit(jax.grad(self.sum_outputs, argnums=(0, 2))).lower(layer, encoding, x).compile()

    def make_arguments(self) -> tuple[MultiHeadAttention, Encoding, Float[Array, "B T D"]]:
        """A layer, an encoding and inputs, with random numbers."""
        keys = jax.random.split(jax.random.key(0), 3)
        layer = MultiHeadAttention(self.width, HEADS, self.dtype, key=keys[0])
        encoding = build_encoding(self.encoding, Context(self.width, HEADS, self.length, "causal"), key=keys[1])
        return layer, encoding, jax.random.normal(keys[2], (BATCH, self.length, self.width))

    def sum_outputs(self, layer: MultiHeadAttention, encoding: Encoding, x: Float[Array, "B T D"]) -> Float[Array, ""]:
        """The sum of what attention gives, squared."""
        if self.way == FUSED:
            return (attend_fused(layer, x) ** 2).sum()
        positions = jnp.arange(self.length)
        view = View(positions, positions, jnp.tri(self.length, dtype=bool))
        tile = None if self.way == WHOLE else min(int(self.way), self.length)

        def attend(x: Float[Array, "T D"]) -> Float[Array, "T D"]:
            k, v = layer.project_keys_values(x)
            return layer(x, k, v, encoding, view, tile)[0]

        return (jax.vmap(attend)(x) ** 2).sum()


def attend_fused(layer: MultiHeadAttention, x: Float[Array, "B T D"]) -> Float[Array, "B T D"]:
    """The same without an encoding by JAX's fused attention: on a GPU that of cuDNN."""
    q = jnp.einsum("btd,dhk->bthk", x, layer.query[...]).astype(jnp.bfloat16)
    k, v = (part.astype(jnp.bfloat16) for part in jax.vmap(layer.project_keys_values)(x))
    attend = partial(jax.nn.dot_product_attention, q, k, v, is_causal=True)
    mixed: Array = attend(implementation="cudnn") if jax.default_backend() == "gpu" else attend(implementation="xla")
    out: Array = jnp.einsum("bthk,hkd->btd", mixed.astype(jnp.float32), layer.out[...])
    return out


class AttentionSpeed(NamedTuple):
    """What one call took."""

    milliseconds: float
    gigabytes: float  # of temporaries; 0 where the backend does not say


def time_attention(program: jax.stages.Compiled, case: AttentionCase) -> AttentionSpeed:
    """The fastest of TIMES calls, and the memory of the program."""
    arguments, times = case.make_arguments(), []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        jax.block_until_ready(program(*arguments))
        times.append(time.perf_counter() - began)
    memory = program.memory_analysis()
    return AttentionSpeed(1000 * float(np.min(times)), memory.temp_size_in_bytes / 1e9 if memory else 0.0)
