"""Properties of values: the hooks equal slow references in float64, also at large positions."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.conformance.findings import Finding
from jaxpe.conformance.layer import (
    POSITIONS,
    TRAIN_LENGTH,
    LayerTrace,
    apply_layer,
    compute_tolerance,
    find_largest_difference,
    make_inputs,
    make_mask,
)
from jaxpe.conformance.references import (
    compute_expected,
    find_reference,
    get_result,
    list_keyword_arguments,
    list_unknown_references,
)
from jaxpe.conformance.subject import Subject, find_active_hooks, get_row_options, run_layer, spread_positions
from jaxpe.encodings.base import HOOKS

LARGEST_POSITION = 100_000


def check_reference(subject: Subject) -> Finding:
    """Each active hook equals its slow reference, at training positions and at positions 16 times as far."""
    active = find_active_hooks(subject)
    if unknown := list_unknown_references(subject):
        fault = f"{unknown[0]} is the reference of no hook: the hooks are {', '.join(HOOKS)}"
        return Finding("a reference without a hook", fault)
    compared = [hook for hook in active if find_reference(subject, hook)]
    worst = 0.0
    for hook in compared:
        for positions in (POSITIONS, spread_positions(subject)):
            trace = run_layer(subject, positions)
            result, expected = get_result(subject, hook, trace), compute_expected(subject, hook, trace, positions)
            if result.shape != expected.shape:
                fault = f"reference_{hook} returned the shape {expected.shape}, but {hook} returned {result.shape}"
                return Finding("different", fault, (hook,))
            difference, index = find_largest_difference(result, expected)
            worst = max(worst, difference)
            if difference > compute_tolerance(expected, positions.max()):
                place = describe_place(hook, positions, index)
                fault = f"{hook} differs from reference_{hook} by {difference:.3g} at {place}"
                guess = guess_mistake(subject, hook, trace, positions)
                return Finding("different", fault + (f": {guess}" if guess else ""), (hook,))
    missing = [hook for hook in active if hook not in compared]
    parts = [
        f"{', '.join(compared)} equal{f' to {worst:.0e}' if worst else ''}" if compared else "",
        f"{', '.join(missing)} not compared: there is no reference" if missing else "",
    ]
    return Finding("; ".join(part for part in parts if part) or "no active hook")


def describe_place(hook: str, positions: np.ndarray, index: tuple[int, ...]) -> str:
    """Where in a hook's result an index lies, in words."""
    if hook in ("bias", "weights"):
        head, query, key = index
        return f"query position {positions[query]}, key position {positions[key]}, head {head}"
    return f"position {positions[index[-3 if hook == 'rotate' else -2]]}, coordinate {index[-1]}"


def guess_mistake(subject: Subject, hook: str, trace: LayerTrace, positions: np.ndarray) -> str:
    """The common mistake that turns the reference into the hook's result, or ''."""
    result, expected = get_result(subject, hook, trace), compute_expected(subject, hook, trace, positions)
    plain = np.asarray(make_inputs(subject.width, subject.heads).x, np.float64) if hook == "embed" else 0.0
    if guess := guess_factor(result - plain, expected - plain, math.sqrt(subject.width // subject.heads)):
        return guess
    for shift, sign, guess in (
        (0, -1, "it agrees with r = j − i (rotations in the other direction). Is a sign swapped?"),
        (1, 1, "it agrees with positions that are 1 larger. Are positions counted from 1?"),
        (-1, 1, "it agrees with positions that are 1 smaller. Is 1 subtracted?"),
    ):
        try:
            other = compute_expected(subject, hook, trace, sign * positions + shift)
        except Exception:  # a reference need not be defined there
            continue
        if find_largest_difference(result, other)[0] <= compute_tolerance(other, positions.max()):
            return guess
    if hook == "rotate" and agrees_with_half_pairs(subject, trace, positions):
        return "it agrees with the pairs (c, c + K/2) in place of (2c, 2c + 1). Which pairing is meant?"
    ignored = sorted(set(get_row_options(subject.name)) - set(list_keyword_arguments(find_reference(subject, hook))))
    return f"the reference does not take the option `{ignored[0]}`, which the catalogue row sets" if ignored else ""


def guess_factor(result: np.ndarray, expected: np.ndarray, root: float) -> str:
    """The factor between two arrays and what it suggests; '' where they are not proportional. `root` is √K."""
    ratio = float((result * expected).sum() / max(float((expected * expected).sum()), 1e-30))
    if not ratio or find_largest_difference(result, ratio * expected)[0] > 1e-3 * np.abs(result).max():
        return ""
    for factor, guess in (
        (-1, "it is the negative of the reference. Is a sign swapped?"),
        (1 / root, "it is the reference divided by √K. Logits are divided by √K before a bias is added, a bias is not"),
        (root, "it is the reference multiplied by √K"),
    ):
        if math.isclose(ratio, factor, rel_tol=1e-3):
            return guess
    return f"it is {ratio:.4g} times the reference"


def agrees_with_half_pairs(subject: Subject, trace: LayerTrace, positions: np.ndarray) -> bool:
    """Whether the rotation equals the reference with the pairs (c, c + K/2) in place of (2c, 2c + 1)."""
    result, width = get_result(subject, "rotate", trace), trace.q.shape[-1]
    if width % 2:
        return False
    order = np.arange(width).reshape(2, -1).T.ravel()  # (0, K/2, 1, K/2 + 1, …)
    reordered = trace._replace(q=trace.q[..., order], k=trace.k[..., order])
    other = compute_expected(subject, "rotate", reordered, positions)
    if other.shape != result.shape:
        return False
    other = other[..., np.argsort(order)]
    return find_largest_difference(result, other)[0] <= compute_tolerance(other, positions.max())


def check_precision(subject: Subject) -> Finding:
    """Large positions: results equal those in float64, of a correct reference or else of the same hook."""
    limit = subject.encoding.position_limit
    largest = LARGEST_POSITION if limit is None else min(LARGEST_POSITION, limit - 1)
    positions = (POSITIONS + max(0, largest - TRAIN_LENGTH + 1)).astype(np.int32)
    trace, wide_trace = run_layer(subject, positions), None
    differences = []
    for hook in find_active_hooks(subject):
        if find_reference(subject, hook) and agrees_with_reference(subject, hook):
            expected = compute_expected(subject, hook, trace, positions)
        else:
            wide_trace = run_layer_in_float64(subject, positions) if wide_trace is None else wide_trace
            expected = get_result(subject, hook, wide_trace)
        difference, _ = find_largest_difference(get_result(subject, hook, trace), expected)
        differences.append(difference)
        if difference > compute_tolerance(expected, largest):
            if not np.isfinite(difference):
                fault = f"the result of {hook} is not finite at positions up to {largest:,}"
                return Finding("not finite", fault, (hook,))
            fault = (
                f"at positions up to {largest:,} {hook} differs from float64 by {difference:.2g}: form angles in "
                "float32 by broadcasting, never in 16 bits or by a matrix product, and avoid overflow"
            )
            return Finding(f"off by {difference:.2g}", fault, (hook,))
    return Finding(f"off by {max(differences):.0e} at {largest:,}" if differences else "no active hook")


def agrees_with_reference(subject: Subject, hook: str) -> bool:
    """Whether a hook equals its reference at training positions."""
    trace = run_layer(subject)
    result, expected = get_result(subject, hook, trace), compute_expected(subject, hook, trace, POSITIONS)
    if result.shape != expected.shape:
        return False
    return find_largest_difference(result, expected)[0] <= compute_tolerance(expected, TRAIN_LENGTH)


def run_layer_in_float64(subject: Subject, positions: np.ndarray) -> LayerTrace:
    """The layer in float64, as NumPy arrays."""

    def widen(leaf: Any) -> Any:
        return jnp.asarray(leaf, jnp.float64) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    with jax.enable_x64(True):
        encoding, inputs = jax.tree.map(widen, (subject.encoding, make_inputs(subject.width, subject.heads)))
        trace = apply_layer(encoding, inputs, jnp.asarray(positions), make_mask(subject.attention))
        return LayerTrace(*(np.asarray(a) for a in trace))
