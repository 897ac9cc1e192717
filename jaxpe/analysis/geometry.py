"""The geometry of a position table: similarity, components, spectrum, and whether a shift is a linear map.

A table is P × D, one row for each position. Most functions also take a stack of tables, one for each seed. The caller leaves
out rows that were never trained (`trained_rows` finds them). 0 / 0, as of a constant table, is NaN.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def make_sinusoids(positions: int, width: int, base: float = 10_000.0) -> Float[ndarray, "{positions} {width}"]:
    """Sinusoids of amplitude 1 (Vaswani et al. 2017, §3.5), in float64; a model's are float32. An odd width drops a cosine."""
    angle = np.arange(positions)[:, None] * base ** (-np.arange(0, width, 2) / width)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(positions, -1)[:, :width]


def divide(a: Float[ndarray, "*S"], b: Float[ndarray, "*S"]) -> Float[ndarray, "*S"]:
    """a / b; NaN where b is 0."""
    return np.asarray(np.divide(a, b, out=np.full(np.shape(b), np.nan), where=np.asarray(b) > 0))


def centre_rows(table: Float[ndarray, "*S P D"]) -> Float[ndarray, "*S P D"]:
    """The rows minus their mean. Exactly 0 if all rows are equal, where rounding would leave noise."""
    rows = np.asarray(table, np.float64)
    largest = np.abs(rows).max((-2, -1), keepdims=True)
    rows = rows - rows.mean(-2, keepdims=True)
    return np.where(np.abs(rows).max((-2, -1), keepdims=True) > 1e-12 * largest, rows, 0)


def compute_similarity(table: Float[ndarray, "*S P D"], centre: bool = True) -> Float[ndarray, "*S P P"]:
    """Cosines between positions; the mean row is subtracted first unless `centre` is False."""
    rows = centre_rows(table) if centre else np.asarray(table, np.float64)
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit = rows / np.where(norms > 0, norms, 1)
    return unit @ unit.swapaxes(-1, -2)


def compute_squared_distances(table: Float[ndarray, "*S P D"]) -> Float[ndarray, "*S P P"]:
    """Squared distances ‖a − b‖² between positions."""
    rows = centre_rows(table)
    gram = rows @ rows.swapaxes(-1, -2)
    squares = np.diagonal(gram, axis1=-2, axis2=-1)
    return np.asarray((squares[..., :, None] + squares[..., None, :] - 2 * gram).clip(0))


def compute_principal_components(
    table: Float[ndarray, "*S P D"], count: int
) -> tuple[Float[ndarray, "*S P C"], Float[ndarray, "*S C"]]:
    """Coordinates on the leading principal components, and the share of the variance of each."""
    u, s, _ = np.linalg.svd(centre_rows(table), full_matrices=False)
    shares = divide(s**2, np.broadcast_to((s**2).sum(-1, keepdims=True), s.shape))
    return (u * s[..., None, :])[..., :count], shares[..., :count]


def compute_spectrum(table: Float[ndarray, "*S P D"]) -> Float[ndarray, "*S F"]:
    """Share of the variance at each whole number of periods over the table, from 1."""
    power = (np.abs(np.fft.rfft(centre_rows(table), axis=-2)) ** 2).sum(-1)[..., 1:]
    return divide(power, np.broadcast_to(power.sum(-1, keepdims=True), power.shape))


def measure_shift_residuals(tables: Float[ndarray, "S P D"], offset: int = 1) -> Float[ndarray, " S"]:
    """Residual of a linear map from row p to row p + offset, on held-out rows, as a share of their variance.

    The map is a ridge fit on four of every five positions. If the table has fewer than 2·D rows it is fitted on the leading
    P / 2 principal components, since in sample any table of so few rows fits exactly. Claim C1 (Vaswani et al. 2017, §3.5).
    0: a shift is a linear map, as for sinusoids. 1: no better than the mean row, as for Gaussian rows.
    """
    count, rows, width = tables.shape
    if rows - offset < 3:
        return np.full(count, np.nan)  # no row to hold out
    tables = compute_principal_components(tables, rows // 2)[0] if rows < 2 * width else centre_rows(tables)
    before, after = tables[:, :-offset], tables[:, offset:]
    held_out = np.arange(rows - offset) % 5 == 2
    x, y = (part - part[:, ~held_out].mean(1, keepdims=True) for part in (before, after))
    residual = x[:, held_out] @ fit_ridge_map(x[:, ~held_out], y[:, ~held_out]) - y[:, held_out]
    return divide((residual**2).sum((1, 2)), (y[:, held_out] ** 2).sum((1, 2)))


PENALTIES = 10.0 ** np.arange(-8, 4)  # of ridge fits, relative to the mean square of the inputs' singular values


def fit_ridge_map(
    x: Float[ndarray, "*S N D"], y: Float[ndarray, "*S N E"], penalties: Float[ndarray, " Q"] | None = None
) -> Float[ndarray, "*S D E"]:
    """The ridge fit of centred y on centred x. Each seed's penalty is the one with the smallest leave-one-out error.

    That error is exact: a fit without row i has the residual r_i / (1 − H_ii) there, where H maps y to its fit. `penalties` are
    absolute; the default are those of `PENALTIES`, which are relative.
    """
    u, s, v = np.linalg.svd(x, full_matrices=False)
    squares, projected = s**2, u.swapaxes(-1, -2) @ y
    size = squares.mean(-1, keepdims=True).clip(np.finfo(np.float64).tiny)
    candidates = (
        np.multiply.outer(PENALTIES, size) if penalties is None else np.multiply.outer(penalties, np.ones_like(size))
    )

    def leave_one_out_error(penalty: Float[ndarray, "*S 1"]) -> Float[ndarray, "*S"]:
        shrunk = squares / (squares + penalty)
        leverage = (u**2 * shrunk[..., None, :]).sum(-1) + 1 / x.shape[-2]  # the mean is fitted too
        residual = y - u @ (shrunk[..., None] * projected)
        return np.asarray(((residual / (1 - leverage).clip(1e-9)[..., None]) ** 2).sum((-2, -1)))

    best = np.argmin([leave_one_out_error(penalty) for penalty in candidates], axis=0)
    penalty = np.take_along_axis(candidates, best[None, ..., None], axis=0)[0]
    return np.asarray(v.swapaxes(-1, -2) @ ((s / (squares + penalty))[..., None] * projected))


def find_directions(rows: Float[ndarray, "N D"], share: float = 0.9, count: int | None = None) -> Float[ndarray, "D K"]:
    """An orthonormal basis of the leading principal components: `count` of them, or those with `share` of the variance."""
    _, s, v = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    explained = np.cumsum(s**2) / max((s**2).sum(), 1e-30)
    return v[: int(np.searchsorted(explained, share)) + 1 if count is None else count].T


def compute_overlap(a: Float[ndarray, "D K"], b: Float[ndarray, "D L"]) -> float:
    """Mean squared cosine between subspaces, ‖AᵀB‖² / min(K, L). 1: one contains the other; 0: orthogonal."""
    return float(((a.T @ b) ** 2).sum() / min(a.shape[1], b.shape[1]))


def expect_random_overlap(a: Float[ndarray, "D K"], b: Float[ndarray, "D L"]) -> float:
    """Expected overlap of random subspaces of the same sizes: max(K, L) / D."""
    return float(max(a.shape[1], b.shape[1]) / a.shape[0])


def measure_rotation_residual(positions: int, width: int, offset: int = 1, base: float = 10_000.0) -> float:
    """Residual of `measure_shift_residuals` for sinusoids, with the exact rotation by offset·base^(−2c/D) of pair c, not a fit."""
    table = make_sinusoids(positions, width, base)
    angle = offset * base ** (-np.arange(0, width, 2) / width)
    sine, cosine = table[:-offset, 0::2], table[:-offset, 1::2]
    rotated = np.empty((positions - offset, width))
    rotated[:, 0::2] = sine * np.cos(angle) + cosine * np.sin(angle)
    rotated[:, 1::2] = cosine * np.cos(angle) - sine * np.sin(angle)
    return float(((rotated - table[offset:]) ** 2).sum() / ((table[offset:] - table[offset:].mean(0)) ** 2).sum())


def make_controls(positions: int, width: int, seed: int) -> dict[str, Float[ndarray, "P D"]]:
    """Tables of one shape for comparison: sinusoids, Gaussian rows, and a smooth stationary Gaussian process.

    The process is white noise smoothed by a Gaussian window of standard deviation 3: rows 8 apart are almost independent.
    """
    noise = np.random.default_rng(seed).normal(size=(positions + 16, width))
    weights = np.exp(-0.5 * ((np.arange(17) - 8) / 3) ** 2)
    smooth = np.stack([np.convolve(column, weights, mode="valid") for column in noise.T], axis=1)
    return {
        "control:sinusoidal": 2**0.5 * make_sinusoids(positions, width),
        "control:gaussian": noise[:positions],
        "control:smooth": smooth / smooth.std(),
    }
