"""Paired differences of every number that two results folders share, over the seeds that both have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from jaxpe.errors import UserError
from jaxpe.records.csv_tables import DIVERGED
from jaxpe.records.statistics import add_adjusted_p, compare_paired, is_at_ceiling, to_finite
from jaxpe.report.sides import Side

KEYS = ["experiment", "task", "architecture", "encoding", "positions", "test_positions", "test_length", "metric"]
VALUES = ("seed", "value", "length_baseline", "order_blind_baseline", "n_examples", DIVERGED)
ACCURACIES = ("token_accuracy", "exact_match")
SAME, CEILING = "the same", "both at the ceiling"
UNCLEAR = "several rows of one description"
NOT_COMPARED: Difference = {
    **dict.fromkeys(("a_mean", "b_mean", "difference", "low", "high", "p", "adjusted_p")), "n": 0, "without_value": 0, "verdict": UNCLEAR,
}  # fmt: skip
DECIDED = ("higher", "lower")
VERDICTS = {"supported": "higher", "contradicted": "lower"}
# The key columns, both means, the difference with its interval, p-values, the verdict, and how many pairs have a diverged run.
Difference = dict[str, Any]


def compare_tables(sides: Sequence[Side]) -> list[Difference]:
    """Every shared number, later side minus earlier side: decided and large differences first.

    p-values are adjusted over each pair of sides. Raises UserError where no two sides share a row.
    """
    differences = []
    for a, b in combinations(sides, 2):
        rows = []
        for name in a.experiments:
            if name in b.experiments:
                shared = compare_rows(a.experiments[name].table, b.experiments[name].table)
                rows += [row | {"experiment": name} for row in shared]
        rows = sort_differences(rows)
        add_adjusted_p(rows)
        differences += [{"a": a.name, "b": b.name} | row for row in rows]
    if not differences:
        names = " and ".join(side.name for side in sides)
        raise UserError(f"{names} share no rows: they need an experiment, a configuration and a seed in common.")
    return differences


def compare_rows(first: pd.DataFrame, second: pd.DataFrame) -> list[Difference]:
    """Paired differences, second minus first, of what has the same key in two tables.

    Rows that nothing in their table tells apart, such as those of two classes with the same name, are compared with nothing.
    """
    keys = find_keys((first, second))
    both = pd.concat({"a": index_by_seed(first, keys), "b": index_by_seed(second, keys)}, axis=1, join="inner")
    if both.empty:
        return []
    differences = []
    for key, part in both.groupby(level=keys, sort=False):
        row = dict(zip(keys, key, strict=True))
        a, b = (part[side, "value"].to_numpy() for side in ("a", "b"))
        diverged = {DIVERGED: int((part["a", DIVERGED] | part["b", DIVERGED]).sum())}
        if (part["a", "count"] > 1).any() or (part["b", "count"] > 1).any():
            differences.append(row | NOT_COMPARED | diverged | {"n": len(part)})
        else:
            differences.append(row | compare_values(a, b, row["metric"]) | diverged)
    return differences


def find_keys(tables: Sequence[pd.DataFrame]) -> list[str]:
    """The columns that name a row: the usual ones, and those that tell rows of one seed apart."""

    def varies(name: str) -> bool:
        parts = [table.groupby([*KEYS, "seed"], dropna=False)[name] for table in tables if name in table]
        return any(part.nunique(dropna=False).max() > 1 for part in parts)

    others = dict.fromkeys(name for table in tables for name in table if name not in (*KEYS, *VALUES))
    return [*KEYS, *[name for name in others if varies(name)]]


def index_by_seed(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """By key and seed: value, whether the run diverged, and how many rows have this key and seed.

    Rows without a seed (a count, a selected learning rate) cannot be paired.
    """
    table = table.dropna(subset=["seed"]).reindex(columns=[*keys, "seed", "value", DIVERGED])
    table[keys] = table[keys].map(format_key)
    table["value"] = pd.to_numeric(table["value"], errors="coerce")
    table[DIVERGED] = table[DIVERGED].astype(str) == "True"
    groups = table.groupby([*keys, "seed"], sort=False)
    return groups.agg(value=("value", "first"), diverged=(DIVERGED, "any"), count=("value", "size"))


def format_key(value: Any) -> str:
    """An entry of a key column: the same for 8 and 8.0, and '' for none."""
    if pd.isna(value):
        return ""
    return str(int(value)) if isinstance(value, (float, np.floating)) and value == round(value) else str(value)


def compare_values(a: np.ndarray, b: np.ndarray, metric: str) -> Difference:
    """b − a over paired seeds, with both means."""
    difference = compare_paired(b, a)
    means = {"a_mean": to_finite(a.mean()), "b_mean": to_finite(b.mean())}
    return means | difference | {"verdict": judge_difference(difference, a, b, metric)}


def judge_difference(difference: Difference, a: np.ndarray, b: np.ndarray, metric: str) -> str:
    """higher, lower, undecided, not comparable, the same, or both at the ceiling."""
    if not difference["without_value"] and (a == b).all():
        return SAME
    if metric in ACCURACIES and is_at_ceiling(list(a), list(b)):
        return CEILING
    return VERDICTS.get(difference["verdict"], str(difference["verdict"]))


def sort_differences(rows: list[Difference]) -> list[Difference]:
    """Decided differences first, then by size as a share of the metric's largest value, which is added as `scale`."""
    largest: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        metric = (row["experiment"], row["metric"])
        largest[metric] = max(largest[metric], *(abs(row[name] or 0.0) for name in ("a_mean", "b_mean")))
    for row in rows:
        row["scale"] = largest[row["experiment"], row["metric"]] or 1.0
    return sorted(rows, key=lambda row: (row["verdict"] not in DECIDED, -abs(row["difference"] or 0.0) / row["scale"]))
