"""The sentences and the page of the experiment `scorecard`, made from its table."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import markupsafe
import pandas as pd

from jaxpe.analysis.comparisons import (
    BITS,
    PLAIN,
    TOKENS,
    Difference,
    compute_costs,
    compute_differences,
    find_encodings,
    make_wide_row,
)
from jaxpe.figures.save import render_figure
from jaxpe.figures.scorecard import MEANING, draw_differences, draw_lengths, format_place
from jaxpe.records.csv_tables import format_entry
from jaxpe.records.statistics import EXPLORATORY, NOT_COMPARABLE
from jaxpe.report.templates import make_environment
from jaxpe.study.tables import select_rows

LINES = (  # of the verdict: kind, metric, times the training length
    ("accuracy", TOKENS, 1),
    ("extrapolation", TOKENS, 2),
    ("harm", TOKENS, 2),
    ("language", BITS, 1),
    ("extraction", "position_error_trained", 1),
)


def format_headline(name: str, baselines: Sequence[str], differences: list[Difference]) -> str:
    """How many comparisons have which verdict, in one sentence."""
    plain = [one for one in differences if one["condition"] == PLAIN and one["measure"] != "extraction"]
    counts = Counter(one["verdict"] for one in plain)
    words = ("better", "worse", "both at the ceiling", "undecided", NOT_COMPARABLE)
    verdicts = [f"{word} in {counts[word]}" for word in words if counts[word]]
    seeds = " or ".join(map(str, sorted({one["n"] for one in plain})))
    few = f"; fewer than {EXPLORATORY} are exploratory" if any(one["exploratory"] for one in plain) else ""
    return (
        f"{name} compared with {', '.join(baselines)}: {', '.join(verdicts)} of {len(plain)} comparisons "
        f"(paired seeds: {seeds}{few})."
    )


def format_lines(differences: list[Difference], costs: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """A title and a short text for each question."""
    lines = []
    for kind, metric, times in LINES:
        group = [
            one for one in differences
            if (one["measure"], one["metric"], one["condition"]) == (kind, metric, PLAIN)
            and one["task"] != "relative_index" and one["test_length"] == times * one["train_length"]
        ]  # fmt: skip
        if group:
            what = f"{format_place(group[0])}, {MEANING[metric]}: {format_number(group[0]['new_mean'])}"
            lines.append((kind, f"{what}; {'; '.join(map(format_difference, group))}"))
    new, first = costs[0], costs[1]
    more = new["parameters"] - first["parameters"]
    flops, time = (
        format_number(new["forward_flops"] / first["forward_flops"]),
        format_number(first["step_time_ratio"], 2),
    )
    text = f"{more:+,.0f} parameters, {flops} × the FLOPs and {time} × the step time of {first['encoding']}"
    return [*lines, ("cost", text)]


def format_difference(one: Difference) -> str:
    """'better than none (0.701, by +0.281, +0.243 to +0.320)'."""
    joint = {"undecided": "against", "both at the ceiling": "with", NOT_COMPARABLE: "with"}.get(one["verdict"], "than")
    by = "" if one["difference"] is None else f", by {one['difference']:+z.3f}"
    interval = "" if one["low"] is None else f", {one['low']:+z.3f} to {one['high']:+z.3f}"
    return f"{one['verdict']} {joint} {one['baseline']} ({format_number(one['baseline_mean'])}{by}{interval})"


def format_number(value: float | None, digits: int = 3) -> str:
    """A number of the page; a dash if there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def format_signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+z.3f}"


def format_count(value: float, form: str = ",.0f") -> str:
    """A count with its thousands set apart."""
    return "–" if math.isnan(value) else f"{value:{form}}"


def read_card(table: pd.DataFrame) -> dict[str, list[dict[str, str]]]:
    """The property card: what the encoding is (`about`), and its properties with the fault of those that do not hold."""
    columns = ["property", "measured", "fault"]
    rows = table[table["metric"].isin(["about", "property"])]
    rows = rows[["metric"]].join(rows[columns].astype(object).where(rows[columns].notna(), ""))
    return {metric: select_rows(rows, metric=metric)[columns].to_dict("records") for metric in ("about", "property")}


def make_files(table: pd.DataFrame, provenance: Mapping[str, Any]) -> dict[str, str]:
    """The page as self-contained HTML, and the scorecard as one row of a table."""
    name, baselines = find_encodings(table)
    differences, costs = compute_differences(table, name, baselines), compute_costs(table, name, baselines)
    card = read_card(table)
    failed = [row for row in card["property"] if row["fault"]]
    row, text = make_wide_row(name, differences, costs, len(failed)), io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([row, map(format_entry, row.values())])
    images = [
        render_figure(draw_differences(differences, baselines)).decode(),
        render_figure(draw_lengths(table, name)).decode(),
    ]
    page = render_page(name, baselines, differences, costs, card, provenance, images)
    return {"scorecard.html": page, "row.csv": text.getvalue()}


def render_page(
    name: str,
    baselines: Sequence[str],
    differences: list[Difference],
    costs: list[dict[str, Any]],
    card: dict[str, list[dict[str, str]]],
    provenance: Mapping[str, Any],
    images: Sequence[str] = (),
) -> str:
    """The page; everything but the drawn images is escaped."""
    filters: dict[str, Callable[..., str]] = {
        "number": format_number,
        "signed": format_signed,
        "count": format_count,
        "place": format_place,
    }
    groups: dict[tuple[Any, ...], list[Difference]] = {}
    for one in differences:
        key = tuple(one[k] for k in ("condition", "how", "measure", "task", "metric", "test_length"))
        groups.setdefault(key, []).append(one)
    return (
        make_environment(**filters)
        .get_template("answers/scorecard.html.jinja")
        .render(
            name=name,
            baselines=baselines,
            headline=format_headline(name, baselines, differences),
            lines=format_lines(differences, costs),
            groups=list(groups.values()),
            plain=PLAIN,
            costs=costs,
            card=card,
            provenance=provenance,
            meaning=MEANING,
            images=[markupsafe.Markup(image[image.index("<svg") :]) for image in images],
            failed=[row for row in card["property"] if row["fault"]],
        )
    )
