"""Which rows of a stored table a table for a paper shows: plain results, one for each seed in every entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from jaxpe.errors import UnknownName, UserError
from jaxpe.records.csv_tables import DIVERGED
from jaxpe.report.definitions import list_plain_entries
from jaxpe.report.runs import format_entry
from jaxpe.study.tables import select_plain

METRICS = ("token_accuracy", "bits_per_character")  # what is shown unless a metric is named: the first that there is
NO_CONDITION = ("experiment", "seed", "value", "length_baseline", "order_blind_baseline", "n_examples", DIVERGED)
OPTIONS = {"task": "--tasks", "architecture": "--architectures", "test_length": "--lengths"}  # others: --where
ROW, COLUMN = "row", "column"  # columns that are added: where a result stands in the table for a paper


@dataclass(frozen=True)
class Choice:
    """What is shown. Empty: everything there is; of the metrics the first of METRICS; of the lengths the training length."""

    metric: str = ""
    tasks: Sequence[str] = ()
    encodings: Sequence[str] = ()
    architectures: Sequence[str] = ()
    lengths: Sequence[int] = ()
    columns: Literal["tasks", "lengths"] = "tasks"
    where: Mapping[str, str] = field(default_factory=dict)


def select_results(table: pd.DataFrame, choice: Choice, name: str) -> pd.DataFrame:
    """The rows of a table that are shown, with ROW and COLUMN. Every ROW, COLUMN and seed occurs once.

    `name` stands for the table in errors. Raises UserError where nothing is left, and where several rows of a seed would
    share an entry: it lists what there is to choose from.
    """
    results = select_plain(table)
    metric = choice.metric or choose_metric(results, name)
    chosen = {"metric": (metric,), "task": choice.tasks, "encoding": choice.encodings}
    for column, values in (chosen | {"architecture": choice.architectures}).items():
        results = keep_values(results, column, values, name)
    for column, text in choice.where.items():
        if column not in results:
            raise UnknownName("column", column, list_conditions(results))
        results = keep_values(results, column, (text,), name)
    results = keep_lengths(results, choice, name)
    for column, plain in list_plain_entries().items():
        results = prefer_plain(results, column, plain)
    results = place_results(results, choice)
    check_entries(results, name)
    return results


def choose_metric(results: pd.DataFrame, name: str) -> str:
    """The first of METRICS that there is. Raises UserError where there is none."""
    known = list_values(results["metric"])
    if metrics := [one for one in METRICS if one in known]:
        return metrics[0]
    if not known:
        raise UserError(f"{name} has no results of single seeds, from which a table could be made.")
    raise UserError(f"{name} has neither of {' and '.join(METRICS)}: name a --metric. It has: {', '.join(known)}.")


def keep_values(results: pd.DataFrame, column: str, values: Sequence[str], name: str) -> pd.DataFrame:
    """The rows with one of some values in a column; all where none is given. Raises UserError where there are no such rows."""
    known = list_values(results[column])
    for value in values:
        if value not in known:
            listed = ", ".join(one or "(empty)" for one in known) or "none"
            raise UserError(f"{name} has no results here whose {column} is {value!r}. It has: {listed}.")
    return results[results[column].map(format_entry).isin(values)] if values else results


def keep_lengths(results: pd.DataFrame, choice: Choice, name: str) -> pd.DataFrame:
    """The rows of the chosen test lengths; without a choice those of the training length, if columns are tasks."""
    if choice.lengths:
        return keep_values(results, "test_length", [str(length) for length in choice.lengths], name)
    at_training = results["test_length"] == results["train_length"]
    return results[at_training] if choice.columns == "tasks" and at_training.any() else results


def prefer_plain(results: pd.DataFrame, column: str, plain: Sequence[str]) -> pd.DataFrame:
    """The rows where nothing was changed, if there are any, by a column that says what was changed. `plain`: its entries."""
    is_plain = results[column].map(format_entry).isin(plain) if column in results else pd.Series(dtype=bool)
    return results[is_plain] if is_plain.any() else results


def list_conditions(results: pd.DataFrame) -> list[str]:
    """The columns that may tell results apart."""
    return [column for column in results if column not in (*NO_CONDITION, "metric", "encoding", "positions")]


def place_results(results: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """The results with ROW, the encoding with its positions if these are not 0, 1, 2, …, and COLUMN, a task or a length."""
    rows = results["encoding"].where(
        results["positions"].isin(["arange"]) | results["positions"].isna(),
        results["encoding"] + " + " + results["positions"].fillna(""),
    )
    if choice.columns == "lengths":
        columns = results["test_length"].map(format_entry)
    elif results["architecture"].nunique() > 1:
        columns = results["task"].fillna("") + ", " + results["architecture"].fillna("").str.replace("_", "-")
    else:
        columns = results["task"].fillna("")
    return results.assign(**{ROW: rows, COLUMN: columns})


def check_entries(results: pd.DataFrame, name: str) -> None:
    """Raises UserError where several rows of a seed share an entry, with the columns that tell them apart."""
    entries = results.groupby([ROW, COLUMN, "seed"], dropna=False)
    if not len(results) or entries.size().max() == 1:
        return
    varying = [
        c for c in list_conditions(results) if c not in (ROW, COLUMN) and entries[c].nunique(dropna=False).max() > 1
    ]
    if not varying:
        raise UserError(f"{name} has several rows of one description: two classes may have the same name.")
    choices = [
        f"{OPTIONS[column]} {' '.join(list_values(results[column]))}"
        if column in OPTIONS
        else f"--where {' '.join(f'{column}={value}' for value in list_values(results[column]))}"
        for column in varying
    ]
    raise UserError(f"{name} has several results for one entry: choose one value of each: {'; '.join(choices)}.")


def list_values(column: Iterable[Any]) -> list[str]:
    """The different entries of a column as they are typed, in their order."""
    return list(dict.fromkeys(map(format_entry, column)))
