"""The figures of the experiment `scorecard`: differences with intervals, and curves by test length."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxpe.analysis.comparisons import BITS, PLAIN, TEXT, TOKENS, Difference
from jaxpe.figures import draw
from jaxpe.figures.style import Style, find_style
from jaxpe.study.tables import select_rows

NEW = Style("#C00000", "o", "-")  # the encoding that the scorecard is about
MEANING = {
    TOKENS: "token accuracy",
    BITS: "bits per character, lower is better",
    "position_error_trained": "error of reading position, as a share of chance",
    "position_gained": "the error before training minus the error after it",
}
SHORT = {"position_error_trained": ", position error", "position_gained": ", position gained"}
PANELS = {
    "difference in token accuracy, right of 0 is better": (TOKENS,),
    "difference in bits per character, left of 0 is better": (BITS,),
    "difference in reading position, neither is better": ("position_error_trained", "position_gained"),
}


def draw_lengths(table: pd.DataFrame, name: str) -> Figure:
    """A panel for each task: every seed and the means by test length."""
    plain = select_rows(table, condition=PLAIN).dropna(subset=["seed"])
    metrics = {task: BITS if task in TEXT else TOKENS for task in dict.fromkeys(plain["task"])}
    figure, axes = draw.make_panels(len(metrics), columns=2, width=4.6, height=2.8)
    for axis, (task, metric) in zip(axes, metrics.items(), strict=True):
        part = select_rows(plain, task=task, metric=metric)
        draw.draw_baselines(axis, part)
        draw_encodings(axis, part, name)
        draw.mark_train_length(axis, part["train_length"].iloc[0])
        axis.set_title(f"{task}, {part['architecture'].iloc[0]}", loc="right", fontsize="medium")
        axis.set_xlabel("test length", fontsize="small")
        axis.set_ylabel(MEANING[metric].replace(", ", ",\n"), fontsize="small")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if metric == TOKENS:
            axis.set_ylim(-0.03, 1.05)
    draw.add_legend(figure, axes, columns=6)
    seeds = draw.format_seeds(plain)
    draw.add_caption(figure, f"Points: seeds; lines: means over {seeds}. Baseline of text: token frequencies.")
    return figure


def draw_encodings(axis: Axes, part: pd.DataFrame, name: str) -> None:
    """A line and points for each encoding. The new one is broad and behind the others, so that both show if they agree."""
    for encoding, rows in part.groupby("encoding", sort=False):
        new = encoding == name
        style = NEW if new else find_style(str(encoding))
        means = rows.groupby("test_length")["value"].mean()
        axis.plot(
            means.index, means, color=style.colour, linestyle=style.dashes, linewidth=4 if new else 1.6,
            alpha=0.5 if new else 1, label=encoding,
        )  # fmt: skip
        draw.draw_points(axis, rows["test_length"], rows["value"], style, s=14, alpha=0.6)
        draw.draw_intervals(axis, rows["test_length"], rows["value"])


def draw_differences(differences: list[Difference], baselines: Sequence[str]) -> Figure:
    """The new encoding minus each baseline, with 95 % intervals: a row for each measure, a panel for each unit."""
    groups = {title: [one for one in differences if one["metric"] in metrics] for title, metrics in PANELS.items()}
    groups = {title: group for title, group in groups.items() if group}
    rows = [len({name_row(one) for one in group}) for group in groups.values()]
    height = 0.6 + (0.1 + 0.13 * len(baselines)) * sum(rows) / len(rows)
    figure, axes = draw.make_panels(len(groups), 1, 8.0, height, height_ratios=[1 + n for n in rows])
    for axis, (title, group) in zip(axes, groups.items(), strict=True):
        draw_rows(axis, group, baselines)
        axis.set_xlabel(title, fontsize="small")
    draw.add_legend(figure, axes)
    draw.add_caption(figure, "Bars: 95 % intervals over paired seeds; with fewer than six pairs there is no interval.")
    return figure


def draw_rows(axis: Axes, differences: list[Difference], baselines: Sequence[str]) -> None:
    """A row for each measure, and in it a point with its interval for each baseline."""
    names = list(dict.fromkeys(map(name_row, differences)))
    for one in differences:
        if one["difference"] is None:
            continue
        style = find_style(one["baseline"])
        at = names.index(name_row(one)) + 0.22 * (baselines.index(one["baseline"]) - (len(baselines) - 1) / 2)
        low, high = (one["difference"] if one[end] is None else one[end] for end in ("low", "high"))
        axis.plot([low, high], [at, at], color=style.colour, linewidth=1.3)
        axis.plot(
            one["difference"], at, color=style.colour, marker=style.marker, markersize=5, linestyle="none",
            label=f"minus {one['baseline']}",
        )  # fmt: skip
    for edge in range(1, len(names)):
        axis.axhline(edge - 0.5, color="#dddddd", linewidth=0.6)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(names)), names, fontsize="small")
    axis.set_ylim(len(names) - 0.5, -0.5)


def name_row(one: Difference) -> str:
    """'reverse at 16 (2 N), equal FLOPs': the name of a measure on an axis."""
    condition = "" if one["condition"] == PLAIN else f", {one['condition']}"
    return format_place(one) + SHORT.get(one["metric"], "") + condition


def format_place(one: Difference) -> str:
    """'reverse at 16 (2 N)': the task and its test length, also in training lengths."""
    times = one["test_length"] / one["train_length"]
    return f"{one['task']} at {one['test_length']} ({'' if times == 1 else f'{times:g} '}N)"
