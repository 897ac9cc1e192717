"""Figures of position tables: similarity, curves over lags and periods, and measures compared with controls."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.figures.language_models import order_controls_last
from jaxpe.figures.style import find_style, pick_style
from jaxpe.study import tables

MEASURES = {  # those that have a row for each seed
    "position_error_share": "probe of position, random rows held out\n(error, share of chance)",
    "position_error_share_block": "probe of position, runs of 16 rows held out\n(error, share of chance)",
    "order_accuracy_near": "which of two positions comes first, ≤ 8 apart\n(share correct)",
    "adjacency": "nearest row is an adjacent position\n(share of positions)",
    "toeplitz_share": "PE·PEᵀ depends on distance only\n(share of variance)",
    "shift_residual_1": "linear map from p to p + 1\n(residual, share of variance)",
    "effective_rank": "effective rank\n(number of directions)",
    "procrustes_sinusoidal": "distance to sinusoids after rotation\n(share of variance)",
}


def draw_similarity(table: pd.DataFrame) -> Figure:
    """A similarity map for each table, all on one colour scale."""
    table = table[table["metric"] == "similarity"]
    names = order_controls_last(table["name"])
    figure, axes = draw.make_panels(len(names), columns=4, width=2.6, height=2.6)
    image = None
    for axis, name in zip(axes, names, strict=True):
        rows = table[table["name"] == name]
        places = sorted(set(rows["row"].astype(int)))
        index, matrix = {place: i for i, place in enumerate(places)}, np.zeros((len(places), len(places)))
        for row, column, value in zip(rows["row"], rows["column"], rows["value"], strict=True):
            i, j = index[int(row)], index[int(column)]
            matrix[i, j] = matrix[j, i] = value
        image = draw.draw_similarity_map(axis, matrix, places[-1])
        axis.set_title(name.replace(", ", ",\n", 1), fontsize="small")
    if image is not None:
        figure.colorbar(image, ax=axes, shrink=0.6, label="cosine after subtracting the mean row")
    draw.add_caption(figure, "Similarity of the codes of two positions, seed 0, among positions that training visited.")
    return figure


def draw_lags(table: pd.DataFrame) -> Figure:
    """Mean similarity of two positions against their distance."""
    metrics = {"similarity_by_lag_raw": "raw rows", "similarity_by_lag_centred": "mean row subtracted"}
    figure = draw_position_curves(table, metrics, "distance between two positions", "mean cosine")
    text = (
        "Mean similarity of the codes of two positions against their distance, among positions that training visited."
    )
    draw.add_caption(figure, f"{text} Means over seeds.")
    return figure


def draw_spectra(table: pd.DataFrame) -> Figure:
    """The Fourier spectrum of each table over positions."""
    metrics = {"spectrum": "Fourier spectrum over positions"}
    figure = draw_position_curves(table, metrics, "periods over the visited positions", "share of variance")
    figure.axes[0].set_xscale("log")
    figure.axes[0].set_yscale("log")
    text = (
        "All coordinates together; means over seeds. The spectrum of random rows is flat. A selection of periods; zeros"
    )
    draw.add_caption(figure, f"{text} are left out.")
    return figure


def draw_position_curves(table: pd.DataFrame, metrics: dict[str, str], x: str, y: str) -> Figure:
    """A panel for each metric, a line for each table."""
    table = table[table["metric"].isin(list(metrics))]
    names = order_controls_last(table["name"])
    figure, axes = draw.make_panels(len(metrics), columns=2, width=4.6 if len(metrics) > 1 else 6.9, height=3.4)
    for axis, (metric, title) in zip(axes, metrics.items(), strict=True):
        for i, name in enumerate(names):
            rows = tables.select_rows(table, name=name, metric=metric)
            style = find_style(name) if name.startswith("control:") else pick_style(i)
            axis.plot(
                rows["row"], rows["value"].where(rows["value"] != 0), color=style.colour, linestyle=style.dashes,
                marker=style.marker, markevery=max(len(rows) // 8, 1), markersize=4, linewidth=1.3, label=name,
            )  # fmt: skip
        if (table["value"] < 0).any():
            axis.axhline(0, color="black", linewidth=0.5)
            axis.set_xscale("symlog", linthresh=1)
            axis.set_xlim(0, None)
            axis.xaxis.set_major_formatter("{x:g}")
        axis.set_title(title)
        axis.set_xlabel(x)
        axis.set_ylabel(y)
    draw.add_legend(figure, axes, columns=2)
    return figure


def draw_measures(table: pd.DataFrame) -> Figure:
    """A line for each table, a panel for each measure, a point for each seed."""
    table = table[table["metric"].isin(list(MEASURES)) & (table["encoding"] != "sinusoidal")]
    labels = [f"{name} ({rows:g} rows)" for name, rows in zip(table["name"], table["rows"], strict=True)]
    table = table.assign(name=labels)
    names = order_controls_last(table["name"])[::-1]
    figure, axes = draw.make_panels(len(MEASURES), columns=2, width=4.6, height=0.17 * len(names) + 0.9, sharey=True)
    for axis, (metric, title) in zip(axes, MEASURES.items(), strict=True):
        for place, name in enumerate(names):
            values = tables.select_rows(table, name=name, metric=metric)["value"]
            style = find_style(name.partition(" ")[0].partition(",")[0])
            draw.draw_points(axis, values, np.full(len(values), place), style, s=16)
            draw.draw_interval(axis, place, values.to_numpy(float), horizontal=True)
        axis.set_yticks(range(len(names)), names, fontsize="x-small")
        axis.set_xlim(left=min(0.0, axis.get_xlim()[0]))
        axis.set_title(title, fontsize="small")
        axis.tick_params(axis="x", labelsize="small")
        axis.grid(axis="y", linewidth=0.3)
    text = "Each point is a seed. Controls of the same shapes at the bottom; only positions that training visited."
    draw.add_caption(figure, text)
    return figure
