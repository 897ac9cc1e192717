"""Figures of what probes read from language models after every layer, and of what these models lose without it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.figures.language_models import SHORT
from jaxpe.figures.style import find_style, pick_style
from jaxpe.study import tables

TARGETS = {
    "position": "position, held-out sequences",
    "new_random": "position, random positions held out",
    "beyond": "position, beyond the training length",
    "neighbour": "token on the left",
}


def draw_layers(table: pd.DataFrame) -> Figure:
    """Probe error by layer, trained and untrained."""
    errors = table[(table["metric"] == "probe_error") & table["task"].isin(list(SHORT))]
    tasks = [task for task in SHORT if (errors["task"] == task).any()]
    count, columns = len(tasks) * len(TARGETS), len(TARGETS)
    figure, axes = draw.make_panels(count, columns=columns, width=2.7, height=2.7, grid=True)
    for i, axis in enumerate(axes):
        task, target = tasks[i // columns], list(TARGETS)[i % columns]
        draw_errors(axis, tables.select_rows(errors, task=task, target=target))
        axis.set_ylabel("error, share of chance" if i % columns == 0 else "")
        axis.set_title(f"{SHORT[task]}:\n{TARGETS[target]}", fontsize="small")
        draw.leave_headroom(axis)
    draw.add_legend(figure, axes, columns=3)
    seeds = draw.format_seeds(errors, ["task", "encoding"])
    text = f"Linear probes of the residual stream; means over models ({seeds}). 1 is no better than a guess."
    draw.add_caption(figure, text)
    return figure


def draw_errors(axis: Axes, errors: pd.DataFrame) -> None:
    """One panel of `draw_layers`: two lines for each encoding."""
    for name in dict.fromkeys(errors["encoding"]):
        style = find_style(name)
        for network, dashes, face in (("trained", style.dashes, style.colour), ("untrained", ":", "white")):
            rows = tables.select_rows(errors, encoding=name, network=network)
            means = rows.groupby("layer")["value"].mean()
            axis.plot(
                means.index, means, color=style.colour, linestyle=dashes, marker=style.marker, markersize=5,
                markerfacecolor=face, label=f"{name}, {network}",
            )  # fmt: skip
    axis.axhline(1, color="black", linewidth=0.6)
    axis.set_xticks(sorted(set(errors["layer"].astype(int))))
    axis.set_xlabel("after layer")


def draw_projections(table: pd.DataFrame) -> Figure:
    """Bits lost without the directions that a probe of position reads, and without random directions."""
    losses = table[table["metric"] == "projected_out"]
    tasks = [task for task in SHORT if (losses["task"] == task).any()]
    figure, axes = draw.make_panels(max(len(tasks), 1), columns=2, width=4.4, height=2.9)
    for axis, task in zip(axes, tasks, strict=False):
        rows = losses[losses["task"] == task]
        groups = list(dict.fromkeys(zip(rows["encoding"], rows["layer"].astype(int), strict=True)))
        for place, (name, layer) in enumerate(groups):
            for side, (part, label) in enumerate(
                (("position", "the probe's directions"), ("random", "as many random directions"))
            ):
                values = tables.select_rows(rows, encoding=name, layer=layer, part=part)["value"]
                x = np.full(len(values), place + 0.16 * (2 * side - 1))
                draw.draw_points(axis, x, values, pick_style(2 - side), s=24, label=label)
                draw.draw_interval(axis, place + 0.16 * (2 * side - 1), values.to_numpy(float))
        labels = [f"{name}\nlayer {layer}" for name, layer in groups]
        axis.set_xticks(range(len(groups)), labels, fontsize="small")
        axis.axhline(0, color="black", linewidth=0.6)
        axis.set_title(SHORT[task])
        axis.set_ylabel("bits per character lost")
    draw.add_legend(figure, axes, columns=2)
    seeds = draw.format_seeds(losses, ["task", "encoding"])
    text = f"Loss added when directions of the hidden states are set to their mean. Each point is a model ({seeds})."
    draw.add_caption(figure, text)
    return figure
