"""What is measured: an encoding in one attention config, inside one attention layer, on fixed random inputs.

Letters as in `jaxpe.model`. Positions are those of N = 20 training tokens, and of inputs 16 times as long.
"""

from __future__ import annotations

import inspect
import math
import traceback
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe import encodings
from jaxpe.encodings.base import Attention, Encoding

TRAINED = 20  # N
LONGEST = 16 * TRAINED
PLACES = np.arange(TRAINED, dtype=np.int32)
SPREAD = 16 * PLACES + 15  # up to the last position of the longest input
ROUNDING = 2.0**-24  # of float32


@dataclass(frozen=True, eq=False)
class Subject:
    """An encoding as it starts, and with every parameter moved a little, so that tables of zeros show what they do."""

    name: str
    attention: Attention
    width: int
    heads: int
    initial: Encoding
    encoding: Encoding


class Finding(NamedTuple):
    """What was measured; a fault where the property does not hold, and the methods of the class that it lies in."""

    measured: str
    fault: str = ""
    methods: tuple[str, ...] = ()


class Given(NamedTuple):
    """Token embeddings, the projections of an attention layer, and a direction to differentiate its output in."""

    x: Float[Any, "T D"]
    query: Float[Any, "D H K"]
    key: Float[Any, "D H K"]
    value: Float[Any, "D H K"]
    cotangent: Float[Any, "T H K"]


class Seen(NamedTuple):
    """All that position can change on the way through the layer, as arrays of JAX or NumPy; `logits` before the mask."""

    embedded: Float[Any, "T D"]
    q: Float[Any, "T H K"]
    k: Float[Any, "S H K"]
    turned_q: Float[Any, "T H W"]
    turned_k: Float[Any, "S H W"]
    bias: Float[Any, "H T S"]
    logits: Float[Any, "H T S"]
    out: Float[Any, "T H K"]


def construct(
    name: str, attention: Attention, width: int, heads: int, key: Key[Array, ""] | None = None, **options: Any
) -> Encoding:
    """One instance, told the number of training positions where it asks for it. Raises UserError where it refuses."""
    if "trained_positions" in encodings.list_encoding_options(name):
        options = {"trained_positions": TRAINED, **options}
    key = jax.random.key(0) if key is None else key
    sizes = {"model_width": width, "heads": heads, "max_length": LONGEST}
    return encodings.build_encoding(name, **sizes, attention=attention, key=key, **options)


@cache
def subject(name: str, attention: Attention, width: int, heads: int) -> Subject:
    """The encoding in one config."""
    initial = construct(name, attention, width, heads)
    return Subject(name, attention, width, heads, initial, moved(initial))


def moved(encoding: Encoding) -> Encoding:
    """The encoding with N(0, 0.1²) added to every parameter."""
    noise = np.random.default_rng(0)

    def move(leaf: Any) -> Any:
        step = np.asarray(0.1 * noise.normal(size=leaf.shape), np.float32)
        return leaf + step.astype(leaf.dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return jax.tree.map(move, encoding)


@cache
def given(width: int, heads: int) -> Given:
    """Random inputs of TRAINED tokens, the same for every encoding."""
    draw = np.random.default_rng(1).normal
    shape = (width, heads, width // heads)
    x, cotangent = draw(size=(TRAINED, width)), draw(size=(TRAINED, *shape[1:]))
    weights = [draw(size=shape) / math.sqrt(width) for _ in range(3)]
    return Given(*(np.asarray(a, np.float32) for a in (x, *weights, cotangent)))


def projected(x: Float[Array, "T D"], weight: Float[Array, "D H K"]) -> Float[Array, "T H K"]:
    return jnp.einsum("td,dhk->thk", x, weight)


def attend(
    acting: Encoding,
    q: Float[Array, "T H K"],
    k: Float[Array, "S H K"],
    v: Float[Array, "S H K"],
    q_positions: Num[Array, T],
    k_positions: Num[Array, S],
    mask: Bool[Array, "T S"] | None,
) -> Seen:
    """Attention as in `jaxpe.model.Attention`, with a mask or without one."""
    turned_q, turned_k = acting.rotate(q, k, q_positions, k_positions)
    logits = jnp.einsum("thw,shw->hts", turned_q, turned_k) / math.sqrt(q.shape[-1])
    bias = acting.bias(turned_q, turned_k, q_positions, k_positions, mask)
    bias = jnp.broadcast_to(jnp.asarray(0.0 if bias is None else bias, logits.dtype), logits.shape)
    logits = logits + bias
    masked = logits if mask is None else jnp.where(mask, logits, jnp.finfo(logits.dtype).min)
    out = jnp.einsum("hts,shk->thk", jax.nn.softmax(masked, axis=-1), v)
    return Seen(q, q, k, turned_q, turned_k, bias, logits, out)


def eager_layer(encoding: Encoding, inputs: Given, positions: Num[Array, T], mask: Any) -> Seen:
    """Self-attention over embedded tokens, the encoding acting as in the first block at the start of training."""
    acting = encoding.at(0, 0.0)
    x = acting.embed(jnp.asarray(inputs.x), positions)
    q, k, v = (projected(x, weight) for weight in (inputs.query, inputs.key, inputs.value))
    mask = None if mask is None else jnp.asarray(mask)
    return attend(acting, q, k, v, positions, positions, mask)._replace(embedded=x)


compiled_layer = jax.jit(eager_layer)


def visible(attention: Attention, size: int = TRAINED) -> np.ndarray:
    """Who sees whom."""
    return np.tri(size, dtype=bool) if attention == "causal" else np.ones((size, size), bool)


def see(subject: Subject, positions: np.ndarray = PLACES, mask: np.ndarray | None = None, x: Any = None) -> Seen:
    """The layer at these positions, as NumPy arrays."""
    inputs = given(subject.width, subject.heads)
    inputs = inputs if x is None else inputs._replace(x=x)
    mask = visible(subject.attention) if mask is None else mask
    seen = compiled_layer(subject.encoding, inputs, jnp.asarray(positions), mask)
    return Seen(*(np.asarray(a) for a in seen))


def acting_hooks(subject: Subject) -> tuple[str, ...]:
    """The hooks that change anything, measured at training positions and far ones."""
    same = partial(np.array_equal, equal_nan=True)
    found = set()
    for seen in (see(subject), see(subject, spread_below(subject))):
        changes = {
            "embed": not same(seen.embedded, given(subject.width, subject.heads).x),
            "rotate": not (same(seen.q, seen.turned_q) and same(seen.k, seen.turned_k)),
            "bias": bool(np.any(seen.bias != 0)),
        }
        found |= {hook for hook, changed in changes.items() if changed}
    return tuple(hook for hook in ("embed", "rotate", "bias") if hook in found)


def spread_below(subject: Subject) -> np.ndarray:
    """SPREAD, or as much of it as the encoding has positions for."""
    limit = subject.encoding.position_limit
    return SPREAD if limit is None or limit >= LONGEST else np.linspace(0, limit - 1, TRAINED).astype(np.int32)


def allowed(values: np.ndarray, largest: float = 0.0) -> float:
    """The tolerance for float32 values that come from positions up to `largest`: 1e-5 and the rounding of an angle."""
    return max(1.0, float(np.abs(values).max(initial=0.0))) * (1e-5 + 4 * ROUNDING * largest)


def difference(found: np.ndarray, expected: np.ndarray) -> tuple[float, tuple[int, ...]]:
    """The largest absolute difference and where it is; infinite where something is not finite."""
    found, expected = np.broadcast_arrays(found, expected)
    apart = np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64))
    apart = np.where(np.isfinite(apart), apart, np.inf)
    if not apart.size:
        return 0.0, ()
    place = np.unravel_index(apart.argmax(), apart.shape)
    return float(apart[place]), tuple(int(i) for i in place)


def kind_of(name: str) -> type[Encoding]:
    """The class behind a name."""
    return encodings.get_encoding_class(encodings.resolve_encoding(name))


def row_of(name: str) -> dict[str, Any]:
    """The options that a catalogue row sets."""
    maker = encodings.resolve_encoding(name)
    return maker.keywords if isinstance(maker, partial) else {}


def place_of_method(kind: type, method: str) -> str:
    """'file.py, line n' of a method or property, '' where there is no source."""
    attribute = inspect.getattr_static(kind, method)
    function: Any = attribute.fget if isinstance(attribute, property) else attribute
    try:
        file, line = (
            inspect.getsourcefile(inspect.unwrap(function)),
            inspect.getsourcelines(inspect.unwrap(function))[1],
        )
    except (OSError, TypeError):
        return ""
    return f"{Path(str(file)).name}, line {line}"


def place_of_error(error: BaseException, kind: type) -> str:
    """' (file.py, line n)' of the innermost frame in the class's own file, or ''."""
    own = inspect.getsourcefile(kind)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    return f" ({Path(str(own)).name}, line {lines[-1]})" if lines else ""


def leaves_of(encoding: Encoding) -> list[tuple[str, Any]]:
    """(dotted name, nnx.Variable or array) of everything that would be trained."""
    flat = jax.tree_util.tree_leaves_with_path(encoding, is_leaf=lambda node: isinstance(node, nnx.Variable))
    return [
        (".".join(str(getattr(part, "name", getattr(part, "idx", part))) for part in path), leaf) for path, leaf in flat
    ]
