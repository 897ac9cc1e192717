"""AdamW and the schedule of its learning rate."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PyTree

from jaxpe.model import Transformer
from jaxpe.training.config import Training


def make_optimizer(training: Training) -> optax.GradientTransformation:
    """AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101) before the factor −learning rate, which replicas differ in."""
    return optax.chain(
        optax.clip_by_global_norm(training.clip),
        optax.scale_by_adam(b1=0.9, b2=0.98),
        optax.add_decayed_weights(training.weight_decay, mask=select_decayed),
    )


def select_decayed(model: Transformer) -> PyTree[bool]:
    """True for the parameters with weight decay: matrices that do not belong to an encoding."""
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf.ndim >= 2 and "encodings" not in jax.tree_util.keystr(path), model
    )


def compute_learning_rate_factor(step: Int[Array, ""], training: Training) -> Float[Array, ""]:
    """Share of the learning rate at a step: a linear warm-up, then half a cosine or a line down to zero."""
    warmup = min(training.warmup, training.steps // 2)
    rise = (step + 1) / (warmup + 1)
    passed = (step - warmup) / (training.steps - warmup)
    fall = 1 - passed if training.decay == "linear" else 0.5 * (1 + jnp.cos(jnp.pi * passed))
    return jnp.where(step < warmup, rise, fall)
