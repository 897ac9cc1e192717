"""The slow reference of a hook: finding it, and calling it on what the layer gave the hook."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.conformance.layer import MAX_LENGTH, TRAIN_LENGTH, LayerTrace, make_inputs, make_mask, stack_seen
from jaxpe.conformance.subject import Subject, get_row_options, list_parameters
from jaxpe.encodings.base import HOOKS, Encoding
from jaxpe.errors import UserError

Reference = Callable[..., Any]
SEEN = ("q_seen", "k_seen")  # arguments of a reference that come with each call: what `observe` gave


def find_reference(subject: Subject, hook: str) -> Reference | None:
    """`reference_HOOK` of the class, else of its module, with its keyword arguments filled in.

    None where there is no reference, or where the class does not override the hook.
    """
    kind = type(subject.encoding)
    if getattr(kind, hook) is getattr(Encoding, hook):
        return None
    name = f"reference_{hook}"
    function = getattr(kind, name, None) or getattr(sys.modules[kind.__module__], name, None)
    return None if function is None else partial(function, **collect_arguments(subject, function))


def list_unknown_references(subject: Subject) -> list[str]:
    """Functions of the class and of its module that are named as references are, but of no hook."""
    kind = type(subject.encoding)
    names = {
        *vars(kind),
        *(name for name, value in vars(sys.modules[kind.__module__]).items() if inspect.isfunction(value)),
    }
    known = {f"reference_{hook}" for hook in HOOKS}
    return sorted(name for name in names if name.startswith("reference_") and name not in known)


def collect_arguments(subject: Subject, function: Reference) -> dict[str, Any]:
    """The values of a reference's keyword arguments: parameters, options, sizes. Raises UserError for others."""
    values = {
        "model_width": subject.width,
        "heads": subject.heads,
        "max_length": MAX_LENGTH,
        "attention": subject.attention,
        "head_width": subject.width // subject.heads,
        "trained_positions": TRAIN_LENGTH,
        "name": type(subject.encoding).__name__,
        **get_row_options(subject.name),
        **{name.replace(".", "_"): np.asarray(leaf[...]) for name, leaf in list_parameters(subject.encoding)},
    }
    arguments = list_keyword_arguments(function)
    for name, parameter in arguments.items():
        if name not in values and name not in SEEN and parameter.default is parameter.empty:
            raise UserError(
                f"{function.__name__} has the argument `{name}`, which is neither a parameter, an option nor a size of "
                f"{type(subject.encoding).__name__}."
            )
    return {name: values[name] for name in arguments if name in values}


def list_keyword_arguments(function: Reference | None) -> dict[str, inspect.Parameter]:
    """The keyword-only arguments of a function."""
    if function is None:
        return {}
    while isinstance(function, partial):
        function = function.func
    return {name: p for name, p in inspect.signature(function).parameters.items() if p.kind == p.KEYWORD_ONLY}


def compute_expected(subject: Subject, hook: str, trace: LayerTrace, positions: np.ndarray) -> np.ndarray:
    """The reference's result for the arrays that the layer gave the hook, as one array; a bias under the mask."""
    reference = find_reference(subject, hook)
    assert reference is not None
    if hook == "embed":
        return np.asarray(reference(np.asarray(make_inputs(subject.width, subject.heads).x), positions))
    if hook == "observe":
        return np.asarray(stack_seen(reference(np.asarray(trace.embedded)), len(positions)))
    seen = jax.tree.map(np.asarray, subject.encoding.at(0, 0.0).observe(jnp.asarray(trace.embedded)))
    reference = partial(reference, **dict.fromkeys(set(SEEN) & set(list_keyword_arguments(reference)), seen))
    if hook == "rotate":
        return np.stack(reference(trace.q, trace.k, positions, positions))
    mask = make_mask(subject.attention)
    if hook == "weights":
        return np.asarray(reference(trace.logits, mask))
    return np.where(mask, reference(trace.rotated_q, trace.rotated_k, positions, positions, mask), 0.0)


def get_result(subject: Subject, hook: str, trace: LayerTrace) -> np.ndarray:
    """The hook's result in the same layout."""
    if hook == "embed":
        return np.asarray(trace.embedded)
    if hook == "rotate":
        return np.stack([trace.rotated_q, trace.rotated_k])
    if hook in ("observe", "weights"):
        return np.asarray({"observe": trace.seen, "weights": trace.weights}[hook])
    return np.where(make_mask(subject.attention), trace.bias, 0.0)
