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


def shift_residual(table: Float[ndarray, "P D"], offset: int = 1, ridge: float = 1e-3) -> float:
    """How badly a linear map takes row p to row p + offset: the residual on held-out rows as a share of their variance.

    The map is a ridge fit on four of every five positions, on the leading P / 2 principal components where the table has
    fewer than 2·D rows (in sample, any table with so few rows fits exactly). Claim C1 (Vaswani et al. 2017, §3.5).
    """
    rows, width = table.shape
    if rows < 2 * width:
        table, _ = principal_components(table, rows // 2)
    before, after = table[:-offset], table[offset:]
    held_out = np.arange(len(before)) % 5 == 2
    x, y = (np.concatenate([part, np.ones((len(part), 1))], axis=1) for part in (before, after))
    train_x, train_y = x[~held_out], y[~held_out][:, :-1]
    gram = train_x.T @ train_x
    solved = np.linalg.solve(gram + ridge * np.trace(gram) / len(gram) * np.eye(len(gram)), train_x.T @ train_y)
    error = ((x[held_out] @ solved - y[held_out][:, :-1]) ** 2).sum()
    return float(error / ((y[held_out][:, :-1] - train_y.mean(0)) ** 2).sum())


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
