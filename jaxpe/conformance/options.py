"""The property of options: each of them has an effect."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.conformance.findings import Finding
from jaxpe.conformance.layer import attend, make_inputs, make_mask, prepare_layer
from jaxpe.conformance.subject import (
    Subject,
    build_subject_encoding,
    find_active_hooks,
    get_row_options,
    perturb_parameters,
    spread_positions,
)
from jaxpe.encodings.base import Attention, Encoding
from jaxpe.encodings.registry import ENCODINGS, list_encoding_options
from jaxpe.errors import UserError

OTHER_NAMES = ("alibi", "rotary", "kerple", "sinusoidal")  # tried for options that name an encoding


def check_options(subject: Subject) -> Finding:
    """Another value of each option changes a parameter or a hook's result, for some values of the other options."""
    effective = []
    defaults = get_class_defaults(subject.name)
    for option, value in (defaults | get_row_options(subject.name)).items():
        if value is None:
            continue
        results = [has_effect(subject, base, option) for base in list_base_options(defaults)]
        if True in results:
            effective.append(option)
        elif False in results:
            fault = f"option `{option}` has no effect: is it passed on?"
            return Finding(f"{option} has no effect", fault, ("__init__", *find_active_hooks(subject)))
    return Finding(f"{', '.join(effective)}: effective" if effective else "none to vary")


def get_class_defaults(name: str) -> dict[str, Any]:
    """The options of a class and their defaults. Options without a default are left out."""
    signature = inspect.signature(ENCODINGS.get_class(name).__init__).parameters
    defaults = {option: signature[option].default for option in list_encoding_options(name)}
    return {o: v for o, v in defaults.items() if v is not inspect.Parameter.empty}


def list_base_options(defaults: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Values of all options to start from, since an option may have no effect for some of them.

    Those of the catalogue row, those of the class, and those of the class with one switch flipped.
    """
    yield {}
    yield defaults
    for option, value in defaults.items():
        if isinstance(value, bool):
            yield {**defaults, option: not value}


def list_other_values(value: Any) -> list[Any]:
    """Values to try in place of one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, float) and value:
        return [2 * value, value / 2]
    if isinstance(value, (int, float)):
        return [2 * value or 1, value // 2, value + 1]
    return [name for name in OTHER_NAMES if name != value] if isinstance(value, str) else []


def has_effect(subject: Subject, base: dict[str, Any], option: str) -> bool | None:
    """Whether another value of the option changes what an instance computes. None where no other value is accepted."""
    current = (get_class_defaults(subject.name) | get_row_options(subject.name) | base)[option]
    effect = None
    attentions: tuple[Attention, ...] = ("causal", "bidirectional")
    for attention in attentions:
        try:
            plain = compute_behaviour(subject, attention, base)
        except UserError:
            continue
        for value in list_other_values(current):
            try:
                other = compute_behaviour(subject, attention, {**base, option: value})
            except UserError:
                continue
            effect = False
            if len(plain) != len(other) or not all(map(np.array_equal, plain, other)):
                return True
    return effect


def compute_behaviour(subject: Subject, attention: Attention, options: dict[str, Any]) -> list[np.ndarray]:
    """What is declared for the model, all parameters, and the hooks' results in two blocks and at two times of training."""
    encoding = build_subject_encoding(subject.name, attention, subject.width, subject.heads, **options)
    encoding, inputs = perturb_parameters(encoding), make_inputs(subject.width, subject.heads)
    positions, mask = jnp.asarray(spread_positions(subject)), make_mask(attention)
    results = [np.asarray(encoding.token_std), *(np.asarray(leaf) for leaf in jax.tree.leaves(encoding))]
    moments = [(0, 0.0), (3, 0.0), (0, 0.5)] if type(encoding).at is not Encoding.at else [(0, 0.0)]
    for block, progress in moments:
        active = encoding.at(block, progress)
        x, q, k, v, view = prepare_layer(active, inputs, positions, mask)
        trace = attend(active, q, k, v, view)
        results += [np.asarray(a) for a in (x, trace.seen, trace.rotated_q, trace.rotated_k, trace.bias, trace.weights)]
    return results
