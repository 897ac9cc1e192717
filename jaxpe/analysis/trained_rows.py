"""Which rows of a position table were trained: the others are still as initialized, and are left out of measurements.

For a model of our own, trained rows are those that differ before and after training (encodings are exempt from weight decay, so
a row without a gradient keeps every bit). For a published table they are guessed from the size of its last rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

DEVIATION = 0.02  # standard deviation of the initial values of BERT and GPT-2


class TrainedRows(NamedTuple):
    """The rows to keep, and a sentence about the others for captions."""

    kept: Int[ndarray, " K"]
    sentence: str


def find_changed_rows(before: Float[ndarray, "S P D"], after: Float[ndarray, "S P D"]) -> TrainedRows:
    """The rows that training changed, from tables before and after it, one table for each seed.

    A row is kept if it changed in every seed, so that seeds stay comparable. Raises ValueError if shape or type differ: rounding
    would look like training.
    """
    if before.shape != after.shape or before.dtype != after.dtype:
        kinds = [f"{table.dtype} {table.shape}" for table in (before, after)]
        raise ValueError(f"{kinds[0]} before and {kinds[1]} after training: give the same tables, not rounded.")
    changed = (before != after).any(-1)
    some = changed.any(0) & ~changed.all(0)
    more = f" ({format_ranges(np.flatnonzero(some))} in some seeds only)" if some.any() else ""
    return describe_rows(
        changed.all(0), "were trained" + (" in every seed" if len(changed) > 1 else ""), f"were not{more}"
    )


def guess_trained_rows(table: Float[ndarray, "P D"]) -> TrainedRows:
    """A guess for a published table: the last rows that look like samples of N(0, DEVIATION²) were not trained.

    A row looks like one if its norm is within four standard errors of DEVIATION·√D, and its angle to the mean of the first half
    of the rows within four of a right angle. Only rows at the end are considered. The guess is wrong if training left a row at
    that size, if weight decay shrank the untrained rows, or if the initial deviation was another.
    """
    rows, width = np.asarray(table, np.float64), table.shape[1]
    norms, mean = np.linalg.norm(rows, axis=1), rows[: (len(rows) + 1) // 2].mean(0)
    has_size = np.abs(norms / (DEVIATION * width**0.5) - 1) <= 4 / (2 * width) ** 0.5
    is_orthogonal = np.abs(rows @ mean) <= 4 / width**0.5 * norms * np.linalg.norm(mean)
    untrained = np.logical_and.accumulate((has_size & is_orthogonal)[::-1])[::-1]
    rows_kept = describe_rows(
        ~untrained, "look trained", f"look like the initial values (standard deviation {DEVIATION:g})"
    )
    return rows_kept._replace(sentence=f"{rows_kept.sentence} This is a guess from the size of the last rows.")


def describe_rows(kept: Bool[ndarray, " P"], trained: str, untrained: str) -> TrainedRows:
    """The rows to keep, and the sentence."""
    rows, others = np.flatnonzero(kept), np.flatnonzero(~kept)
    if not len(others):
        return TrainedRows(rows, f"All {len(kept)} rows {trained}.")
    if not len(rows):
        return TrainedRows(rows, f"None of the {len(kept)} rows {trained}.")
    sentence = (
        f"Of {len(kept)} rows, {format_ranges(rows)} {trained}; {format_ranges(others)} {untrained} and are left out."
    )
    return TrainedRows(rows, sentence)


def format_ranges(rows: Int[ndarray, " N"]) -> str:
    """'0-11, 14, 20-22'."""
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    return ", ".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
