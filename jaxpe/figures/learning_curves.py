"""The course of training, of every experiment that trains."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.figures.style import find_style
from jaxpe.study.tables import select_rows

NAME = "learning_curves"
MOST_PANELS = 12  # further tasks and architectures are left to history.csv


def draw_learning_curves(history: pd.DataFrame) -> Figure:
    """Training loss by step, a panel for each task and architecture: mean over seeds, and the range of the seeds.

    Where several run configs share task, architecture, encoding and sampler, as in sweeps, the first of them is drawn.
    """
    panels = draw.list_panels(history)[:MOST_PANELS]
    figure, axes = draw.make_panels(len(panels))
    for axis, (task, architecture) in zip(axes, panels, strict=True):
        part = select_rows(history, task=task, architecture=architecture, metric="loss")
        named = part.assign(series=[draw.format_series(row) for row in part.itertuples()])
        for name, rows in named.groupby("series", sort=False):
            first = rows[rows["config"] == rows["config"].iloc[0]]
            style = find_style(str(name))
            axis.plot(
                first["step"], first["value"], color=style.colour, linestyle=style.dashes, linewidth=1.6, label=name
            )
            axis.fill_between(
                first["step"], first["least"], first["greatest"], color=style.colour, alpha=0.15, linewidth=0
            )
        axis.set_title(draw.format_panel(task, architecture))
        axis.set_xlabel("training step")
        axis.set_ylabel("loss (nats per answer)")
        axis.set_ylim(bottom=0)
    draw.add_legend(figure, axes)
    seeds, lengths = (draw.format_range({int(value) for value in history[name]}) for name in ("n", "train_length"))
    draw.add_caption(
        figure,
        f"Loss on training batches of inputs up to {lengths}: mean over {seeds} seeds; bands: their range.",
    )
    return figure
