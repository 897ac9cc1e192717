"""`jaxpe evaluate`: stored models at other lengths and positions. Nothing is trained."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from jaxpe import devices
from jaxpe.cli.columns import format_columns
from jaxpe.errors import UserError
from jaxpe.records.csv_tables import write_table
from jaxpe.records.json_values import to_json_value
from jaxpe.records.results import check_output
from jaxpe.report.means import BASELINES, list_means
from jaxpe.study.api import load
from jaxpe.study.evaluators import describe_config
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.trained import Runs, check_test_sampler, list_differences, parse_lengths
from jaxpe.study.workspace import group_runs

NUMBERS = ("mean", "low", "high", "n", *BASELINES)  # of a row of means


def evaluate_runs(
    results: Path,
    filters: Mapping[str, Sequence[Any]],
    lengths: Sequence[int],
    examples: int,
    evaluation: EvaluationConfig,
    output: Path | None,
    as_json: bool,
) -> int:
    """Tests the runs of a results folder whose fields have one of the values in `filters`, and prints means over seeds.

    Runs that cannot be tested so, as at positions that a learned table does not have, are named and left out.
    """
    check_output(output)
    if not lengths:
        raise UserError("Give the lengths of the test inputs: --lengths 20 40.")
    parse_lengths(lengths)
    check_test_sampler(evaluation.sampler)
    devices.prepare_jax(None)
    runs = load(results, **{name: tuple(values) for name, values in filters.items() if values})
    parts, faults = list[pd.DataFrame](), list[str]()
    groups = group_runs(runs.runs)
    for (config, group), differences in zip(groups.items(), list_differences(list(groups)), strict=True):
        try:
            parts.append(Runs(runs.work, group).measure(lengths, examples, evaluation).assign(**differences))
        except UserError as error:
            faults.append(f"{describe_config(config)}: {error}")
    if not parts:
        raise UserError(" ".join(dict.fromkeys(faults)))
    for fault in dict.fromkeys(faults):
        print(f"Left out: {fault}", file=sys.stderr)
    table = pd.concat(parts, ignore_index=True)
    means = list_means(table)
    if output is not None:
        write_table(output, [dict(row) for row in table.to_dict("records")])
    print(json.dumps(to_json_value(means), indent=1) if as_json else format_means(means))
    for fault in runs.work.failures:
        print(fault, file=sys.stderr)
    if output is not None:
        print(f"A row for each run, length and metric is in {output}", file=sys.stderr)
    return 3 if runs.work.failures else 0


def format_means(rows: Sequence[Mapping[str, Any]]) -> str:
    """The means as lines of text, in columns: those of every table, and the fields in which runs differ."""
    titles = {
        "task": "task", "architecture": "architecture", "encoding": "encoding", "positions": "trained at",
        "test_positions": "tested at", "test_length": "length", "metric": "metric",
    }  # fmt: skip
    fields = [name for name in rows[0] if name not in (*titles, *NUMBERS)]
    others = [name for name in fields if len({row[name] for row in rows}) > 1]
    names = (*titles, *others)
    lines: list[tuple[str, ...]] = [(*titles.values(), *others, "mean", "95 % interval", "n")]
    for row in rows:
        interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
        lines.append((*(str(row[name]) for name in names), f"{row['mean']:.3f}", interval, str(row["n"])))
    return format_columns(lines)
