"""The page, the table and the summary of a comparison of results folders (`jaxpe compare`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from jaxpe.records.files import write_text
from jaxpe.report.differences import Difference
from jaxpe.report.templates import format_change, make_environment

ROWS_SHOWN = 200  # of a pair on the page; the table has all
NAMED = 5  # differences and claims that the summary names
PLACE = ("task", "architecture", "encoding")
NO_PLACE = {  # columns of a difference that do not say where it was measured
    "a", "b", "experiment", *PLACE, "metric", "a_mean", "b_mean", "difference", "low", "high", "n", "without_value", "p",
    "adjusted_p", "verdict", "scale", "diverged",
}  # fmt: skip

Comparison = Mapping[str, Any]  # sides, notes, configuration, differences, claims


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """Writes `index.html`, which needs no other file, and `table.csv`. Returns the page's path."""
    pairs: dict[tuple[str, str], list[Difference]] = {}
    for row in comparison["differences"]:
        pairs.setdefault((row["a"], row["b"]), []).append(row)
    template = make_environment(place=format_place, at=format_scale).get_template("html/compare.html.jinja")
    page = template.render(
        comparison,
        pairs=[
            {"a": a, "b": b, "rows": rows[:ROWS_SHOWN], "all": len(rows), "counts": format_counts(rows)}
            for (a, b), rows in pairs.items()
        ],
    )
    table = pd.DataFrame(comparison["differences"]).drop(columns="scale")
    write_text(folder / "table.csv", table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    write_text(folder / "index.html", page)
    return folder / "index.html"


def format_comparison(comparison: Comparison) -> str:
    """A few lines: how many differences of each kind, the first of them, and what else differs."""
    rows = comparison["differences"]
    lines = [f"{len(rows)} shared numbers: {format_counts(rows)}"]
    for row in rows[:NAMED]:
        if row["difference"]:
            lines.append(f"  {row['verdict']:9}  {format_place(row)}, {row['metric']}: {format_difference(row)}")
    if fields := list(dict.fromkeys(one["field"] for one in comparison["configuration"])):
        lines.append(f"Configurations differ in {', '.join(fields)}")
    if changed := [f"{one['id']} ({one['experiment']})" for one in comparison["claims"] if one["differs"]]:
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        lines.append(f"Verdicts differ for {', '.join(changed[:NAMED])}{more}")
    return "\n".join(lines)


def format_counts(rows: Sequence[Difference]) -> str:
    """'3 higher, 40 undecided'."""
    return ", ".join(f"{count} {word}" for word, count in Counter(row["verdict"] for row in rows).most_common())


def format_difference(row: Difference) -> str:
    """'+0.312 (+0.290 to +0.334, n = 6), b − a'."""
    interval = "" if row["low"] is None else f"{format_change(row['low'])} to {format_change(row['high'])}, "
    return f"{format_change(row['difference'])} ({interval}n = {row['n']}), {row['b']} − {row['a']}"


def format_place(row: Difference) -> str:
    """'accuracy: reverse, encoder, learned, test_length 16': where a number was measured."""
    more = [f"{name} {value}" for name, value in row.items() if name not in NO_PLACE and value not in ("", "arange")]
    return f"{row['experiment']}: {', '.join([row[name] for name in PLACE if row[name]] + more)}"


def format_scale(value: float, row: Difference) -> str:
    """Where a difference lies on a scale from −100 to 100, the metric's largest value being 100."""
    return f"{max(-100.0, min(100.0, 100 * value / row['scale'])):.1f}"
