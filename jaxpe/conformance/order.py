"""Properties of order: what a shift changes, left and right, the future, padding, decoding step by step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.conformance import subject as subjects
from jaxpe.conformance.subject import PLACES, TRAINED, Finding, Given, Subject, allowed, difference, see
from jaxpe.encodings.base import Encoding

FAR = 10_000  # a shift that leaves every length of training behind


def change(subject: Subject, before: np.ndarray, after: np.ndarray, mask: np.ndarray | None = None) -> str:
    """'' where the visible logits are the same at both positions of the tokens, else by how much one differs."""
    mask = subjects.visible(subject.attention) if mask is None else mask
    one, other = (np.where(mask, see(subject, positions, mask).logits, 0.0) for positions in (before, after))
    apart, (_, query, key) = difference(one, other)
    if apart <= allowed(one, max(before.max(), after.max())):
        return ""
    return f"a logit by {apart:.2g} (query {query}, key {key})"


def measured_invariance(subject: Subject) -> tuple[str, str]:
    """'absolute', 'relative', …, and what shows that it is no less."""
    limit = subject.encoding.position_limit
    far = FAR if limit is None else max(0, min(FAR, limit - TRAINED - 7))
    if not change(subject, PLACES, PLACES[::-1]) and not change(subject, PLACES, np.minimum(2 * PLACES, far + TRAINED)):
        return "content", "no position changes anything: does a hook call arange instead of using `positions`?"
    shifted = {shift: change(subject, PLACES, PLACES + shift) for shift in (1, 7, far)}
    if not any(shifted.values()):
        return "relative", "a shift of all positions changes nothing"
    shift, changed = next((shift, text) for shift, text in shifted.items() if text)
    shown = f"shifting all positions by {shift} changes {changed}"
    few = subjects.visible(subject.attention) & (PLACES[:, None] < 4) & (PLACES < 4) | np.eye(TRAINED, dtype=bool)
    few_changed = change(subject, PLACES, PLACES + 1, few)
    if not few_changed and limit is None:
        return "relative below a length", shown
    if (
        limit is None
        and subject.encoding.invariance != "absolute"
        and not change(subject, PLACES + far, PLACES + far + 7)
    ):
        shown = f"shifting positions 0 … 3 by 1 changes {few_changed or changed}, shifting those above {far} nothing"
        return "relative above a length", f"{shown}: is a min written where a max is meant?"
    return "absolute", shown


def check_invariance(subject: Subject) -> Finding:
    """The declared `invariance`, measured by shifting and mixing positions."""
    declared, (measured, shown) = subject.encoding.invariance, measured_invariance(subject)
    if measured != declared:
        fault = f"declared {declared!r}, measured {measured!r}: {shown}"
        return Finding(measured, fault, subjects.acting_hooks(subject) or ("embed",))
    return Finding(measured)


def check_direction(subject: Subject) -> Finding:
    """Without a causal mask: do mirrored positions change a logit?"""
    changed = change(subject, PLACES, PLACES[::-1])
    measured, declared = "yes" if changed else "no", getattr(subject.encoding, "directed", None)
    if declared is not None and declared != bool(changed):
        shown = f"mirroring all positions changes {changed or 'nothing'}"
        fault = f"declared directed = {declared}, measured: {shown}"
        return Finding(measured, fault, subjects.acting_hooks(subject) or ("embed",))
    return Finding(measured)


def check_places(subject: Subject) -> Finding:
    """Without a causal mask, tokens that change places with their positions change places in the output, and no more."""
    order = np.random.default_rng(2).permutation(TRAINED)
    x = subjects.given(subject.width, subject.heads).x
    plain, mixed = see(subject).out, see(subject, PLACES[order], x=np.asarray(x)[order]).out
    apart, place = difference(mixed, plain[order])
    if apart > allowed(plain, TRAINED):
        fault = (
            f"the order of the arrays counts, not only the positions: the output of token {place[0]} changes by "
            f"{apart:.2g}. Is arange called in a hook?"
        )
        return Finding("order of arrays counts", fault, subjects.acting_hooks(subject) or ("embed",))
    return Finding("positions alone")


@jax.jit
def jacobian(encoding: Encoding, inputs: Given, positions: Any, mask: Any) -> Any:
    """d out[t] / d x[s], with the output of each token in a random direction."""

    def out(x: Any) -> Any:
        return (subjects.eager_layer(encoding, inputs._replace(x=x), positions, mask).out * inputs.cotangent).sum(
            (1, 2)
        )

    return jnp.abs(jax.jacrev(out)(inputs.x)).max(-1)


def check_future(subject: Subject) -> Finding:
    """Under a causal mask no output depends on a later token or position: by gradient, and by changing them."""
    inputs, mask = subjects.given(subject.width, subject.heads), subjects.visible(subject.attention)
    methods = subjects.acting_hooks(subject) or ("embed",)
    leak = np.triu(np.asarray(jacobian(subject.encoding, inputs, jnp.asarray(PLACES), mask)), 1)
    apart, (query, key) = difference(leak, np.zeros_like(leak))
    if apart > 1e-6:
        fault = (
            f"a leak of the future: the output at token {query} depends on the later token {key} (gradient {apart:.2g})"
        )
        return Finding("leaks", fault, methods)
    plain = see(subject).out
    for last in (5, 12):
        later = np.arange(TRAINED) > last
        tokens = np.where(later[:, None], np.flip(np.asarray(inputs.x)), inputs.x)
        for what, x, positions in (
            ("tokens", tokens, PLACES),
            ("positions", None, np.where(later, PLACES + 9, PLACES).astype(np.int32)),
        ):
            apart, place = difference(see(subject, positions, x=x).out[: last + 1], plain[: last + 1])
            if apart > allowed(plain, TRAINED):
                fault = f"a leak of the future: the {what} after {last} change the output at token {place[0]} by {apart:.2g}"
                return Finding("leaks", fault, methods)
    return Finding("none")


def check_padding(subject: Subject) -> Finding:
    """14 tokens alone ≡ 14 tokens with 6 of padding behind them."""
    real = 14
    inputs, mask = subjects.given(subject.width, subject.heads), subjects.visible(subject.attention)
    short = inputs._replace(x=inputs.x[:real], cotangent=inputs.cotangent[:real])
    short_mask = mask[:real, :real] if subject.attention == "causal" else None
    alone = subjects.compiled_layer(subject.encoding, short, jnp.asarray(PLACES[:real]), short_mask)
    x = np.where(PLACES[:, None] < real, inputs.x, -3 * np.asarray(inputs.x))
    padded = see(subject, mask=mask & (np.arange(TRAINED) < real), x=x)
    apart, place = difference(padded.out[:real], np.asarray(alone.out))
    if apart > allowed(np.asarray(alone.out), TRAINED):
        fault = (
            f"padding changes the output of the real token {place[0]} by {apart:.2g}: does a hook look at the number of "
            "tokens, or at keys that the mask hides?"
        )
        return Finding("seen", fault, subjects.acting_hooks(subject) or ("embed",))
    return Finding("not seen")


@jax.jit
def decoded(encoding: Encoding, inputs: Given, positions: Any) -> tuple[Any, Any]:
    """The output of every token by a step of its own on a cache; that of the last also without a mask."""
    acting = encoding.at(0, 0.0)
    x = jax.vmap(lambda token, place: acting.embed(token[None], place[None])[0])(inputs.x, positions)
    q, k, v = (subjects.projected(x, weight) for weight in (inputs.query, inputs.key, inputs.value))
    places = jnp.arange(TRAINED)

    def step(t: Any) -> Any:
        filled = places <= t
        k_now, v_now = (jnp.where(filled[:, None, None], cached, 0.0) for cached in (k, v))
        here = jax.lax.dynamic_slice_in_dim(positions, t, 1)
        query = jax.lax.dynamic_slice_in_dim(q, t, 1)
        return subjects.attend(acting, query, k_now, v_now, here, positions, filled[None]).out[0]

    last = subjects.attend(acting, q[-1:], k, v, positions[-1:], positions, None).out[0]
    return jax.vmap(step)(places), last


def check_steps(subject: Subject) -> Finding:
    """Decoding with one query at a time on all keys so far ≡ the full pass under the causal mask."""
    full = see(subject).out
    stepped, last = decoded(subject.encoding, subjects.given(subject.width, subject.heads), jnp.asarray(PLACES))
    for what, found, expected in (("step by step", stepped, full), ("without a mask", last[None], full[-1:])):
        apart, place = difference(np.asarray(found), expected)
        if apart > allowed(expected, TRAINED):
            fault = (
                f"called {what} with one query, the output at token {place[0]} is off by {apart:.2g} from the full pass"
            )
            return Finding("differs", fault, subjects.acting_hooks(subject) or ("embed",))
    return Finding("equal")
