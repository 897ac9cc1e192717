"""The three hooks of an encoding, called on shapes alone: what is wrong is said before anything compiles."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxpe import encodings
from jaxpe.encodings.base import Attention
from jaxpe.errors import UserError
from jaxpe.plugins import call_user_code

SETTINGS: dict[str, tuple[Attention, ...]] = {
    "encoder": ("bidirectional",),
    "decoder": ("causal",),
    "encoder_decoder": ("bidirectional", "causal", "cross"),
}


def check_hooks(
    name: str, *, model_width: int, heads: int, max_length: int, architecture: str, **options: Any
) -> int | None:
    """Builds and calls an encoding in every attention of an architecture, and returns its position limit.

    Raises UserError where it cannot be built or called, or where a hook returns a wrong shape.
    """
    limits = []
    for attention in SETTINGS[architecture]:

        def call(key: Any, attention: Attention = attention) -> Any:
            sizes = {"model_width": model_width, "heads": heads, "max_length": max_length}
            encoding = encodings.build(name, **sizes, attention=attention, key=key, **options)
            if attention == "cross" and not encoding.cross:
                return ()
            limits.append(encoding.position_limit)
            return returned_shapes(encoding, model_width, heads)

        what = f"encoding {encodings.label(name)!r} failed with {attention} attention"
        shapes = call_user_code(partial(jax.eval_shape, call, jax.random.key(0)), what)
        for hook, returned, wanted in shapes and wanted_shapes(shapes, model_width, heads):
            if returned != wanted:
                raise UserError(
                    f"encoding {encodings.label(name)!r}: {hook} returned the shape {returned}, but {wanted} is needed "
                    f"for {QUERIES} queries, {KEYS} keys, {heads} heads and width {model_width}."
                )
    return min((limit for limit in limits if limit is not None), default=None)


QUERIES, KEYS = 3, 5  # of the trial call: small, and different, so that a swap shows


def returned_shapes(encoding: encodings.Encoding, width: int, heads: int) -> Any:
    """What the hooks return on zeros, under eval_shape."""
    q, k = jnp.zeros((QUERIES, heads, width // heads)), jnp.zeros((KEYS, heads, width // heads))
    q_positions, k_positions = jnp.arange(QUERIES), jnp.arange(KEYS)
    embedded = encoding.embed(jnp.zeros((KEYS, width)), k_positions)
    q, k = encoding.rotate(q, k, q_positions, k_positions)
    bias = encoding.bias(q, k, q_positions, k_positions, jnp.ones((QUERIES, KEYS), bool))
    return embedded, q, k, jnp.zeros(()) if bias is None else bias


def wanted_shapes(shapes: Any, width: int, heads: int) -> list[tuple[str, Any, Any]]:
    """(hook, returned, wanted) for each hook; a bias may be 1 wide where it does not differ."""
    embedded, q, k, bias = (tuple(getattr(shape, "shape", (type(shape).__name__,))) for shape in shapes)
    full = (heads, QUERIES, KEYS)
    fits = len(bias) <= 3 and all(n in (1, m) for n, m in zip(bias[::-1], full[::-1], strict=False))
    return [
        ("embed", embedded, (KEYS, width)),
        ("rotate (queries)", q, (QUERIES, heads, *q[-1:])),
        ("rotate (keys)", k, (KEYS, heads, *q[-1:])),
        ("bias", bias, bias if fits else full),
    ]
