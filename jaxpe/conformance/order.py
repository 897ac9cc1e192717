"""Properties of order: what shifted, mirrored, permuted, later or padded tokens change; incremental decoding."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num

from jaxpe.conformance.findings import Finding
from jaxpe.conformance.layer import (
    FAST_COMPILATION,
    POSITIONS,
    TRAIN_LENGTH,
    LayerInputs,
    apply_layer,
    apply_layer_jit,
    attend,
    compute_tolerance,
    find_largest_difference,
    make_inputs,
    make_mask,
    make_short_mask,
    project,
)
from jaxpe.conformance.subject import Subject, find_fault_methods, run_layer, spread_positions
from jaxpe.encodings.base import Encoding, View

FAR_SHIFT = 10_000  # beyond every training length
SHIFTS = (1, 7, 64, 150, 1000)  # as well as the far one: a hook may act at some positions only


def describe_change(subject: Subject, a: np.ndarray, b: np.ndarray, mask: np.ndarray | None = None) -> str:
    """How much a visible logit differs between the positions a and b of the tokens; '' where none differs."""
    mask = make_mask(subject.attention) if mask is None else mask
    before, after = (np.where(mask, run_layer(subject, positions, mask).logits, 0.0) for positions in (a, b))
    difference, (_, query, key) = find_largest_difference(before, after)
    if difference <= compute_tolerance(before, max(a.max(), b.max())):
        return ""
    return f"the logit of query {query} and key {key} by {difference:.2g}"


def measure_invariance(subject: Subject) -> tuple[str, str]:
    """The invariance ('absolute', 'relative', …), and the observation that shows it."""
    limit = subject.encoding.position_limit
    far = FAR_SHIFT if limit is None else max(0, min(FAR_SHIFT, limit - TRAIN_LENGTH - 7))
    stretched = np.minimum(2 * POSITIONS, far + TRAIN_LENGTH)
    spread = spread_positions(subject)
    if not any(describe_change(subject, POSITIONS, other) for other in (POSITIONS[::-1], stretched, spread)):
        return "content", (
            "positions change nothing. If that is meant, declare invariance = 'content'; else, does a hook call arange?"
        )
    shifts = dict.fromkeys(min(shift, far) for shift in (*SHIFTS, far))
    changes = {shift: describe_change(subject, POSITIONS, POSITIONS + shift) for shift in shifts}
    if not any(changes.values()):
        half = spread // 2  # leaves room for a shift below the limit
        if change := describe_change(subject, half, half + 7):
            return "absolute", f"shifting the positions {half[0]}, {half[1]} … {half[-1]} by 7 changes {change}"
        return "relative", "shifting all positions changes nothing"
    shift, change = next((shift, change) for shift, change in changes.items() if change)
    shown = f"shifting all positions by {shift} changes {change}"
    short_change = describe_change(subject, POSITIONS, POSITIONS + 1, make_short_mask(subject.attention))
    if limit is None and not short_change:
        return "relative below a length", shown
    declared_relative = limit is None and subject.encoding.invariance != "absolute"
    if declared_relative and not describe_change(subject, POSITIONS + far, POSITIONS + far + 7):
        shown = f"shifting the positions 0 … 3 by 1 changes {short_change}, but a shift above {far} changes nothing"
        return "relative above a length", f"{shown}. Is a min used in place of a max?"
    return "absolute", shown


def check_invariance(subject: Subject) -> Finding:
    """The declared `invariance` is the one measured by shifting, mirroring and stretching positions."""
    declared, (measured, shown) = subject.encoding.invariance, measure_invariance(subject)
    if measured != declared:
        fault = f"the class declares invariance = {declared!r}, but it is {measured!r}: {shown}"
        return Finding(measured, fault, find_fault_methods(subject))
    return Finding(measured)


def check_direction(subject: Subject) -> Finding:
    """Whether mirrored positions change a logit without a causal mask, as `directed` declares."""
    change = describe_change(subject, POSITIONS, POSITIONS[::-1])
    measured, declared = "distinguished" if change else "not distinguished", subject.encoding.directed
    if declared is not None and declared != bool(change):
        shown = f"mirroring all positions changes {change or 'nothing'}"
        fault = f"the class declares directed = {declared}, but {shown}"
        return Finding(measured, fault, find_fault_methods(subject))
    return Finding(measured)


def check_permutation(subject: Subject) -> Finding:
    """Without a causal mask, permuting tokens together with their positions permutes the outputs in the same way."""
    order = np.random.default_rng(2).permutation(TRAIN_LENGTH)
    x = np.asarray(make_inputs(subject.width, subject.heads).x)
    plain, permuted = run_layer(subject).out, run_layer(subject, POSITIONS[order], x=x[order]).out
    difference, index = find_largest_difference(permuted, plain[order])
    if difference > compute_tolerance(plain, TRAIN_LENGTH):
        fault = (
            f"the result depends on the order of the arrays, not on `positions` alone: the output of token {index[0]} "
            f"changes by {difference:.2g}. Does a hook call arange?"
        )
        return Finding("not equivariant", fault, find_fault_methods(subject))
    return Finding("equivariant")


@partial(jax.jit, compiler_options=FAST_COMPILATION)
def compute_jacobian(
    encoding: Encoding, inputs: LayerInputs, positions: Num[Array, "T"], mask: Any
) -> Float[Array, "T T"]:
    """The largest |d out[t] / d x[s]| for each pair (t, s), with the output of a token in a fixed random direction."""

    def compute_outputs(x: Float[Array, "T D"]) -> Float[Array, "T"]:
        out = apply_layer(encoding, inputs._replace(x=x), positions, mask).out
        return jnp.sum(out * inputs.cotangent, axis=(1, 2))

    return jnp.abs(jax.jacrev(compute_outputs)(inputs.x)).max(-1)


def check_causality(subject: Subject) -> Finding:
    """Under a causal mask no output depends on a later token or position: by its gradient, and by changing them."""
    inputs, mask = make_inputs(subject.width, subject.heads), make_mask(subject.attention)
    methods = find_fault_methods(subject)
    leak = np.triu(np.asarray(compute_jacobian(subject.encoding, inputs, jnp.asarray(POSITIONS), mask)), 1)
    gradient, (query, key) = find_largest_difference(leak, np.zeros_like(leak))
    if gradient > 1e-6:
        fault = f"the output of token {query} depends on the later token {key}: the gradient is {gradient:.2g}"
        return Finding("not causal", fault, methods)
    plain = run_layer(subject).out
    for last in (5, 12):
        later = np.arange(TRAIN_LENGTH) > last
        tokens = np.where(later[:, None], np.flip(np.asarray(inputs.x)), inputs.x)
        moved = np.where(later, POSITIONS + 9, POSITIONS).astype(np.int32)
        for what, x, positions in (("tokens", tokens, POSITIONS), ("positions", None, moved)):
            changed = run_layer(subject, positions, x=x).out[: last + 1]
            difference, index = find_largest_difference(changed, plain[: last + 1])
            if difference > compute_tolerance(plain, TRAIN_LENGTH):
                fault = (
                    f"changing the {what} after token {last} changes the output of token {index[0]} by {difference:.2g}"
                )
                return Finding("not causal", fault, methods)
    return Finding("causal")


def check_padding(subject: Subject) -> Finding:
    """14 tokens alone give the same outputs as 14 tokens followed by 6 tokens of padding."""
    real = 14
    inputs, mask = make_inputs(subject.width, subject.heads), make_mask(subject.attention)
    short = inputs._replace(x=inputs.x[:real], cotangent=inputs.cotangent[:real])
    short_mask = mask[:real, :real] if subject.attention == "causal" else None
    alone = np.asarray(apply_layer_jit(subject.encoding, short, jnp.asarray(POSITIONS[:real]), short_mask).out)
    x = np.where(POSITIONS[:, None] < real, inputs.x, -3 * np.asarray(inputs.x))
    padded = run_layer(subject, mask=mask & (real > POSITIONS), x=x).out[:real]
    difference, index = find_largest_difference(padded, alone)
    if difference > compute_tolerance(alone, TRAIN_LENGTH):
        fault = (
            f"padding changes the output of token {index[0]} by {difference:.2g}. Does a hook use the number of "
            "tokens, or keys that the mask hides?"
        )
        return Finding("has an effect", fault, find_fault_methods(subject))
    return Finding("no effect")


@partial(jax.jit, compiler_options=FAST_COMPILATION)
def decode_steps(
    encoding: Encoding, inputs: LayerInputs, positions: Num[Array, "T"]
) -> tuple[Float[Array, "T H K"], Float[Array, "H K"]]:
    """The output of every token, each by a call on a cache of keys and values; that of the last also without a mask."""
    encoding = encoding.at(0, 0.0)
    x = jax.vmap(lambda token, position: encoding.embed(token[None], position[None])[0])(inputs.x, positions)
    q, k, v = (project(x, weight) for weight in (inputs.query, inputs.key, inputs.value))
    seen = jax.vmap(lambda h: jax.tree.map(lambda leaf: leaf[0], encoding.observe(h[None])))(x)
    slots = jnp.arange(TRAIN_LENGTH)

    def decode_token(t: Int[Array, ""]) -> Float[Array, "H K"]:
        filled = slots <= t
        keep = lambda a: jnp.where(filled.reshape(-1, *[1] * (a.ndim - 1)), a, 0)  # noqa: E731
        cached_k, cached_v, cached_seen = jax.tree.map(keep, (k, v, seen))
        position, query, of_query = jax.tree.map(
            partial(jax.lax.dynamic_slice_in_dim, start_index=t, slice_size=1), (positions, q, seen)
        )
        view = View(position, positions, filled[None], of_query, cached_seen)
        out: Array = attend(encoding, query, cached_k, cached_v, view).out
        return out[0]

    of_last = jax.tree.map(lambda leaf: leaf[-1:], seen)
    last = attend(encoding, q[-1:], k, v, View(positions[-1:], positions, None, of_last, seen)).out[0]
    return jax.vmap(decode_token)(slots), last


def check_decoding(subject: Subject) -> Finding:
    """Decoding with one query at a time on all keys so far gives the outputs of the full pass under the causal mask."""
    full = run_layer(subject).out
    steps, last = decode_steps(subject.encoding, make_inputs(subject.width, subject.heads), jnp.asarray(POSITIONS))
    for how, result, expected in (("", steps, full), (" and without a mask", last[None], full[-1:])):
        difference, index = find_largest_difference(np.asarray(result), expected)
        if difference > compute_tolerance(expected, TRAIN_LENGTH):
            fault = f"called with one query at a time{how}, the output of token {index[0]} is off by {difference:.2g}"
            return Finding("differs from the full pass", fault, find_fault_methods(subject))
    return Finding("equals the full pass")
