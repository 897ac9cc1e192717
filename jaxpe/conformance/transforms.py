"""Properties of the layer as a program: it can be compiled, batched, and lowered for accelerators."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, Num

from jaxpe.conformance.findings import Finding
from jaxpe.conformance.layer import (
    FAST_COMPILATION,
    POSITIONS,
    TRAIN_LENGTH,
    LayerInputs,
    LayerTrace,
    apply_layer,
    apply_layer_jit,
    compute_tolerance,
    find_largest_difference,
    make_inputs,
    make_mask,
    prepare_layer,
)
from jaxpe.conformance.parameters import compute_gradients
from jaxpe.conformance.subject import Subject, find_fault_methods, run_layer
from jaxpe.encodings.base import Encoding
from jaxpe.model.attention import QueryRows, attend_queries, map_tiles
from jaxpe.plugins.calls import get_first_line

FIELDS = (
    ("embed", "embedded"), ("observe", "seen"), ("rotate", "rotated_q"), ("rotate", "rotated_k"), ("bias", "bias"),
    ("weights", "weights"),
)  # fmt: skip

TILE = 7  # queries; the last tile of TRAIN_LENGTH is not full


def check_jit(subject: Subject) -> Finding:
    """The layer gives the same results with and without `jax.jit`."""
    inputs, mask = make_inputs(subject.width, subject.heads), make_mask(subject.attention)
    eager = apply_layer(subject.encoding, inputs, jnp.asarray(POSITIONS), mask)
    return compare_traces(eager, run_layer(subject), "with and without jit")


def compare_traces(a: LayerTrace, b: LayerTrace, calls: str) -> Finding:
    """Whether two calls of the layer agree. `calls` says how they differ."""
    worst = 0.0
    for hook, field in FIELDS:
        expected = np.asarray(getattr(b, field))
        difference, index = find_largest_difference(np.asarray(getattr(a, field)), expected)
        worst = max(worst, difference)
        if difference > compute_tolerance(expected, TRAIN_LENGTH):
            fault = (
                f"{hook} gives different results {calls}: the largest difference is {difference:.2g}, at {list(index)}"
            )
            return Finding("different", fault, (hook,))
    return Finding(f"equal to {worst:.0e}" if worst else "equal")


def check_vmap(subject: Subject) -> Finding:
    """Two replicas under `jax.vmap`, each with its own key, tokens and positions, equal two single calls."""
    inputs, mask = make_inputs(subject.width, subject.heads), make_mask(subject.attention)
    keys = jax.random.split(jax.random.key(7), 2)
    positions = jnp.stack([jnp.asarray(POSITIONS), jnp.asarray(POSITIONS) + 3])
    tokens = jnp.stack([jnp.asarray(inputs.x), jnp.flip(jnp.asarray(inputs.x))])

    def apply_replica(key: Key[Array, ""], x: Any, positions: Num[Array, "T"]) -> LayerTrace:
        return apply_layer(subject.build(key), inputs._replace(x=x), positions, mask)

    apply_replicas = jax.jit(jax.vmap(apply_replica), compiler_options=FAST_COMPILATION)
    replicas = apply_replicas(keys, tokens, positions)
    for n in range(2):
        single = apply_layer_jit(subject.build(keys[n]), inputs._replace(x=tokens[n]), positions[n], mask)
        finding = compare_traces(jax.tree.map(lambda a, n=n: a[n], replicas), single, "with and without vmap")
        if finding.fault:
            return finding
    return finding


@partial(jax.jit, compiler_options=FAST_COMPILATION)
def apply_in_tiles(encoding: Encoding, inputs: LayerInputs, positions: Num[Array, "T"], mask: Any) -> Any:
    """The output of `apply_layer`, computed for TILE queries at a time as `jaxpe.model` does on long inputs."""
    encoding = encoding.at(0, 0.0)
    _, q, k, v, view = prepare_layer(encoding, inputs, positions, mask)
    rotated_q, rotated_k = encoding.rotate(q, k, view)
    scale = 1 / math.sqrt(q.shape[-1])
    attend = partial(attend_queries, k=rotated_k, v=v, encoding=encoding, view=view, scale=scale, dtype="float32")
    rows = QueryRows(rotated_q, view.q_positions, view.mask, view.q_seen)
    return map_tiles(lambda of_tile: attend(of_tile)[0], rows, TILE)


def check_tiles(subject: Subject) -> Finding:
    """A few queries at a time give the outputs of all queries at once: a row of the hooks depends on no other query."""
    inputs, mask = make_inputs(subject.width, subject.heads), make_mask(subject.attention)
    expected = run_layer(subject).out
    result = np.asarray(apply_in_tiles(subject.encoding, inputs, jnp.asarray(POSITIONS), mask))
    difference, index = find_largest_difference(result, expected)
    if difference > compute_tolerance(expected, TRAIN_LENGTH):
        fault = (
            f"called with {TILE} of {TRAIN_LENGTH} queries, the output of token {index[0]} is off by {difference:.2g}"
        )
        return Finding("differs from all queries at once", fault, find_fault_methods(subject))
    return Finding(f"equal to {difference:.0e}" if difference else "equal")


def check_lowering(subject: Subject) -> Finding:
    """A gradient of the layer can be lowered for CUDA and TPU. Needs no such device."""
    inputs, mask = make_inputs(subject.width, subject.heads), make_mask(subject.attention)
    arguments = (subject.initial, inputs.x, inputs, jnp.asarray(POSITIONS), mask)
    try:
        jax.export.export(compute_gradients, platforms=["cuda", "tpu"])(*arguments)
    except Exception as error:
        fault = f"cannot be lowered for an accelerator: {get_first_line(error)}"
        return Finding("CPU only", fault, find_fault_methods(subject))
    return Finding("CUDA, TPU")
