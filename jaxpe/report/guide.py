"""The data of the article's figures, taken from stored tables. A figure whose experiment was not run is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from jaxpe.analysis.objectives import TEXT_PAIR
from jaxpe.analysis.use import read_costs
from jaxpe.pretrained.efficientnet import CLASSES
from jaxpe.records.csv_tables import read_table
from jaxpe.records.stored_files import exists
from jaxpe.report.brief import ENCODER
from jaxpe.report.templates import round_value
from jaxpe.study.tables import select_rows

SWEPT = ("count", "index")  # the tasks of the ratio: one where order does not matter, one where it does
READERS = ("both tables", "position table", "neither")
# Tasks that read the same inputs; order matters in the first four.
SAME_INPUT = ("index", "relative_index", "reverse", "copy", "count", "majority", "histogram")
TOP = 12  # guesses among which a class counts as seen
SUMS = ("digit + digit", "digit + fixed digit", "digit + fixed pattern", "token + position")
CHANGES = {"shift": 8, "shuffle": 2}  # of positions: all of them by 8; neighbours within windows of 2


def read_parts(results: Path) -> dict[str, Any]:
    """All parts for which there are results."""
    makers: dict[str, tuple[str, Callable[[pd.DataFrame], Any]]] = {
        "pairs": ("superposition", make_pairs),
        "readers": ("extraction", make_readers),
        "layers": ("extraction", make_layers),
        "ratio": ("harm", make_ratio),
        "sums": ("superposition", make_sums),
        "help": ("harm", make_help),
        "lengths": ("extrapolation", make_lengths),
        "models": ("structure", make_models),
    }
    parts = {}
    for name, (experiment, make) in makers.items():
        path = results / experiment / "table.csv"
        if exists(path) and (part := make(read_table(path))):
            parts[name] = part
    return parts


def make_pairs(table: pd.DataFrame) -> dict[str, Any] | None:
    """Photographs averaged in pairs: how often a classifier has both classes, one or neither among its first guesses."""
    pairs = select_rows(table, metric="better_rank", weighting="mean")
    if pairs.empty:
        return None
    seen = (pairs["rank_first"] <= TOP).astype(int) + (pairs["rank_second"] <= TOP)
    shares = {name: round_value((seen == count).mean()) for name, count in (("both", 2), ("one", 1), ("neither", 0))}
    photographs = len({*pairs["first"], *pairs["second"]})
    return {"pairs": len(pairs), "photographs": photographs, "top": TOP, "classes": CLASSES, "shares": shares}


def make_lengths(table: pd.DataFrame) -> dict[str, Any] | None:
    """Accuracy of each encoding on `reverse` in the encoder at every test length, both baselines, and the training length."""
    part = select_rows(table, task="reverse", variant="plain", **ENCODER)
    if part.empty:
        return None
    means = part.groupby(["encoding", "test_length"], sort=False)["value"].mean().unstack("test_length")
    baselines = part.groupby("test_length")[["length_baseline", "order_blind_baseline"]].first()
    lengths = sorted(means.columns)
    return {
        "train_length": int(part["train_length"].iloc[0]),
        "seeds": int(part["seed"].nunique()),
        "lengths": [int(length) for length in lengths],
        "accuracy": {str(name): [round_value(row[length]) for length in lengths] for name, row in means.iterrows()},
        "length_baseline": [round_value(baselines.loc[length, "length_baseline"]) for length in lengths],
        "order_blind_baseline": [round_value(baselines.loc[length, "order_blind_baseline"]) for length in lengths],
    }


def make_layers(table: pd.DataFrame) -> dict[str, Any] | None:
    """What the vectors of an encoder that reverses are made of, layer by layer: shares of the variance, over seeds.

    At the places where it answers, and at those of its input; learned positions.
    """
    where = {"task": "reverse", "architecture": "encoder", "encoding": "learned", "network": "trained"}
    part = select_rows(table, metric="variance_share", **where)
    if part.empty:
        return None
    places = {}
    for place, rows in part.groupby("places", sort=False):
        means = rows.groupby(["layer", "part"], sort=False)["value"].mean().clip(lower=0).unstack("part")
        places[str(place)] = {
            "layers": [int(layer) for layer in means.index],
            "parts": {str(name): [round_value(value) for value in means[name]] for name in means.columns},
        }
    return {"seeds": int(part["seed"].nunique()), "length": int(part["train_length"].iloc[0]), "places": places}


def make_sums(table: pd.DataFrame) -> dict[str, Any] | None:
    """How often both parts of a sum are named, by classifiers that never saw sums and by those trained on them.

    The last entry of a row: how many guesses at random name both parts once.
    """
    part = select_rows(table, metric="both_named")
    if part.empty:
        return None
    part = part[part["parts"].isin(SUMS) & part["encoding"].isin(["sinusoidal", float("nan")])]
    means = part.groupby(["parts", "reader"])["value"].mean().unstack("reader")
    shares = means[["never shown sums", "trained on sums"]].map(round_value)
    guesses = part.groupby("parts")["length_baseline"].first()
    rows = [[name, *shares.loc[name], round(1 / guesses[name])] for name in SUMS if name in means.index]
    return {"seeds": int(part["seed"].nunique()), "rows": rows} if rows else None


def make_help(table: pd.DataFrame) -> dict[str, Any] | None:
    """Accuracy with sinusoids and without, at the training length, on tasks that read the same inputs."""
    part = select_rows(table, metric="token_accuracy", sweep="none", architecture="encoder", positions="arange")
    part = part[part["test_length"] == part["train_length"]]
    part = part[part["width"] == part["width"].min()]
    means = part.groupby(["task", "encoding"])["value"].mean().unstack("encoding")
    if not {"sinusoidal", "none"} <= set(means.columns):
        return None
    blind = part.groupby("task")["order_blind_baseline"].mean()
    rows = [
        {"task": task, "with": round_value(means.loc[task, "sinusoidal"]), "without": round_value(means.loc[task, "none"]),
         "blind": round_value(blind[task])}
        for task in SAME_INPUT if task in means.index
    ]  # fmt: skip
    return {"seeds": int(part["seed"].nunique()), "length": int(part["train_length"].min()), "rows": rows}


def make_models(table: pd.DataFrame) -> dict[str, Any] | None:
    """Bits per character that models of text lose when all positions shift, when neighbours change places, and have unchanged.

    All at one length, half of the training length.
    """
    part = select_rows(table, encoding="learned", positions="arange", starts="packed")
    if part.empty:
        return None
    part = part[part["corpus"] == part["corpus"].iloc[0]]
    costs, bits = read_costs(part), select_rows(part, metric="bits_per_character")
    bits = bits[bits["test_length"] == costs.bits["test_length"].max()]
    rows = []
    for task in TEXT_PAIR:
        lost = [costs.average(task, kind, "bits", [size]) for kind, size in CHANGES.items()]
        whole = select_rows(bits, task=task)["value"]
        if all(map(len, (*lost, whole))):
            means = [round_value(each.mean()) for each in (*lost, whole)]
            rows.append({"task": task, "costs": means[:2], "bits": means[2], "seeds": min(map(len, lost))})
    return {"rows": rows} if rows else None


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
    sizes = {"length": n, "steps": read_steps(select_rows(table, sweep="ratio", encoding=encoding, width=width))}
    return {"encoding": str(encoding), "width": int(width), "seeds": seeds, "tasks": tasks} | sizes


def read_steps(rows: pd.DataFrame) -> int | None:
    """How many steps these models were trained for, where all had as many and the table says so."""
    counts = set(rows["steps"].dropna()) if "steps" in rows else set()
    return int(counts.pop()) if len(counts) == 1 else None


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
