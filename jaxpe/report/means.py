"""Means over seeds, with intervals: the numbers of a table for programs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jaxpe.errors import UserError
from jaxpe.report.paper_tables import choose_criterion, estimate_entry
from jaxpe.report.selection import NO_CONDITION
from jaxpe.study.tables import select_plain

BASELINES = ("length_baseline", "order_blind_baseline")


def list_means(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each condition and metric of a table's plain results, in their order: mean, 95 % interval, n, baselines.

    `low` and `high` are None for fewer than three seeds, and for accuracies on both sides of the criterion of a solved task;
    the mean is None where a seed has no value. Raises UserError where a seed has several rows of one condition and metric.
    """
    results = select_plain(table)
    conditions = [column for column in results if column not in NO_CONDITION and results[column].notna().any()]
    rows = []
    for entries, cell in results.groupby(conditions, sort=False, dropna=False) if conditions else ():
        row: dict[str, Any] = dict(zip(conditions, entries, strict=True))
        if cell["seed"].duplicated().any():
            raise UserError(
                f"Several rows of one seed are described alike ({', '.join(map(str, entries))}): a mean would mix them. Give them a "
                "column that tells them apart."
            )
        mean = estimate_entry(cell["value"].to_numpy(float), choose_criterion(str(row["metric"]))).estimate
        row |= {"mean": mean.value, "low": mean.low, "high": mean.high, "n": mean.n}
        rows.append(row | {name: cell[name].iloc[0] for name in BASELINES if name in cell})
    return rows
