"""Photographs added to photographs, faint patterns and plain grey, as an ImageNet classifier sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray

from jaxpe.analysis.sum_readers import WatermarkOutcome, match_patterns, rank_classes
from jaxpe.analysis.sums import draw_patterns
from jaxpe.data.images import BANANA, CROPPED, PANDA, Photograph
from jaxpe.records.statistics import Estimate, estimate_by_jackknife
from jaxpe.study.tables import select_rows

WEIGHTINGS = {"mean": (0.5, 0.5), "clipped sum": (1.0, 1.0), "3 : 1": (0.75, 0.25), "1 : 3": (0.25, 0.75)}
GREY, PATTERNS = 127.5, 64
Classifier = Callable[[Float[ndarray, "N 224 224 3"]], Float[ndarray, "N 1000"]]


def add_pictures(first: ndarray, second: ndarray, weights: tuple[float, float]) -> ndarray:
    """u·first + v·second, clipped to 0 … 255."""
    return np.clip(np.float32(weights[0]) * first + np.float32(weights[1]) * second, 0, 255)


def list_photograph_pairs(photographs: Sequence[Photograph]) -> list[tuple[int, int]]:
    """All pairs of different classes."""
    return [(i, j) for i, j in combinations(range(len(photographs)), 2) if photographs[i].label != photographs[j].label]


def rank_photograph_pairs(
    photographs: Sequence[Photograph], pairs: Sequence[tuple[int, int]], weighting: str, classify: Classifier
) -> Int[ndarray, "P 2"]:
    """The ranks of both true classes in the weighted sum of every pair."""
    mixed = np.stack(
        [add_pictures(photographs[i].pixels, photographs[j].pixels, WEIGHTINGS[weighting]) for i, j in pairs]
    )
    return rank_classes(classify(mixed), np.array([(photographs[i].label, photographs[j].label) for i, j in pairs]))


# ── the watermark ───────────────────────────────────────────────────────────────────────────────────────────────────


def draw_pattern_pictures(contrast: float, numbers: Sequence[int]) -> Float[ndarray, "N 224 224 1"]:
    """Grey ± contrast with random signs, one a pixel: as strong as a photograph, without meaning."""
    signs = draw_patterns(PATTERNS, CROPPED**2, 0)[list(numbers)]
    return GREY + contrast * signs.reshape(-1, CROPPED, CROPPED, 1)


def watermark_photographs(
    photographs: Sequence[Photograph], kind: str, weight: float, classify: Classifier
) -> WatermarkOutcome:
    """(1 − weight)·photograph + weight·other, where `kind` is "second image", "fixed pattern" or "plain grey".

    Photograph i is paired with the next photograph of another class, or with pattern 3·i + 1 of 64.
    """
    count = len(photographs)
    labels = np.array([photo.label for photo in photographs])
    others = [next(j % count for j in range(i + 1, i + count) if labels[j % count] != labels[i]) for i in range(count)]
    numbers = [(3 * i + 1) % PATTERNS for i in range(count)]
    pictures = np.stack([photo.pixels for photo in photographs])
    if kind == "second image":
        second = pictures[others]
    elif kind == "fixed pattern":
        second = draw_pattern_pictures(float(pictures.std()), numbers)
    else:
        second = np.full((count, 1, 1, 1), GREY, np.float32)
    mixed = add_pictures(pictures, second, (1 - weight, weight))
    logits = classify(mixed)
    named = rank_classes(logits, labels[:, None])[:, 0] == 1
    if kind == "fixed pattern":
        codes = draw_patterns(PATTERNS, CROPPED**2, 0)
        return WatermarkOutcome(named, match_patterns(mixed.mean(-1).reshape(count, -1), codes) == numbers)
    second_named = rank_classes(logits, labels[others][:, None])[:, 0] <= 2
    return WatermarkOutcome(named, second_named if kind == "second image" else None)


# ── the sum that the question began with ────────────────────────────────────────────────────────────────────────────

SYMMETRIC = {"mean": "averaged", "clipped sum": "added and clipped"}  # weightings in which both have equal weights


class FoundingSum(NamedTuple):
    """What a classifier sees in a panda and a banana that were added with equal weights."""

    weighting: str
    seen: float  # how many of the two classes are among its first guesses; a mean where there are several such pairs
    pairs: int
    verdict: str  # on "neither is seen": "supported", "contradicted", or "undecided" where one is not named alone
    note: str


def select_founding_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of pairs of a panda and a banana, added in every way."""
    pairs = select_rows(table, metric="better_rank")
    labels = [] if pairs.empty else zip(pairs["label_first"], pairs["label_second"], strict=True)
    return pairs[[{first, second} == {PANDA, BANANA} for first, second in labels]]


def list_founding_sums(table: pd.DataFrame, top: int) -> list[FoundingSum]:
    """The panda and the banana averaged, and added. Empty where one of the two photographs was not measured.

    A class is seen if it is among the first `top` guesses.
    """
    founding = select_founding_pairs(table)
    if founding.empty:
        return []
    alone = select_rows(table, metric="rank_alone").groupby("label_first")["value"].max()
    sums = []
    for weighting in SYMMETRIC:
        pairs = select_rows(founding, weighting=weighting)
        if pairs.empty:
            continue
        seen = (pairs[["rank_first", "rank_second"]] <= top).sum(axis=1)
        agrees = bool((seen == 0).all() or (seen > 0).all()) and alone[PANDA] == alone[BANANA] == 1
        verdict = "undecided" if not agrees else "contradicted" if seen.any() else "supported"
        note = f"Alone: panda {alone[PANDA]:.0f}, banana {alone[BANANA]:.0f}. {describe_ranks(pairs)}"
        sums.append(FoundingSum(weighting, float(seen.mean()), len(pairs), verdict, note))
    return sums


def describe_ranks(pairs: pd.DataFrame) -> str:
    """'In the sum: panda 1, banana 505.', for each pair."""
    texts = []
    for pair in pairs.itertuples():
        ranks = {pair.label_first: pair.rank_first, pair.label_second: pair.rank_second}
        texts.append(f"panda {ranks[PANDA]:.0f}, banana {ranks[BANANA]:.0f}")
    return f"In the sum: {'; '.join(texts)}."


# ── statistics ──────────────────────────────────────────────────────────────────────────────────────────────────────


def estimate_over_photographs(first: Sequence[str], second: Sequence[str], values: Sequence[float]) -> Estimate:
    """The mean over pairs, a share, with a t-interval from leaving out one photograph at a time (jackknife).

    Pairs share photographs and are not independent: n counts photographs.
    """
    a, b, numbers = np.asarray(first), np.asarray(second), np.asarray(values, float)
    names = np.unique([a, b])
    without = [numbers[(a != name) & (b != name)].mean() for name in names]
    estimate = estimate_by_jackknife(float(numbers.mean()), without)
    if estimate.low is None or estimate.high is None:
        return estimate
    return replace(estimate, low=max(0.0, estimate.low), high=min(1.0, estimate.high))
