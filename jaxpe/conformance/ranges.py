"""Properties of the range of positions: how far they are defined, tables that end, fractional positions."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from jaxpe.conformance.findings import Finding
from jaxpe.conformance.layer import (
    FAST_COMPILATION,
    MAX_LENGTH,
    POSITIONS,
    TRAIN_LENGTH,
    LayerInputs,
    LayerTrace,
    make_inputs,
    project,
)
from jaxpe.conformance.subject import Subject, find_active_hooks, run_layer, spread_positions
from jaxpe.encodings.base import Encoding, View
from jaxpe.errors import UserError
from jaxpe.model import check_positions

FIELDS = {
    "embedded": "embed", "seen": "observe", "rotated_q": "rotate", "rotated_k": "rotate", "bias": "bias", "logits": "bias",
    "weights": "weights",
}  # fmt: skip
SIDES = ("query", "key")


def find_nonfinite(trace: LayerTrace, positions: np.ndarray) -> Finding | None:
    """The fault of the first hook whose result is not finite; None where all are finite."""
    for field, hook in FIELDS.items():
        values = np.asarray(getattr(trace, field))
        indices = np.argwhere(~np.isfinite(values))
        if len(indices):
            index = tuple(indices[0])
            value = values[index]
            if values.shape[1:] == (TRAIN_LENGTH, TRAIN_LENGTH):
                place = f"query position {positions[index[1]]}, key position {positions[index[2]]}"
            else:
                place = f"position {positions[index[0]]}"
            subject = "the logits are" if field == "logits" else f"the result of {hook} is"
            return Finding(f"{value}", f"{subject} not finite: {value} at {place}", (hook,))
    return None


def check_range(subject: Subject) -> Finding:
    """Results are finite up to 16 times the training length, or positions beyond the limit are refused.

    Neighbouring positions do not share a code: that would show a table that has ended, or rounded positions.
    """
    limit = subject.encoding.position_limit
    if finding := find_limit_fault(limit):
        return finding
    for positions in (POSITIONS, spread_positions(subject)):
        if finding := find_nonfinite(run_layer(subject, positions), positions):
            return finding
    if limit is not None and not is_refused(subject.encoding, jnp.asarray([limit])):
        return Finding("no limit", f"position {limit} is not refused", ("position_limit",))
    active = find_active_hooks(subject)
    if "embed" in active and (finding := find_repeated_code(subject)):
        return finding
    if subject.encoding.invariance == "absolute" and (finding := find_clamped_logits(subject, active)):
        return finding
    if limit is not None:
        return Finding(f"positions 0 … {limit - 1}, refused beyond")
    return Finding(f"finite up to {MAX_LENGTH - 1}")


def find_limit_fault(limit: Any) -> Finding | None:
    """The fault of a `position_limit` that is no number, or too small."""
    if limit is None:
        return None
    if not (isinstance(limit, int) and limit > 0):
        fault = f"position_limit is {limit!r}, but must be None or an integer above 0"
        return Finding(repr(limit), fault, ("position_limit",))
    if limit < TRAIN_LENGTH:
        fault = f"position_limit is {limit}, but the encoding was built for max_length = {MAX_LENGTH}"
        return Finding(f"positions 0 … {limit - 1}", f"{fault}: give a table max_length rows", ("position_limit",))
    return None


def is_refused(encoding: Encoding, positions: Num[Array, "T"]) -> bool:
    """Whether a model refuses these positions with this encoding."""
    try:
        check_positions(encoding, positions)
    except UserError:
        return True
    return False


def list_all_positions(subject: Subject) -> np.ndarray:
    """All positions of the longest test input, or those below the limit."""
    limit = subject.encoding.position_limit
    return np.arange(MAX_LENGTH + TRAIN_LENGTH if limit is None else min(limit, MAX_LENGTH), dtype=np.int32)


def find_repeated_code(subject: Subject) -> Finding | None:
    """The fault of neighbouring positions that share a code where the first two do not; None where there is none."""
    positions = list_all_positions(subject)
    x = np.repeat(np.asarray(make_inputs(subject.width, subject.heads).x)[:1], len(positions), axis=0)
    codes = np.asarray(embed_tokens(subject.encoding, x, jnp.asarray(positions)))
    repeated = (codes[1:] == codes[:-1]).all(-1)
    if repeated[0] or not repeated.any():
        return None
    first = int(repeated.argmax())
    if repeated[first:].all():
        return describe_clamp(first, f"all positions from {first} on share one code", ("embed",))
    fault = f"the positions {first} and {first + 1} share one code. Are positions rounded, as in bfloat16?"
    return Finding(f"rounded from {first} on", fault, ("embed",))


def find_clamped_logits(subject: Subject, active: Collection[str]) -> Finding | None:
    """The fault of `rotate` or `bias` that treat all positions alike from some position on; None where there is none."""
    hooks = [hook for hook in ("rotate", "bias") if hook in active]
    if not hooks:
        return None
    positions = jnp.asarray(list_all_positions(subject))
    mask = np.tril(np.ones((len(positions),) * 2, bool)) if subject.attention == "causal" else None
    inputs = make_inputs(subject.width, subject.heads)
    for values, of in zip(act_on_equal_tokens(subject.encoding, inputs, positions, mask), SIDES, strict=True):
        codes = np.asarray(values)
        repeated = (codes[1:] == codes[:-1]).all(-1)
        first = int(repeated.argmax())
        if (
            first and repeated[first:].all()
        ):  # where codes repeat earlier too, they are meant to: in chunks of positions
            return describe_clamp(first, f"all {of} positions from {first} on act alike", tuple(hooks))
    return None


def describe_clamp(first: int, what: str, hooks: tuple[str, ...]) -> Finding:
    """The fault of positions that are alike from the position `first` on."""
    cure = f"Is an index clamped? Declare position_limit = {first + 1}, or make the table longer"
    return Finding(f"clamped at {first}", f"{what}. {cure}", hooks)


@partial(jax.jit, compiler_options=FAST_COMPILATION)
def act_on_equal_tokens(
    encoding: Encoding, inputs: LayerInputs, positions: Num[Array, "T"], mask: Any
) -> tuple[Float[Array, "T N"], Float[Array, "T M"]]:
    """What `rotate` and `bias` make of each query, and of each key, where all tokens are the same."""
    encoding, count = encoding.at(0, 0.0), len(positions)
    repeat = partial(jax.tree.map, lambda leaf: jnp.repeat(leaf, count, axis=0))
    token = jnp.asarray(inputs.x)[:1]
    q, k = (repeat(project(token, weight)) for weight in (inputs.query, inputs.key))
    seen = repeat(encoding.observe(token))
    view = View(positions, positions, None if mask is None else jnp.asarray(mask), seen, seen)
    q, k = encoding.rotate(q, k, view)
    bias = encoding.bias(q, k, view)
    bias = jnp.broadcast_to(jnp.asarray(0.0 if bias is None else bias), (q.shape[1], count, count))
    rows = ((q, bias.transpose(1, 0, 2)), (k, bias.transpose(2, 0, 1)))
    queries, keys = (jnp.concatenate([a.reshape(count, -1) for a in pair], axis=1) for pair in rows)
    return queries, keys


@partial(jax.jit, compiler_options=FAST_COMPILATION)
def embed_tokens(encoding: Encoding, x: Float[Any, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
    """Embedded tokens, as in the first block at the start of training."""
    return encoding.at(0, 0.0).embed(x, positions)


def check_fractions(subject: Subject) -> Finding:
    """Fractional positions are refused; or results are finite, and codes differ from those of whole positions."""
    halves = (POSITIONS + 0.5).astype(np.float32)
    if subject.encoding.integer_positions:
        if is_refused(subject.encoding, jnp.asarray(halves)):
            return Finding("refused")
        return Finding("accepted", "integer_positions is True, but fractional positions are not refused", ("__init__",))
    trace = run_layer(subject, halves)
    if finding := find_nonfinite(trace, halves):
        return finding
    if "embed" in find_active_hooks(subject):
        for positions in (POSITIONS, POSITIONS + 1):
            if np.array_equal(trace.embedded, run_layer(subject, positions).embedded):
                fault = "position 0.5 has the code of a whole position. Is it rounded? Declare integer_positions = True"
                return Finding("rounded", fault, ("embed",))
    return Finding("finite")
