"""What the page's guided part plays with, taken from stored tables. A part whose experiment was not run is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jaxpe.records.csv_tables import read_table
from jaxpe.report.comparison import number
from jaxpe.study import tables

SWEPT = ("count", "index")  # the tasks of the ratio: one that asks for no order, one that does
READERS = ("both tables", "position table", "neither")


def parts(results: Path) -> dict[str, Any]:
    """All parts for which there are results."""
    found: dict[str, Any] = {}
    makers: list[tuple[str, str, Callable[[pd.DataFrame], Any]]] = [
        ("code", "tour", codes),
        ("verses", "tour", verses),
        ("lengths", "tour", lengths),
        ("ratio", "harm", ratio),
        ("readers", "extraction", readers),
    ]
    for name, experiment, make in makers:
        path = results / experiment / "table.csv"
        if path.is_file() and (made := make(read_table(path))):
            found[name] = made
    return found


def codes(table: pd.DataFrame) -> dict[str, Any] | None:
    """For every encoding that adds something: its rows, position by position, from the trained model."""
    part = tables.select_rows(table, metric="code")
    made = {}
    for name, own in part.groupby("encoding", sort=False):
        rows = own.pivot(index="position", columns="dimension", values="value").to_numpy()
        if np.abs(rows).max() > 0:
            made[str(name)] = [[number(value) for value in row] for row in rows]
    return {"rows": made} if made else None


def verses(table: pd.DataFrame) -> list[dict[str, Any]] | None:
    """Verses with a masked word, in several orders: what is shown, and what each encoding's model guesses."""
    shown, guessed = (tables.select_rows(table, metric=metric) for metric in ("shown", "probability"))
    made = []
    for row in tables.select_rows(table, metric="asked").drop_duplicates("verse").itertuples():
        orders = []
        for order, part in tables.select_rows(shown, verse=row.verse, encoding=row.encoding).groupby("order"):
            guesses = tables.select_rows(guessed, verse=row.verse, order=order)
            orders.append(
                {
                    "words": list(part.sort_values("position")["word"]),
                    "guesses": {
                        str(name): [[word, float(value)] for word, value in zip(own["word"], own["value"], strict=True)]
                        for name, own in guesses.groupby("encoding", sort=False)
                    },
                }
            )
        made.append({"place": int(row.position), "answer": row.word, "orders": orders})
    return made or None


def lengths(table: pd.DataFrame) -> dict[str, Any] | None:
    """Accuracy of each encoding at every test length, both baselines, and where training ended."""
    part = tables.select_rows(table, metric="token_accuracy")
    if part.empty:
        return None
    part = tables.select_rows(part, task=part["task"].iloc[0], architecture=part["architecture"].iloc[0])
    means = part.groupby(["encoding", "test_length"], sort=False)["value"].mean().unstack("test_length")
    baselines = part.groupby("test_length")[["length_baseline", "order_blind_baseline"]].first()
    at = sorted(means.columns)
    return {
        "task": part["task"].iloc[0],
        "train_length": int(part["train_length"].iloc[0]),
        "lengths": [int(length) for length in at],
        "accuracy": {str(name): [number(row[length]) for length in at] for name, row in means.iterrows()},
        "length_baseline": [number(baselines.loc[length, "length_baseline"]) for length in at],
        "order_blind_baseline": [number(baselines.loc[length, "order_blind_baseline"]) for length in at],
    }


def ratio(table: pd.DataFrame) -> dict[str, Any] | None:
    """Accuracy against how much position there is to a token: one encoding and width, the one with the most seeds.

    By task: within the training length and at twice that length, each with the baselines.
    """
    part = tables.select_rows(table, sweep="ratio", metric="token_accuracy")
    if part.empty:
        return None
    kind = part.groupby(["encoding", "width"], sort=False)["seed"].nunique().idxmax()
    part = tables.select_rows(part, encoding=kind[0], width=kind[1])
    part = part.assign(factor=(part["position_factor"] / part["token_factor"]).round(3))
    n = int(part["train_length"].min())
    made: dict[str, dict[str, Any]] = {}
    counts = part[part["task"].isin(SWEPT)].groupby(["task", "factor"])["seed"].nunique()
    for task in SWEPT:
        own = tables.select_rows(part, task=task)
        if own.empty:
            continue
        made[task] = {}
        for where, length in (("within", n), ("beyond", 2 * n)):
            there = tables.select_rows(own, test_length=length)
            means = there.groupby("factor")["value"].mean()
            made[task][where] = [[number(factor), number(value)] for factor, value in means.items()]
            for baseline in ("length_baseline", "order_blind_baseline"):
                made[task][f"{where}_{baseline}"] = number(there[baseline].mean())
    if not made:
        return None
    seeds = "–".join(str(count) for count in sorted({counts.min(), counts.max()}))
    return {"encoding": str(kind[0]), "width": int(kind[1]), "length": n, "seeds": seeds, "tasks": made}


def readers(table: pd.DataFrame) -> dict[str, Any] | None:
    """By the width of the vectors, the share of positions that each reader gets right from token + position."""
    part = tables.select_rows(table, task="raw sum", metric="recovery", signal="float32")
    made = {}
    for reader in READERS:
        own = tables.select_rows(part, reader=reader)
        means = own.groupby(["encoding", "width"], sort=False)["value"].mean()
        if len(means):
            made[reader] = {
                str(name): [[int(width), number(value)] for width, value in rows.droplevel(0).items()]
                for name, rows in means.groupby(level=0, sort=False)
            }
    return made or None
