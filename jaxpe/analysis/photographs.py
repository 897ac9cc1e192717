"""Photographs added to photographs, to faint patterns and to plain grey, and what an ImageNet classifier says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy import stats

from jaxpe.analysis.superposition import Marked, nearest_pattern, patterns
from jaxpe.data.images import CROPPED, Photograph
from jaxpe.records.statistics import Estimate

MIXES = {"mean": (0.5, 0.5), "clipped sum": (1.0, 1.0), "3 : 1": (0.75, 0.25), "1 : 3": (0.25, 0.75)}
GREY, PATTERNS = 127.5, 64
Classifier = Callable[[Float[ndarray, "N 224 224 3"]], Float[ndarray, "N 1000"]]


def mix(first: ndarray, second: ndarray, weights: tuple[float, float]) -> ndarray:
    """u·first + v·second, clipped to 0 … 255."""
    return np.clip(np.float32(weights[0]) * first + np.float32(weights[1]) * second, 0, 255)


def rank(logits: Float[ndarray, C], label: int) -> int:
    """1 for the largest; a tie counts against the class."""
    return int((logits >= logits[label]).sum())


def pairs(photographs: Sequence[Photograph]) -> list[tuple[int, int]]:
    """All pairs of different classes."""
    return [(i, j) for i, j in combinations(range(len(photographs)), 2) if photographs[i].label != photographs[j].label]


def pair_ranks(
    photographs: Sequence[Photograph], chosen: Sequence[tuple[int, int]], name: str, classify: Classifier
) -> Int[ndarray, "P 2"]:
    """The ranks of both true classes in the mix of every pair."""
    mixed = np.stack([mix(photographs[i].pixels, photographs[j].pixels, MIXES[name]) for i, j in chosen])
    found = classify(mixed)
    labels = [(photographs[i].label, photographs[j].label) for i, j in chosen]
    return np.array([[rank(row, label) for label in both] for row, both in zip(found, labels, strict=True)])


# ── the watermark ───────────────────────────────────────────────────────────────────────────────────────────────────


def pattern_pictures(contrast: float, numbers: Sequence[int], seed: int = 0) -> Float[ndarray, "N 224 224 1"]:
    """Grey ± contrast by random signs, one a pixel: as strong as a photograph, and without a meaning."""
    signs = patterns(PATTERNS, CROPPED**2, seed)[list(numbers)]
    return GREY + contrast * signs.reshape(-1, CROPPED, CROPPED, 1)


def watermark(photographs: Sequence[Photograph], kind: str, weight: float, classify: Classifier) -> Marked:
    """(1 − weight)·photograph + weight·other, where `kind` is "second image", "fixed pattern" or "plain grey".

    The other of number i is the photograph of number i + 1 (the next of another class), or pattern 3·i + 1 of 64.
    """
    count = len(photographs)
    labels = [photo.label for photo in photographs]
    others = [next(j % count for j in range(i + 1, i + count) if labels[j % count] != labels[i]) for i in range(count)]
    numbers = [(3 * i + 1) % PATTERNS for i in range(count)]
    pictures = np.stack([photo.pixels for photo in photographs])
    if kind == "second image":
        second = pictures[others]
    elif kind == "fixed pattern":
        second = pattern_pictures(float(pictures.std()), numbers)
    else:
        second = np.full((count, 1, 1, 1), GREY, np.float32)
    mixed = mix(pictures, second, (1 - weight, weight))
    found = classify(mixed)
    right = np.array([rank(row, label) == 1 for row, label in zip(found, labels, strict=True)])
    if kind == "fixed pattern":
        codes = patterns(PATTERNS, CROPPED**2, 0)
        return Marked(right, nearest_pattern(mixed.mean(-1).reshape(count, -1), codes) == numbers)
    named = np.array([rank(row, labels[j]) <= 2 for row, j in zip(found, others, strict=True)])
    return Marked(right, named if kind == "second image" else None)


# ── statistics ──────────────────────────────────────────────────────────────────────────────────────────────────────


def jackknife(first: Sequence[str], second: Sequence[str], values: Sequence[float]) -> Estimate:
    """The mean over pairs, with a t-interval from leaving out one photograph after the other.

    Pairs share photographs and are not independent: n counts photographs.
    """
    a, b, numbers = np.asarray(first), np.asarray(second), np.asarray(values, float)
    names = np.unique([a, b])
    n, mean = len(names), float(numbers.mean())
    if n < 4:
        return Estimate(mean, None, None, n)
    without = np.array([numbers[(a != name) & (b != name)].mean() for name in names])
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    half = float(stats.t.ppf(0.975, n - 1) * error)
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half), n)
