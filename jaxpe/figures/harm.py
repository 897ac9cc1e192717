"""Figures of the experiment `harm`, drawn from its table alone. Those of its sweeps are in `jaxpe.figures.sweeps`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.analysis.effects import select_outside_sweeps
from jaxpe.figures import draw
from jaxpe.figures.style import Style
from jaxpe.figures.sweeps import draw_sweeps, format_train_lengths
from jaxpe.study.tables import select_rows

CAPPED = ("count", "histogram")
SAMPLERS = {  # positions in training: label and style
    "arange": ("0, 1, 2, …", Style("#0072B2", "s", "-")),
    "offset": ("from a random start", Style("#D55E00", "^", "--")),
    "randomized": ("randomly spaced, also in tests", Style("#009E73", "D", "-.")),
}
ADDED = {  # encoding and width: label and style
    ("sinusoidal", 32): ("added, width 32", Style("#0072B2", "s", "-")),
    ("sinusoidal", 40): ("added, width 40", Style("#56B4E9", "o", "--")),
    ("concatenated", 32): ("concatenated, width 24 + 8", Style("#009E73", "P", "-.")),
    ("concatenated", 40): ("concatenated, width 32 + 8", Style("#117733", "^", ":")),
}
LEAST_LOSS = 1e-7  # nats: the smallest loss that is drawn, so that an exact 0 has a place on the log axis


class Bars(NamedTuple):
    """One series of grouped bars."""

    metric: str
    label: str
    colour: str
    hatch: str = ""


SIZES = (
    Bars("token_rms_before", "token, before training", "#666666", "///"),
    Bars("token_rms_after", "token, after training", "#666666"),
    Bars("position_rms_before", "position, before training", "#56B4E9", "xxx"),
    Bars("position_rms_after", "position, after training", "#56B4E9"),
)
OVERLAPS = (
    Bars("subspace_overlap_before", "before training", "#56B4E9", "///"),
    Bars("subspace_overlap_after", "after training", "#0072B2"),
    Bars("random_overlap_after", "random subspaces of these sizes", "#999999"),
)


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """Accuracy by length, sizes of the parts and loss curves; samplers, twins, sweeps and concatenation if they were run."""
    plain = select_outside_sweeps(table)
    arange = select_rows(plain, positions="arange")
    figures = {"within_and_beyond": draw_accuracy(arange), "parts": draw_parts(arange), "loss": draw_losses(arange)}
    if (plain["positions"] != "arange").any():
        figures["samplers"] = draw_samplers(plain)
    if len(select_rows(arange, metric="twins_both_right")):
        figures["twins"] = draw_twins(arange)
    figures |= draw_sweeps(table)
    if table["width"][table["sweep"] == "none"].nunique() > 1:
        figures["add_or_concatenate"] = draw_concatenation(table)
    return figures


def draw_accuracy(plain: pd.DataFrame) -> Figure:
    """Token accuracy at the longest training length and beyond it: a line for each encoding."""
    part = select_rows(plain, metric="token_accuracy")
    panels = draw.list_panels(part)
    figure, axes = draw.make_panels(len(panels), columns=3, width=3.8, height=2.9)
    for axis, (task, architecture) in zip(axes, panels, strict=True):
        rows = select_rows(part, task=task, architecture=architecture)
        draw.draw_curves(axis, rows)
        set_up_accuracy_panel(axis, rows, draw.format_panel(task, architecture))
    draw.add_legend(figure, axes, columns=5)
    text = f"Left edge: the longest length seen in training. Lines: means. Points: {draw.format_seeds(part)}."
    if part["task"].isin(CAPPED).any():
        text += (
            "\nCounts are capped at 8: the longer the input, the more often the answer is 8, and the closer to 1 is the "
            "length-only baseline."
        )
    draw.add_caption(figure, text)
    return figure


def set_up_accuracy_panel(axis: Axes, rows: pd.DataFrame, title: str) -> None:
    """A panel of token accuracy against test length."""
    draw.set_up_length_panel(axis, rows, title)
    axis.set_ylim(-0.03, 1.05)
    axis.set_ylabel("token accuracy")


def draw_samplers(plain: pd.DataFrame) -> Figure:
    """Token accuracy by the positions of training, compared with none."""
    part = select_rows(plain, metric="token_accuracy", architecture="encoder")
    other = part[part["positions"] != "arange"]
    pairs = dict.fromkeys(zip(other["task"], other["encoding"], strict=True))
    tasks = list(other["task"])
    panels = sorted(pairs, key=lambda pair: tasks.index(pair[0]))
    figure, axes = draw.make_panels(len(panels), columns=3, width=3.2, height=2.8)
    for axis, (task, encoding) in zip(axes, panels, strict=True):
        rows = select_rows(part, task=task)
        blind = select_rows(rows, encoding="none").groupby("test_length")["value"].mean()
        axis.plot(blind.index, blind, color="#666666", marker="o", markersize=4, label="none")
        for positions, (label, style) in SAMPLERS.items():
            series = select_rows(rows, encoding=encoding, positions=positions)
            if len(series):
                draw.draw_seed_curve(axis, series["test_length"], series["value"], style, label, s=12)
        set_up_accuracy_panel(axis, rows, f"{task}, {encoding}")
    draw.add_legend(figure, axes, columns=4)
    draw.add_caption(figure, f"Encoder. Lines: means. Points: {draw.format_seeds(part)}.")
    return figure


def draw_concatenation(table: pd.DataFrame) -> Figure:
    """Sinusoids added and concatenated, at the widths that were run."""
    part = select_rows(table, sweep="none", metric="token_accuracy", positions="arange", test_positions="arange")
    part = part[part["encoding"].isin(["sinusoidal", "concatenated"])]
    tasks = list(dict.fromkeys(part["task"][part["width"] == part["width"].max()]))
    figure, axes = draw.make_panels(len(tasks), columns=2, width=4.4, height=3.0)
    for axis, task in zip(axes, tasks, strict=True):
        rows = select_rows(part, task=task)
        for (encoding, width), (label, style) in ADDED.items():
            series = select_rows(rows, encoding=encoding, width=width)
            draw.draw_seed_curve(axis, series["test_length"], series["value"], style, label, s=12)
        set_up_accuracy_panel(axis, rows, f"{task}, encoder")
    draw.add_legend(figure, axes, columns=3)
    text = f"Models of one width have as many parameters. Lines: means. Points: {draw.format_seeds(part)}."
    draw.add_caption(figure, text)
    return figure


def draw_parts(plain: pd.DataFrame) -> Figure:
    """Sizes of the token and position parts before and after training, and the directions that they share."""
    names = [name for name in dict.fromkeys(plain["encoding"]) if name != "none"] or ["none"]
    part = plain[plain["architecture"] == "encoder"]
    figure, (left, right) = draw.make_panels(2, columns=2, width=4.8, height=3.1)
    for axis, series in ((left, SIZES), (right, OVERLAPS)):
        draw_bars(axis, part, names, series)
        axis.legend(frameon=False, fontsize="small")
        axis.set_ylim(0, 1.35 * axis.get_ylim()[1])
    left.set_ylabel("root mean square per coordinate")
    right.set_ylabel("shared directions (0 none, 1 all)")
    tasks = ", ".join(dict.fromkeys(part["task"]))
    draw.add_caption(figure, f"Encoder. Means and ranges over {draw.format_seeds(part)} and the tasks {tasks}.")
    return figure


def draw_bars(axis: Axes, part: pd.DataFrame, names: Sequence[str], series: Sequence[Bars]) -> None:
    """Grouped bars of means, with the range of the values as a line."""
    width = 0.8 / len(series)
    for i, bars in enumerate(series):
        values = [select_rows(part, encoding=name, metric=bars.metric)["value"] for name in names]
        x = np.arange(len(names)) - 0.4 + width * (i + 0.5)
        axis.bar(
            x, [v.mean() for v in values], width * 0.9, color=bars.colour, alpha=0.85, hatch=bars.hatch or None,
            edgecolor="white", label=bars.label,
        )  # fmt: skip
        axis.vlines(x, [v.min() for v in values], [v.max() for v in values], color="black", linewidth=1)
    axis.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names], fontsize="small")


def draw_twins(plain: pd.DataFrame) -> Figure:
    """The share of twins with both answers right: a column for each encoding, a point for each seed."""
    part = select_rows(plain, metric="twins_both_right").assign(order_blind_baseline=np.nan, length_baseline=np.nan)
    tasks = list(dict.fromkeys(part["task"]))
    many = part["encoding"].nunique() > 3  # their names need space
    figure, axes = draw.make_panels(len(tasks), columns=2 if many else 3, width=4.8 if many else 3.6, height=2.8)
    limit = "the most that a rule blind to order can reach"
    for axis, task in zip(axes, tasks, strict=True):
        rows = select_rows(part, task=task)
        draw.draw_seeds(axis, rows, list(dict.fromkeys(rows["encoding"])))
        axis.axhline(0.0, color="black", linewidth=1, linestyle=(0, (6, 3)), label=limit)
        axis.set_ylim(-0.05, 1.05)
        axis.set_title(f"{task}, encoder")
        axis.set_ylabel("share of pairs with both right", fontsize="small")
    draw.add_legend(figure, axes, columns=3)
    draw.add_caption(
        figure,
        "Pairs of inputs with the same symbols and different answers, at the training length "
        f"{format_train_lengths(part)}. Points: {draw.format_seeds(part)}.",
    )
    return figure


def draw_losses(plain: pd.DataFrame) -> Figure:
    """Training loss against steps: a line for each encoding."""
    part = select_rows(plain, metric="loss")
    part = part.assign(value=part["value"].clip(lower=LEAST_LOSS))
    panels = draw.list_panels(part)
    figure, axes = draw.make_panels(len(panels), columns=3, width=3.8, height=2.7)
    for axis, (task, architecture) in zip(axes, panels, strict=True):
        rows = select_rows(part, task=task, architecture=architecture)
        draw.draw_curves(axis, rows, x="steps")
        axis.set_yscale("log")
        title = f"{draw.format_panel(task, architecture)}, trained to {rows['train_length'].iloc[0]:g}"
        axis.set_title(title, fontsize="medium")
        axis.set_xlabel("training steps")
        axis.set_ylabel("loss (nats per answer)", fontsize="small")
    draw.add_legend(figure, axes, columns=5)
    text = f"Means over ten steps and over {draw.format_seeds(part)}. Smaller losses are drawn at {LEAST_LOSS:g}."
    draw.add_caption(figure, text)
    return figure
