"""Properties of parameters: they are declared, initialised from the key alone, and trained."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key, Num

from jaxpe.conformance.findings import Finding
from jaxpe.conformance.layer import (
    FAST_COMPILATION,
    POSITIONS,
    LayerInputs,
    apply_layer,
    make_inputs,
    make_mask,
    make_short_mask,
)
from jaxpe.conformance.subject import (
    Subject,
    build_subject_encoding,
    find_fault_methods,
    list_parameters,
    spread_positions,
)
from jaxpe.encodings.base import Attention, Encoding
from jaxpe.model import ModelConfig, Transformer, build_model

SMALLEST_GRADIENT = 1e-5  # relative to the largest gradient of the tokens; below it a parameter counts as untrained


def check_parameters(subject: Subject) -> Finding:
    """Every array is an nnx.Param. Any other array would be trained unnoticed."""
    leaves = list_parameters(subject.initial)
    for name, leaf in leaves:
        if not isinstance(leaf, nnx.Param):
            fault = (
                f"the attribute `{name}` is an array but no nnx.Param, so it would be trained unnoticed: wrap it in "
                "nnx.Param if it is to be trained; else keep Python numbers and compute the array where it is used"
            )
            return Finding(f"{name} is no nnx.Param", fault, ("__init__",))
    size = sum(int(np.size(leaf[...])) for _, leaf in leaves)
    return Finding(f"{size:,} in {', '.join(name for name, _ in leaves)}" if leaves else "none")


def compute_loss(
    encoding: Encoding, x: Float[Any, "T D"], inputs: LayerInputs, positions: Num[Array, "T"], mask: Any
) -> Float[Array, ""]:
    """The output of the layer in a fixed random direction."""
    out = apply_layer(encoding, inputs._replace(x=x), positions, mask).out
    return jnp.sum(out * inputs.cotangent)


compute_gradients = jax.jit(jax.grad(compute_loss, argnums=(0, 1), allow_int=True), compiler_options=FAST_COMPILATION)


def check_gradients(subject: Subject) -> Finding:
    """Gradients are finite. Tokens, and each parameter, have a non-zero one on a short, a usual or a 16 times longer input."""
    inputs, mask = make_inputs(subject.width, subject.heads), make_mask(subject.attention)
    cases = [(POSITIONS, mask), (POSITIONS, make_short_mask(subject.attention)), (spread_positions(subject), mask)]
    largest, of_any_token = dict[str, float](), 0.0
    for encoding in (subject.initial, subject.encoding):
        for positions, visible in cases:
            of_encoding, of_tokens = compute_gradients(encoding, inputs.x, inputs, jnp.asarray(positions), visible)
            gradients = {name: np.asarray(leaf[...], np.float32) for name, leaf in list_parameters(of_encoding)}
            for title, values in {**{f"`{name}`": g for name, g in gradients.items()}, "the tokens": of_tokens}.items():
                if not np.isfinite(values).all():
                    fault = f"the gradient of {title} is not finite for positions up to {positions.max()}"
                    return Finding("not finite", fault, find_fault_methods(subject))
            of_token = float(np.abs(of_tokens).max())
            of_any_token, unit = max(of_any_token, of_token), max(of_token, 1e-30)
            for name, values in gradients.items():
                largest[name] = max(largest.get(name, 0.0), float(np.abs(values).max()) / unit)
    if not of_any_token:
        fault = "no output of the layer depends on the tokens: add the code to x, and return the sum"
        return Finding("zero for the tokens", fault, find_fault_methods(subject))
    zero = [name for name, value in largest.items() if value < SMALLEST_GRADIENT]
    if zero:
        fault = (
            f"`{zero[0]}` has no gradient: no output of the layer depends on it. The softmax ignores a constant that "
            "is added for all keys of a query"
        )
        return Finding(f"zero for {', '.join(zero)}", fault, find_fault_methods(subject))
    return Finding("finite, none is zero" if largest else "no parameters; finite for the tokens")


def check_initialization(subject: Subject) -> Finding:
    """The same key gives the same parameters, and the rest of a model starts as it does without an encoding.

    Only the token embeddings are multiplied by the declared `token_std`.
    """
    initial = dict(list_parameters(subject.initial))
    for name, leaf in list_parameters(subject.build()):
        if not np.array_equal(leaf[...], initial[name][...], equal_nan=True):
            fault = f"`{name}` differs between two instances of the same key: draw from `key` only"
            return Finding("not reproducible", fault, ("__init__",))
    architecture = "encoder" if subject.attention == "bidirectional" else "decoder"
    config = ModelConfig(architecture, 8, subject.width, 1, subject.heads)

    def make_encoding(attention: Attention, key: Key[Array, ""]) -> Encoding:
        return build_subject_encoding(subject.name, attention, subject.width, subject.heads, key)

    models = Transformer(config, make_encoding, seed=0), build_model(config, "none", {}, 1, 0)
    std = subject.initial.token_std
    for part, factor in (("blocks", 1.0), ("embedding", std)):
        with_encoding, without = (jax.tree.leaves(getattr(model.stack, part)) for model in models)
        if not all(np.array_equal(a, factor * b) for a, b in zip(with_encoding, without, strict=True)):
            fault = f"the {part} of a model start differently with the encoding than without it: draw from `key` only"
            return Finding("changes the model", fault, ("__init__",))
    return Finding("depends on the key only" + ("" if std == 1 else f"; tokens start as N(0, {std:.3g}²)"))
