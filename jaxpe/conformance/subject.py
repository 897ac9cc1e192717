"""What is measured: an encoding in one kind of attention."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Key

from jaxpe.conformance.layer import (
    FAR_POSITIONS,
    MAX_LENGTH,
    POSITIONS,
    TRAIN_LENGTH,
    LayerTrace,
    apply_layer_jit,
    make_inputs,
    make_mask,
)
from jaxpe.encodings.base import HOOKS, Attention, Context, Encoding, NoEncoding, View
from jaxpe.encodings.registry import build_encoding, resolve_encoding


@dataclass(frozen=True, eq=False)
class Subject:
    """An encoding in one kind of attention."""

    name: str
    attention: Attention
    width: int
    heads: int
    initial: Encoding  # as it is built
    encoding: Encoding  # with all parameters perturbed, so that tables which start at zero have an effect
    kind: type[Encoding]  # the class whose hooks act

    def build(self, key: Key[Array, ""] | None = None) -> Encoding:
        """Another instance, from the same key unless one is given."""
        return build_subject_encoding(self.name, self.attention, self.width, self.heads, key)


def build_subject_encoding(
    name: str, attention: Attention, width: int, heads: int, key: Key[Array, ""] | None = None, **options: Any
) -> Encoding:
    """One instance for the layer's positions. Raises UserError where the encoding refuses the attention or options."""
    context = Context(width, heads, MAX_LENGTH, attention, TRAIN_LENGTH)
    return build_encoding(name, context, key=jax.random.key(0) if key is None else key, **options)


@cache
def make_subject(name: str, attention: Attention, width: int, heads: int) -> Subject:
    """The encoding in one kind of attention. Raises UserError as `build_subject_encoding` does."""
    initial = build_subject_encoding(name, attention, width, heads)
    return Subject(name, attention, width, heads, initial, perturb_parameters(initial), type(initial))


def perturb_parameters(encoding: Encoding) -> Encoding:
    """The encoding with N(0, 0.1²) added to every parameter."""
    generator = np.random.default_rng(0)

    def perturb(leaf: Any) -> Any:
        noise = np.asarray(0.1 * generator.normal(size=leaf.shape), np.float32)
        return leaf + noise.astype(leaf.dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return jax.tree.map(perturb, encoding)  # type: ignore[no-any-return]


def run_layer(
    subject: Subject, positions: np.ndarray = POSITIONS, mask: np.ndarray | None = None, x: np.ndarray | None = None
) -> LayerTrace:
    """The layer at these positions, as NumPy arrays; by default on the fixed inputs, under the attention's own mask."""
    inputs = make_inputs(subject.width, subject.heads)
    inputs = inputs if x is None else inputs._replace(x=x)
    mask = make_mask(subject.attention) if mask is None else mask
    trace = apply_layer_jit(subject.encoding, inputs, jnp.asarray(positions), mask)
    return LayerTrace(*(np.asarray(a) for a in trace))


def spread_positions(subject: Subject) -> np.ndarray:
    """FAR_POSITIONS, or as many positions spread below the encoding's limit."""
    limit = subject.encoding.position_limit
    if limit is None or limit >= MAX_LENGTH:
        return FAR_POSITIONS
    return np.linspace(0, limit - 1, TRAIN_LENGTH).astype(np.int32)


def find_active_hooks(subject: Subject) -> tuple[str, ...]:
    """The hooks that change anything, at training positions or at far ones."""
    equal = partial(np.array_equal, equal_nan=True)
    active, mask = set(), make_mask(subject.attention)
    for trace in (run_layer(subject), run_layer(subject, spread_positions(subject))):
        changes = {
            "embed": not equal(trace.embedded, make_inputs(subject.width, subject.heads).x),
            "rotate": not (equal(trace.q, trace.rotated_q) and equal(trace.k, trace.rotated_k)),
            "observe": trace.seen.size > 0,
            "bias": bool(np.any(trace.bias != 0)),
            "weights": not np.allclose(trace.weights, compute_softmax(trace.logits, mask), atol=1e-6, equal_nan=True),
        }
        active |= {hook for hook, changed in changes.items() if changed}
    return tuple(hook for hook in HOOKS if hook in active)


def compute_softmax(logits: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The weights of an encoding that does not override `weights`."""
    positions = jnp.zeros(TRAIN_LENGTH)
    return np.asarray(NoEncoding().weights(jnp.asarray(logits), View(positions, positions, jnp.asarray(mask))))


def find_fault_methods(subject: Subject) -> tuple[str, ...]:
    """The methods to name in a fault of the whole layer: the active hooks, or `embed` where none is active."""
    return find_active_hooks(subject) or HOOKS[:1]


def list_parameters(encoding: Encoding) -> list[tuple[str, Any]]:
    """(dotted name, nnx.Variable or array) of everything that would be trained."""
    leaves = jax.tree_util.tree_leaves_with_path(encoding, is_leaf=lambda node: isinstance(node, nnx.Variable))
    return [
        (".".join(str(getattr(part, "name", getattr(part, "idx", part))) for part in path), leaf)
        for path, leaf in leaves
    ]


def get_row_options(name: str) -> dict[str, Any]:
    """The options that the catalogue row of an encoding fixes."""
    factory = resolve_encoding(name)
    return factory.keywords if isinstance(factory, partial) else {}
