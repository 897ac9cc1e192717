"""A check of an encoding before training: its hooks are called on shapes alone, so that nothing is compiled."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxpe.encodings.base import Attention, Context, Encoding, View
from jaxpe.encodings.registry import build_encoding, label_encoding
from jaxpe.errors import UserError
from jaxpe.plugins.calls import call_user_code

ATTENTIONS: dict[str, tuple[Attention, ...]] = {
    "encoder": ("bidirectional",),
    "decoder": ("causal",),
    "encoder_decoder": ("bidirectional", "causal", "cross"),
}
QUERIES, KEYS = 3, 5  # of the trial call: different numbers, so that swapped axes show


class HookResults(NamedTuple):
    """What the hooks returned. Any object: user code may return something that is not an array."""

    embedded: Any
    q_seen: Any
    k_seen: Any
    q: Any
    k: Any
    bias: Any
    weights: Any


class ShapeCheck(NamedTuple):
    """The shape that a hook returned, and the shape that it must return."""

    hook: str
    returned: Any
    expected: Any


class PositionNeeds(NamedTuple):
    """What an encoding needs to know of positions."""

    limit: int | None  # how many positions it has; None: any number
    reads_max_length: bool  # whether it can depend on `Context.max_length`


def watch_max_length(context: Context, reads: list[str]) -> Context:
    """The same context, which appends to `reads` whenever its `max_length` is read."""

    class WatchedContext(Context):
        def __getattribute__(self, name: str) -> Any:
            if name == "max_length":
                reads.append(name)
            return super().__getattribute__(name)

    return WatchedContext(**asdict(context))


def validate_encoding(name: str, context: Context, architecture: str, **options: Any) -> PositionNeeds:
    """What an encoding needs of positions, after it was built and called in every attention of an architecture.

    The attention of `context` is replaced.

    Raises UserError where it cannot be built or called, or where a hook returns a wrong shape.
    """
    limits, reads = [], list[str]()
    title = f"encoding {label_encoding(name)!r}"
    for attention in ATTENTIONS[architecture]:

        def call(key: Key[Array, ""], attention: Attention = attention) -> HookResults | None:
            watched = watch_max_length(replace(context, attention=attention), reads)
            encoding = build_encoding(name, watched, key=key, **options)
            if attention == "cross" and not encoding.cross:
                return None
            check_attributes(title, encoding)
            limits.append(encoding.position_limit)
            return call_hooks(encoding, context.model_width, context.heads)

        evaluate = partial(jax.eval_shape, call, jax.random.key(0))
        results = call_user_code(evaluate, f"{title} failed with {attention} attention")
        for hook, returned, expected in compare_shapes(results, context.model_width, context.heads) if results else ():
            if returned != expected:
                raise UserError(
                    f"{title}: {hook} returned the shape {returned}, but must return {expected} for {QUERIES} queries, "
                    f"{KEYS} keys, {context.heads} heads and model width {context.model_width}."
                )
    return PositionNeeds(min((limit for limit in limits if limit is not None), default=None), bool(reads))


def check_attributes(title: str, encoding: Encoding) -> None:
    """Raises UserError for a plain array as an attribute (it would be trained unnoticed) and for a wrong declaration."""
    for attribute, value in vars(encoding).items():
        if isinstance(value, (jax.Array, np.ndarray)):
            raise UserError(
                f"{title}: the attribute {attribute} is an array but no nnx.Param. Wrap it in nnx.Param if it is to be "
                "trained; else compute it where it is used."
            )
    limit = encoding.position_limit
    if not (limit is None or (isinstance(limit, int) and limit > 0)):
        raise UserError(f"{title}: position_limit is {limit!r}, but must be None or an integer above 0.")
    std = encoding.token_std
    if not (isinstance(std, (int, float)) and 0 < std < math.inf):
        raise UserError(f"{title}: token_std is {std!r}, but must be a number above 0.")
    changes = encoding.changes_at
    if not (isinstance(changes, tuple) and all(isinstance(share, float) and 0 < share < 1 for share in changes)):
        raise UserError(f"{title}: changes_at is {changes!r}, but must be a tuple of numbers between 0 and 1.")


def call_hooks(encoding: Encoding, width: int, heads: int) -> HookResults:
    """The results of the hooks on zeros, for QUERIES queries and KEYS keys. Meant for `jax.eval_shape`."""
    q, k = jnp.zeros((QUERIES, heads, width // heads)), jnp.zeros((KEYS, heads, width // heads))
    embedded = encoding.embed(jnp.zeros((KEYS, width)), jnp.arange(KEYS))
    q_seen, k_seen = (encoding.observe(jnp.zeros((count, width))) for count in (QUERIES, KEYS))
    mask = jnp.tri(QUERIES, KEYS, KEYS - QUERIES, dtype=bool)
    view = View(jnp.arange(QUERIES), jnp.arange(KEYS), mask, q_seen, k_seen)
    rotated = encoding.rotate(q, k, view)
    if not (isinstance(rotated, (tuple, list)) and len(rotated) == 2):
        raise TypeError("rotate must return two arrays, those of the queries and of the keys: write return q, k")
    q, k = rotated
    bias = encoding.bias(q, k, view)
    weights = encoding.weights(jnp.zeros((heads, QUERIES, KEYS)), view)
    return HookResults(embedded, q_seen, k_seen, q, k, jnp.zeros(()) if bias is None else bias, weights)


def describe_shape(value: Any) -> tuple[Any, ...]:
    """The shape of an array, with its dtype where that is not a float; the type of anything else."""
    if not hasattr(value, "shape"):
        return (type(value).__name__,)
    floating = jnp.issubdtype(value.dtype, jnp.floating)
    return tuple(value.shape) if floating else (*value.shape, str(value.dtype))


def compare_shapes(results: HookResults, width: int, heads: int) -> list[ShapeCheck]:
    """The returned and the expected shape of each hook. An axis of a bias may have the size 1."""
    embedded, q, k, weights = (
        describe_shape(value) for value in (results.embedded, results.q, results.k, results.weights)
    )
    bias = tuple(getattr(results.bias, "shape", (type(results.bias).__name__,)))
    full = (heads, QUERIES, KEYS)
    fits = len(bias) <= 3 and all(n in (1, m) for n, m in zip(bias[::-1], full[::-1], strict=False))
    seen = [
        ShapeCheck("observe", describe_shape(leaf), (count, *describe_shape(leaf)[1:]))
        for count, values in ((QUERIES, results.q_seen), (KEYS, results.k_seen))
        for leaf in jax.tree.leaves(values)
    ]
    return [
        ShapeCheck("embed", embedded, (KEYS, width)),
        *seen,
        ShapeCheck("rotate (queries)", q, (QUERIES, heads, *q[-1:])),
        ShapeCheck("rotate (keys)", k, (KEYS, heads, *q[-1:])),
        ShapeCheck("bias", bias, bias if fits else full),
        ShapeCheck("weights", weights, full),
    ]
