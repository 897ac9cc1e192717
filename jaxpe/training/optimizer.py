"""Optimizers and the schedule of the learning rate.

An encoding may change during training (`Encoding.changes_at`), as one that is dropped. There the schedule starts again: a
warm-up to the same peak, which takes the same share of the steps that are left as the first of all steps, and a decay to
zero over the rest. The steps before are those of an encoding that does not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PyTree
from numpy import ndarray

from jaxpe import encodings
from jaxpe.model import Transformer
from jaxpe.records.json_values import compute_digest
from jaxpe.training.config import RunConfig, Training

SCALINGS = {  # what becomes of a clipped gradient
    "adamw": partial(optax.scale_by_adam, b1=0.9, b2=0.98),  # Loshchilov & Hutter 2019, arXiv:1711.05101
    "lion": partial(optax.scale_by_lion, b1=0.9, b2=0.99),  # Chen et al. 2023, arXiv:2302.06675
    "sgd": partial(optax.trace, decay=0.9),  # gradient descent with momentum
}


def make_optimizer(training: Training) -> optax.GradientTransformation:
    """The update before the factor −learning rate, which replicas differ in. Weight decay is added to it, not to the gradient."""
    return optax.chain(
        optax.clip_by_global_norm(training.clip),
        SCALINGS[training.optimizer](),
        optax.add_decayed_weights(training.weight_decay, mask=select_decayed),
    )


def select_decayed(model: Transformer) -> PyTree[bool]:
    """True for the parameters with weight decay: matrices that do not belong to an encoding."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf.ndim >= 2 and "encodings" not in jax.tree_util.keystr(path), model
    )


def list_progress(steps: int) -> Float[ndarray, "N"]:
    """The share of training that is done before each step."""
    return (np.arange(steps) / steps).astype(np.float32)


def compute_progress(step: Int[Array, ""], steps: int) -> Float[Array, ""]:
    """The share of training that is done before a step.

    It is looked up, since a compiled division by a constant is rounded otherwise: 60 / 100 came out below 0.6.
    """
    return jnp.asarray(list_progress(steps))[step]


def list_change_steps(config: RunConfig) -> tuple[int, ...]:
    """The steps from which on the encoding of a config acts otherwise: none for most encodings."""
    return list_changes_of_code(config, compute_digest(encodings.identify_encoding(config.encoding)))


@cache
def list_changes_of_code(config: RunConfig, code: str) -> tuple[int, ...]:
    """The same for the code of the encoding that has this digest."""
    shares: list[float] = []

    def build() -> None:
        options = dict(config.encoding_options)
        encoding = encodings.build_encoding(config.encoding, config.context, key=jax.random.key(0), **options)
        shares.extend(encoding.changes_at)

    jax.eval_shape(build)
    steps = np.searchsorted(list_progress(config.training.steps), np.asarray(shares, np.float32))
    return tuple(step for step in sorted({int(step) for step in steps}) if step < config.training.steps)


def compute_learning_rate_factor(
    step: Int[Array, ""], training: Training, change_steps: Sequence[int] = ()
) -> Float[Array, ""]:
    """Share of the learning rate at a step: a linear warm-up, then half a cosine or a line down to zero.

    At each of `change_steps`, in order, the schedule starts again for the steps that are left.
    """
    factor = compute_phase_factor(step, training.steps, training.warmup, training.decay)
    for begin in change_steps:
        left = training.steps - begin
        warmup = -(-training.warmup * left // training.steps)
        factor = jnp.where(step < begin, factor, compute_phase_factor(step - begin, left, warmup, training.decay))
    return factor


def compute_phase_factor(step: Int[Array, ""], steps: int, warmup: int, decay: str) -> Float[Array, ""]:
    """The factor at a step of `steps`, of which the warm-up takes at most half."""
    warmup = min(warmup, steps // 2)
    rise = (step + 1) / (warmup + 1)
    passed = (step - warmup) / (steps - warmup)
    falls = {
        "cosine": lambda: 0.5 * (1 + jnp.cos(jnp.pi * passed)),
        "linear": lambda: 1 - passed,
        "inverse_sqrt": lambda: jnp.sqrt((warmup + 1) / (step + 1)),  # Vaswani et al. 2017, §5.3
        "constant": lambda: jnp.ones(()),
    }
    return jnp.where(step < warmup, rise, falls[decay]())
