"""Properties of value: the hooks against slow references in float64, and at large positions."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.conformance import subject as subjects
from jaxpe.conformance.subject import LONGEST, PLACES, TRAINED, Finding, Seen, Subject, allowed, difference, row_of, see
from jaxpe.encodings.base import Encoding
from jaxpe.errors import UserError

LARGE = 100_000


def reference_of(subject: Subject, hook: str) -> Callable[..., Any] | None:
    """`reference_HOOK` of the class, else of its module; None where there is none, or the class has no such hook."""
    kind = type(subject.encoding)
    if getattr(kind, hook) is getattr(Encoding, hook):
        return None
    function = getattr(kind, f"reference_{hook}", None) or getattr(
        sys.modules[kind.__module__], f"reference_{hook}", None
    )
    return None if function is None else partial(function, **asked_for(subject, function))


def asked_for(subject: Subject, function: Callable[..., Any]) -> dict[str, Any]:
    """What a reference asks for by name: parameters, the row's options, sizes, the class's name."""
    leaves = subjects.leaves_of(subject.encoding)
    known = {
        "model_width": subject.width,
        "heads": subject.heads,
        "max_length": LONGEST,
        "attention": subject.attention,
        "trained_positions": TRAINED,
        "name": type(subject.encoding).__name__,
        **row_of(subject.name),
        **{name.replace(".", "_"): np.asarray(leaf[...]) for name, leaf in leaves},
    }
    asked = asked_by(function)
    for name, parameter in asked.items():
        if name not in known and parameter.default is parameter.empty:
            raise UserError(
                f"{function.__name__} asks for `{name}`, which is neither a parameter nor a size of "
                f"{type(subject.encoding).__name__}."
            )
    return {name: known[name] for name in asked if name in known}


def asked_by(function: Any) -> dict[str, inspect.Parameter]:
    """The keyword-only arguments of a reference."""
    function = function.func if isinstance(function, partial) else function
    return {name: p for name, p in inspect.signature(function).parameters.items() if p.kind == p.KEYWORD_ONLY}


def expected(subject: Subject, hook: str, seen: Seen, positions: np.ndarray, places: np.ndarray | None = None) -> Any:
    """What the reference of a hook says of the inputs that the layer gave it, as one array; at `places` if given."""
    reference, at = reference_of(subject, hook), positions if places is None else places
    assert reference is not None
    if hook == "embed":
        return reference(np.asarray(subjects.given(subject.width, subject.heads).x), at)
    if hook == "rotate":
        return np.stack(reference(seen.q, seen.k, at, at))
    mask = subjects.visible(subject.attention)
    return np.where(mask, reference(seen.turned_q, seen.turned_k, at, at, mask), 0.0)


def found(subject: Subject, hook: str, seen: Seen) -> np.ndarray:
    """What the hook says, laid out as `expected`."""
    if hook == "embed":
        return seen.embedded
    if hook == "rotate":
        return np.stack([seen.turned_q, seen.turned_k])
    return np.where(subjects.visible(subject.attention), seen.bias, 0.0)


def check_reference(subject: Subject) -> Finding:
    """Each hook that acts against its slow reference, at training positions and 16 times as far."""
    acting = subjects.acting_hooks(subject)
    compared = [hook for hook in acting if reference_of(subject, hook)]
    worst = 0.0
    for hook in compared:
        for positions in (PLACES, subjects.spread_below(subject)):
            seen = see(subject, positions)
            here, there = found(subject, hook, seen), expected(subject, hook, seen, positions)
            if here.shape != there.shape:
                return Finding("differs", f"reference_{hook} has the shape {there.shape}, not {here.shape}", (hook,))
            apart, place = difference(here, there)
            worst = max(worst, apart)
            if apart > allowed(there, positions.max()):
                return Finding("differs", described(subject, hook, seen, positions, (apart, place)), (hook,))
    missing = [hook for hook in acting if hook not in compared]
    without = f"no reference of {', '.join(missing)}: properties only" if missing else ""
    equal = f"{', '.join(compared)} equal{f' to {worst:.0e}' if worst else ''}" if compared else ""
    return Finding("; ".join(part for part in (equal, without) if part) or "nothing acts")


def described(
    subject: Subject, hook: str, seen: Seen, positions: np.ndarray, worst: tuple[float, tuple[int, ...]]
) -> str:
    """Where a hook differs from its reference, and a guess at why."""
    apart, place = worst
    if hook == "bias":
        where = f"query position {positions[place[1]]}, key position {positions[place[2]]}, head {place[0]}"
    else:
        where = f"position {positions[place[-3 if hook == 'rotate' else -2]]}, coordinate {place[-1]}"
    guess = explanation(subject, hook, seen, positions)
    return f"{hook} differs from reference_{hook} by {apart:.3g} at {where}" + (f": {guess}" if guess else "")


def turned_halves(x: np.ndarray, back: bool = False) -> np.ndarray:
    """Coordinates (0, 1, 2, 3, …) of each head in the order (0, K/2, 1, K/2 + 1, …), or back."""
    width = x.shape[-1]
    order = np.arange(width).reshape(2, -1).T.ravel() if width % 2 == 0 else np.arange(width)
    return x[..., np.argsort(order)] if back else x[..., order]


def explanation(subject: Subject, hook: str, seen: Seen, positions: np.ndarray) -> str:
    """The simple mistake that turns the reference into what was found, or ''."""
    plain = np.asarray(subjects.given(subject.width, subject.heads).x, np.float64) if hook == "embed" else 0.0
    here, there = found(subject, hook, seen) - plain, expected(subject, hook, seen, positions) - plain
    root = math.sqrt(subject.width // subject.heads)
    ratio = float((here * there).sum() / max(float((there * there).sum()), 1e-30))
    if ratio and difference(here, ratio * there)[0] <= 1e-3 * np.abs(here).max():
        for factor, guess in (
            (-1, "the negative agrees. Is a sign swapped?"),
            (1 / root, "√K times as much agrees. Is it added before the scaling? A bias is never divided by √K"),
            (root, "a √K-th of it agrees. Is it multiplied by √K?"),
        ):
            if math.isclose(ratio, factor, rel_tol=1e-3):
                return guess
        return f"it is {ratio:.4g} times the reference"
    for shift, sign, guess in (
        (0, -1, "it agrees with r = j − i (angles the other way round). Is a sign swapped?"),
        (1, 1, "it agrees one position further. Are positions counted from 1?"),
        (-1, 1, "it agrees one position before. Is 1 taken off?"),
    ):
        try:
            other = expected(subject, hook, seen, positions, sign * positions + shift)
        except Exception:  # a reference need not be defined there
            continue
        if difference(here + plain, other)[0] <= allowed(other, positions.max()):
            return guess
    if hook == "rotate":
        mixed = seen._replace(q=turned_halves(seen.q), k=turned_halves(seen.k))
        other = turned_halves(expected(subject, hook, mixed, positions), back=True)
        if here.shape == other.shape and difference(here, other)[0] <= allowed(other, positions.max()):
            return "it agrees with pairs (c, c + K/2) for (2c, 2c + 1). Which pairing is meant?"
    ignored = sorted(set(row_of(subject.name)) - set(asked_by(reference_of(subject, hook))))
    return f"the reference does not ask for the row's option `{ignored[0]}`" if ignored else ""


def check_precision(subject: Subject) -> Finding:
    """Large positions against float64: the reference where there is one, else the same hook in float64."""
    limit = subject.encoding.position_limit
    top = LARGE if limit is None else min(LARGE, limit - 1)
    positions = (PLACES + max(0, top - TRAINED + 1)).astype(np.int32)
    seen, wide = see(subject, positions), None
    errors = []
    for hook in subjects.acting_hooks(subject):
        if reference_of(subject, hook) and agrees(subject, hook):
            there = expected(subject, hook, seen, positions)
        else:
            wide = in_float64(subject, positions) if wide is None else wide
            there = found(subject, hook, wide)
        apart, _ = difference(found(subject, hook, seen), there)
        errors.append(apart)
        if apart > allowed(there, top):
            if not np.isfinite(apart):
                return Finding("not finite", f"what {hook} returned is not finite at positions up to {top}", (hook,))
            fault = (
                f"at positions up to {top} {hook} is off by {apart:.2g} from float64: form angles in float32 by "
                "broadcast, never in 16 bits or by a matrix product, and nothing may overflow"
            )
            return Finding(f"off by {apart:.2g}", fault, (hook,))
    return Finding(f"off by {max(errors):.0e} at {top:,}" if errors else "nothing acts")


def agrees(subject: Subject, hook: str) -> bool:
    """Whether a hook equals its reference at training positions."""
    seen = see(subject)
    here, there = found(subject, hook, seen), expected(subject, hook, seen, PLACES)
    return here.shape == there.shape and difference(here, there)[0] <= allowed(there, TRAINED)


def in_float64(subject: Subject, positions: np.ndarray) -> Seen:
    """The layer in float64."""

    def widened(leaf: Any) -> Any:
        return jnp.asarray(leaf, jnp.float64) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    with jax.enable_x64(True):
        encoding, inputs = jax.tree.map(widened, (subject.encoding, subjects.given(subject.width, subject.heads)))
        seen = subjects.eager_layer(encoding, inputs, jnp.asarray(positions), subjects.visible(subject.attention))
        return Seen(*(np.asarray(a) for a in seen))
