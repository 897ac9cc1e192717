"""The property of schedules: an encoding says when it changes during training."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy import ndarray

from jaxpe.conformance.findings import Finding
from jaxpe.conformance.layer import (
    FAST_COMPILATION,
    POSITIONS,
    LayerInputs,
    attend,
    make_inputs,
    make_mask,
    prepare_layer,
)
from jaxpe.conformance.subject import Subject
from jaxpe.encodings.base import Encoding

MOMENTS = 32  # equal parts of training, at whose borders the layer is computed
BLOCKS = (0, 3)  # whose hooks are called: the first of a usual block, and one that `interleaved` leaves out


def compute_outputs(
    encoding: Encoding, progress: Float[Array, ""], inputs: LayerInputs, mask: Any
) -> Float[Array, "B T W"]:
    """The output of the layer and the embeddings in BLOCKS, after a share of training."""

    def compute(block: int) -> Float[Array, "T W"]:
        active = encoding.at(block, progress)
        x, q, k, v, view = prepare_layer(active, inputs, jnp.asarray(POSITIONS), mask)
        out = attend(active, q, k, v, view).out
        return jnp.concatenate([x, out.reshape(x.shape[0], -1)], axis=1)

    return jnp.stack([compute(block) for block in BLOCKS])


@partial(jax.jit, compiler_options=FAST_COMPILATION)
def compute_all_outputs(
    encoding: Encoding, moments: Float[Array, "M"], inputs: LayerInputs, mask: Any
) -> Float[Array, "M B T W"]:
    """The same at every moment, one after the other."""
    outputs: Array = jax.lax.map(lambda progress: compute_outputs(encoding, progress, inputs, mask), moments)
    return outputs


def list_moments(declared: tuple[float, ...]) -> Float[ndarray, "M"]:
    """Borders of equal parts of training, and the last number below each declared share and that share itself."""
    shares = np.asarray(declared, np.float32)
    below = np.nextafter(shares, np.float32(0))
    return np.unique(np.concatenate([np.linspace(0, 1, MOMENTS + 1, dtype=np.float32), below, shares]))


def check_schedule(subject: Subject) -> Finding:
    """The layer changes at every share of training in `changes_at`, and jumps nowhere else.

    A change counts as a jump where nothing changes just before and just after it.
    """
    declared = subject.initial.changes_at
    if type(subject.initial).at is Encoding.at:
        methods = ("at",) if declared else ()
        fault = "changes_at names shares of training, but `at` is not overridden" if declared else ""
        return Finding("the same throughout training", fault, methods)
    moments = list_moments(declared)
    inputs, mask = make_inputs(subject.width, subject.heads), make_mask(subject.attention)
    outputs = np.asarray(compute_all_outputs(subject.encoding, jnp.asarray(moments), inputs, mask))
    changed = [not np.array_equal(a, b, equal_nan=True) for a, b in pairwise(outputs)]
    around = [False, *changed, False]
    shares = np.asarray(declared, np.float32)
    for i, (begin, end) in enumerate(pairwise(moments)):
        if end in shares and not changed[i]:
            return Finding("no change where declared", f"changes_at names {end:g}, but nothing changes there", ("at",))
        if end not in shares and changed[i] and not around[i] and not around[i + 2]:
            fault = f"what acts jumps between {begin:.3g} and {end:.3g} of training: name that share in changes_at"
            return Finding("an undeclared change", fault, ("at",))
    if declared:
        return Finding(f"changes at {', '.join(f'{share:g}' for share in declared)} of training")
    return Finding("changes little by little" if any(changed) else "the same throughout training")
