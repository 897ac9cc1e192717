"""Figures of the experiment on random positions, drawn from its table alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.figures.style import find_style, pick_style
from jaxpe.study import tables

VARIANTS = {  # values of the column `variant`, and which positions they stand for
    "plain": "0, 1, 2 …",
    "randomized": "drawn in training and test",
    "spread": "drawn in training and evenly spaced in tests",
}


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """Length curves of every encoding, and the gain beyond the training length."""
    figures = {f"curves_{name}": draw_curves_of(name, table) for name in dict.fromkeys(table["encoding"])}
    return figures | {"gain": draw_gain(table)}


def average_lengths(table: pd.DataFrame, beyond: bool = True, column: str = "value") -> pd.DataFrame:
    """Token accuracy, or its baseline in a column, beyond N (or up to N): the mean over lengths by task, encoding, variant, seed."""
    part = tables.select_rows(table, metric="token_accuracy")
    part = part[(part["test_length"] > part["train_length"]) == beyond]
    return part.groupby(["task", "encoding", "variant", "seed"], sort=False)[column].mean().reset_index()


def select_gains(means: pd.DataFrame, task: str, encoding: str) -> pd.Series:
    """Randomized minus plain on one task, by seed. Empty where one of them was not run."""
    part = tables.select_rows(means, task=task, encoding=encoding)
    a, b = (tables.average_by_seed(part, variant=name) for name in ("randomized", "plain"))
    return (a - b).dropna()


def draw_curves_of(encoding: str, table: pd.DataFrame) -> Figure:
    """Token accuracy of one encoding against test length: a panel for each task, a line for each variant."""
    tasks = list(dict.fromkeys(table["task"]))
    figure, axes = draw.make_panels(len(tasks), columns=3, width=3.6, height=2.7)
    for axis, task in zip(axes, tasks, strict=True):
        part = tables.select_rows(table, metric="token_accuracy", task=task, encoding=encoding)
        for i, variant in enumerate(dict.fromkeys(part["variant"])):
            style, rows = pick_style(i), tables.select_rows(part, variant=variant)
            label = f"positions {VARIANTS[variant]}"
            draw.draw_seed_curve(axis, rows["test_length"], rows["value"], style, label, s=9, alpha=0.4)
        draw.set_up_length_panel(axis, part, task)
        axis.set_ylabel("token accuracy")
    draw.add_legend(figure, axes, columns=3)
    draw.add_caption(figure, f"{encoding}, encoder. Lines: means over {draw.format_seeds(table)}. Points: seeds.")
    return figure


def draw_gain(table: pd.DataFrame) -> Figure:
    """Randomized minus plain beyond N, for every task and encoding: a point for each seed."""
    means = average_lengths(table)
    names, tasks = list(dict.fromkeys(means["encoding"])), list(dict.fromkeys(means["task"]))
    figure, [axis] = draw.make_panels(1, width=2.0 + 1.1 * len(tasks), height=3.2)
    for i, name in enumerate(names):
        for place, task in enumerate(tasks):
            gains = select_gains(means, task, name)
            x = place + 0.18 * (i - (len(names) - 1) / 2) + np.linspace(-0.04, 0.04, len(gains))
            draw.draw_points(axis, x, gains, find_style(name), s=20, label=name)
            draw.draw_interval(axis, float(np.mean(x)), np.asarray(gains, float))
    axis.axhline(0, color="black", linewidth=0.7)
    axis.set_xticks(range(len(tasks)), [task.replace("_", "\n") for task in tasks], fontsize="small")
    axis.set_ylabel("token accuracy beyond N:\nrandomized minus plain")
    draw.add_legend(figure, [axis], columns=6)
    draw.add_caption(figure, f"Means over lengths from N + 1 to the longest test. Points: {draw.format_seeds(table)}.")
    return figure
