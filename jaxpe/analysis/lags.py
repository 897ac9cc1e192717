"""Does the likeness of two rows of a position table depend on their lag alone, on both sides, ever less, in waves?

The first three are the properties of Wang et al. (2021, "On Position Embeddings in BERT", ICLR): translation invariance,
symmetry, monotonicity. Each is measured on what a dot product sees, rows as they are, and on what does not change when the
same row is added to all: squared distances, and cosines of centred rows. (Gram matrices of centred rows would not do for
invariance: a slow wave has a mean over the table, so centred sinusoids are no longer Toeplitz.) S seeds, P positions.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis.geometry import centred, quotient, similarity, squared_distances


def diagonals(likeness: Float[ndarray, "S P P"]) -> list[Float[ndarray, "S M"]]:
    """The pairs at each lag 1, 2, …, P − 1, those of early positions first."""
    return [np.diagonal(likeness, lag, 1, 2) for lag in range(1, likeness.shape[1])]


def similarity_by_lag(tables: Float[ndarray, "S P D"], centre: bool = True) -> Float[ndarray, "S L"]:
    """Mean cosine of p and p + k at the lags k = 0 … P / 2, so that each is a mean over at least P / 2 pairs.

    −1 … 1. Sinusoids: Σ_c cos(k ω_c) / (D/2) where rows are not centred. Gaussian rows: 0 (centred −1 / P) beyond lag 0.
    Rounded at the twelfth decimal: what is the same but for rounding has no order.
    """
    alike = similarity(tables, centre)
    lags = range(tables.shape[1] // 2 + 1)
    return np.round(np.stack([np.diagonal(alike, lag, 1, 2).mean(-1) for lag in lags], axis=-1), 12)


def lag_share(likeness: Float[ndarray, "S P P"]) -> Float[ndarray, " S"]:
    """Share of the variance over pairs p < q that the mean of their lag explains: 1 − Σ (g_pq − ḡ_{q−p})² / Σ (g_pq − ḡ)².

    0 … 1. The pairs p = p are left out, since they are one lag of large values in any table. Independent entries: 2 / P.
    """
    parts = diagonals(likeness)
    every = np.concatenate(parts, axis=-1)
    within = sum(((part - part.mean(-1, keepdims=True)) ** 2).sum(-1) for part in parts)
    return 1 - quotient(np.asarray(within), variation(every, every.mean(-1, keepdims=True)))


def toeplitz_share(tables: Float[ndarray, "S P D"]) -> Float[ndarray, " S"]:
    """The same over all entries of PE·PEᵀ, rows centred: the share of its variance that the means of its diagonals explain.

    Gaussian rows reach about D / (D + P), since the pairs p = p count; sinusoids stay a little below 1, since slow waves
    have a mean over the table. `translation_invariance` has neither flaw.
    """
    rows = centred(tables)
    gram = rows @ rows.swapaxes(1, 2)
    parts = [np.diagonal(gram, 0, 1, 2), *(half for half in diagonals(gram) for _ in range(2))]
    within = sum(((part - part.mean(-1, keepdims=True)) ** 2).sum(-1) for part in parts)
    every = gram.reshape(len(gram), -1)
    return 1 - quotient(np.asarray(within), variation(every, every.mean(-1, keepdims=True)))


def variation(values: Float[ndarray, "S N"], mean: Float[ndarray, "S 1"]) -> Float[ndarray, " S"]:
    """Σ (value − mean)², and 0 where the values differ by rounding only."""
    squares = ((values - mean) ** 2).sum(-1)
    return np.where(squares > 1e-24 * (values**2).sum(-1), squares, 0)


def translation_invariance(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """How Toeplitz PE·PEᵀ is, and the matrix of squared distances. Sinusoids 1 and 1; Gaussian rows 2 / P and 2 / P or more.

    (Distances of Gaussian rows share the length of a row, which does not depend on lag either.)
    """
    rows = np.asarray(tables, np.float64)
    return {
        "toeplitz_share": toeplitz_share(tables),
        "translation_invariance": lag_share(rows @ rows.swapaxes(1, 2)),
        "translation_invariance_distances": lag_share(squared_distances(tables)),
    }


def both_sides(likeness: Float[ndarray, "S P P"]) -> Float[ndarray, " S"]:
    """The intraclass correlation of likeness(p, p + k) with likeness(p, p − k), over all p and k where both exist.

    1 − Σ (a − b)² / Σ ((a − m)² + (b − m)²), m the mean of all (Fisher 1925). −1 … 1: 1 where both sides of every position
    are the same, 0 where they have nothing to do with each other. That the matrix itself is symmetric says nothing.
    """
    parts = diagonals(likeness)[: (likeness.shape[1] - 1) // 2]
    if not parts:
        return np.full(len(likeness), np.nan)
    after = np.concatenate([part[:, lag:] for lag, part in enumerate(parts, 1)], axis=-1)
    before = np.concatenate([part[:, :-lag] for lag, part in enumerate(parts, 1)], axis=-1)
    mean = (after + before).mean(-1, keepdims=True) / 2
    return 1 - quotient(((after - before) ** 2).sum(-1), variation(np.concatenate([after, before], -1), mean))


def symmetry(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """Whether a position is as near to the one k before as to the one k after, by cosines and by squared distances.

    Sinusoids 1 and 1, as all that depends on lag alone; Gaussian rows about 0, by distances more (p's own length is in both).
    """
    return {
        "symmetry": both_sides(similarity(tables, centre=False)),
        "symmetry_distances": both_sides(squared_distances(tables)),
    }


def monotonicity(curve: Float[ndarray, "S L"]) -> Float[ndarray, " S"]:
    """−τ, Kendall's rank correlation (τ-b) of a curve with its index: 1 where every step falls, 0 no trend, −1 every step rises.

    Of similarity at the lags 1, 2, …: share of pairs of lags at which the nearer is more alike, minus the share of the others.
    """
    signs = np.sign(curve[:, :, None] - curve[:, None, :])[:, *np.triu_indices(curve.shape[1], 1)]
    untied = (signs**2).sum(-1)
    return quotient(signs.sum(-1), np.sqrt(signs.shape[-1] * untied))


def autocorrelation(curve: Float[ndarray, "S L"]) -> Float[ndarray, "S K"]:
    """Correlation of a curve with itself j further, j = 1 … L / 2, over what both have in common; 0 where a part is flat."""
    found = []
    for j in range(1, curve.shape[1] // 2 + 1):
        first, second = (part - part.mean(-1, keepdims=True) for part in (curve[:, :-j], curve[:, j:]))
        product = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
        found.append(np.nan_to_num(quotient((first * second).sum(-1), np.where(product > 1e-20, product, 0))))
    return np.stack(found, axis=-1)


def periodicity(curve: Float[ndarray, "S L"]) -> tuple[Float[ndarray, " S"], Float[ndarray, " S"]]:
    """How strongly a curve comes back, and after how many steps: half the largest rise of its autocorrelation after a trough.

    0 … 1: 1 for a wave of any height, 0 (and no period) for a curve that only falls. A rise, not the height of the peak,
    since a slow trend holds the whole autocorrelation up. Periods of at most a quarter of the table; see the spectrum for slower
    ones. Gaussian rows .2-.3 at 64 lags: that much noise comes back by chance.
    """
    if curve.shape[1] < 4:
        return np.full(len(curve), np.nan), np.full(len(curve), np.nan)
    values = autocorrelation(curve)
    rise = np.round((values - np.minimum.accumulate(values, axis=-1)) / 2, 9)
    strongest = rise.max(-1)
    flat = np.ptp(curve, axis=-1) == 0
    return np.where(flat, np.nan, strongest), np.where(strongest > 0, rise.argmax(-1) + 1.0, np.nan)


def lag_measures(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """All of the above by name; constant tables give NaN."""
    found = translation_invariance(tables) | symmetry(tables)
    for name, centre in (("raw", False), ("centred", True)):
        curve = similarity_by_lag(tables, centre)[:, 1:]
        found[f"neighbour_similarity_{name}"] = curve[:, 0]
        found[f"monotonicity_{name}"] = monotonicity(curve)
        found[f"periodicity_{name}"], found[f"period_{name}"] = periodicity(curve)
    constant = ~centred(tables).any((1, 2))
    return {name: np.where(constant, np.nan, value) for name, value in found.items()}
