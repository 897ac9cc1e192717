"""The three hooks of an encoding, called on shapes alone: what is wrong is said before anything compiles."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

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
            check_parts(name, encoding)
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


def check_parts(name: str, encoding: encodings.Encoding) -> None:
    """Refuses a plain array as an attribute (it would be trained unseen), and a limit that is no number."""
    for attribute, value in vars(encoding).items():
        if isinstance(value, (jax.Array, np.ndarray)):
            raise UserError(
                f"encoding {encodings.label(name)!r}: the attribute {attribute} is an array but no nnx.Param: wrap it in "
                "nnx.Param if it is to be trained, else compute it where it is used."
            )
    limit = encoding.position_limit
    if not (limit is None or (isinstance(limit, int) and limit > 0)):
        raise UserError(
            f"encoding {encodings.label(name)!r}: position_limit is {limit!r}, but must be None or a number above 0."
        )


QUERIES, KEYS = 3, 5  # of the trial call: small, and different, so that a swap shows


def returned_shapes(encoding: encodings.Encoding, width: int, heads: int) -> Any:
    """What the hooks return on zeros, under eval_shape."""
    q, k = jnp.zeros((QUERIES, heads, width // heads)), jnp.zeros((KEYS, heads, width // heads))
    q_positions, k_positions = jnp.arange(QUERIES), jnp.arange(KEYS)
    embedded = encoding.embed(jnp.zeros((KEYS, width)), k_positions)
    q, k = encoding.rotate(q, k, q_positions, k_positions)
    bias = encoding.bias(q, k, q_positions, k_positions, jnp.ones((QUERIES, KEYS), bool))
    return embedded, q, k, jnp.zeros(()) if bias is None else bias


def shape_of(returned: Any) -> tuple[Any, ...]:
    """The shape of what a hook returned; its type where it is no array, or no array of floats."""
    if not hasattr(returned, "shape"):
        return (type(returned).__name__,)
    return returned.shape if jnp.issubdtype(returned.dtype, jnp.floating) else (*returned.shape, str(returned.dtype))


def wanted_shapes(shapes: Any, width: int, heads: int) -> list[tuple[str, Any, Any]]:
    """(hook, returned, wanted) for each hook; a bias may be 1 wide where it does not differ."""
    embedded, q, k = (shape_of(one) for one in shapes[:3])
    bias = tuple(getattr(shapes[3], "shape", (type(shapes[3]).__name__,)))
    full = (heads, QUERIES, KEYS)
    fits = len(bias) <= 3 and all(n in (1, m) for n, m in zip(bias[::-1], full[::-1], strict=False))
    return [
        ("embed", embedded, (KEYS, width)),
        ("rotate (queries)", q, (QUERIES, heads, *q[-1:])),
        ("rotate (keys)", k, (KEYS, heads, *q[-1:])),
        ("bias", bias, bias if fits else full),
    ]
