"""Tables for papers from stored results: means over seeds with 95 % intervals, as LaTeX (booktabs), Markdown or CSV."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from jaxpe.records.csv_tables import DIVERGED
from jaxpe.records.statistics import SOLVED_SCORE, Estimate, estimate_mean
from jaxpe.report.definitions import get_direction, is_share_of_right
from jaxpe.report.markdown import make_table
from jaxpe.report.runs import PRESET
from jaxpe.report.selection import COLUMN, ROW, list_values

SPECIAL = re.compile(r"[\\&%$#_{}~^]")
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}  # others: a backslash before it


class Entry(NamedTuple):
    """A cell of the table. Without a value of every seed there is no mean."""

    estimate: Estimate
    missing: int = 0  # seeds without a value
    is_best: bool = False  # its interval lies apart from all others of its column


class PaperTable(NamedTuple):
    """Entries by row and column, and what the caption says."""

    entries: dict[tuple[str, str], Entry]
    caption: str
    label: str
    metric: str


def make_paper_table(results: pd.DataFrame, experiment: str, provenance: Mapping[str, Any]) -> PaperTable:
    """The table of selected results (`jaxpe.report.selection.select_results`)."""
    metric = str(results["metric"].iloc[0])
    criterion = choose_criterion(metric)
    entries = {
        (str(row), str(column)): estimate_entry(part["value"].to_numpy(float), criterion)
        for (row, column), part in results.groupby([ROW, COLUMN], sort=False)
    }
    entries = mark_best(entries, get_direction(metric))
    caption = describe(results, entries, experiment, metric, provenance)
    return PaperTable(entries, caption, f"tab:{experiment}-{metric}".replace("_", "-"), metric)


def choose_criterion(metric: str) -> float:
    """The score on both sides of which seeds have no common interval: that of a solved task; of other metrics none."""
    return SOLVED_SCORE if is_share_of_right(metric) else -np.inf


def estimate_entry(values: np.ndarray, criterion: float) -> Entry:
    """The mean of the seeds with a t-interval (`estimate_mean`); no mean where a seed has no value."""
    missing = int((~np.isfinite(values)).sum())
    return Entry(Estimate(np.nan, None, None, len(values)) if missing else estimate_mean(values, criterion), missing)


def mark_best(entries: dict[tuple[str, str], Entry], direction: int) -> dict[tuple[str, str], Entry]:
    """Marks the best entry of each column if its interval lies apart from those of all others."""
    marked = dict(entries)
    for column in {column for _, column in entries} if direction else ():
        rows = {row: entry.estimate for (row, of), entry in entries.items() if of == column}
        if len(rows) < 2 or any(np.isnan(one.value) for one in rows.values()):
            continue
        best = max(rows, key=lambda row: direction * rows[row].value)
        if is_apart(rows[best], [one for row, one in rows.items() if row != best], direction):
            marked[best, column] = entries[best, column]._replace(is_best=True)
    return marked


def is_apart(best: Estimate, others: list[Estimate], direction: int) -> bool:
    """Whether an interval lies on the better side of all others. An entry without an interval may lie anywhere."""
    near = best.low if direction > 0 else best.high
    far = [one.high if direction > 0 else one.low for one in others]
    return near is not None and all(edge is not None and direction * near > direction * edge for edge in far)


def describe(
    results: pd.DataFrame,
    entries: Mapping[tuple[str, str], Entry],
    experiment: str,
    metric: str,
    provenance: Mapping[str, Any],
) -> str:
    """The caption: metric, n, interval method, lengths, preset, and what is out of the ordinary."""
    counts = sorted({entry.estimate.n for entry in entries.values()})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} (in brackets)"
    named = PRESET.search(str(provenance.get("command", "")))
    lengths, trained = (list_values(results[name].dropna()) for name in ("test_length", "train_length"))
    noun = "seed" if counts == [1] else "seeds"
    parts = [f"{metric.replace('_', ' ').capitalize()}, mean over n = {seeds} {noun} with its 95 % t-interval"]
    if lengths:
        parts[0] += f", at test length {', '.join(lengths)} (trained up to {', '.join(trained)})"
    elif trained:
        parts[0] += f", trained up to length {', '.join(trained)}"
    parts.append(f"Experiment {experiment}, preset {named[1] if named else 'quick'}")
    if fixed := list_fixed(results):
        parts.append(f"Rows with {', '.join(fixed)}")
    if any(entry.estimate.low is None and not entry.missing for entry in entries.values()):
        sides = f" and for seeds on both sides of {SOLVED_SCORE:g}" if is_share_of_right(metric) else ""
        parts.append(f"No interval for fewer than three seeds{sides}")
    if missing := sum(entry.missing for entry in entries.values()):
        parts.append(f"No mean where seeds have no value ({missing} in all)")
    if DIVERGED in results and (count := int((results[DIVERGED].astype(str) == "True").sum())):
        parts.append(f"{count} results are of trainings that diverged")
    if any(entry.is_best for entry in entries.values()):
        parts.append("Bold: the best, where its interval lies apart from all others of its column")
    return f"{'. '.join(parts)}."


def list_fixed(results: pd.DataFrame) -> list[str]:
    """'variant plain' for each further column that says how the results were made."""
    names = (
        "variant",
        "sweep",
        "tested_with",
        "range",
        "corpus",
        "starts",
        "layers",
        "heads",
        "width",
        "network",
        "part",
    )
    values = {name: list_values(results[name].dropna()) for name in names if name in results}
    return [f"{name} {', '.join(entries)}" for name, entries in values.items() if entries]


# ── formats ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def format_paper_table(table: PaperTable, kind: str) -> str:
    """The text of a table as "latex", "markdown" or "csv", with a line end."""
    if kind == "csv":
        return str(list_entries(table).to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    rows, columns = (list(dict.fromkeys(key[i] for key in table.entries)) for i in (0, 1))
    texts = [[format_cell(table.entries.get((row, column))) for column in columns] for row in rows]
    if kind == "latex":
        return format_latex(table, rows, columns, texts)
    bold = [[is_best(table, row, column) for column in columns] for row in rows]
    lines = [
        [name_row(table, row), *(f"**{text}**" if best else text for text, best in zip(line, marks, strict=True))]
        for row, line, marks in zip(rows, texts, bold, strict=True)
    ]
    return f"{table.caption}\n\n{make_table(['encoding', *columns], lines)}\n"


def list_entries(table: PaperTable) -> pd.DataFrame:
    """A row for each entry: encoding, column, metric, mean, low, high, n and the seeds without a value."""
    return pd.DataFrame(
        [
            {
                "encoding": row, "column": column, "metric": table.metric, "mean": one.estimate.value,
                "low": one.estimate.low, "high": one.estimate.high, "n": one.estimate.n, "without_value": one.missing,
            }
            for (row, column), one in table.entries.items()
        ]
    )  # fmt: skip


def name_row(table: PaperTable, row: str) -> str:
    """The name of a row, with its number of seeds where rows differ in it: 'learned (n = 5)', or 'n = 5 to 10'."""
    counts = {row: [one.estimate.n for (of, _), one in table.entries.items() if of == row] for row, _ in table.entries}
    if len({n for numbers in counts.values() for n in numbers}) == 1:
        return row
    low, high = min(counts[row]), max(counts[row])
    return f"{row} (n = {low})" if low == high else f"{row} (n = {low} to {high})"


def is_best(table: PaperTable, row: str, column: str) -> bool:
    entry = table.entries.get((row, column))
    return entry is not None and entry.is_best


def format_cell(entry: Entry | None) -> str:
    """'0.523 [0.501, 0.545]'; '–' where there is no mean, '' for no entry."""
    if entry is None:
        return ""
    value, low, high = entry.estimate.value, entry.estimate.low, entry.estimate.high
    if np.isnan(value):
        return "–"
    digits = 3 if abs(value) < 10 else 1
    interval = "" if low is None or high is None else f" [{low:z.{digits}f}, {high:z.{digits}f}]"
    return f"{value:z.{digits}f}{interval}"


def format_latex(table: PaperTable, rows: list[str], columns: list[str], texts: list[list[str]]) -> str:
    """A floating table for the package booktabs, as pandas writes it."""
    frame = pd.DataFrame(
        [[escape_latex(text) for text in line] for line in texts],
        index=[escape_latex(name_row(table, row)) for row in rows],
        columns=[escape_latex(column) for column in columns],
    )
    bold = pd.DataFrame(
        [["textbf:--rwrap;" if is_best(table, row, column) else "" for column in columns] for row in rows],
        index=frame.index,
        columns=frame.columns,
    )
    return str(
        frame.style.apply(lambda _: bold, axis=None).to_latex(
            hrules=True,
            column_format="l" + "r" * len(columns),
            position="htbp",
            position_float="centering",
            caption=escape_latex(table.caption),
            label=table.label,
        )
    )


def escape_latex(text: str) -> str:
    """A text with LaTeX's own characters written out; dashes and the ellipsis as LaTeX writes them."""
    text = SPECIAL.sub(lambda match: LATEX.get(match[0], f"\\{match[0]}"), text)
    return text.replace("–", "--").replace("−", "$-$").replace("…", r"\ldots{}")
