"""The page's comparison part: scores of every experiment as series over the test length, a number a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from jaxpe.records.csv_tables import read_table

METRICS = ("token_accuracy", "exact_match", "bits_per_character")
ONE = ("task", "architecture", "encoding", "positions", "test_positions", "metric", "train_length")
# Columns that do not tell rows apart: scores, and what follows from the others.
BESIDE = {
    "value",
    "length_baseline",
    "order_blind_baseline",
    "n_examples",
    "seed",
    "test_length",
    "experiment",
    "unvisited",
    "width",
}
PLAIN = {"companion": "plain", "condition": "as they are", "test_positions": None}  # the value that is no change


def series(folders: list[Path]) -> list[dict[str, Any]]:
    """Every series of every table; rows told apart by columns that only some experiments have are named by these."""
    return [one for folder in folders for one in series_of(folder.name, read_table(folder / "table.csv"))]


def series_of(experiment: str, table: pd.DataFrame) -> list[dict[str, Any]]:
    table = table[table["metric"].isin(METRICS) & table["seed"].notna() & table["test_length"].notna()]
    if table.empty:
        return []
    others = [
        column for column in table.columns if column not in BESIDE and column not in ONE and table[column].notna().any()
    ]
    made = []
    for key, part in table.groupby([*ONE, *others], dropna=False, sort=False):
        about = dict(zip([*ONE, *others], key, strict=True))
        values = part.pivot_table(index="test_length", columns="seed", values="value", aggfunc="first")
        if values.empty or part.duplicated(["test_length", "seed"]).any():
            continue  # told apart by nothing the table says: no series
        baselines = (
            part.groupby("test_length")[["length_baseline", "order_blind_baseline"]].first().reindex(values.index)
        )
        made.append(
            {
                "experiment": experiment,
                "task": text(about["task"]),
                "architecture": text(about["architecture"]),
                "encoding": text(about["encoding"]),
                "positions": ways(about),
                "condition": condition(about, others),
                "metric": about["metric"],
                "train_length": number(about["train_length"]),
                "lengths": [number(length) for length in values.index],
                "seeds": [int(seed) for seed in values.columns],
                "values": [[number(value) for value in row] for row in values.to_numpy()],
                "length_baseline": [number(value) for value in baselines["length_baseline"]],
                "order_blind_baseline": [number(value) for value in baselines["order_blind_baseline"]],
            }
        )
    return made


def ways(about: dict[str, Any]) -> str:
    """'arange'; 'randomized'; 'offset → arange' where tests use another sampler than training."""
    trained, tested = text(about["positions"]), text(about["test_positions"])
    return trained if tested in ("", trained) else f"{trained} → {tested}"


def condition(about: dict[str, Any], others: list[str]) -> str:
    """What else tells a series from others: 'sweep ratio, position_factor 0.71'. '' where nothing does."""
    parts = [
        f"{column} {text(about[column])}"
        for column in others
        if pd.notna(about[column]) and about[column] != PLAIN.get(column, "") and column != "learning_rate"
    ]
    return ", ".join(parts)


def text(value: Any) -> str:
    """A run of a table as text; '' for none, and no '.0' behind whole numbers."""
    if pd.isna(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def number(value: Any) -> float | int | None:
    """A number for JSON: four decimals, none where it is missing or not finite."""
    if pd.isna(value) or value in (float("inf"), float("-inf")):
        return None
    value = round(float(value), 4)
    return int(value) if value == int(value) else value
