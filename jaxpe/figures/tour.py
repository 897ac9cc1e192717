"""Figures of the tour, drawn from its table alone."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxpe.figures import draw
from jaxpe.figures.style import find_style
from jaxpe.study import tables


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """Codes, length curves and changes of guesses; each only if the table has rows for it."""
    codes = tables.select_rows(table, metric="code")
    adding = [str(name) for name, rows in codes.groupby("encoding", sort=False) if (rows["value"] != 0).any()]
    lengths, changes = tables.select_rows(table, metric="token_accuracy"), compute_changes(table)
    figures = {}
    if adding:
        figures["codes"] = draw_codes(codes, adding)
    if len(lengths):
        figures["lengths"] = draw_lengths(lengths)
    if changes:
        figures["guesses"] = draw_changes(changes)
    return figures


def draw_codes(codes: pd.DataFrame, names: list[str]) -> Figure:
    """What each encoding adds to a token, as an image: positions down, dimensions across."""
    figure, axes = draw.make_panels(len(names), columns=2, width=4.2, height=2.8)
    for axis, name in zip(axes, names, strict=True):
        rows = tables.select_rows(codes, encoding=name)
        matrix = rows.pivot(index="position", columns="dimension", values="value")
        image = axis.imshow(matrix, cmap="cividis", vmin=-3, vmax=3, aspect="auto", interpolation="nearest")
        axis.set_title(f"{name}, after training")
        axis.set_xlabel("dimension")
        axis.set_ylabel("position")
    figure.colorbar(image, ax=axes, label="value added to the token")
    return figure


def draw_lengths(lengths: pd.DataFrame) -> Figure:
    """Token accuracy against test length."""
    panels = draw.list_panels(lengths)
    figure, axes = draw.make_panels(len(panels), width=5.6)
    for axis, (task, architecture) in zip(axes, panels, strict=True):
        part = tables.select_rows(lengths, task=task, architecture=architecture)
        draw.draw_curves(axis, part)
        draw.set_up_length_panel(axis, part, draw.format_panel(task, architecture))
        axis.set_ylabel("token accuracy")
    draw.add_legend(figure, axes, columns=3)
    draw.add_caption(figure, "One seed, as an illustration. The claims are tested with more seeds.")
    return figure


def compute_changes(table: pd.DataFrame) -> dict[str, list[float]]:
    """For each encoding, the largest change of a guess's probability in every shuffled order of every verse."""
    changes: dict[str, list[float]] = {}
    part = tables.select_rows(table, metric="probability")
    for name, rows in part.groupby("encoding", sort=False):
        changes[str(name)] = []
        for _, verse in rows.groupby("verse"):
            orders = verse.pivot_table(index="word", columns="order", values="value")
            orders = orders.dropna(subset=[0])  # the guesses for the verse as written
            changes[str(name)] += [float((orders[order] - orders[0]).abs().max()) for order in orders.columns if order]
    return changes


def draw_changes(changes: dict[str, list[float]]) -> Figure:
    """How much the guesses for a verse change when its other words change places: a point for each order."""
    figure, [axis] = draw.make_panels(1, width=5.6)
    for name, values in changes.items():
        style = find_style(name)
        axis.plot(range(len(values)), values, color=style.colour, marker=style.marker, linestyle="", label=name)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("verses and orders, one after the other")
    axis.set_ylabel("largest change of a guess's probability")
    draw.add_legend(figure, [axis])
    draw.add_caption(figure, "Held-out verses with one word masked and the others in five other orders. One seed.")
    return figure
