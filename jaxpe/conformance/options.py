"""The property of options: each of them acts."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe import encodings
from jaxpe.conformance import subject as subjects
from jaxpe.conformance.subject import Finding, Subject, row_of
from jaxpe.encodings.base import Attention, Encoding
from jaxpe.errors import UserError


def check_options(subject: Subject) -> Finding:
    """Another value of each option changes a parameter or a hook, in some config. Defaults of None may be inert."""
    acting = []
    for name, value in defaults_of(subject.name).items():
        if name == "trained_positions" or value is None or value is inspect.Parameter.empty:
            continue
        acts = [effective(subject, base, name) for base in bases(subject.name)]
        if True in acts:
            acting.append(name)
        elif False in acts:
            fault = f"option `{name}` changes nothing: is it passed on?"
            return Finding(f"{name} does not act", fault, ("__init__", *subjects.acting_hooks(subject)))
    return Finding(f"{', '.join(acting)}: each acts" if acting else "none to try")


def defaults_of(name: str) -> dict[str, Any]:
    """Options and their values in the catalogue row."""
    signature = inspect.signature(subjects.kind_of(name).__init__).parameters
    row = row_of(name)
    return {option: row.get(option, signature[option].default) for option in encodings.list_encoding_options(name)}


def bases(name: str) -> Iterator[dict[str, Any]]:
    """The row's options; the class's own; each of those with one switch thrown. An option may be inert in some."""
    yield {}
    signature = inspect.signature(subjects.kind_of(name).__init__).parameters
    own = {option: signature[option].default for option in encodings.list_encoding_options(name)}
    own = {o: value for o, value in own.items() if o != "trained_positions" and value is not inspect.Parameter.empty}
    yield own
    for option, value in own.items():
        if isinstance(value, bool):
            yield {**own, option: not value}


def others(value: Any) -> list[Any]:
    """Values to try instead of one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [2 * value, value / 2] if isinstance(value, float) and value else [2 * value or 1, value // 2, value + 1]
    return (
        [name for name in ("alibi", "rotary", "kerple", "sinusoidal") if name != value]
        if isinstance(value, str)
        else []
    )


def effective(subject: Subject, base: dict[str, Any], option: str) -> bool | None:
    """Whether some other value of the option changes what an instance does; None where none could be tried."""
    tried = None
    for attention in ("causal", "bidirectional"):
        try:
            plain = behaviour(subject, attention, base)
        except UserError:
            continue
        for value in others(base.get(option, defaults_of(subject.name)[option])):
            try:
                other = behaviour(subject, attention, {**base, option: value})
            except UserError:
                continue
            tried = False
            if len(plain) != len(other) or not all(np.array_equal(a, b) for a, b in zip(plain, other, strict=True)):
                return True
    return tried


def behaviour(subject: Subject, attention: Attention, options: dict[str, Any]) -> list[np.ndarray]:
    """Parameters, and what the hooks return in several blocks and at several shares of the training."""
    encoding = subjects.construct(subject.name, attention, subject.width, subject.heads, **options)
    encoding, inputs = subjects.moved(encoding), subjects.given(subject.width, subject.heads)
    positions, mask = jnp.asarray(subjects.spread_below(subject)), jnp.asarray(subjects.visible(attention))
    results = [np.asarray(leaf) for leaf in jax.tree.leaves(encoding)]
    moments = [(0, 0.0), (3, 0.0), (0, 0.5)] if type(encoding).at is not Encoding.at else [(0, 0.0)]
    for block, progress in moments:
        acting = encoding.at(block, progress)
        x = acting.embed(jnp.asarray(inputs.x), positions)
        q, k = (subjects.projected(x, weight) for weight in (inputs.query, inputs.key))
        turned = acting.rotate(q, k, positions, positions)
        bias = acting.bias(*turned, positions, positions, mask)
        results += [np.asarray(a) for a in (x, *turned, jnp.zeros(()) if bias is None else bias)]
    return results
