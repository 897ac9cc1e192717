"""The data of the page's guided part, taken from stored tables. A part whose experiment was not run is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jaxpe.records.csv_tables import read_table
from jaxpe.report.series import round_value
from jaxpe.study.tables import select_rows

SWEPT = ("count", "index")  # the tasks of the ratio: one where order does not matter, one where it does
READERS = ("both tables", "position table", "neither")


def read_parts(results: Path) -> dict[str, Any]:
    """All parts for which there are results."""
    makers: dict[str, tuple[str, Callable[[pd.DataFrame], Any]]] = {
        "code": ("tour", make_codes),
        "verses": ("tour", make_verses),
        "lengths": ("tour", make_lengths),
        "ratio": ("harm", make_ratio),
        "readers": ("extraction", make_readers),
    }
    parts = {}
    for name, (experiment, make) in makers.items():
        path = results / experiment / "table.csv"
        if path.is_file() and (part := make(read_table(path))):
            parts[name] = part
    return parts


def make_codes(table: pd.DataFrame) -> dict[str, Any] | None:
    """What each encoding adds, position by position, in the trained model; only encodings that add something."""
    part = select_rows(table, metric="code")
    codes = {}
    for name, rows in part.groupby("encoding", sort=False):
        code = rows.pivot(index="position", columns="dimension", values="value").to_numpy()
        if np.abs(code).max() > 0:
            codes[str(name)] = [[round_value(value) for value in row] for row in code]
    return {"rows": codes} if codes else None


def make_verses(table: pd.DataFrame) -> list[dict[str, Any]] | None:
    """Verses with a masked word, in several orders: what is shown, and what each encoding's model guesses."""
    shown, guessed = (select_rows(table, metric=metric) for metric in ("shown", "probability"))
    verses = []
    for row in select_rows(table, metric="masked_word").drop_duplicates("verse").itertuples():
        orders = []
        for order, part in select_rows(shown, verse=row.verse, encoding=row.encoding).groupby("order"):
            guesses = select_rows(guessed, verse=row.verse, order=order)
            orders.append(
                {
                    "words": list(part.sort_values("position")["word"]),
                    "guesses": {
                        str(name): [
                            [word, float(value)] for word, value in zip(rows["word"], rows["value"], strict=True)
                        ]
                        for name, rows in guesses.groupby("encoding", sort=False)
                    },
                }
            )
        verses.append({"place": int(row.position), "answer": row.word, "orders": orders})
    return verses or None


def make_lengths(table: pd.DataFrame) -> dict[str, Any] | None:
    """Accuracy of each encoding at every test length, both baselines, and the training length."""
    part = select_rows(table, metric="token_accuracy")
    if part.empty:
        return None
    part = select_rows(part, task=part["task"].iloc[0], architecture=part["architecture"].iloc[0])
    means = part.groupby(["encoding", "test_length"], sort=False)["value"].mean().unstack("test_length")
    baselines = part.groupby("test_length")[["length_baseline", "order_blind_baseline"]].first()
    lengths = sorted(means.columns)
    return {
        "task": part["task"].iloc[0],
        "train_length": int(part["train_length"].iloc[0]),
        "lengths": [int(length) for length in lengths],
        "accuracy": {str(name): [round_value(row[length]) for length in lengths] for name, row in means.iterrows()},
        "length_baseline": [round_value(baselines.loc[length, "length_baseline"]) for length in lengths],
        "order_blind_baseline": [round_value(baselines.loc[length, "order_blind_baseline"]) for length in lengths],
    }


def make_ratio(table: pd.DataFrame) -> dict[str, Any] | None:
    """Accuracy against the ratio of position to token, for the encoding and width that have the most seeds.

    By task: within the training length and at twice that length, each with the baselines.
    """
    part = select_rows(table, sweep="ratio", metric="token_accuracy")
    if part.empty:
        return None
    encoding, width = part.groupby(["encoding", "width"], sort=False)["seed"].nunique().idxmax()
    part = select_rows(part, encoding=encoding, width=width)
    part = part.assign(factor=(part["position_factor"] / part["token_factor"]).round(3))
    n = int(part["train_length"].min())
    tasks = {}
    for task in SWEPT:
        rows = select_rows(part, task=task)
        if not rows.empty:
            tasks[task] = average_by_factor(rows, "within", n) | average_by_factor(rows, "beyond", 2 * n)
    if not tasks:
        return None
    counts = part[part["task"].isin(SWEPT)].groupby(["task", "factor"])["seed"].nunique()
    seeds = "–".join(str(count) for count in sorted({counts.min(), counts.max()}))
    return {"encoding": str(encoding), "width": int(width), "length": n, "seeds": seeds, "tasks": tasks}


def average_by_factor(rows: pd.DataFrame, name: str, length: int) -> dict[str, Any]:
    """Means by factor at one test length, and both baselines."""
    rows = select_rows(rows, test_length=length)
    means = rows.groupby("factor")["value"].mean()
    baselines = {
        f"{name}_{column}": round_value(rows[column].mean()) for column in ("length_baseline", "order_blind_baseline")
    }
    return {name: [[round_value(factor), round_value(value)] for factor, value in means.items()]} | baselines


def make_readers(table: pd.DataFrame) -> dict[str, Any] | None:
    """By the width of the vectors, the share of positions that each reader gets right from token + position."""
    part = select_rows(table, task="raw sum", metric="recovery", signal="float32")
    readers = {}
    for reader in READERS:
        rows = select_rows(part, reader=reader)
        means = rows.groupby(["encoding", "width"], sort=False)["value"].mean()
        if len(means):
            readers[reader] = {
                str(name): [[int(width), round_value(value)] for width, value in by_width.droplevel(0).items()]
                for name, by_width in means.groupby(level=0, sort=False)
            }
    return readers or None
