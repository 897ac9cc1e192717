"""What the first layer's attention does with position: shares of the parts of its logits, and accuracy without each part."""

from __future__ import annotations

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy import ndarray

from jaxpe.analysis.attention import (
    PART_GROUPS,
    PARTS,
    Centre,
    compute_centre,
    forward_without,
    make_visibility_mask,
    split_logits,
    sum_covariances,
)
from jaxpe.analysis.hidden import ProbeData
from jaxpe.analysis.rotation import measure_distances
from jaxpe.data.examples import Data, Example
from jaxpe.model import Inputs, Transformer
from jaxpe.study.tables import Measurements
from jaxpe.training.scores import measure_scores

# The largest gap between parts and logits at which a split counts as exact, as a share of the largest logit (of 1, if that
# is less). A logit is a float32 sum of some hundred products and the parts add them in another order: 4e-7 is the most that
# was met.
SPLIT_EXACT = 1e-5
BY_HEAD = (
    "content-content",
    "content-position",
    "position-content",
    "position-position",
)  # removed in single heads too


def measure_attention(model: Transformer, untrained: Transformer, probe_data: ProbeData) -> Measurements:
    """Shares of the parts, accuracy without them, and what depends on distance. Of an inexact split only the error."""
    inputs = probe_data.sample.inputs
    centre = compute_centre(model, inputs)
    by_head, gap = map(np.asarray, compute_part_shares(model, inputs, centre))
    results: Measurements = [({"metric": "split_error"}, float(gap))]
    if not gap <= SPLIT_EXACT:
        return results
    for part, mask in PARTS.items():
        share = np.einsum("ab,abh->h", np.asarray(mask, np.float64), by_head).mean()
        results.append(({"metric": "logit_share", "part": part}, share))
    removals = list_removals(by_head.shape[-1])
    masks = jnp.asarray(np.stack([mask for _, mask in removals]), jnp.float32)
    accuracies = np.asarray(compute_accuracies_without(model, probe_data.batch, centre, masks, probe_data.data))
    results += [(columns, value) for (columns, _), value in zip(removals, accuracies, strict=True)]
    for network, transformer in (("trained", model), ("untrained", untrained)):
        results += measure_distances(transformer, probe_data.sample.position, network)
    return results


def list_removals(heads: int) -> list[tuple[dict[str, Any], Float[ndarray, "A A H"]]]:
    """What is removed from the first layer's logits: each part in all heads, then four parts in one head at a time."""
    every_part = PART_GROUPS | PARTS
    everywhere = {name: np.array(mask)[..., None] * np.ones(heads) for name, mask in every_part.items()}
    removals: list[tuple[dict[str, Any], ndarray]] = [
        ({"metric": "token_accuracy", "part": name}, mask) for name, mask in everywhere.items()
    ]
    for head, name in product(range(heads) if heads > 1 else (), BY_HEAD):
        columns = {"metric": "head_accuracy", "part": name, "head": head}
        removals.append((columns, everywhere[name] * np.eye(heads)[head]))
    return removals


@jax.jit
def compute_part_shares(
    model: Transformer, inputs: Inputs, centre: Centre
) -> tuple[Float[Array, "A A H"], Float[Array, ""]]:
    """Cov(part, total) / Var(total) of the nine parts by head, over all queries of a batch; and the error of the split.

    The error is the largest gap between the sum of the parts and the recorded logits, over the largest logit.
    """

    def compute(single: Inputs) -> tuple[Array, ...]:
        record = model(single, record=True).record
        assert record is not None
        visible, logits = make_visibility_mask(model, single), record.attention[0].logits
        parts = split_logits(model, single, centre)
        gap = jnp.where(visible, jnp.abs(parts.sum((0, 1)) - logits), 0).max()
        return *sum_covariances(parts, visible), gap, jnp.where(visible, jnp.abs(logits), 0).max()

    covariance, variance, gap, size = jax.lax.map(compute, inputs)
    return covariance.sum(0) / jnp.maximum(variance.sum(0), 1e-30), gap.max() / jnp.maximum(size.max(), 1.0)


@jax.jit
def compute_accuracies_without(
    model: Transformer, batch: tuple[Example, Inputs], centre: Centre, removed: Float[Array, "R A A H"], data: Data
) -> Float[Array, "R"]:
    """Token accuracy with each of R sets of first-layer parts removed."""

    def count(pair: tuple[Example, Inputs], mask: Array) -> tuple[Array, Array]:
        scores = measure_scores(forward_without(model, pair[1], centre, mask), pair[0], data)
        return scores.correct, scores.answers

    def compute(mask: Array) -> Array:
        correct, answers = jax.lax.map(lambda pair: count(pair, mask), batch, batch_size=32)
        accuracy: Array = correct.sum() / answers.sum()
        return accuracy

    results: Array = jax.lax.map(compute, removed)
    return results
