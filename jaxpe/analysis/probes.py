"""Linear probes: what a linear reader finds in hidden states. Ridge, always with held-out data, error as a share of chance.

Ordinary least squares is no probe (at as many rows as coordinates it has an error peak of its own). The penalty is chosen
by held-out groups of the training part alone: sequences, or positions where positions are held out. N counts tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

PENALTIES = (1e-5, 1e-3, 1e-2, 1e-1, 1.0)  # times the mean variance of a coordinate and the number of rows
NEAR = 8  # positions at most this far apart are a near pair
FOLDS = 4
CLASSES = 32  # identities that a probe tells apart: the commonest


class Split(NamedTuple):
    """Rows to fit on and rows to test on, and the groups by which the penalty is chosen."""

    train: Bool[ndarray, N]
    test: Bool[ndarray, N]
    groups: Int[ndarray, N]


class Regressed(NamedTuple):
    """`error_share`: mean absolute error over that of guessing the median of the training labels."""

    error_share: float
    predictions: list[Float[ndarray, M]]  # of each split's test rows


class Classified(NamedTuple):
    """`error_share`: share of errors over that of guessing the commonest class of training."""

    error_share: float
    accuracy: float


class Fit(NamedTuple):
    """y ≈ (x − centre) · weights + mean."""

    centre: Float[ndarray, D]
    weights: Float[ndarray, "D C"]
    mean: Float[ndarray, C]

    def __call__(self, x: Float[ndarray, "N D"]) -> Float[ndarray, "N C"]:
        return (x - self.centre) @ self.weights + self.mean


def ridge(x: Float[ndarray, "N D"], y: Float[ndarray, "N C"], penalties: Sequence[float]) -> list[Fit]:
    """One fit a penalty, on standardised coordinates: (XᵀX + penalty·N·I)⁻¹ XᵀY."""
    centre, mean = x.mean(0), y.mean(0)
    scale = np.maximum(x.std(0), 1e-9 + 1e-6 * x.std(0).max(initial=0))
    standard = (x - centre) / scale
    gram, target = standard.T @ standard, standard.T @ (y - mean)
    weights = [np.linalg.solve(gram + p * len(x) * np.eye(len(gram)), target) for p in penalties]
    return [Fit(centre, found / scale[:, None], mean) for found in weights]


def fitted(x: Float[ndarray, "N D"], y: Float[ndarray, "N C"], groups: Int[ndarray, N]) -> Fit:
    """Ridge with the penalty that does best on every third group, then on all rows."""
    inner = np.unique(groups, return_inverse=True)[1] % 3 == 2
    if inner.all() or not inner.any():
        return ridge(x, y, [PENALTIES[len(PENALTIES) // 2]])[0]
    errors = [((fit(x[inner]) - y[inner]) ** 2).sum() for fit in ridge(x[~inner], y[~inner], PENALTIES)]
    return ridge(x, y, [PENALTIES[int(np.argmin(errors))]])[0]


def shuffled_labels(labels: Int[ndarray, N], seed: int | None) -> Int[ndarray, N]:
    """The labels in random order: a control. None: as they are."""
    return labels if seed is None else np.random.default_rng((seed, 4)).permutation(labels)


def regressed(
    x: Float[ndarray, "N D"], number: Int[ndarray, N], splits: Sequence[Split], shuffle: int | None = None
) -> Regressed:
    """A number read off x on the test rows of every split, all taken together."""
    predictions, error, chance = [], 0.0, 0.0
    for train, test, groups in splits:
        labels = shuffled_labels(number[train], shuffle).astype(np.float64)
        found = fitted(x[train], labels[:, None], groups[train])(x[test])[:, 0]
        error += float(np.abs(found - number[test]).sum())
        chance += float(np.abs(np.median(labels) - number[test]).sum())
        predictions.append(found)
    return Regressed(error / chance if chance else np.nan, predictions)


def classified(
    x: Float[ndarray, "N D"], label: Int[ndarray, N], splits: Sequence[Split], shuffle: int | None = None
) -> Classified:
    """A class read off x: ridge on one-hot labels, the largest output wins."""
    classes, index = np.unique(label, return_inverse=True)
    right, guessed, asked = 0, 0, 0
    for train, test, groups in splits:
        labels = shuffled_labels(index[train], shuffle)
        found = fitted(x[train], np.eye(len(classes))[labels], groups[train])(x[test]).argmax(1)
        right += int((found == index[test]).sum())
        guessed += int((index[test] == np.bincount(labels).argmax()).sum())
        asked += int(test.sum())
    if not asked or guessed == asked:
        return Classified(np.nan, np.nan)
    return Classified((asked - right) / (asked - guessed), right / asked)


# ── splits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_sequence(sequence: Int[ndarray, N], kept: Bool[ndarray, N] | None = None) -> list[Split]:
    """Whole sequences held out, a quarter at a time. `kept`: the rows that are used at all."""
    kept = np.ones(len(sequence), bool) if kept is None else kept
    fold = sequence % FOLDS
    return [Split(kept & (fold != f), kept & (fold == f), sequence) for f in range(FOLDS)]


def by_position(sequence: Int[ndarray, N], position: Int[ndarray, N], blocks: bool, seed: int = 0) -> list[Split]:
    """A quarter of the positions held out, at random or as contiguous blocks, and tested on other sequences too."""
    places, index = np.unique(position, return_inverse=True)
    order = np.arange(len(places))
    folds = order * FOLDS // len(places) if blocks else np.random.default_rng((seed, 5)).permutation(order) % FOLDS
    fold, other = folds[index], sequence % 2 == 1
    return [Split(~other & (fold != f), other & (fold == f), position) for f in range(FOLDS)]


def order_accuracy(
    predictions: Sequence[Float[ndarray, M]],
    splits: Sequence[Split],
    sequence: Int[ndarray, N],
    position: Int[ndarray, N],
) -> dict[str, float]:
    """Which of two held-out positions of a sequence comes first: share right over all pairs, near and far apart."""
    right, asked = ordered_pairs(predictions, splits, sequence, position)
    return {name: float(right[name]) / asked[name] if asked[name] else np.nan for name in right}


def ordered_pairs(
    predictions: Sequence[Float[ndarray, "*S M"]],
    splits: Sequence[Split],
    sequence: Int[ndarray, N],
    position: Int[ndarray, N],
) -> tuple[dict[str, Float[ndarray, "*S"]], dict[str, int]]:
    """How many pairs of held-out positions of a sequence come out in their order, near and far apart, and how many there are.

    Two equal readings count one half, as a guess would: a network without encodings has equal states at equal symbols.
    """
    right: dict[str, Any] = dict.fromkeys(("near", "far"), 0)
    asked = dict.fromkeys(right, 0)
    for found, split in zip(predictions, splits, strict=True):
        sequences, places = sequence[split.test], position[split.test]
        first, second = np.nonzero((sequences[:, None] == sequences) & (places[:, None] < places))
        good = 0.5 + 0.5 * np.sign(found[..., second] - found[..., first])
        near = places[second] - places[first] <= NEAR
        for name, chosen in (("near", near), ("far", ~near)):
            right[name] += good[..., chosen].sum(-1)
            asked[name] += int(chosen.sum())
    return right, asked


def commonest(label: Int[ndarray, N], among: Bool[ndarray, N]) -> Bool[ndarray, N]:
    """The rows among the given ones that carry one of the commonest labels."""
    labels, counts = np.unique(label[among], return_counts=True)
    return among & np.isin(label, labels[np.argsort(-counts, kind="stable")[:CLASSES]])


# ── kept apart, or mixed ────────────────────────────────────────────────────────────────────────────────────────────


def variance_parts(
    x: Float[ndarray, "N D"], factors: dict[str, Int[ndarray, N]], sequence: Int[ndarray, N], rest: str = "mixed"
) -> dict[str, float]:
    """Shares of the variance of x that the first factor alone explains, the second on top of it, …, and none (`rest`).

    x ≈ a[first] + b[second] + …, fitted on half of the sequences and measured on the others. Where x is the raw sum of
    position and token the last share is 0; what is in it later depends on them together, or on other tokens. The order
    matters where factors go together: what two of them explain alike is counted for the earlier one.
    """
    train, before, features, shares = sequence % 2 == 0, 0.0, np.zeros((len(x), 0)), {}
    whole = ((x[~train] - x[train].mean(0)) ** 2).sum()
    for name, label in factors.items():
        index = np.unique(label, return_inverse=True)[1]
        features = np.concatenate([features, np.eye(index.max() + 1)[index]], axis=1)
        left = ((x[~train] - ridge(features[train], x[train], [1e-6])[0](features[~train])) ** 2).sum()
        explained = 1 - float(left / whole) if whole else np.nan
        shares[name], before = explained - before, explained
    return shares | {rest: 1 - before}
