"""Linear probes of hidden states: ridge regression, always tested on held-out data, errors as a share of chance.

Ordinary least squares is not used, since its error peaks where there are as many rows as coordinates. The penalty is chosen on
held-out groups of the training rows: sequences, or positions if the split holds out positions. N counts tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

PENALTIES = (1e-5, 1e-3, 1e-2, 1e-1, 1.0)  # relative to the variance of a coordinate times the number of rows
MAX_NEAR_DISTANCE = 8  # between the positions of a near pair
FOLDS = 4
CLASSES = 32  # most common labels that a probe of classes distinguishes


class Split(NamedTuple):
    """Rows to fit on, rows to test on, and the groups by which the penalty is chosen."""

    train: Bool[ndarray, "N"]
    test: Bool[ndarray, "N"]
    groups: Int[ndarray, "N"]


class Regression(NamedTuple):
    """`error_share`: mean absolute error divided by that of guessing the median of the training labels."""

    error_share: float
    predictions: list[Float[ndarray, "M"]]  # of each split's test rows


class Classification(NamedTuple):
    """`error_share`: error rate divided by that of guessing the most common class of the training rows."""

    error_share: float
    accuracy: float


class Fit(NamedTuple):
    """y ≈ (x − centre) · weights + mean."""

    centre: Float[ndarray, "D"]
    weights: Float[ndarray, "D C"]
    mean: Float[ndarray, "C"]

    def __call__(self, x: Float[ndarray, "N D"]) -> Float[ndarray, "N C"]:
        return np.asarray((x - self.centre) @ self.weights + self.mean)


def fit_ridge(x: Float[ndarray, "N D"], y: Float[ndarray, "N C"], penalties: Sequence[float]) -> list[Fit]:
    """One fit for each penalty, on standardized coordinates: (XᵀX + penalty·N·I)⁻¹ XᵀY."""
    centre, mean = x.mean(0), y.mean(0)
    scale = np.maximum(x.std(0), 1e-9 + 1e-6 * x.std(0).max(initial=0))
    standard = (x - centre) / scale
    gram, target = standard.T @ standard, standard.T @ (y - mean)
    solutions = [np.linalg.solve(gram + p * len(x) * np.eye(len(gram)), target) for p in penalties]
    return [Fit(centre, weights / scale[:, None], mean) for weights in solutions]


def fit_probe(x: Float[ndarray, "N D"], y: Float[ndarray, "N C"], groups: Int[ndarray, "N"]) -> Fit:
    """A ridge fit on all rows, with the penalty that has the smallest error on every third group when fitted on the others."""
    held_out = np.unique(groups, return_inverse=True)[1] % 3 == 2
    if held_out.all() or not held_out.any():
        return fit_ridge(x, y, [PENALTIES[len(PENALTIES) // 2]])[0]
    errors = [((fit(x[held_out]) - y[held_out]) ** 2).sum() for fit in fit_ridge(x[~held_out], y[~held_out], PENALTIES)]
    return fit_ridge(x, y, [PENALTIES[int(np.argmin(errors))]])[0]


def shuffle_labels(labels: Int[ndarray, "N"], seed: int | None) -> Int[ndarray, "N"]:
    """The labels in random order, as a control. seed None: unchanged."""
    return labels if seed is None else np.random.default_rng((seed, 4)).permutation(labels)


def probe_number(
    x: Float[ndarray, "N D"], number: Int[ndarray, "N"], splits: Sequence[Split], shuffle: int | None = None
) -> Regression:
    """Predicts a number from x on the test rows of every split. `shuffle`: seed of shuffled training labels."""
    predictions, error, chance = [], 0.0, 0.0
    for train, test, groups in splits:
        labels = shuffle_labels(number[train], shuffle).astype(np.float64)
        predicted = fit_probe(x[train], labels[:, None], groups[train])(x[test])[:, 0]
        error += float(np.abs(predicted - number[test]).sum())
        chance += float(np.abs(np.median(labels) - number[test]).sum())
        predictions.append(predicted)
    return Regression(error / chance if chance else np.nan, predictions)


def probe_class(
    x: Float[ndarray, "N D"], label: Int[ndarray, "N"], splits: Sequence[Split], shuffle: int | None = None
) -> Classification:
    """Predicts a class from x: ridge regression on one-hot labels, the class of the largest output."""
    classes, index = np.unique(label, return_inverse=True)
    correct, guessed, total = 0, 0, 0
    for train, test, groups in splits:
        labels = shuffle_labels(index[train], shuffle)
        predicted = fit_probe(x[train], np.eye(len(classes))[labels], groups[train])(x[test]).argmax(1)
        correct += int((predicted == index[test]).sum())
        guessed += int((index[test] == np.bincount(labels).argmax()).sum())
        total += int(test.sum())
    if not total or guessed == total:
        return Classification(np.nan, np.nan)
    return Classification((total - correct) / (total - guessed), correct / total)


# ── splits ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def split_by_sequence(sequence: Int[ndarray, "N"], kept: Bool[ndarray, "N"] | None = None) -> list[Split]:
    """Splits that hold out a quarter of the sequences each. `kept`: the rows that are used; default all."""
    kept = np.ones(len(sequence), bool) if kept is None else kept
    fold = sequence % FOLDS
    return [Split(kept & (fold != f), kept & (fold == f), sequence) for f in range(FOLDS)]


def split_by_position(
    sequence: Int[ndarray, "N"], position: Int[ndarray, "N"], blocks: bool, seed: int = 0
) -> list[Split]:
    """Splits that hold out a quarter of the positions each, random ones or a block, and test them on other sequences."""
    distinct, index = np.unique(position, return_inverse=True)
    order = np.arange(len(distinct))
    folds = order * FOLDS // len(distinct) if blocks else np.random.default_rng((seed, 5)).permutation(order) % FOLDS
    fold, is_test = folds[index], sequence % 2 == 1
    return [Split(~is_test & (fold != f), is_test & (fold == f), position) for f in range(FOLDS)]


def measure_order_accuracy(
    predictions: Sequence[Float[ndarray, "M"]],
    splits: Sequence[Split],
    sequence: Int[ndarray, "N"],
    position: Int[ndarray, "N"],
) -> dict[str, float]:
    """Share of pairs of held-out positions of a sequence that are predicted in their order, for near and for far pairs."""
    correct, pairs = count_ordered_pairs(predictions, splits, sequence, position)
    return {name: float(correct[name]) / pairs[name] if pairs[name] else np.nan for name in correct}


def count_ordered_pairs(
    predictions: Sequence[Float[ndarray, "*S M"]],
    splits: Sequence[Split],
    sequence: Int[ndarray, "N"],
    position: Int[ndarray, "N"],
) -> tuple[dict[str, Float[ndarray, "*S"]], dict[str, int]]:
    """How many near and far pairs of held-out positions of a sequence are predicted in their order, and how many there are.

    A tie counts as one half, like a guess: a network without encodings has equal states at equal symbols.
    """
    correct: dict[str, Any] = dict.fromkeys(("near", "far"), 0)
    pairs = dict.fromkeys(correct, 0)
    for predicted, split in zip(predictions, splits, strict=True):
        sequences, positions = sequence[split.test], position[split.test]
        first, second = np.nonzero((sequences[:, None] == sequences) & (positions[:, None] < positions))
        score = 0.5 + 0.5 * np.sign(predicted[..., second] - predicted[..., first])
        near = positions[second] - positions[first] <= MAX_NEAR_DISTANCE
        for name, selected in (("near", near), ("far", ~near)):
            correct[name] += score[..., selected].sum(-1)
            pairs[name] += int(selected.sum())
    return correct, pairs


def select_commonest(label: Int[ndarray, "N"], among: Bool[ndarray, "N"]) -> Bool[ndarray, "N"]:
    """The rows of `among` with one of the most common labels."""
    labels, counts = np.unique(label[among], return_counts=True)
    return among & np.isin(label, labels[np.argsort(-counts, kind="stable")[:CLASSES]])


# ── variance ──────────────────────────────────────────────────────────────────────────────────────────────────────


def split_variance(
    x: Float[ndarray, "N D"], factors: dict[str, Int[ndarray, "N"]], sequence: Int[ndarray, "N"], rest: str = "mixed"
) -> dict[str, float]:
    """Shares of the variance of x that the first factor explains, the second in addition to it, …, and none (`rest`).

    x ≈ a[first] + b[second] + …, fitted on half of the sequences and measured on the others. The last share is 0 if x is the raw
    sum of position and token; in later layers it is what depends on both together, or on other tokens. What two factors both
    explain is counted for the earlier one.
    """
    train, previous, features, shares = sequence % 2 == 0, 0.0, np.zeros((len(x), 0)), {}
    whole = ((x[~train] - x[train].mean(0)) ** 2).sum()
    for name, label in factors.items():
        index = np.unique(label, return_inverse=True)[1]
        features = np.concatenate([features, np.eye(index.max() + 1)[index]], axis=1)
        residual = ((x[~train] - fit_ridge(features[train], x[train], [1e-6])[0](features[~train])) ** 2).sum()
        explained = 1 - float(residual / whole) if whole else np.nan
        shares[name], previous = explained - previous, explained
    return shares | {rest: 1 - previous}
