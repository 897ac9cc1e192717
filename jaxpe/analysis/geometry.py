"""What a position table looks like: similarity, components, spectrum, and whether a shift is a linear map.

A table has a row a position, P × D. Rows that training never visited are left out by the caller.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.encodings.sinusoidal import reference


def similarity(table: Float[ndarray, "P D"]) -> Float[ndarray, "P P"]:
    """Cosine between positions after the mean row is taken off."""
    centred = table - table.mean(0)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.where(norms > 0, norms, 1)
    return unit @ unit.T


def principal_components(table: Float[ndarray, "P D"], count: int) -> tuple[Float[ndarray, "P C"], Float[ndarray, C]]:
    """Coordinates on the leading principal components, and each one's share of the variance."""
    u, s, _ = np.linalg.svd(table - table.mean(0), full_matrices=False)
    return (u * s)[:, :count], (s**2 / (s**2).sum())[:count]


def spectrum(table: Float[ndarray, "P D"]) -> Float[ndarray, F]:
    """Share of the variance at each whole number of periods over the table, from 1 on."""
    power = (np.abs(np.fft.rfft(table - table.mean(0), axis=0)) ** 2).sum(1)[1:]
    return power / power.sum()


def shift_residual(table: Float[ndarray, "P D"], offset: int = 1) -> float:
    """How badly a linear map takes row p to row p + offset: the residual on held-out rows as a share of their variance.

    The map is a ridge fit on four of every five positions, on the leading P / 2 principal components where the table has
    fewer than 2·D rows (in sample, any table with so few rows fits exactly). Claim C1 (Vaswani et al. 2017, §3.5).
    """
    rows, width = table.shape
    if rows < 2 * width:
        table, _ = principal_components(table, rows // 2)
    before, after = table[:-offset], table[offset:]
    held_out = np.arange(len(before)) % 5 == 2
    x_mean, y_mean = before[~held_out].mean(0), after[~held_out].mean(0)
    x, y = before - x_mean, after - y_mean
    solved = ridge_map(x[~held_out], y[~held_out])
    return float(((x[held_out] @ solved - y[held_out]) ** 2).sum() / (y[held_out] ** 2).sum())


PENALTIES = 10.0 ** np.arange(-8, 4)  # of ridge fits, times the mean square of the inputs' singular values


def ridge_map(x: Float[ndarray, "N D"], y: Float[ndarray, "N E"]) -> Float[ndarray, "D E"]:
    """The ridge fit of centred y on centred x, its penalty chosen by the exact leave-one-out error.

    Without row i the residual of row i is its residual divided by 1 − H_ii, H the matrix that maps y to its fit.
    """
    u, s, v = np.linalg.svd(x, full_matrices=False)

    def left_out(penalty: float) -> float:
        shrunk = s**2 / (s**2 + penalty)
        leverage = (u**2 * shrunk).sum(1) + 1 / len(x)  # the mean is fitted too
        residual = y - (u * shrunk) @ (u.T @ y)
        return float(((residual / (1 - leverage).clip(1e-9)[:, None]) ** 2).sum())

    penalty = min(PENALTIES * (s**2).mean(), key=left_out)
    return v.T @ ((s / (s**2 + penalty))[:, None] * (u.T @ y))


def directions(rows: Float[ndarray, "N D"], share: float = 0.9, count: int | None = None) -> Float[ndarray, "D K"]:
    """An orthonormal basis of the leading principal components: `count` of them, else those with `share` of the variance."""
    _, s, v = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    held = np.cumsum(s**2) / max((s**2).sum(), 1e-30)
    return v[: int(np.searchsorted(held, share)) + 1 if count is None else count].T


def overlap(a: Float[ndarray, "D K"], b: Float[ndarray, "D L"]) -> float:
    """Mean squared cosine between subspaces, ‖AᵀB‖² / min(K, L): 1 where one holds the other, 0 where orthogonal."""
    return float(((a.T @ b) ** 2).sum() / min(a.shape[1], b.shape[1]))


def random_overlap(a: Float[ndarray, "D K"], b: Float[ndarray, "D L"]) -> float:
    """Its expectation for random subspaces of the same sizes: max(K, L) / D."""
    return max(a.shape[1], b.shape[1]) / a.shape[0]


def rotation_residual(positions: int, width: int, offset: int = 1, base: float = 10_000.0) -> float:
    """The same for sinusoids with the exact rotation by offset·base^(−2c/D) in each pair: no fit at all."""
    table = reference(np.zeros((positions, width)), np.arange(positions), scale=2**-0.5, base=base)
    angle = offset * base ** (-np.arange(0, width, 2) / width)
    sine, cosine = table[:-offset, 0::2], table[:-offset, 1::2]
    turned = np.empty((positions - offset, width))
    turned[:, 0::2] = sine * np.cos(angle) + cosine * np.sin(angle)
    turned[:, 1::2] = cosine * np.cos(angle) - sine * np.sin(angle)
    return float(((turned - table[offset:]) ** 2).sum() / ((table[offset:] - table[offset:].mean(0)) ** 2).sum())


def controls(positions: int, width: int, seed: int) -> dict[str, Float[ndarray, "P D"]]:
    """Tables of the same shape to compare with: sinusoids, Gaussian rows, and a smooth stationary Gaussian process."""
    noise = np.random.default_rng(seed).normal(size=(positions + 16, width))
    weights = np.exp(-0.5 * ((np.arange(17) - 8) / 3) ** 2)
    smooth = np.stack([np.convolve(column, weights, mode="valid") for column in noise.T], axis=1)
    return {
        "sinusoidal (control)": reference(np.zeros((positions, width)), np.arange(positions)),
        "Gaussian (control)": noise[:positions],
        "smooth random (control)": smooth / smooth.std(),
    }
