"""Which encoding did best for what one may need, from the tables of `catalogue` and `extrapolation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from jaxpe.analysis.ranking import select_common
from jaxpe.report.brief import read_stored
from jaxpe.study.tables import select_rows

ENCODINGS = ("none", "sinusoidal", "learned", "rotary", "alibi", "t5", "dape")  # of the table of recommendations
LONGER = 8  # times the training length, of text


class Need(NamedTuple):
    """What one may need of an encoding: a task that stands for it, and how many times the training length.

    `is_range`: the mean over all tests from N + 1 up to that length.
    """

    task: str
    times: int = 1
    is_range: bool = False


NEEDS = {
    "look_up": Need("relative_index"), "copy": Need("copy"), "longer": Need("copy", 2, is_range=True),
    "text": Need("causal_lm"), "longer_text": Need("causal_lm", LONGER),
}  # fmt: skip


def make_recommendations(results: Path) -> list[dict[str, Any]]:
    """Token accuracy of each encoding for each need, in a decoder, in percent; for text, bits per character. None: not measured.

    Each entry: the encoding, and by need its mean as text, number of seeds, and whether it is the best of its column.
    """
    catalogue, lengths = (read_stored(results / name) for name in ("catalogue", "extrapolation"))
    measured = {name: measure_need(catalogue, lengths, need) for name, need in NEEDS.items()}
    columns = {need: {name: column[name] for name in ENCODINGS if name in column} for need, column in measured.items()}
    if not any(columns.values()):
        return []
    best = {need: find_best(need, column) for need, column in columns.items()}
    return [
        {"encoding": name, "cells": [(need, column.get(name), name in best[need]) for need, column in columns.items()]}
        for name in ENCODINGS
    ]


def list_best(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """For each need, as far as it was measured: the need, the encodings that are the best of its column, and their number."""
    columns = zip(*(row["cells"] for row in rows), strict=True)
    best = [[(row["encoding"], cell) for row, cell in zip(rows, column, strict=True) if cell[2]] for column in columns]
    return [(each[0][1][0], ", ".join(name for name, _ in each), each[0][1][1][0]) for each in best if each]


def find_longest_copier(results: Path) -> dict[str, Any] | None:
    """Which of all encodings copies best beyond the training length: its name, its share in percent, and of how many."""
    column = measure_need(read_stored(results / "catalogue"), pd.DataFrame(), NEEDS["longer"])
    best = find_best("longer", column)
    return {"name": best[0], "share": column[best[0]][0], "count": len(column)} if len(best) == 1 else None


def measure_need(catalogue: pd.DataFrame, lengths: pd.DataFrame, need: Need) -> dict[str, tuple[str, int]]:
    """The mean as text and the number of seeds of each encoding for one need. `lengths`: the table of `extrapolation`."""
    if need.task == "causal_lm":
        means = average_encodings(select_lengths(lengths), need.times)
        return {name: (f"{mean:.2f}", n) for name, (mean, n) in means.items()}
    where = {"task": need.task, "metric": "token_accuracy", "architecture": "decoder", "positions": "arange"}
    part = select_rows(catalogue, **where)
    part = part if part.empty else select_common(part)
    part = part[part["tested_with"].isna()] if "tested_with" in part else part
    means = average_encodings(part, need.times, need.is_range)
    return {name: (f"{100 * mean:.0f}%", n) for name, (mean, n) in means.items()}


def select_lengths(lengths: pd.DataFrame) -> pd.DataFrame:
    """The bits per character of decoders that guess the next word, by length of the text."""
    where = {"task": "causal_lm", "metric": "bits_per_character", "architecture": "decoder", "positions": "arange"}
    return select_rows(lengths, variant="plain", **where)


def average_encodings(part: pd.DataFrame, times: float = 1, is_range: bool = False) -> dict[str, tuple[float, int]]:
    """The mean and the number of seeds of each encoding, at `times` the training length, or from N + 1 up to it.

    Without encodings of which a seed has several values at one length: they are of different tests.
    """
    if part.empty:
        return {}
    ratio = part["test_length"] / part["train_length"]
    part = part[(ratio > 1) & (ratio <= times) if is_range else ratio == times]
    return {
        str(name): (float(rows["value"].mean()), rows["seed"].nunique())
        for name, rows in part.groupby("encoding")
        if not rows.duplicated(["seed", "test_length"]).any()
    }


def find_best(need: str, column: Mapping[str, tuple[str, int]]) -> list[str]:
    """The encodings with the best number as it is shown: the largest accuracy, the fewest bits."""
    if not column:
        return []
    shown = {name: float(mean.rstrip("%")) for name, (mean, _) in column.items()}
    best = (min if NEEDS[need].task == "causal_lm" else max)(shown.values())
    return [name for name, number in shown.items() if number == best]
