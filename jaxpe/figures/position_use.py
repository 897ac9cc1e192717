"""Figures of what language models lose when their positions are changed, and of their loss by place."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.analysis.use import DECIDING_SIZES, MODEL_COLUMNS, compute_shares, select_deciding_sizes
from jaxpe.figures import draw
from jaxpe.figures.language_models import OBJECTIVES, list_corpora, name_objective
from jaxpe.figures.style import find_style, pick_style
from jaxpe.study import tables

KINDS = {"shift": "all positions shifted", "shuffle": "shuffled within windows", "permute": "whole windows permuted"}
CONFIG = ["task", "positions", "starts", "corpus"]
BASELINES = {
    "length_baseline": ("token frequencies", ":"),
    "order_blind_baseline": ("knows the words of the window, not their order", "--"),
}


def draw_use(table: pd.DataFrame) -> Figure:
    """The share of the value of position that is lost with each kind of change. It answers C4."""
    shares = tables.select_rows(select_deciding_sizes(compute_shares(table)), encoding="learned")
    shares = shares.groupby([*MODEL_COLUMNS, "condition"])["share"].mean().reset_index()
    corpora = list_corpora(shares)
    first, second = shares[shares["corpus"].isin(corpora[:1])], shares[shares["corpus"].isin(corpora[1:])]
    arange, offset = {"positions": "arange", "starts": "packed"}, {"positions": "offset", "starts": "packed"}
    panels = {
        "packed stream, positions from 0": tables.select_rows(first, **arange),
        "packed stream, random starts": tables.select_rows(first, **offset),
        "document starts, positions from 0": tables.select_rows(first, positions="arange", starts="document"),
        f"second domain: {', '.join(corpora[1:])}": tables.select_rows(second, **arange),
    }
    panels = {title: rows for title, rows in panels.items() if len(rows)}
    width = 4.6 if len(panels) > 1 else 8.0
    figure, axes = draw.make_panels(max(len(panels), 1), columns=2, width=width, height=3.0, sharey=True)
    for axis, (title, rows) in zip(axes, panels.items(), strict=False):
        draw_use_shares(axis, rows)
        axis.set_title(title, fontsize="medium")
    draw.add_legend(figure, axes, columns=2)
    text = "Loss added by changed positions, divided by that of one position for all tokens; learned tables, half the training"
    seeds = draw.format_seeds(shares, CONFIG)
    meaning = "A shift costs models that use absolute position. Shuffle above permute means local order."
    draw.add_caption(figure, f"{text} length. Points: {seeds}; dashes: means. {meaning}")
    return figure


def draw_use_shares(axis: Axes, shares: pd.DataFrame) -> None:
    """One panel of `draw_use`: a column for each objective, three kinds of change in each."""
    sizes = {kind: ", ".join(map(str, sizes)) for kind, sizes in DECIDING_SIZES.items()}
    tasks = [task for task in OBJECTIVES if (shares["task"] == task).any()]
    for i, (kind, label) in enumerate(KINDS.items()):
        for place, task in enumerate(tasks):
            values = tables.select_rows(shares, task=task, condition=kind)["share"]
            x = place + 0.22 * (i - 1)
            points = {"s": 22, "alpha": 0.7, "label": f"{label} ({sizes[kind]})"}
            draw.draw_points(axis, np.full(len(values), x), values, pick_style(i + 1), **points)
            draw.draw_interval(axis, x, values.to_numpy(float))
            axis.hlines(values.mean(), x - 0.1, x + 0.1, color="black", linewidth=1.4)
    axis.axhline(0, color="black", linewidth=0.6)
    axis.axhline(0.1, color="black", linewidth=0.7, linestyle=":", label="criterion for absolute position (0.1)")
    axis.set_xticks(range(len(tasks)), [OBJECTIVES[task] for task in tasks], fontsize="small")
    axis.set_ylabel("share of the value of position", fontsize="small")


def draw_costs(table: pd.DataFrame) -> Figure:
    """Bits lost against the size of the change."""
    costs = select_packed(table, "cost")
    costs = costs[costs["encoding"] != "none"]
    names = [f"{row.encoding}, {name_objective(row.task)}" for row in costs.itertuples()]
    costs = costs.assign(series=names)
    figure, axes = draw.make_panels(len(KINDS), columns=3, width=3.4, height=3.0, sharey=True)
    for axis, (kind, title) in zip(axes, KINDS.items(), strict=True):
        for i, name in enumerate(dict.fromkeys(names)):
            rows = tables.select_rows(costs, condition=kind, series=name)
            draw.draw_line(axis, rows.groupby("size")["value"].mean(), pick_style(i), name)
        axis.set_xscale("log", base=2)
        axis.set_xlabel("shift (positions)" if kind == "shift" else "window (tokens)")
        axis.set_title(title, fontsize="medium")
        axis.set_ylabel("bits per character lost", fontsize="small")
    draw.add_legend(figure, axes, columns=2)
    seeds = draw.format_seeds(costs, CONFIG)
    text = f"Cost of changed positions at half the training length, packed stream; means over {seeds}."
    draw.add_caption(figure, text)
    return figure


def draw_loss_by_place(table: pd.DataFrame) -> Figure:
    """Loss against the place in the window."""
    losses = select_packed(table, "bits_by_place")
    tasks = [task for task in OBJECTIVES if (losses["task"] == task).any()]
    figure, axes = draw.make_panels(len(tasks), columns=2, width=4.6, height=2.8, sharey=True)
    whole = table[table["metric"] == "bits_per_character"]
    for axis, task in zip(axes, tasks, strict=True):
        for name, rows in losses[losses["task"] == task].groupby("encoding", sort=False):
            style = find_style(str(name))
            axis.plot(
                rows["row"], rows["value"], color=style.colour, linestyle=style.dashes, marker=style.marker, markevery=2,
                markersize=4, label=name,
            )  # fmt: skip
        for column, (label, dashes) in BASELINES.items():
            levels = list(whole[whole["task"] == task][column].dropna()) if column in whole else []
            if levels:
                axis.axhline(levels[0], color="black", linestyle=dashes, linewidth=1, label=label)
        axis.set_title(name_objective(task))
        axis.set_xlabel("place in the window (tokens)")
        axis.set_ylabel("bits per character")
    draw.add_legend(figure, axes, columns=3)
    text = (
        "Loss by place at the training length, packed stream; means over seeds, windows and four neighbouring places."
    )
    draw.add_caption(figure, text)
    return figure


def select_packed(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric on the packed stream of the first corpus, with positions from 0."""
    rows = tables.select_rows(table, metric=metric, positions="arange", starts="packed")
    return tables.select_rows(rows, corpus=rows["corpus"].iloc[0]) if len(rows) else rows
