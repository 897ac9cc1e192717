"""Which rows of a position table training has seen: the others are as they were drawn, and are left out, and said so.

Two ways to know: which rows differ before and after training (an encoding is exempt from weight decay, so a row without a
gradient keeps every bit); and, for a published table, a guess from the size of its last rows, which is a guess and says so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray


class TrainedRows(NamedTuple):
    """Which rows to keep, and a sentence for captions."""

    kept: Int[ndarray, " K"]
    sentence: str


def by_change(before: Float[ndarray, "S P D"], after: Float[ndarray, "S P D"]) -> TrainedRows:
    """From tables before and after training, a table a seed: rows of which no bit changed were not trained.

    Kept are rows that every seed moved, so that seeds stay comparable. Raises ValueError where the tables do not belong
    together: rounding to another type would look like training.
    """
    if before.shape != after.shape or before.dtype != after.dtype:
        told = [f"{table.dtype} {table.shape}" for table in (before, after)]
        raise ValueError(f"{told[0]} before and {told[1]} after training: give the same tables, unrounded.")
    moved = (before != after).any(-1)
    some = moved.any(0) & ~moved.all(0)
    more = f" ({ranges(np.flatnonzero(some))} moved in some seeds only)" if some.any() else ""
    return described(
        moved.all(0), "were moved by training" + (" in every seed" if len(moved) > 1 else ""), f"were not{more}"
    )


def by_size(table: Float[ndarray, "P D"], deviation: float = 0.02) -> TrainedRows:
    """A guess for a published table: its last rows were not trained as long as they look like draws from N(0, deviation²).

    That is: a norm within four standard errors of deviation·√D, and within four of a right angle to the mean of the first half
    of the rows. Only rows at the end are guessed at; .02 is the initial deviation of BERT and GPT-2. It errs where training
    kept a row at that size, where weight decay shrank the rows it never met, and where the deviation was another.
    """
    rows, width = np.asarray(table, np.float64), table.shape[1]
    norms, mean = np.linalg.norm(rows, axis=1), rows[: (len(rows) + 1) // 2].mean(0)
    sized = np.abs(norms / (deviation * width**0.5) - 1) <= 4 / (2 * width) ** 0.5
    aside = np.abs(rows @ mean) <= 4 / width**0.5 * norms * np.linalg.norm(mean)
    drawn = np.logical_and.accumulate((sized & aside)[::-1])[::-1]
    found = described(~drawn, "are taken for trained", f"look like draws of standard deviation {deviation:g}")
    return found._replace(
        sentence=f"{found.sentence} A guess from the size of the last rows: nothing says what was trained."
    )


def described(kept: Bool[ndarray, " P"], seen: str, unseen: str) -> TrainedRows:
    """The rows that are kept, with the sentence."""
    rows, others = np.flatnonzero(kept), np.flatnonzero(~kept)
    if not len(others):
        return TrainedRows(rows, f"All {len(kept)} rows {seen}.")
    if not len(rows):
        return TrainedRows(rows, f"None of the {len(kept)} rows {seen}: none is left.")
    sentence = f"Of {len(kept)} rows, {ranges(rows)} {seen}; {ranges(others)} {unseen} and are left out."
    return TrainedRows(rows, sentence)


def ranges(rows: Int[ndarray, " N"]) -> str:
    """'0-11, 14, 20-22'."""
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    return ", ".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
