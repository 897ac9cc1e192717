"""Similarity of positions as a function of their lag: translation invariance, symmetry, monotonicity, periodicity.

The first three are the properties of Wang et al. (2021, "On Position Embeddings in BERT", ICLR). Each is measured on what a
dot product depends on, the rows as they are, and on what adding a constant row does not change: squared distances, and cosines
of centred rows. (Gram matrices of centred rows are not used for invariance: a slow wave has a mean over the table, so centred
sinusoids are no longer Toeplitz.) S seeds, P positions.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis.geometry import centre_rows, compute_similarity, compute_squared_distances, divide


def list_diagonals(matrix: Float[ndarray, "S P P"]) -> list[Float[ndarray, "S M"]]:
    """The entries at each lag 1, 2, …, P − 1, early positions first."""
    return [np.diagonal(matrix, lag, 1, 2) for lag in range(1, matrix.shape[1])]


def compute_similarity_by_lag(tables: Float[ndarray, "S P D"], centre: bool = True) -> Float[ndarray, "S L"]:
    """Mean cosine of p and p + k at the lags k = 0 … P / 2, each over at least P / 2 pairs.

    Sinusoids that are not centred: Σ_c cos(k ω_c) / (D/2). Gaussian rows: 0 (centred −1 / P) beyond lag 0. Rounded to twelve
    decimals, so that values which differ by rounding only are tied.
    """
    cosines = compute_similarity(tables, centre)
    lags = range(tables.shape[1] // 2 + 1)
    return np.round(np.stack([np.diagonal(cosines, lag, 1, 2).mean(-1) for lag in lags], axis=-1), 12)


def compute_lag_share(matrix: Float[ndarray, "S P P"]) -> Float[ndarray, " S"]:
    """Share of the variance over pairs p < q that the means of the lags explain: 1 − Σ (g_pq − ḡ_{q−p})² / Σ (g_pq − ḡ)².

    0 … 1. The pairs p = q are left out: in any table they are one lag of large values. Independent entries: 2 / P.
    """
    parts = list_diagonals(matrix)
    every = np.concatenate(parts, axis=-1)
    within = sum(((part - part.mean(-1, keepdims=True)) ** 2).sum(-1) for part in parts)
    return 1 - divide(np.asarray(within), compute_variation(every, every.mean(-1, keepdims=True)))


def compute_toeplitz_share(tables: Float[ndarray, "S P D"]) -> Float[ndarray, " S"]:
    """Share of the variance of PE·PEᵀ, rows centred, that the means of its diagonals explain.

    Gaussian rows reach about D / (D + P), since the pairs p = q count. Sinusoids stay slightly below 1, since slow waves have a
    mean over the table. `measure_translation_invariance` has neither flaw.
    """
    rows = centre_rows(tables)
    gram = rows @ rows.swapaxes(1, 2)
    parts = [np.diagonal(gram, 0, 1, 2), *(half for half in list_diagonals(gram) for _ in range(2))]
    within = sum(((part - part.mean(-1, keepdims=True)) ** 2).sum(-1) for part in parts)
    every = gram.reshape(len(gram), -1)
    return 1 - divide(np.asarray(within), compute_variation(every, every.mean(-1, keepdims=True)))


def compute_variation(values: Float[ndarray, "S N"], mean: Float[ndarray, "S 1"]) -> Float[ndarray, " S"]:
    """Σ (value − mean)²; 0 if the values differ by rounding only."""
    squares = ((values - mean) ** 2).sum(-1)
    return np.where(squares > 1e-24 * (values**2).sum(-1), squares, 0)


def measure_translation_invariance(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """How close to Toeplitz PE·PEᵀ and the matrix of squared distances are.

    Sinusoids: 1 and 1. Gaussian rows: 2 / P, and more for distances, since the distances of a row share its length.
    """
    rows = np.asarray(tables, np.float64)
    return {
        "toeplitz_share": compute_toeplitz_share(tables),
        "translation_invariance": compute_lag_share(rows @ rows.swapaxes(1, 2)),
        "translation_invariance_distances": compute_lag_share(compute_squared_distances(tables)),
    }


def correlate_sides(matrix: Float[ndarray, "S P P"]) -> Float[ndarray, " S"]:
    """Intraclass correlation of entry (p, p + k) with entry (p, p − k) of a matrix, over all p and k where both exist.

    1 − Σ (a − b)² / Σ ((a − m)² + (b − m)²), m the mean of all (Fisher 1925). 1: both sides of every position are equal. 0: they
    are independent. −1 … 1. The symmetry of the matrix itself has no influence.
    """
    parts = list_diagonals(matrix)[: (matrix.shape[1] - 1) // 2]
    if not parts:
        return np.full(len(matrix), np.nan)
    after = np.concatenate([part[:, lag:] for lag, part in enumerate(parts, 1)], axis=-1)
    before = np.concatenate([part[:, :-lag] for lag, part in enumerate(parts, 1)], axis=-1)
    mean = (after + before).mean(-1, keepdims=True) / 2
    return 1 - divide(((after - before) ** 2).sum(-1), compute_variation(np.concatenate([after, before], -1), mean))


def measure_symmetry(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """Whether a position is as near to the one k before it as to the one k after it, by cosines and by squared distances.

    Sinusoids, and all tables that depend on the lag alone: 1 and 1. Gaussian rows: about 0, and more for distances, since both
    sides contain the length of row p.
    """
    return {
        "symmetry": correlate_sides(compute_similarity(tables, centre=False)),
        "symmetry_distances": correlate_sides(compute_squared_distances(tables)),
    }


def compute_monotonicity(curve: Float[ndarray, "S L"]) -> Float[ndarray, " S"]:
    """−τ, Kendall's rank correlation (τ-b) of a curve with its index. 1: every step falls; 0: no trend; −1: every step rises.

    For similarity at the lags 1, 2, …: the share of pairs of lags whose nearer one is more similar, minus the share of the
    others.
    """
    signs = np.sign(curve[:, :, None] - curve[:, None, :])[:, *np.triu_indices(curve.shape[1], 1)]
    untied = (signs**2).sum(-1)
    return divide(signs.sum(-1), np.sqrt(signs.shape[-1] * untied))


def compute_autocorrelation(curve: Float[ndarray, "S L"]) -> Float[ndarray, "S K"]:
    """Correlation of a curve with itself shifted by j = 1 … L / 2, over the part in common; 0 if that is constant."""
    correlations = []
    for j in range(1, curve.shape[1] // 2 + 1):
        first, second = (part - part.mean(-1, keepdims=True) for part in (curve[:, :-j], curve[:, j:]))
        product = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
        correlations.append(np.nan_to_num(divide((first * second).sum(-1), np.where(product > 1e-20, product, 0))))
    return np.stack(correlations, axis=-1)


def find_period(curve: Float[ndarray, "S L"]) -> tuple[Float[ndarray, " S"], Float[ndarray, " S"]]:
    """Strength and period of a periodic curve: half the largest rise of its autocorrelation after a minimum, and where.

    1 for a wave of any amplitude, 0 (and no period) for a curve that only falls. The rise counts, not the height of the peak,
    since a slow trend lifts the whole autocorrelation. Periods are at most a quarter of the table; the spectrum shows slower ones.
    Gaussian rows: .2-.3 at 64 lags, by chance.
    """
    if curve.shape[1] < 4:
        return np.full(len(curve), np.nan), np.full(len(curve), np.nan)
    values = compute_autocorrelation(curve)
    rise = np.round((values - np.minimum.accumulate(values, axis=-1)) / 2, 9)
    strongest = rise.max(-1)
    flat = np.ptp(curve, axis=-1) == 0
    return np.where(flat, np.nan, strongest), np.where(strongest > 0, rise.argmax(-1) + 1.0, np.nan)


def measure_lags(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """All measures of this module by name; NaN for constant tables."""
    values = measure_translation_invariance(tables) | measure_symmetry(tables)
    for name, centre in (("raw", False), ("centred", True)):
        curve = compute_similarity_by_lag(tables, centre)[:, 1:]
        values[f"neighbour_similarity_{name}"] = curve[:, 0]
        values[f"monotonicity_{name}"] = compute_monotonicity(curve)
        values[f"periodicity_{name}"], values[f"period_{name}"] = find_period(curve)
    constant = ~centre_rows(tables).any((1, 2))
    return {name: np.where(constant, np.nan, value) for name, value in values.items()}
