"""All measures of a position table, for all seeds at once: `measure_tables` for numbers, `compute_curves` for curves.

Tables are S × P × D, one row for each position that was trained (see `trained_rows`). Most numbers depend on P and D, so a table
is compared with controls of its shape (`make_control_tables`). A rotation of the coordinates or a common factor changes none of
them, except that probes standardize the columns. Adding the same row to every row changes only those with `raw` in the name,
`translation_invariance`, and `symmetry`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis import geometry
from jaxpe.analysis.geometry import centre_rows, divide
from jaxpe.analysis.lags import compute_similarity_by_lag, measure_lags
from jaxpe.analysis.table_probes import measure_probes

OFFSETS = (1, 2, 4)  # of the linear shift map
BASES = (10.0, 100.0, 1e3, 1e4, 1e5)  # of the sinusoids that a table is compared with
MIN_ROWS = 8  # with fewer rows most of the numbers are meaningless


def measure_tables(
    tables: Float[ndarray, "S P D"], tokens: Float[ndarray, "S V D"] | None = None
) -> dict[str, Float[ndarray, " S"]]:
    """Every number by name, one for each seed; with token embeddings also the overlap of their directions with the positions'.

    NaN for a seed whose table is constant or not finite, and for tables of fewer than eight rows.
    """
    rows = np.asarray(tables, np.float64)
    valid = np.asarray(np.isfinite(rows).all((1, 2)))
    rows = np.where(valid[:, None, None], rows, 0)
    valid &= centre_rows(rows).any((1, 2)) & (rows.shape[1] >= MIN_ROWS)
    values = measure_probes(rows) | measure_lags(rows) | measure_shape(rows) | measure_procrustes(rows)
    values |= {f"shift_residual_{offset}": geometry.measure_shift_residuals(rows, offset) for offset in OFFSETS}
    if tokens is not None:
        values |= measure_token_overlap(rows, np.asarray(tokens, np.float64))
    return {name: np.where(valid, value, np.nan) for name, value in values.items()}


def compute_curves(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, "S _"]]:
    """Similarity at the lags 0 … P / 2, of the rows as they are and centred; the spectrum at 1, 2, … periods over the table."""
    return {
        "similarity_by_lag_raw": compute_similarity_by_lag(tables, centre=False),
        "similarity_by_lag_centred": compute_similarity_by_lag(tables),
        "spectrum": geometry.compute_spectrum(tables),
    }


def make_control_tables(positions: int, width: int, seeds: Sequence[int]) -> dict[str, Float[ndarray, "S P D"]]:
    """The controls of `geometry.make_controls`, one table for each seed."""
    controls = [geometry.make_controls(positions, width, seed) for seed in seeds]
    return {name: np.stack([tables[name] for tables in controls]) for name in controls[0]}


# ── neighbours, rank, spectrum ──────────────────────────────────────────────────────────────────────────────────────


def measure_shape(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """Adjacency, ranks, and the strongest wave."""
    power = geometry.compute_spectrum(tables)
    return {
        "adjacency": compute_adjacency(geometry.compute_squared_distances(tables)),
        "adjacency_cosine": compute_adjacency(1 - geometry.compute_similarity(tables)),
        "effective_rank": compute_effective_rank(tables),
        "participation_ratio": compute_participation_ratio(tables),
        "strongest_periods": power.argmax(-1) + 1.0,  # over the table
        "strongest_share": power.max(-1),
    }


def compute_adjacency(distances: Float[ndarray, "S P P"]) -> Float[ndarray, " S"]:
    """Share of positions p whose nearest other position is p − 1 or p + 1. Sinusoids: 1; rows in random order: 2 / P."""
    places = np.arange(distances.shape[1])
    others = np.where(np.eye(len(places), dtype=bool), np.inf, distances)
    share = (np.abs(others.argmin(-1) - places) == 1).mean(-1)
    return np.where(others.min((1, 2)) < np.where(np.isinf(others), 0, others).max((1, 2)), share, np.nan)


def compute_effective_rank(tables: Float[ndarray, "S P D"]) -> Float[ndarray, " S"]:
    """exp(−Σ p ln p), p the singular values of the centred table divided by their sum (Roy & Vetterli 2007).

    1 … min(P − 1, D): how many directions a table uses. Gaussian rows come close to the maximum.
    """
    values = np.linalg.svd(centre_rows(tables), compute_uv=False)
    shares = divide(values, np.broadcast_to(values.sum(-1, keepdims=True), values.shape))
    return np.asarray(np.exp(-(shares * np.log(np.where(shares > 0, shares, 1))).sum(-1)))


def compute_participation_ratio(tables: Float[ndarray, "S P D"]) -> Float[ndarray, " S"]:
    """(Σ λ)² / Σ λ², λ the variances along the principal components. 1 … min(P − 1, D); weak directions count less."""
    variances = np.linalg.svd(centre_rows(tables), compute_uv=False) ** 2
    return divide(variances.sum(-1) ** 2, (variances**2).sum(-1))


# ── compared with sinusoids and with tokens ─────────────────────────────────────────────────────────────────────────────


def compute_procrustes(tables: Float[ndarray, "S P D"], target: Float[ndarray, "P E"]) -> Float[ndarray, " S"]:
    """min over rotations R and factors s of ‖s·A·R − B‖² / ‖B‖² for centred tables: 1 − (Σ σ(AᵀB))² / (‖A‖² ‖B‖²).

    0: equal up to a rotation (or reflection) and a factor; 1: nothing in common. Symmetric in A and B. Gaussian rows do not
    reach 1, since a rotation of D dimensions fits any P rows a little (Schönemann 1966; Gower & Dijksterhuis 2004).
    """
    a, b = centre_rows(tables), centre_rows(target)
    shared = np.linalg.svd(a.swapaxes(1, 2) @ b, compute_uv=False).sum(-1)
    return 1 - divide(shared**2, (a**2).sum((1, 2)) * (b**2).sum())


def measure_procrustes(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """Distances to sinusoids of base 10,000 and to the nearest sinusoids of `BASES`, and the base of the latter."""
    _, positions, width = tables.shape
    distances = np.stack(
        [compute_procrustes(tables, geometry.make_sinusoids(positions, width, base)) for base in BASES]
    )
    return {
        "procrustes_sinusoidal": distances[BASES.index(1e4)],
        "procrustes_fitted": distances.min(0),
        "procrustes_base": np.asarray(BASES)[distances.argmin(0)],
    }


def measure_token_overlap(
    tables: Float[ndarray, "S P D"], tokens: Float[ndarray, "S V D"]
) -> dict[str, Float[ndarray, " S"]]:
    """Mean squared cosine between the directions of positions and of tokens, and its expectation for random subspaces.

    Directions are the leading principal components with .9 of the variance. 0: orthogonal; 1: one subspace contains the other.
    """
    pairs = [tuple(map(geometry.find_directions, pair)) for pair in zip(tables, tokens, strict=True)]
    return {
        "token_overlap": np.array([geometry.compute_overlap(*pair) for pair in pairs]),
        "token_overlap_random": np.array([geometry.expect_random_overlap(*pair) for pair in pairs]),
    }
