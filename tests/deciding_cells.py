"""Which rows of a table decide each claim of an experiment: found by changing values and judging again.

`python tests/deciding_cells.py` writes deciding_cells.json. Review its diff: it says which cell a claim is judged by.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from jaxpe.analysis import ranking  # noqa: E402
from jaxpe.records import statistics  # noqa: E402
from jaxpe.records.csv_tables import read_table  # noqa: E402
from jaxpe.study.experiment import load_experiment  # noqa: E402

COMMITTED = ROOT / "tests" / "experiments" / "deciding_cells.json"
COMMAND = "python tests/deciding_cells.py"
CELL = ["task", "architecture", "encoding", "positions"]  # what names a cell; a claim's other columns are given apart
NO_KEYS = {"experiment", "seed", "value", "length_baseline", "order_blind_baseline", "n_examples", "text", "diverged"}
OPEN = [*CELL, "test_positions"]  # columns of which further rows are tried
UNUSABLE = (IndexError, KeyError, ValueError)  # what claims raise for a table that no run could give
SHIFT = 0.5  # what is added to values or subtracted
FLIPS = 8  # sign patterns of a test: few, since only changes of an interval count here
Judged = dict[str, tuple[float, float, float, str]]  # by claim: value, bounds, verdict


# Experiments whose claims are judged in milliseconds; of the others, statistics by resampling would take an hour.
DESCRIBED = ("accuracy", "extrapolation", "reproduction", "randomized", "catalogue", "extraction")


def list_tables() -> dict[str, Path]:
    """The committed tables of the described experiments, of the largest preset that there is."""
    return {name: ROOT / "results" / "standard" / name / "table.csv" for name in DESCRIBED}


@contextmanager
def few_resamples() -> Iterator[None]:
    """Makes tests cheap: few sign patterns, with which intervals still move with the values, and no permutations."""
    kept = statistics.make_sign_flips, ranking.compute_permutation_p

    def make_few(n: int) -> np.ndarray:
        flips = np.random.default_rng(0).choice((1.0, -1.0), (FLIPS, n))
        flips[0] = 1.0
        return flips

    statistics.make_sign_flips, ranking.compute_permutation_p = make_few, lambda ranks, scores: 0.01
    try:
        yield
    finally:
        statistics.make_sign_flips, ranking.compute_permutation_p = kept


class Judge:
    """An experiment and its table, of which values can be changed."""

    def __init__(self, name: str, table: pd.DataFrame) -> None:
        self.module, self.table = load_experiment(name).module, table
        generator = np.random.default_rng(0)
        keys = [column for column in table if column not in NO_KEYS]
        group = table.groupby(keys, dropna=False, sort=False).ngroup().to_numpy()
        self.weight = generator.uniform(0.5, 1.5, group.max() + 1)[group]  # so that changes do not cancel
        self.plain = self.judge(table)

    def judge(self, table: pd.DataFrame) -> Judged:
        judged = {}
        for result in self.module.claims(table):
            estimate = result.estimate
            bounds = [None, None] if estimate is None else [estimate.low, estimate.high]
            numbers = [math.nan if bound is None else round(float(bound), 9) for bound in (result.value, *bounds)]
            judged[result.id] = (*numbers, result.verdict)
        return judged

    def change(self, rows: np.ndarray, sign: int, weighted: bool) -> Judged:
        """The claims after the values of some rows were raised or lowered."""
        shift = np.where(rows, sign * SHIFT * (self.weight if weighted else 1.0), 0.0)
        return self.judge(self.table.assign(value=self.table["value"] + shift))

    def find_changes(self, rows: np.ndarray, weighted: bool = True) -> dict[str, str]:
        """The claims that change with the values of some rows, with the sign of the change of their effect.

        '+': the effect rises with the values; '-': it falls; '*': only the verdict changes.
        """
        changes: dict[str, str] = {}
        if not rows.any():
            return changes
        for sign in (1, -1):
            for claim, new in self.change(rows, sign, weighted).items():
                old = self.plain.get(claim)
                if old is None or claim in changes or repr(old) == repr(new):
                    continue
                rise = sign * (new[0] - old[0]) if new[0] != old[0] else 0.0
                changes[claim] = "+" if rise > 0 else "-" if rise < 0 else "*"
        return changes


def is_value(table: pd.DataFrame, column: str, value: object) -> np.ndarray:
    """Which rows have a value, which may be missing, in a column."""
    return (table[column].isna() if pd.isna(value) else table[column] == value).to_numpy()


def find_values(judge: Judge, column: str, values: list[object]) -> dict[object, dict[str, str]]:
    """The values of a column that matter, each with the claims that change. Where most do not, halves are faster."""
    rows = np.any([is_value(judge.table, column, value) for value in values], axis=0)
    changes = judge.find_changes(rows)
    if not changes or len(values) == 1:
        return {values[0]: changes} if changes else {}
    if column != "metric":
        single = {value: judge.find_changes(is_value(judge.table, column, value)) for value in values}
        return {value: changed for value, changed in single.items() if changed}
    half = len(values) // 2
    return find_values(judge, column, values[:half]) | find_values(judge, column, values[half:])


def keep_rows(name: str, judge: Judge, rows: np.ndarray) -> Judge:
    """The judge of these rows alone, where all claims stay as they are; else the same judge. A small table is judged fast."""
    if rows.all():
        return judge
    try:
        smaller = Judge(name, judge.table[rows].reset_index(drop=True))
    except UNUSABLE:
        return judge
    return smaller if repr(smaller.plain) == repr(judge.plain) else judge


def find_deciding_cells(name: str, table: pd.DataFrame) -> dict[str, dict[str, object]]:
    """For each claim its cells with signs, and the values of every other column that matter, where not all do."""
    with few_resamples():
        judge = Judge(name, table)
        columns = [column for column in table if column not in NO_KEYS and table[column].nunique(dropna=False) > 1]
        matters: dict[str, dict[str, list[str]]] = {claim: {} for claim in judge.plain}
        for column in sorted(columns, key=lambda column: (column != "metric", column in CELL)):
            deciding = find_values(judge, column, judge.table[column].unique().tolist())
            for value, changed in deciding.items():
                for claim in changed if column not in CELL else ():
                    matters[claim].setdefault(column, []).append(format_value(value))
            rows = [is_value(judge.table, column, value) for value in deciding]
            judge = keep_rows(name, judge, np.any(rows, axis=0) if rows else np.ones(len(judge.table), bool))
        cells = {claim: dict[str, str]() for claim in judge.plain}
        for cell, index in judge.table.groupby(CELL, dropna=False, sort=False).groups.items():
            rows = judge.table.index.isin(index)
            differently = dict.fromkeys(judge.find_changes(rows), "within")  # its own rows are compared
            for claim, sign in (differently | judge.find_changes(rows, weighted=False)).items():
                cells[claim][" ".join(format_value(part) for part in cell)] = sign
        opened = find_open_columns(judge)
    entries = {claim: describe(cells[claim], matters[claim], table) for claim in judge.plain}
    return {claim: entry | ({"open": opened[claim]} if opened[claim] else {}) for claim, entry in entries.items()}


def find_open_columns(judge: Judge) -> dict[str, list[str]]:
    """For each claim the columns in which further rows count: those with a value that the table does not have.

    The rows that decide are added once more, with such a value and other scores. A mean over all encodings, say, is open.
    """
    opened: dict[str, list[str]] = {claim: [] for claim in judge.plain}
    for column in OPEN:
        known = judge.table[column].dropna()
        if known.empty:
            continue
        foreign = judge.table.assign(value=judge.table["value"] + SHIFT * judge.weight, **{column: "another"})
        try:
            judged = judge.judge(pd.concat([judge.table, foreign], ignore_index=True))
        except UNUSABLE:
            continue
        for claim, old in judge.plain.items():
            if repr(judged.get(claim)) != repr(old):
                opened[claim].append(column)
    return opened


def describe(cells: dict[str, str], matters: dict[str, list[str]], table: pd.DataFrame) -> dict[str, object]:
    """The entry of one claim, with sorted lists."""
    parts: dict[str, object] = {"cells": dict(sorted(cells.items()))}
    for column, values in sorted(matters.items()):
        if len(values) < table[column].nunique(dropna=False):
            parts[column] = sorted(values)
    return parts


def format_value(value: object) -> str:
    """An entry as text; '-' where it is missing."""
    if pd.isna(value):  # type: ignore[call-overload]
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def find_all() -> dict[str, dict[str, dict[str, object]]]:
    """The deciding cells of every experiment."""
    return {name: find_deciding_cells(name, read_table(path)) for name, path in list_tables().items()}


def write(cells: dict[str, dict[str, dict[str, object]]]) -> None:
    """One line for each list, so that a diff is readable."""
    text = json.dumps(cells, indent=1, ensure_ascii=False)
    COMMITTED.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    names = sys.argv[1:] or list(list_tables())
    kept = json.loads(COMMITTED.read_text(encoding="utf-8")) if COMMITTED.is_file() else {}
    write(kept | {name: find_deciding_cells(name, read_table(list_tables()[name])) for name in names})
