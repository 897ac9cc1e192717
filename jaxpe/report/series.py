"""The data of the page's comparison part: scores of every experiment as series over the test length, by seed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from jaxpe.records.csv_tables import DIVERGED, read_table

Series = dict[str, Any]  # what tells it from others, lengths, seeds, values[length][seed], both baselines
METRICS = ("token_accuracy", "exact_match", "bits_per_character")
KEYS = ("task", "architecture", "encoding", "positions", "test_positions", "metric", "train_length")
# Columns that do not tell series apart: scores, and what follows from the others.
OTHERS = {
    "value", "length_baseline", "order_blind_baseline", "n_examples", "seed", "test_length", "experiment", "untrained_share",
    DIVERGED,
}  # fmt: skip
PLAIN = {"variant": "plain", "condition": "as they are", "test_positions": None}  # values that change nothing


class AllSeries(NamedTuple):
    """The series of a results folder, and what was left out because no column tells its rows apart, in words."""

    series: list[Series]
    unclear: list[str]


def read_series(folders: Sequence[Path]) -> AllSeries:
    """Every series of every table. Columns that only some experiments have become the series' condition."""
    parts = [make_series(folder.name, read_table(folder / "table.csv")) for folder in folders]
    return AllSeries([one for part in parts for one in part.series], [text for part in parts for text in part.unclear])


def make_series(experiment: str, table: pd.DataFrame) -> AllSeries:
    """The series of one table."""
    table = table[table["metric"].isin(METRICS) & table["seed"].notna() & table["test_length"].notna()]
    if table.empty:
        return AllSeries([], [])
    others = list_conditions(table)
    names = [*KEYS, *others]
    groups: dict[tuple[Any, ...], list[Any]] = {}
    columns = [*names, "test_length", "seed", "value", "length_baseline", "order_blind_baseline"]
    for row in table[columns].itertuples(index=False, name=None):
        key = tuple(None if pd.isna(entry) else entry for entry in row[: len(names)])
        groups.setdefault(key, []).append(row[len(names) :])
    all_series, unclear = list[Series](), list[str]()
    for key, rows in groups.items():
        if len({row[:2] for row in rows}) < len(rows):
            unclear.append(f"{experiment}: {', '.join(filter(None, map(format_table_value, key)))}")
        elif any(pd.notna(value) for _, _, value, *_ in rows):
            all_series.append(make_one_series(experiment, dict(zip(names, key, strict=True)), others, rows))
    return AllSeries(all_series, unclear)


def make_one_series(experiment: str, about: Mapping[str, Any], others: Sequence[str], rows: Sequence[Any]) -> Series:
    """A series from its rows (length, seed, value, both baselines); `about` has the columns that all of them share."""
    values = {row[:2]: row[2] for row in rows if pd.notna(row[2])}
    lengths, seeds = (sorted({place[i] for place in values}) for i in (0, 1))
    baselines = [
        [next((row[i] for row in rows if row[0] == length and pd.notna(row[i])), None) for length in lengths]
        for i in (3, 4)
    ]
    return {
        "experiment": experiment,
        "task": format_table_value(about["task"]),
        "architecture": format_table_value(about["architecture"]),
        "encoding": format_table_value(about["encoding"]),
        "positions": format_positions(about),
        "condition": format_condition(about, others),
        "metric": about["metric"],
        "train_length": round_value(about["train_length"]),
        "lengths": [round_value(length) for length in lengths],
        "seeds": [int(seed) for seed in seeds],
        "values": [[round_value(values.get((length, seed))) for seed in seeds] for length in lengths],
        "length_baseline": [round_value(value) for value in baselines[0]],
        "order_blind_baseline": [round_value(value) for value in baselines[1]],
    }


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
