"""The page, the table and the summary of a comparison: all of them functions of what `jaxpe.cli.compare` found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from jaxpe.records.files import write_text
from jaxpe.report.templates import format_change, make_environment

SHOWN = 200  # rows of a pair on the page; the table has all
NAMED = 5  # differences and claims that the summary names
PLACE = ("task", "architecture", "encoding")
REST = (  # columns of a difference that do not say where it was measured
    "a", "b", "experiment", *PLACE, "metric", "a_mean", "b_mean", "difference", "low", "high", "n", "without_value", "p",
    "adjusted_p", "verdict", "scale",
)  # fmt: skip

Found = dict[str, Any]


def write(folder: Path, found: Found) -> Path:
    """Writes `index.html`, which needs no other file, and `table.csv`. Returns the page's path."""
    environment = make_environment(place=place, at=at)
    pairs: dict[tuple[str, str], list[Found]] = {}
    for row in found["differences"]:
        pairs.setdefault((row["a"], row["b"]), []).append(row)
    page = environment.get_template("compare.html.jinja").render(
        found,
        pairs=[
            {"a": a, "b": b, "rows": rows[:SHOWN], "all": len(rows), "counts": counts(rows)}
            for (a, b), rows in pairs.items()
        ],
    )
    table = pd.DataFrame(found["differences"]).drop(columns="scale")
    write_text(folder / "table.csv", table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    write_text(folder / "index.html", page)
    return folder / "index.html"


def summary(found: Found) -> str:
    """A few lines: how many differences of each kind, the first of them, and what else is not the same."""
    rows = found["differences"]
    lines = [f"{len(rows)} shared numbers: {counts(rows)}"]
    for row in rows[:NAMED]:
        if row["difference"]:
            lines.append(f"  {row['verdict']:9}  {place(row)}, {row['metric']}: {told(row)}")
    if fields := list(dict.fromkeys(one["field"] for one in found["configuration"])):
        lines.append(f"Configurations differ in {', '.join(fields)}")
    if changed := [f"{one['id']} ({one['experiment']})" for one in found["claims"] if one["differs"]]:
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        lines.append(f"Verdicts differ for {', '.join(changed[:NAMED])}{more}")
    return "\n".join(lines)


def counts(rows: list[Found]) -> str:
    """'3 higher, 40 undecided'."""
    return ", ".join(f"{count} {word}" for word, count in Counter(row["verdict"] for row in rows).most_common())


def told(row: Found) -> str:
    """'+0.312 (+0.290 to +0.334, n = 6), b − a'."""
    interval = "" if row["low"] is None else f"{format_change(row['low'])} to {format_change(row['high'])}, "
    return f"{format_change(row['difference'])} ({interval}n = {row['n']}), {row['b']} − {row['a']}"


def place(row: Found) -> str:
    """'accuracy: reverse, encoder, learned, test_length 16': where a number was measured."""
    more = [f"{name} {value}" for name, value in row.items() if name not in REST and value not in ("", "arange")]
    return f"{row['experiment']}: {', '.join([row[name] for name in PLACE if row[name]] + more)}"


def at(value: float, row: Found) -> str:
    """Where a difference lies on a scale from −100 to 100, the metric's largest value being 100."""
    return f"{max(-100.0, min(100.0, 100 * value / row['scale'])):.1f}"
