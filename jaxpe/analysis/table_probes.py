"""What a linear reader makes of a position table: which position a held-out row is, and which of two comes first.

Ridge on columns standardised on the training rows, with the penalty of the least leave-one-out error among them; errors as a
share of chance: 0 never wrong, 1 no better than a guess of the middle. Ordinary least squares would not do: at as many rows as
coordinates it has an error peak of its own. These numbers describe and decide nothing about use: a smooth stationary process,
which has no origin, reads out almost perfectly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from jaxpe.analysis import probes
from jaxpe.analysis.geometry import quotient, ridge_map

FOLDS = 8
RUN = 16  # positions of a run that is held out whole
PENALTIES = 10.0 ** np.arange(-6, 9)


def folds_of(rows: int, blocks: bool, seed: int = 0) -> Int[ndarray, " P"]:
    """The fold in which each row is held out: at random, or runs of sixteen positions, dealt out at random (at most 8 folds)."""
    generator = np.random.default_rng((seed, 5))
    if not blocks:
        return generator.permutation(rows) % FOLDS
    runs = np.arange(rows) // RUN
    count = int(runs[-1]) + 1 if rows else 0
    return (generator.permutation(count) % min(FOLDS, max(count, 1)))[runs]


def splits_of(rows: int, blocks: bool, seed: int = 0) -> list[probes.Split]:
    """A fold held out at a time, where rows are left to fit on."""
    fold = folds_of(rows, blocks, seed)
    splits = [split_at(fold == f) for f in range(FOLDS)]
    return [split for split in splits if split.test.any() and split.train.sum() > 2]


def split_at(held_out: Bool[ndarray, " P"]) -> probes.Split:
    return probes.Split(~held_out, held_out, np.arange(len(held_out)))


def read_positions(tables: Float[ndarray, "S P D"], splits: Sequence[probes.Split]) -> list[Float[ndarray, "S M"]]:
    """The number that a ridge fit on the other rows reads off each held-out row, split by split, for every seed by itself."""
    place, found = np.arange(tables.shape[1], dtype=np.float64), []
    for train, test, _ in splits:
        mean, deviation = tables[:, train].mean(1, keepdims=True), tables[:, train].std(1, keepdims=True)
        scale = np.where(deviation > 1e-12 * np.abs(mean), deviation, np.inf)  # a constant column tells nothing
        x, y = (tables[:, train] - mean) / scale, place[train] - place[train].mean()
        weights = ridge_map(x, np.broadcast_to(y[:, None], (len(x), len(y), 1)), PENALTIES)
        found.append((((tables[:, test] - mean) / scale) @ weights)[..., 0] + place[train].mean())
    return found


def position_error(
    predictions: Sequence[Float[ndarray, "S M"]], splits: Sequence[probes.Split]
) -> Float[ndarray, " S"]:
    """Mean absolute error over that of always guessing the middle of the table, all splits together.

    Sinusoids and smooth random rows: near 0 where held-out rows lie between others; Gaussian rows 1, at any width.
    """
    rows = len(splits[0].train)
    place, error, chance = np.arange(rows, dtype=np.float64), np.zeros(len(predictions[0])), 0.0
    for found, split in zip(predictions, splits, strict=True):
        error += np.abs(found - place[split.test]).sum(-1)
        chance += np.abs((rows - 1) / 2 - place[split.test]).sum()
    return quotient(error, np.full(len(error), chance))


def order_accuracy(
    predictions: Sequence[Float[ndarray, "S M"]], splits: Sequence[probes.Split]
) -> dict[str, Float[ndarray, " S"]]:
    """Which of two held-out positions comes first: share right over all pairs, near (at most 8 apart) and far ones.

    All pairs of rows that one fit has not seen. Gaussian rows ½; NaN where there is no such pair.
    """
    place = np.arange(len(splits[0].train))
    right, asked = probes.ordered_pairs(predictions, splits, np.zeros_like(place), place)
    right |= {"": right["near"] + right["far"]}
    asked |= {"": asked["near"] + asked["far"]}
    shape = (len(predictions[0]),)
    shares = {
        name: quotient(np.broadcast_to(right[name], shape), np.full(shape, asked[name])) for name in ("", "near", "far")
    }
    return {f"order_accuracy_{name}".rstrip("_"): share for name, share in shares.items()}


def probe_measures(tables: Float[ndarray, "S P D"], seed: int = 0) -> dict[str, Float[ndarray, " S"]]:
    """Position with rows held out at random and in runs, and order on those held out at random."""
    found = {}
    for name, blocks in (("position_error_share", False), ("position_error_share_block", True)):
        splits = splits_of(tables.shape[1], blocks, seed)
        if not splits:
            found[name] = np.full(len(tables), np.nan)
            continue
        predictions = read_positions(tables, splits)
        found[name] = position_error(predictions, splits)
        if not blocks:
            found |= order_accuracy(predictions, splits)
    return found
