"""Properties of single hooks: shapes, dtypes, which hooks act, norms."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.conformance.findings import Finding, locate_error_in_class
from jaxpe.conformance.layer import compute_tolerance, find_largest_difference
from jaxpe.conformance.subject import Subject, find_active_hooks, run_layer
from jaxpe.encodings.validate import KEYS, QUERIES, call_hooks, compare_shapes
from jaxpe.errors import UserError
from jaxpe.plugins.calls import get_first_line, locate_error
from jaxpe.plugins.files import locate_class


def check_shapes(subject: Subject) -> Finding:
    """Every hook returns float32 of the right shape. Raises UserError where a hook cannot be called."""
    call = partial(call_hooks, subject.initial, subject.width, subject.heads)
    kind = subject.kind
    try:
        results = jax.eval_shape(call)
    except UserError:
        raise
    except Exception as error:
        place = locate_error_in_class(error, kind) or locate_error(error) or f" ({locate_class(kind)})"
        what = f"{kind.__name__} could not be called with {subject.attention} attention"
        raise UserError(f"{what}: {type(error).__name__}: {get_first_line(error)}{place}.") from error
    for hook, returned, expected in compare_shapes(results, subject.width, subject.heads):
        if returned != expected:
            fault = (
                f"{hook} returned the shape {returned}, but must return {expected} for {QUERIES} queries, {KEYS} keys"
            )
            return Finding("wrong shape", f"{fault} and {subject.heads} heads", (hook.split()[0],))
    hooks = ("embed", "observe", "observe", "rotate", "rotate", "bias", "weights")
    for hook, result in zip(hooks, results, strict=True):
        for leaf in jax.tree.leaves(result):
            if leaf.dtype != jnp.float32:
                return Finding(str(leaf.dtype), f"{hook} returned {leaf.dtype}, but must return float32", (hook,))
    return Finding("correct, float32")


def check_promotion(subject: Subject) -> Finding:
    """No hook mixes dtypes without a cast. Positions are integers or float32, everything else is float32."""
    call = partial(call_hooks, subject.initial, subject.width, subject.heads)
    try:
        with jax.numpy_dtype_promotion("strict"):
            jax.eval_shape(call)
    except Exception as error:
        place = locate_error_in_class(error, type(subject.initial)) or locate_error(error)
        fault = (
            f"dtypes are mixed without a cast{place}: cast integers with .astype(jnp.float32) before they meet floats"
        )
        return Finding("mixed dtypes", fault)
    return Finding("none implicit")


def check_active_hooks(subject: Subject) -> Finding:
    """Which hooks change anything. Never a fault."""
    return Finding(", ".join(find_active_hooks(subject)) or "none")


def check_norms(subject: Subject) -> Finding:
    """`rotate` keeps the norms of queries and keys, or the class declares that it does not."""
    if "rotate" not in find_active_hooks(subject):
        return Finding("no rotation")
    trace = run_layer(subject)
    norms = [
        [np.linalg.norm(np.asarray(x, np.float64), axis=-1) for x in pair]
        for pair in ((trace.rotated_q, trace.q), (trace.rotated_k, trace.k))
    ]
    difference = max(find_largest_difference(*pair)[0] for pair in norms)
    kept = difference <= max(compute_tolerance(plain) for _, plain in norms)
    measured = "kept" if kept else f"changed by up to {difference:.2g}"
    if kept != subject.encoding.keeps_norms:
        fault = f"the class declares keeps_norms = {subject.encoding.keeps_norms}, but norms are {measured}"
        return Finding(measured, fault, ("rotate",))
    return Finding(measured)
