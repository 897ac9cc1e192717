"""The data of the page's comparison part: scores of every experiment as series over the test length, by seed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from jaxpe.records.csv_tables import read_table

METRICS = ("token_accuracy", "exact_match", "bits_per_character")
KEYS = ("task", "architecture", "encoding", "positions", "test_positions", "metric", "train_length")
# Columns that do not tell series apart: scores, and what follows from the others.
OTHERS = {
    "value", "length_baseline", "order_blind_baseline", "n_examples", "seed", "test_length", "experiment", "untrained_share",
}  # fmt: skip
PLAIN = {"variant": "plain", "condition": "as they are", "test_positions": None}  # values that change nothing


def read_series(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Every series of every table. Columns that only some experiments have become the series' condition."""
    return [series for folder in folders for series in make_series(folder.name, read_table(folder / "table.csv"))]


def make_series(experiment: str, table: pd.DataFrame) -> list[dict[str, Any]]:
    """The series of one table."""
    table = table[table["metric"].isin(METRICS) & table["seed"].notna() & table["test_length"].notna()]
    if table.empty:
        return []
    others = list_conditions(table)
    all_series = []
    for key, part in table.groupby([*KEYS, *others], dropna=False, sort=False):
        about = dict(zip([*KEYS, *others], key, strict=True))
        values = part.pivot_table(index="test_length", columns="seed", values="value", aggfunc="first")
        if values.empty or part.duplicated(["test_length", "seed"]).any():
            continue  # rows that no column tells apart are no series
        baselines = part.groupby("test_length")[["length_baseline", "order_blind_baseline"]].first()
        baselines = baselines.reindex(values.index)
        all_series.append(
            {
                "experiment": experiment,
                "task": format_table_value(about["task"]),
                "architecture": format_table_value(about["architecture"]),
                "encoding": format_table_value(about["encoding"]),
                "positions": format_positions(about),
                "condition": format_condition(about, others),
                "metric": about["metric"],
                "train_length": round_value(about["train_length"]),
                "lengths": [round_value(length) for length in values.index],
                "seeds": [int(seed) for seed in values.columns],
                "values": [[round_value(value) for value in row] for row in values.to_numpy()],
                "length_baseline": [round_value(value) for value in baselines["length_baseline"]],
                "order_blind_baseline": [round_value(value) for value in baselines["order_blind_baseline"]],
            }
        )
    return all_series


def list_conditions(table: pd.DataFrame) -> list[str]:
    """Further columns that tell series apart; the width only where nothing else does."""
    names = [name for name in table.columns if name not in OTHERS and name not in KEYS and table[name].notna().any()]
    without_width = [name for name in names if name != "width"]
    repeated = table.duplicated([*KEYS, *without_width, "seed", "test_length"]).any()
    return names if repeated else without_width


def format_positions(about: Mapping[str, Hashable]) -> str:
    """'arange'; 'randomized'; 'offset → arange' where tests use another sampler than training."""
    trained, tested = format_table_value(about["positions"]), format_table_value(about["test_positions"])
    return trained if tested in ("", trained) else f"{trained} → {tested}"


def format_condition(about: Mapping[str, Hashable], names: Sequence[str]) -> str:
    """What else tells a series from others: 'sweep ratio, position_factor 0.71'. '' where nothing does."""
    parts = [
        f"{name} {format_table_value(about[name])}"
        for name in names
        if not pd.isna(about[name]) and about[name] != PLAIN.get(name, "") and name != "learning_rate"
    ]
    return ", ".join(parts)


def format_table_value(value: Any) -> str:
    """An entry of a table as text; '' where it is missing, and no '.0' in whole numbers."""
    if pd.isna(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def round_value(value: Any) -> float | int | None:
    """A number for JSON with four decimals; None where it is missing or not finite."""
    if pd.isna(value) or value in (float("inf"), float("-inf")):
        return None
    rounded = round(float(value), 4)
    return int(rounded) if rounded == int(rounded) else rounded
