"""One attention layer around an encoding, computed as in `jaxpe.model`, on fixed random inputs.

Every property is measured on this layer. Letters in shapes as in `jaxpe.model`: T queries, S keys, D model width, H
heads, K = D / H head width, W width of rotated queries and keys.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from jaxpe.encodings.base import Attention, Encoding, View

TRAIN_LENGTH = 20  # tokens of an input, and positions in training
MAX_LENGTH = 16 * TRAIN_LENGTH  # of the longest test input
POSITIONS = np.arange(TRAIN_LENGTH, dtype=np.int32)
FAR_POSITIONS = 16 * POSITIONS + 15  # as many positions, spread over the longest test input
ROUNDING = 2.0**-24  # of float32, relative
# For programs that run only a few times: compiling takes far longer than running.
FAST_COMPILATION: dict[str, bool | int] = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
}


class LayerInputs(NamedTuple):
    """Token embeddings, the projections of an attention layer, and a direction to differentiate its output in."""

    x: Float[Any, "T D"]
    query: Float[Any, "D H K"]
    key: Float[Any, "D H K"]
    value: Float[Any, "D H K"]
    cotangent: Float[Any, "T H K"]


class LayerTrace(NamedTuple):
    """The arrays of the layer that positions can change, of JAX or NumPy. `logits` are those before the mask.

    `seen` has all numbers that `observe` gave of a token in its row.
    """

    embedded: Float[Any, "T D"]
    seen: Float[Any, "T N"]
    q: Float[Any, "T H K"]
    k: Float[Any, "S H K"]
    rotated_q: Float[Any, "T H W"]
    rotated_k: Float[Any, "S H W"]
    bias: Float[Any, "H T S"]
    logits: Float[Any, "H T S"]
    weights: Float[Any, "H T S"]
    out: Float[Any, "T H K"]


@cache
def make_inputs(width: int, heads: int) -> LayerInputs:
    """Random inputs of TRAIN_LENGTH tokens, the same for every encoding."""
    draw = np.random.default_rng(1).normal
    shape = (width, heads, width // heads)
    x, cotangent = draw(size=(TRAIN_LENGTH, width)), draw(size=(TRAIN_LENGTH, *shape[1:]))
    weights = [draw(size=shape) / math.sqrt(width) for _ in range(3)]
    return LayerInputs(*(np.asarray(a, np.float32) for a in (x, *weights, cotangent)))


def make_mask(attention: Attention) -> np.ndarray:
    """The mask of TRAIN_LENGTH tokens: True where a query sees a key."""
    full = np.ones((TRAIN_LENGTH, TRAIN_LENGTH), bool)
    return np.tril(full) if attention == "causal" else full


def make_short_mask(attention: Attention) -> np.ndarray:
    """The same mask, but only the first four tokens see each other; every other token sees itself alone."""
    first = POSITIONS < 4
    return make_mask(attention) & first[:, None] & first | np.eye(TRAIN_LENGTH, dtype=bool)


def project(x: Float[Array, "T D"], weight: Float[Any, "D H K"]) -> Float[Array, "T H K"]:
    """Queries, keys or values of all heads."""
    return jnp.einsum("td,dhk->thk", x, weight)


def attend(
    encoding: Encoding,
    q: Float[Array, "T H K"],
    k: Float[Array, "S H K"],
    v: Float[Array, "S H K"],
    view: View,
) -> LayerTrace:
    """Attention as in `jaxpe.model.MultiHeadAttention`, with or without a mask; `embedded` is left to the caller."""
    rotated_q, rotated_k = encoding.rotate(q, k, view)
    logits = jnp.einsum("thw,shw->hts", rotated_q, rotated_k) / math.sqrt(q.shape[-1])
    bias = encoding.bias(rotated_q, rotated_k, view)
    bias = jnp.broadcast_to(jnp.asarray(0.0 if bias is None else bias, logits.dtype), logits.shape)
    logits = logits + bias
    weights = encoding.weights(logits, view)
    out = jnp.einsum("hts,shk->thk", weights, v)
    return LayerTrace(q, stack_seen(view.q_seen, len(q)), q, k, rotated_q, rotated_k, bias, logits, weights, out)


def stack_seen(seen: Any, tokens: int) -> Float[Array, "T N"]:
    """All numbers that `observe` gave of each token, in a row; no columns where it gave none."""
    leaves = [jnp.reshape(leaf, (tokens, -1)).astype(jnp.float32) for leaf in jax.tree.leaves(seen)]
    return jnp.concatenate(leaves, axis=1) if leaves else jnp.zeros((tokens, 0))


class Attended(NamedTuple):
    """What one attention reads: token embeddings, queries, keys, values, and what they are to each other."""

    x: Float[Array, "T D"]
    q: Float[Array, "T H K"]
    k: Float[Array, "S H K"]
    v: Float[Array, "S H K"]
    view: View


def prepare_layer(encoding: Encoding, inputs: LayerInputs, positions: Num[Array, "T"], mask: Any) -> Attended:
    """Self-attention over embedded tokens, up to `rotate`."""
    x = encoding.embed(jnp.asarray(inputs.x), positions)
    q, k, v = (project(x, weight) for weight in (inputs.query, inputs.key, inputs.value))
    seen = encoding.observe(x)
    return Attended(x, q, k, v, View(positions, positions, None if mask is None else jnp.asarray(mask), seen, seen))


def apply_layer(encoding: Encoding, inputs: LayerInputs, positions: Num[Array, "T"], mask: Any) -> LayerTrace:
    """Self-attention over embedded tokens, with the encoding of the first block at the start of training."""
    encoding = encoding.at(0, 0.0)
    x, q, k, v, view = prepare_layer(encoding, inputs, positions, mask)
    return attend(encoding, q, k, v, view)._replace(embedded=x)


apply_layer_jit = jax.jit(apply_layer, compiler_options=FAST_COMPILATION)


def compute_tolerance(values: np.ndarray, largest_position: float = 0.0) -> float:
    """The tolerance for float32 values: 1e-5, plus the rounding of an angle at the largest position.

    It is multiplied by the largest value where that is above 1.
    """
    return max(1.0, float(np.abs(values).max(initial=0.0))) * (1e-5 + 4 * ROUNDING * largest_position)


def find_largest_difference(a: np.ndarray, b: np.ndarray) -> tuple[float, tuple[int, ...]]:
    """The largest absolute difference and its index. It is infinite where a value is not finite."""
    a, b = np.broadcast_arrays(a, b)
    difference = np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64))
    difference = np.where(np.isfinite(difference), difference, np.inf)
    if not difference.size:
        return 0.0, ()
    index = np.unravel_index(difference.argmax(), difference.shape)
    return float(difference[index]), tuple(int(i) for i in index)
