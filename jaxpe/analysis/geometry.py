"""What a position table looks like: similarity, components, spectrum, and whether a shift is a linear map.

A table has a row a position, P × D; most functions also take a stack of tables, one a seed. Rows that training never visited
are left out by the caller (`trained_rows` finds them). What is 0 / 0, of a constant table for example, is NaN.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def sinusoids(positions: int, width: int, base: float = 10_000.0) -> Float[ndarray, "{positions} {width}"]:
    """Vaswani's rows at unit amplitude, in float64 (a model's own are float32). An odd width goes without the last cosine."""
    angle = np.arange(positions)[:, None] * base ** (-np.arange(0, width, 2) / width)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(positions, -1)[:, :width]


def quotient(a: Float[ndarray, "*S"], b: Float[ndarray, "*S"]) -> Float[ndarray, "*S"]:
    """a / b, and NaN where b is 0."""
    return np.divide(a, b, out=np.full(np.shape(b), np.nan), where=np.asarray(b) > 0)


def centred(table: Float[ndarray, "*S P D"]) -> Float[ndarray, "*S P D"]:
    """The rows less their mean; exactly 0 where all rows are the same, since rounding would leave noise to be measured."""
    rows = np.asarray(table, np.float64)
    largest = np.abs(rows).max((-2, -1), keepdims=True)
    rows = rows - rows.mean(-2, keepdims=True)
    return np.where(np.abs(rows).max((-2, -1), keepdims=True) > 1e-12 * largest, rows, 0)


def similarity(table: Float[ndarray, "*S P D"], centre: bool = True) -> Float[ndarray, "*S P P"]:
    """Cosine between positions, after the mean row is taken off unless `centre` is False."""
    rows = centred(table) if centre else np.asarray(table, np.float64)
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit = rows / np.where(norms > 0, norms, 1)
    return unit @ unit.swapaxes(-1, -2)


def squared_distances(table: Float[ndarray, "*S P D"]) -> Float[ndarray, "*S P P"]:
    """‖a − b‖² between positions."""
    rows = centred(table)
    gram = rows @ rows.swapaxes(-1, -2)
    squares = np.diagonal(gram, axis1=-2, axis2=-1)
    return (squares[..., :, None] + squares[..., None, :] - 2 * gram).clip(0)


def principal_components(
    table: Float[ndarray, "*S P D"], count: int
) -> tuple[Float[ndarray, "*S P C"], Float[ndarray, "*S C"]]:
    """Coordinates on the leading principal components, and each one's share of the variance."""
    u, s, _ = np.linalg.svd(centred(table), full_matrices=False)
    shares = quotient(s**2, np.broadcast_to((s**2).sum(-1, keepdims=True), s.shape))
    return (u * s[..., None, :])[..., :count], shares[..., :count]


def spectrum(table: Float[ndarray, "*S P D"]) -> Float[ndarray, "*S F"]:
    """Share of the variance at each whole number of periods over the table, from 1 on."""
    power = (np.abs(np.fft.rfft(centred(table), axis=-2)) ** 2).sum(-1)[..., 1:]
    return quotient(power, np.broadcast_to(power.sum(-1, keepdims=True), power.shape))


def shift_residuals(tables: Float[ndarray, "S P D"], offset: int = 1) -> Float[ndarray, " S"]:
    """How badly a linear map takes row p to row p + offset: the residual on held-out rows as a share of their variance.

    The map is a ridge fit on four of every five positions, on the leading P / 2 principal components where the table has
    fewer than 2·D rows (in sample, any table with so few rows fits exactly). Claim C1 (Vaswani et al. 2017, §3.5).
    0: a shift is a linear map, as of sinusoids; 1: no better than the mean row; Gaussian rows about 1.
    """
    count, rows, width = tables.shape
    if rows - offset < 3:
        return np.full(count, np.nan)  # no row to hold out
    tables = principal_components(tables, rows // 2)[0] if rows < 2 * width else centred(tables)
    before, after = tables[:, :-offset], tables[:, offset:]
    held_out = np.arange(rows - offset) % 5 == 2
    x, y = (part - part[:, ~held_out].mean(1, keepdims=True) for part in (before, after))
    missed = x[:, held_out] @ ridge_map(x[:, ~held_out], y[:, ~held_out]) - y[:, held_out]
    return quotient((missed**2).sum((1, 2)), (y[:, held_out] ** 2).sum((1, 2)))


PENALTIES = 10.0 ** np.arange(-8, 4)  # of ridge fits, times the mean square of the inputs' singular values


def ridge_map(
    x: Float[ndarray, "*S N D"], y: Float[ndarray, "*S N E"], penalties: Float[ndarray, " Q"] | None = None
) -> Float[ndarray, "*S D E"]:
    """The ridge fit of centred y on centred x, its penalty chosen by the exact leave-one-out error (of each seed its own).

    Without row i the residual of row i is its residual divided by 1 − H_ii, H the matrix that maps y to its fit. `penalties`
    are tried as they are; without them those of `PENALTIES`.
    """
    u, s, v = np.linalg.svd(x, full_matrices=False)
    squares, projected = s**2, u.swapaxes(-1, -2) @ y
    size = squares.mean(-1, keepdims=True).clip(np.finfo(np.float64).tiny)
    tried = (
        np.multiply.outer(PENALTIES, size) if penalties is None else np.multiply.outer(penalties, np.ones_like(size))
    )

    def left_out(penalty: Float[ndarray, "*S 1"]) -> Float[ndarray, "*S"]:
        shrunk = squares / (squares + penalty)
        leverage = (u**2 * shrunk[..., None, :]).sum(-1) + 1 / x.shape[-2]  # the mean is fitted too
        residual = y - u @ (shrunk[..., None] * projected)
        return np.asarray(((residual / (1 - leverage).clip(1e-9)[..., None]) ** 2).sum((-2, -1)))

    best = np.argmin([left_out(penalty) for penalty in tried], axis=0)
    penalty = np.take_along_axis(tried, best[None, ..., None], axis=0)[0]
    return v.swapaxes(-1, -2) @ ((s / (squares + penalty))[..., None] * projected)


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
    table = sinusoids(positions, width, base)
    angle = offset * base ** (-np.arange(0, width, 2) / width)
    sine, cosine = table[:-offset, 0::2], table[:-offset, 1::2]
    turned = np.empty((positions - offset, width))
    turned[:, 0::2] = sine * np.cos(angle) + cosine * np.sin(angle)
    turned[:, 1::2] = cosine * np.cos(angle) - sine * np.sin(angle)
    return float(((turned - table[offset:]) ** 2).sum() / ((table[offset:] - table[offset:].mean(0)) ** 2).sum())


def controls(positions: int, width: int, seed: int) -> dict[str, Float[ndarray, "P D"]]:
    """Tables of the same shape to compare with: sinusoids, Gaussian rows, and a smooth stationary Gaussian process.

    The process is white noise under a Gaussian window of standard deviation 3: rows 8 apart have almost nothing in common.
    """
    noise = np.random.default_rng(seed).normal(size=(positions + 16, width))
    weights = np.exp(-0.5 * ((np.arange(17) - 8) / 3) ** 2)
    smooth = np.stack([np.convolve(column, weights, mode="valid") for column in noise.T], axis=1)
    return {
        "control:sinusoidal": 2**0.5 * sinusoids(positions, width),
        "control:gaussian": noise[:positions],
        "control:smooth": smooth / smooth.std(),
    }
