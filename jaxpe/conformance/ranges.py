"""Properties of range: which positions are defined, clamped tables, fractional positions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.conformance import subject as subjects
from jaxpe.conformance.subject import LONGEST, PLACES, TRAINED, Finding, Seen, Subject, see
from jaxpe.encodings.base import Encoding
from jaxpe.errors import UserError
from jaxpe.model import check_positions

FIELDS = {"embedded": "embed", "turned_q": "rotate", "turned_k": "rotate", "bias": "bias", "logits": "bias"}


def not_finite(seen: Seen, positions: np.ndarray) -> Finding | None:
    """The first hook whose result is not finite."""
    for field, hook in FIELDS.items():
        values = np.asarray(getattr(seen, field))
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            place = [int(positions[n]) for n in (bad[0][1:] if values.shape[1:] == (TRAINED, TRAINED) else bad[0][:1])]
            value = values[tuple(bad[0])]
            where = f"query position {place[0]}, key position {place[1]}" if len(place) > 1 else f"position {place[0]}"
            name = "the logits are" if field == "logits" else f"what {hook} returned is"
            return Finding(f"{value}", f"{name} not finite: {value} at {where}", (hook,))
    return None


def check_range(subject: Subject) -> Finding:
    """Finite at 16 times the training length, or refused with the limit; no two codes alike where a table ends."""
    limit = subject.encoding.position_limit
    if limit is not None and not (isinstance(limit, int) and limit > 0):
        fault = f"position_limit is {limit!r}, but must be None or a number above 0"
        return Finding(repr(limit), fault, ("position_limit",))
    if limit is not None and limit < TRAINED:
        fault = f"position_limit is {limit}, but it was built for max_length = {LONGEST}: give a table max_length rows"
        return Finding(f"positions 0 … {limit - 1}", fault, ("position_limit",))
    for positions in (PLACES, subjects.spread_below(subject)):
        if bad := not_finite(see(subject, positions), positions):
            return bad
    if limit is not None:
        try:
            check_positions(subject.encoding, jnp.asarray([limit]))
            return Finding("", f"position {limit} is not refused", ("position_limit",))
        except UserError:
            pass
    if "embed" in subjects.acting_hooks(subject) and (bad := repeated_code(subject)):
        return bad
    if limit is not None:
        return Finding(f"positions 0 … {limit - 1}, refused beyond")
    return Finding(f"finite to {LONGEST - 1}, 16 times the training length")


def repeated_code(subject: Subject) -> Finding | None:
    """Neighbouring positions with the same code, where those at the start differ: a table has ended, or bits have."""
    limit = subject.encoding.position_limit
    positions = np.arange(LONGEST + TRAINED if limit is None else min(limit, LONGEST), dtype=np.int32)
    x = np.repeat(np.asarray(subjects.given(subject.width, subject.heads).x)[:1], len(positions), axis=0)
    codes = np.asarray(long_embed(subject.encoding, x, jnp.asarray(positions)))
    same = (codes[1:] == codes[:-1]).all(-1)
    if same[0] or not same.any():
        return None
    first = int(same.argmax())
    if same[first:].all():
        fault = (
            f"all positions from {first} on have the same code: is an index clamped? Declare position_limit = "
            f"{first + 1}, or make the table longer"
        )
        return Finding(f"clamped at {first}", fault, ("embed",))
    fault = f"positions {first} and {first + 1} have the same code: are positions rounded, as in bfloat16?"
    return Finding(f"alike from {first} on", fault, ("embed",))


@jax.jit
def long_embed(encoding: Encoding, x: Any, positions: Any) -> Any:
    """The codes of many positions."""
    return encoding.at(0, 0.0).embed(x, positions)


def check_fractions(subject: Subject) -> Finding:
    """Fractional positions are refused, or finite and codes of their own."""
    halves = (PLACES + 0.5).astype(np.float32)
    if subject.encoding.integer_positions:
        try:
            check_positions(subject.encoding, jnp.asarray(halves))
            return Finding("", "fractional positions are not refused", ("__init__",))
        except UserError:
            return Finding("refused")
    seen = see(subject, halves)
    if bad := not_finite(seen, halves):
        return bad
    if "embed" in subjects.acting_hooks(subject):
        for whole in (PLACES, PLACES + 1):
            if np.array_equal(seen.embedded, see(subject, whole).embedded):
                fault = "position 0.5 has the code of a whole one: is it rounded? Declare integer_positions = True"
                return Finding("rounded", fault, ("embed",))
    return Finding("finite")
