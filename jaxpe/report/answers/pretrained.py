"""The sentences of the experiment `pretrained`: notes of its claims, its answer, and its summary."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jaxpe.analysis import word_order
from jaxpe.analysis.pretrained import JOINT, TABLE, add_missing_columns, read_changes, read_value
from jaxpe.figures.published_tables import MEASURES, list_tables
from jaxpe.records.claims import Answer, ClaimResult, format_effect
from jaxpe.records.statistics import EXPLORATORY, Estimate
from jaxpe.study.tables import format_number, select_rows

TITLE = "Position tables: published ones, controls of their shapes (means over seeds), and those trained here"


def describe_linear_shift(table: pd.DataFrame, name: str) -> str:
    """The note of C1.NAME."""
    part = select_rows(table, task=TABLE, metric="shift_residual_1")
    residual = read_value(part, encoding=name)
    exact = read_value(part, encoding="control:sinusoidal", compared_with=name)
    gaussian = select_rows(part, encoding="control:gaussian", compared_with=name)["value"]
    few = f"Fewer than {EXPLORATORY} tables of Gaussian rows decide nothing. " if len(gaussian) < EXPLORATORY else ""
    return (
        f"Residual {residual:.3f}; sinusoids {exact:.2g}; {len(gaussian)} tables of Gaussian rows {gaussian.min():.3f} to "
        f"{gaussian.max():.3f}. There is one table, so there is no interval. {few}{describe_omission(table, name)}"
    )


def describe_omission(table: pd.DataFrame, name: str) -> str:
    """The sentence about rows that were left out of a table; empty if none were."""
    row = select_rows(table, metric="rows_measured", encoding=name).iloc[0]
    return str(row["text"]) if row["value"] < row["rows"] else ""


def describe_sums(table: pd.DataFrame, name: str, duplicates: int) -> str:
    """The note of C6.NAME. `duplicates`: tokens whose row equals that of another token."""
    part = select_rows(table, task=JOINT, encoding=name)
    size = select_rows(part, metric="joint_recovered", signal="float32").iloc[0]
    position = read_value(part, metric="position_recovered", signal="float32")
    rounded = read_value(part, metric="joint_recovered", signal="bfloat16")
    gap = read_value(part, metric="nearest_other_sum")
    note = (
        f"n counts random pairs of {size['tokens']:.0f} tokens × {size['rows']:.0f} positions. Position alone: "
        f"{position:.3f}; both in bfloat16: {rounded:.3f}. The nearest other sum is at least {gap:.2g} RMS lengths of a "
        "position row away."
    )
    if duplicates:
        note += f" {duplicates} tokens have the same row as another token, which no reader can distinguish."
    return note


def describe_shift(table: pd.DataFrame, position: int, shares: dict[int, Estimate], shift: int) -> str:
    """The note of C4.minilm-shift. `shares` are those of each shift."""
    means = {
        f"shift by {shift}": read_changes(table, word_order.SHIFTED, shift),
        "words shuffled": read_changes(table, word_order.SHUFFLED),
        f"all at position {position}": read_changes(table, word_order.CONSTANT, position),
        "no position": read_changes(table, word_order.REMOVED),
    }
    by_shift = ", ".join(f"{size}: {share.value:.3f}" for size, share in shares.items())
    by_change = ", ".join(f"{name} {values.mean():.3f}" for name, values in means.items())
    return f"n counts verses. Shares by shift: {by_shift}. Changes (1 − cosine): {by_change}."


def answer_word_order(table: pd.DataFrame, results: dict[str, ClaimResult], shift: int) -> Answer:
    """Whether MiniLM-L6 uses word order."""
    order, shifted, another = (
        read_changes(table, kind, size).mean()
        for kind, size in ((word_order.SHUFFLED, 0), (word_order.SHIFTED, shift), (word_order.ANOTHER, 0))
    )
    text = (
        f"MiniLM-L6 does not use it without its position table: shuffling the words of a verse changes its embedding by "
        f"at most {results['C9.minilm-blind'].value:.1g} (1 − cosine). With the table the change is {order:.3f}, where "
        f"another verse is {another:.3f} away; with minus without: {format_effect(results['C9.minilm-order'])}. Shifting "
        f"all positions by {shift}, with the words in order, changes it by {shifted:.3f}."
    )
    return Answer("Does a published model use word order?", text, "word_order")


def summarize(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """A line for each table and each kind of control."""
    lines, table = [], add_missing_columns(table)
    for name, part in list_tables(table).items():
        means = part.groupby("metric")["value"].mean()
        measured = select_rows(part, metric="rows_measured")
        size, omission = str(int(part["train_length"].iloc[0])), ""
        if len(measured):
            size = f"{int(measured['value'].iloc[0])} of {int(measured['rows'].iloc[0])}"
            omission = describe_omission(part, name)
        values = {title: format_number(float(means.get(metric, np.nan))) for metric, title in MEASURES.items()}
        lines.append({"table": name, "rows": size} | values | {"left out": omission or "–"})
    return TITLE, lines
