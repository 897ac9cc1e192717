"""The summary of `extrapolation`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jaxpe.study import tables

KEY_WORDS = ("task", "architecture", "encoding", "positions in training", "positions in tests")


def summarize(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """How far each encoding extrapolates: accuracy at N, 2 N and the longest test, and the half-life of exact match."""
    rows = []
    part = tables.select_rows(table, variant="plain", metric="token_accuracy")
    toys = part[part["task"].isin(table["task"][table["metric"] == "exact_match"])]
    keys = ["task", "architecture", "encoding", "positions", "test_positions"]
    for names, own in toys.groupby(keys, sort=False):
        n, longest = int(own["train_length"].iloc[0]), int(own["test_length"].max())
        means = own.groupby("test_length")["value"].mean()
        baseline = own.groupby("test_length")["order_blind_baseline"].first()
        halves = tables.select_rows(table, metric="half_life", **dict(zip(keys, names, strict=True)))["value"]
        row = dict(zip(KEY_WORDS, names, strict=True))
        row["seeds"] = str(own["seed"].nunique())
        for length, label in ((n, "N"), (2 * n, "2 N"), (longest, "the longest")):
            if length in means:
                blind = tables.format_number(baseline[length])
                row[f"at {label} ({length})"] = f"{means[length]:.3f} (order-blind {blind})"
        lengths = [f"> {longest}" if np.isnan(half) else f"{half:.0f}" for half in halves]
        row["half-life, by seed"] = ", ".join(lengths) or "not learned"
        rows.append(row)
    return "How far each encoding extrapolates: token accuracy, and the length at which exact match has halved", rows
