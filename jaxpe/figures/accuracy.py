"""Figures of the accuracy experiment, drawn from its table alone."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from jaxpe.data.language import OBJECTIVES
from jaxpe.figures import draw
from jaxpe.figures.style import pick_style
from jaxpe.study import tables

Panel = tuple[str, str]  # task, architecture


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """Accuracy at the training length; where tasks other than text were run, also speed and overlap with training."""
    table = name_own_rates(table)
    panels = draw.list_panels(table[table["encoding"] != "any"])
    figures = {"accuracy": draw_accuracy(table, panels)}
    toys = [(task, architecture) for task, architecture in panels if task not in OBJECTIVES]
    if toys:
        figures |= {"steps_to_95": draw_steps(table, toys), "seen_in_training": draw_overlap(table)}
    return figures


def name_own_rates(table: pd.DataFrame) -> pd.DataFrame:
    """Results at the common learning rate, and as further encodings those at a rate that an encoding chose for itself."""
    common, own = tables.select_rate(table), tables.select_rate(table, chosen=True)
    other = own[~own.index.isin(common.index)]
    names = [f"{row.encoding}, rate {row.learning_rate:g}" for row in other.itertuples()]
    return pd.concat([common, other.assign(encoding=names)]) if names else common


def draw_accuracy(table: pd.DataFrame, panels: list[Panel]) -> Figure:
    """Accuracy, or bits per character, at the training length: a column for each encoding, a point for each seed."""
    figure, axes = draw.make_panels(len(panels), columns=3, height=2.5)
    for axis, (task, architecture) in zip(axes, panels, strict=True):
        metric = "bits_per_character" if task in OBJECTIVES else "token_accuracy"
        part = tables.select_rows(table, task=task, architecture=architecture, metric=metric)
        longest = part[part["test_length"] == part["test_length"].max()]
        draw.draw_seeds(axis, longest, list(dict.fromkeys(longest["encoding"])))
        train_length = longest["train_length"].iloc[0]
        axis.set_title(f"{draw.format_panel(task, architecture)}, N = {train_length:g}", fontsize="medium")
        if metric == "token_accuracy":
            axis.set_ylim(-0.03, 1.05)
        label = "token accuracy" if metric == "token_accuracy" else "bits per character (lower is better)"
        axis.set_ylabel(label, fontsize="small")
    draw.add_legend(figure, axes, columns=6)
    seeds = draw.format_seeds(table[table["encoding"] != "any"])
    draw.add_caption(figure, f"Tested at N, the longest training length. Points: {seeds}.")
    return figure


def draw_steps(table: pd.DataFrame, panels: list[Panel]) -> Figure:
    """Steps until 95 % of the answers in training are right: a column for each encoding, a point for each seed."""
    figure, axes = draw.make_panels(len(panels), columns=3, height=2.3)
    for axis, (task, architecture) in zip(axes, panels, strict=True):
        part = tables.select_rows(table, task=task, architecture=architecture, metric="steps_to_95")
        steps = part["value"].fillna(part["steps"])
        points = part.assign(value=steps, length_baseline=float("nan"), order_blind_baseline=float("nan"))
        draw.draw_seeds(axis, points, list(dict.fromkeys(part["encoding"])))
        if part["value"].isna().any():
            axis.axhline(part["steps"].max(), color="black", linewidth=0.7, linestyle=":")
        axis.set_ylim(0, 1.08 * part["steps"].max())
        axis.set_title(draw.format_panel(task, architecture))
        axis.set_ylabel("steps to 95 %", fontsize="small")
    draw.add_legend(figure, axes, columns=6)
    text = "Steps until 95 % of the answers in a training batch are right. Points on the dotted line never got there."
    draw.add_caption(figure, text)
    return figure


def draw_overlap(table: pd.DataFrame) -> Figure:
    """The share of test examples that training also contains, against length: a line for each task."""
    part = tables.select_rows(table, metric="seen_in_training")
    figure, [axis] = draw.make_panels(1, width=5.5, height=3.2)
    for i, (task, rows) in enumerate(part.groupby("task", sort=False)):
        style = pick_style(i)
        axis.plot(
            rows["test_length"], rows["value"], color=style.colour, marker=style.marker, linestyle=style.dashes, label=task,
        )  # fmt: skip
        axis.axvline(rows["train_length"].iloc[0], color="black", linewidth=0.7, linestyle=":")
    axis.set_ylim(-0.03, 1.05)
    axis.set_xlabel("test length (dotted: training length)")
    axis.set_ylabel("share of test examples seen in training")
    axis.legend(frameon=False, fontsize="small", ncols=2)
    draw.add_caption(figure, "Counted over the training batches of seed 0; the same for every encoding.")
    return figure
