"""Everything that is measured on a position table, seeds together: `measured` for numbers, `curves` for what is drawn.

Tables are S × P × D, a row a position that training visited (see `trained_rows`). Beside a table belong controls of the same
shape (`control_tables`), since most numbers depend on P and D. None of them changes under a rotation of the coordinates or a
common factor; those whose name does not say otherwise do not change either when the same row is added to every row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis import geometry
from jaxpe.analysis.geometry import centred, quotient
from jaxpe.analysis.lags import lag_measures, similarity_by_lag
from jaxpe.analysis.table_probes import probe_measures

OFFSETS = (1, 2, 4)  # of the linear shift map
BASES = (10.0, 100.0, 1e3, 1e4, 1e5)  # of the sinusoids that a table is compared with
FEWEST = 8  # rows; with fewer, most of the numbers mean nothing


def measured(
    tables: Float[ndarray, "S P D"], tokens: Float[ndarray, "S V D"] | None = None
) -> dict[str, Float[ndarray, " S"]]:
    """Every number by name, one a seed; with token embeddings also how far they share directions with the positions.

    NaN for a seed whose table is constant or not finite, and for tables of fewer than eight rows.
    """
    rows = np.asarray(tables, np.float64)
    good = np.asarray(np.isfinite(rows).all((1, 2)))
    rows = np.where(good[:, None, None], rows, 0)
    good &= centred(rows).any((1, 2)) & (rows.shape[1] >= FEWEST)
    found = probe_measures(rows) | lag_measures(rows) | shape_measures(rows) | procrustes_measures(rows)
    found |= {f"shift_residual_{offset}": geometry.shift_residuals(rows, offset) for offset in OFFSETS}
    if tokens is not None:
        found |= token_overlap(rows, np.asarray(tokens, np.float64))
    return {name: np.where(good, value, np.nan) for name, value in found.items()}


def curves(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, "S _"]]:
    """Similarity at the lags 0 … P / 2, of rows as they are and centred, and the spectrum at 1, 2, … periods over the table."""
    return {
        "similarity_by_lag_raw": similarity_by_lag(tables, centre=False),
        "similarity_by_lag_centred": similarity_by_lag(tables),
        "spectrum": geometry.spectrum(tables),
    }


def control_tables(positions: int, width: int, seeds: Sequence[int]) -> dict[str, Float[ndarray, "S P D"]]:
    """The controls of `geometry.controls`, a table a seed."""
    drawn = [geometry.controls(positions, width, seed) for seed in seeds]
    return {name: np.stack([tables[name] for tables in drawn]) for name in drawn[0]}


# ── neighbours, rank, spectrum ──────────────────────────────────────────────────────────────────────────────────────


def shape_measures(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """Adjacency, ranks and the strongest wave."""
    power = geometry.spectrum(tables)
    return {
        "adjacency": adjacency(geometry.squared_distances(tables)),
        "adjacency_cosine": adjacency(1 - geometry.similarity(tables)),
        "effective_rank": effective_rank(tables),
        "participation_ratio": participation_ratio(tables),
        "strongest_periods": power.argmax(-1) + 1.0,  # whole number of periods over the table
        "strongest_share": power.max(-1),
    }


def adjacency(distances: Float[ndarray, "S P P"]) -> Float[ndarray, " S"]:
    """Share of positions p whose nearest other position is p − 1 or p + 1. Sinusoids 1; rows in random order 2 / P."""
    places = np.arange(distances.shape[1])
    others = np.where(np.eye(len(places), dtype=bool), np.inf, distances)
    found = (np.abs(others.argmin(-1) - places) == 1).mean(-1)
    return np.where(others.min((1, 2)) < np.where(np.isinf(others), 0, others).max((1, 2)), found, np.nan)


def effective_rank(tables: Float[ndarray, "S P D"]) -> Float[ndarray, " S"]:
    """exp(−Σ p ln p), p the singular values of the centred table over their sum (Roy & Vetterli 2007).

    1 … min(P − 1, D): how many directions a table uses. Gaussian rows come near the top.
    """
    values = np.linalg.svd(centred(tables), compute_uv=False)
    shares = quotient(values, np.broadcast_to(values.sum(-1, keepdims=True), values.shape))
    return np.exp(-(shares * np.log(np.where(shares > 0, shares, 1))).sum(-1))


def participation_ratio(tables: Float[ndarray, "S P D"]) -> Float[ndarray, " S"]:
    """(Σ λ)² / Σ λ², λ the variances along the principal components. 1 … min(P − 1, D); small directions count less."""
    variances = np.linalg.svd(centred(tables), compute_uv=False) ** 2
    return quotient(variances.sum(-1) ** 2, (variances**2).sum(-1))


# ── beside sinusoids, and beside tokens ─────────────────────────────────────────────────────────────────────────────


def procrustes(tables: Float[ndarray, "S P D"], target: Float[ndarray, "P E"]) -> Float[ndarray, " S"]:
    """min over rotations R and factors s of ‖s·A·R − B‖² / ‖B‖² for centred tables: 1 − (Σ σ(AᵀB))² / (‖A‖² ‖B‖²).

    0: the same but for a rotation (or reflection) and a factor; 1: nothing in common. Symmetric in A and B. Gaussian rows do
    not reach 1: a rotation of D dimensions finds something in any P rows (Schönemann 1966; Gower & Dijksterhuis 2004).
    """
    a, b = centred(tables), centred(target)
    shared = np.linalg.svd(a.swapaxes(1, 2) @ b, compute_uv=False).sum(-1)
    return 1 - quotient(shared**2, (a**2).sum((1, 2)) * (b**2).sum())


def procrustes_measures(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """The distance to sinusoids of Vaswani's base, and to the nearest of those of `BASES`, with that base."""
    _, positions, width = tables.shape
    found = np.stack([procrustes(tables, geometry.sinusoids(positions, width, base)) for base in BASES])
    return {
        "procrustes_sinusoidal": found[BASES.index(1e4)],
        "procrustes_fitted": found.min(0),
        "procrustes_base": np.asarray(BASES)[found.argmin(0)],
    }


def token_overlap(tables: Float[ndarray, "S P D"], tokens: Float[ndarray, "S V D"]) -> dict[str, Float[ndarray, " S"]]:
    """Mean squared cosine between the directions of positions and tokens, and its expectation for random subspaces.

    Of each the leading components with .9 of the variance. 0 orthogonal, 1 where one holds the other.
    """
    pairs = [tuple(map(geometry.directions, pair)) for pair in zip(tables, tokens, strict=True)]
    return {
        "token_overlap": np.array([geometry.overlap(*pair) for pair in pairs]),
        "token_overlap_random": np.array([geometry.random_overlap(*pair) for pair in pairs]),
    }
