"""Linear probes of a position table: which position is a held-out row, and which of two rows comes first?

Ridge regression on columns standardized on the training rows, with the penalty of the smallest leave-one-out error. Errors are
shares of chance: 0 for no error, 1 for always guessing the middle. Ordinary least squares is not used, since its error peaks
where there are as many rows as coordinates. The numbers describe a table; they do not show that a model uses it: even a smooth
stationary process, which has no origin, is read almost perfectly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from jaxpe.analysis import probes
from jaxpe.analysis.geometry import divide, fit_ridge_map

FOLDS = 8
BLOCK = 16  # positions that are held out together
PENALTIES = 10.0 ** np.arange(-6, 9)


def assign_folds(rows: int, blocks: bool) -> Int[ndarray, " P"]:
    """The fold in which each row is held out: random rows, or random blocks of sixteen positions (at most 8 folds)."""
    generator = np.random.default_rng((0, 5))
    if not blocks:
        return generator.permutation(rows) % FOLDS
    block = np.arange(rows) // BLOCK
    count = int(block[-1]) + 1 if rows else 0
    return (generator.permutation(count) % min(FOLDS, max(count, 1)))[block]


def make_splits(rows: int, blocks: bool) -> list[probes.Split]:
    """One split for each fold, if it leaves rows to fit on."""
    fold = assign_folds(rows, blocks)
    splits = [hold_out(fold == f) for f in range(FOLDS)]
    return [split for split in splits if split.test.any() and split.train.sum() > 2]


def hold_out(held_out: Bool[ndarray, " P"]) -> probes.Split:
    """The split that tests on the rows that are held out."""
    return probes.Split(~held_out, held_out, np.arange(len(held_out)))


def read_positions(tables: Float[ndarray, "S P D"], splits: Sequence[probes.Split]) -> list[Float[ndarray, "S M"]]:
    """The position predicted for each held-out row by a ridge fit on the others, by split, for each seed on its own."""
    position, predictions = np.arange(tables.shape[1], dtype=np.float64), list[Float[ndarray, "S M"]]()
    for train, test, _ in splits:
        mean, deviation = tables[:, train].mean(1, keepdims=True), tables[:, train].std(1, keepdims=True)
        scale = np.where(deviation > 1e-12 * np.abs(mean), deviation, np.inf)  # a constant column is ignored
        x, y = (tables[:, train] - mean) / scale, position[train] - position[train].mean()
        weights = fit_ridge_map(x, np.broadcast_to(y[:, None], (len(x), len(y), 1)), PENALTIES)
        predictions.append((((tables[:, test] - mean) / scale) @ weights)[..., 0] + position[train].mean())
    return predictions


def compute_position_error(
    predictions: Sequence[Float[ndarray, "S M"]], splits: Sequence[probes.Split]
) -> Float[ndarray, " S"]:
    """Mean absolute error divided by that of always guessing the middle of the table, over all splits.

    Sinusoids and smooth random rows: near 0 if held-out rows lie between others. Gaussian rows: 1 at any width.
    """
    rows = len(splits[0].train)
    position, error, chance = np.arange(rows, dtype=np.float64), np.zeros(len(predictions[0])), 0.0
    for predicted, split in zip(predictions, splits, strict=True):
        error += np.abs(predicted - position[split.test]).sum(-1)
        chance += np.abs((rows - 1) / 2 - position[split.test]).sum()
    return divide(error, np.full(len(error), chance))


def compute_order_accuracy(
    predictions: Sequence[Float[ndarray, "S M"]], splits: Sequence[probes.Split]
) -> dict[str, Float[ndarray, " S"]]:
    """Share of pairs of held-out rows that are predicted in their order: of all pairs, near ones (at most 8 apart), far ones.

    Both rows of a pair are held out of the same fit. Gaussian rows: ½. NaN if there is no such pair.
    """
    position = np.arange(len(splits[0].train))
    correct, pairs = probes.count_ordered_pairs(predictions, splits, np.zeros_like(position), position)
    correct |= {"": correct["near"] + correct["far"]}
    pairs |= {"": pairs["near"] + pairs["far"]}
    shape = (len(predictions[0]),)
    shares = {
        name: divide(np.broadcast_to(correct[name], shape), np.full(shape, pairs[name])) for name in ("", "near", "far")
    }
    return {f"order_accuracy_{name}".rstrip("_"): share for name, share in shares.items()}


def measure_probes(tables: Float[ndarray, "S P D"]) -> dict[str, Float[ndarray, " S"]]:
    """Position error with random rows and with blocks held out, and order accuracy with random rows held out."""
    values = dict[str, Float[ndarray, " S"]]()
    for name, blocks in (("position_error_share", False), ("position_error_share_block", True)):
        splits = make_splits(tables.shape[1], blocks)
        if not splits:
            values[name] = np.full(len(tables), np.nan)
            continue
        predictions = read_positions(tables, splits)
        values[name] = compute_position_error(predictions, splits)
        if not blocks:
            values |= compute_order_accuracy(predictions, splits)
    return values
