"""Does a head of the first layer compare positions by their distance, or look a fixed number of places ahead or back?

Both questions are answered by the share of the variance of a head's position-position logits that a sum of simple maps with
weights ≥ 0 explains. P positions, H heads.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num
from numpy import ndarray
from scipy.optimize import nnls

from jaxpe.analysis.attention import compute_code
from jaxpe.encodings.sinusoidal import reference_embed
from jaxpe.model import Transformer
from jaxpe.study.tables import Measurements

MOST_POSITIONS = 32  # among which logits are compared with a rotation


def compute_position_logits(model: Transformer, positions: Num[Array, "P"]) -> Float[ndarray, "H P P"]:
    """code W_q W_kᵀ codeᵀ of the first layer's heads, on centred codes, without the division by the RMS."""
    block, width = model.stack.blocks[0], model.stack.embedding[...].shape[1]
    code = np.asarray(compute_code(model.stack.encodings[0], positions, width), np.float64)
    code = (code - code.mean(0)) * np.asarray(block.norms[0].gain[...], np.float64)
    query, key = (np.asarray(part[...], np.float64) for part in (block.attention.query, block.attention.key))
    products: ndarray = np.einsum("id,dhk,ehk,je->hij", code, query, key, code)
    return products


def explain_variance(logits: Float[ndarray, "P P"], features: Float[ndarray, "F P P"]) -> float:
    """Share of the variance over keys (each query's mean subtracted) that a sum of features with weights ≥ 0 explains."""
    y = (logits - logits.mean(1, keepdims=True)).ravel()
    x = (features - features.mean(2, keepdims=True)).reshape(len(features), -1).T
    _, rest = nnls(x, y)
    return float(1 - rest**2 / max(y @ y, 1e-30))


def fit_distance(logits: Float[ndarray, "P P"]) -> float:
    """Share that any function of the distance s − t explains. The function may be negative, hence both signs."""
    places = np.arange(len(logits))
    diagonals = np.stack([places - places[:, None] == d for d in range(1 - len(places), len(places))]) * 1.0
    return explain_variance(logits, np.concatenate([diagonals, -diagonals]))


def fit_rotation(logits: Float[ndarray, "P P"], width: int, base: float = 10_000.0) -> tuple[float, int]:
    """Share that a rotation by one offset k explains, Σ_c a_c cos((s − t − k) ω_c) with a_c ≥ 0: the best share and its k.

    On sinusoids (ω_c = base^(−2c/D)) these are the logits of W_q W_kᵀ = ⊕_c a_c R(k ω_c): the query looks k places ahead.
    """
    places, frequency = np.arange(len(logits)), base ** (-np.arange(0, width, 2) / width)
    shares = {}
    for k in range(1 - len(places), len(places)):
        angle = (places - places[:, None] - k) * frequency[:, None, None]
        shares[k] = explain_variance(logits, np.cos(angle))
    best = max(shares, key=lambda k: shares[k])
    return shares[best], best


def measure_distances(model: Transformer, positions: ndarray, network: str) -> Measurements:
    """`distance_share`, the mean over heads; of sinusoids also `rotation_share` of the best head, with its offset."""
    positions = np.unique(positions)[:MOST_POSITIONS]
    logits = compute_position_logits(model, jnp.asarray(positions))
    if not np.abs(logits).max() > 1e-12:
        return []
    mean = float(np.mean([fit_distance(head) for head in logits]))
    rows: Measurements = [({"metric": "distance_share", "network": network}, mean)]
    width = model.stack.embedding[...].shape[1]
    code = np.asarray(compute_code(model.stack.encodings[0], jnp.asarray(positions), width))
    if np.allclose(code, reference_embed(np.zeros(code.shape), positions), atol=1e-4):
        share, offset = max((fit_rotation(head, width) for head in logits), key=lambda pair: pair[0])
        columns = {"metric": "rotation_share", "network": network, "offset": offset, "max_offset": len(positions) - 1}
        rows.append((columns, share))
    return rows
