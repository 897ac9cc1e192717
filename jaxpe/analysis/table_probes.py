"""What a linear reader makes of a position table: which position a held-out row is, and which of two comes first.

Ridge with the penalty of the leave-one-out error, errors as a share of chance: 0 never wrong, 1 no better than a guess. These
numbers describe and decide nothing about use: a smooth stationary process, which has no origin, reads out almost perfectly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis import probes
from jaxpe.analysis.geometry import centred, quotient, ridge_map


def read_positions(tables: Float[ndarray, "S P D"], splits: Sequence[probes.Split]) -> list[Float[ndarray, "S M"]]:
    """The number that a ridge fit on the other rows reads off each held-out row, split by split, for every seed by itself."""
    rows, found = centred(tables), []
    place = np.arange(tables.shape[1], dtype=np.float64)
    for train, test, _ in splits:
        x_mean, mean = rows[:, train].mean(1, keepdims=True), place[train].mean()
        y = np.broadcast_to((place[train] - mean)[:, None], (len(rows), int(train.sum()), 1))
        weights = ridge_map(rows[:, train] - x_mean, y)
        found.append(((rows[:, test] - x_mean) @ weights)[..., 0] + mean)
    return found


def position_error(
    predictions: Sequence[Float[ndarray, "S M"]], splits: Sequence[probes.Split]
) -> Float[ndarray, " S"]:
    """Mean absolute error over that of guessing the median of the training rows, all splits together.

    Sinusoids and smooth random rows: near 0 where held-out rows lie between others; Gaussian rows 1, at any width.
    """
    place, error, chance = np.arange(len(splits[0].train), dtype=np.float64), 0.0, 0.0
    for found, (train, test, _) in zip(predictions, splits, strict=True):
        error = error + np.abs(found - place[test]).sum(-1)
        chance += np.abs(np.median(place[train]) - place[test]).sum()
    return quotient(np.asarray(error), np.full(len(predictions[0]), chance))


def order_errors(
    predictions: Sequence[Float[ndarray, "S M"]], splits: Sequence[probes.Split]
) -> dict[str, Float[ndarray, " S"]]:
    """Which of two held-out positions comes first: share wrong over ½, over all pairs, near (at most 8 apart) and far ones.

    All pairs of rows that one fit has not seen. 0 … 2, Gaussian rows 1; NaN where there is no such pair.
    """
    place = np.arange(len(splits[0].train))
    right, asked = probes.ordered_pairs(predictions, splits, np.zeros_like(place), place)
    right |= {"all": right["near"] + right["far"]}
    asked |= {"all": asked["near"] + asked["far"]}
    count = len(predictions[0])
    return {name: 2 - 2 * quotient(right[name], np.full(count, asked[name])) for name in ("all", "near", "far")}


def probe_measures(tables: Float[ndarray, "S P D"], seed: int = 0) -> dict[str, Float[ndarray, " S"]]:
    """Position with rows held out at random and in blocks of a quarter of the table, and order on those held out at random."""
    found = {}
    for name, blocks in (("random", False), ("blocks", True)):
        splits = [split for split in probes.by_row(tables.shape[1], blocks, seed) if split.test.any()]
        predictions = read_positions(tables, splits)
        found[f"position_error_{name}"] = position_error(predictions, splits)
        if not blocks:
            found |= {f"order_error_{kind}": value for kind, value in order_errors(predictions, splits).items()}
    return found
