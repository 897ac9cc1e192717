"""Does a head of the first layer compare positions by their distance, or look a fixed number of places ahead or back?

Both questions are answered by the share of the variance of a head's position-position logits that a sum of simple maps with
weights ≥ 0 explains. The mean of every query and of every key is subtracted first: the first changes no attention weight, and
the second does not compare positions. (With the means of queries alone, a ramp over the keys scored .998 as a rotation.) A
reflection, a function of s + t, is fitted in the same way: it tells a head that looks a fixed number of places ahead from one
that mirrors the sequence. P positions, H heads.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num
from numpy import ndarray
from scipy.optimize import nnls

from jaxpe.analysis.attention import compute_code
from jaxpe.encodings.sinusoidal import reference_embed
from jaxpe.model import Transformer
from jaxpe.study.tables import Measurements

MOST_POSITIONS = 32  # among which logits are compared with a rotation
LEAST_SHARE = 1e-12  # of the variance, left by the means: less is rounding, and nothing explains it


def compute_position_logits(model: Transformer, positions: Num[Array, "P"]) -> Float[ndarray, "H P P"]:
    """code W_q W_kᵀ codeᵀ of the first layer's heads, on centred codes, without the division by the RMS."""
    block, width = model.stack.blocks[0], model.stack.embedding[...].shape[1]
    code = np.asarray(compute_code(model.stack.encodings[0], positions, width), np.float64)
    code = (code - code.mean(0)) * np.asarray(block.norms[0].gain[...], np.float64)
    query, key = (np.asarray(part[...], np.float64) for part in (block.attention.query, block.attention.key))
    products: ndarray = np.einsum("id,dhk,ehk,je->hij", code, query, key, code)
    return products


def explain_variance(logits: Float[ndarray, "P P"], features: Float[ndarray, "F P P"]) -> float:
    """Share of the variance, without the means of queries and keys, that a sum of features with weights ≥ 0 explains.

    0 where the means are all there is.
    """
    y, x = subtract_means(logits).ravel(), subtract_means(features).reshape(len(features), -1).T
    variance = float(y @ y)
    if variance <= LEAST_SHARE * float((logits**2).sum()):
        return 0.0
    _, rest = nnls(x, y)
    return float(1 - rest**2 / variance)


def subtract_means(logits: Float[ndarray, "*F P P"]) -> Float[ndarray, "*F P P"]:
    """Logits without the mean of every query (row) and of every key (column)."""
    rows, columns = logits.mean(-1, keepdims=True), logits.mean(-2, keepdims=True)
    rest: ndarray = logits - rows - columns + logits.mean((-2, -1), keepdims=True)
    return rest


def fit_distance(logits: Float[ndarray, "P P"]) -> float:
    """Share that any function of the distance s − t explains. The function may be negative, hence both signs."""
    places = np.arange(len(logits))
    diagonals = np.stack([places - places[:, None] == d for d in range(1 - len(places), len(places))]) * 1.0
    return explain_variance(logits, np.concatenate([diagonals, -diagonals]))


def fit_rotation(logits: Float[ndarray, "P P"], width: int, base: float = 10_000.0) -> tuple[float, int]:
    """Share that a rotation by one offset k explains, Σ_c a_c cos((s − t − k) ω_c) with a_c ≥ 0: the best share and its k.

    On sinusoids (ω_c = base^(−2c/D)) these are the logits of W_q W_kᵀ = ⊕_c a_c R(k ω_c): the query looks k places ahead.
    """
    places = np.arange(len(logits))
    return fit_waves(logits, places - places[:, None], range(1 - len(places), len(places)), width, base)


def fit_reflection(logits: Float[ndarray, "P P"], width: int, base: float = 10_000.0) -> tuple[float, int]:
    """Share that a reflection about k / 2 explains, Σ_c a_c cos((s + t − k) ω_c) with a_c ≥ 0: the best share and its k.

    The query at t looks at k − t: what a head needs that reverses sequences of one length. No rotation does that.
    """
    places = np.arange(len(logits))
    return fit_waves(logits, places + places[:, None], range(2 * len(places) - 1), width, base)


def fit_waves(
    logits: Float[ndarray, "P P"], places: Int[ndarray, "P P"], offsets: range, width: int, base: float
) -> tuple[float, int]:
    """The best share over the offsets k that Σ_c a_c cos((places − k) ω_c) with a_c ≥ 0 explains, and its k."""
    frequency = base ** (-np.arange(0, width, 2) / width)
    shares = {k: explain_variance(logits, np.cos((places - k) * frequency[:, None, None])) for k in offsets}
    best = max(shares, key=lambda k: shares[k])
    return shares[best], best


def measure_distances(model: Transformer, positions: ndarray, network: str) -> Measurements:
    """`distance_share`, the mean over heads; of sinusoids also `rotation_share` and `reflection_share` of the best head.

    The last two have their offset, and the greatest that was tried.
    """
    positions = np.unique(positions)[:MOST_POSITIONS]
    logits = compute_position_logits(model, jnp.asarray(positions))
    if not np.abs(logits).max() > 1e-12:
        return []
    mean = float(np.mean([fit_distance(head) for head in logits]))
    rows: Measurements = [({"metric": "distance_share", "network": network}, mean)]
    width = model.stack.embedding[...].shape[1]
    code = np.asarray(compute_code(model.stack.encodings[0], jnp.asarray(positions), width))
    if np.allclose(code, reference_embed(np.zeros(code.shape), positions), atol=1e-4):
        for name, fit, greatest in (("rotation", fit_rotation, 1), ("reflection", fit_reflection, 2)):
            share, offset = max((fit(head, width) for head in logits), key=lambda pair: pair[0])
            limit = greatest * (len(positions) - 1)
            rows.append(({"metric": f"{name}_share", "network": network, "offset": offset, "max_offset": limit}, share))
    return rows
