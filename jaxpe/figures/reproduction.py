"""The figure of the reproduction experiment, drawn from its table, and the published numbers that it compares with.

Huang et al. 2025 (ICLR, arXiv:2410.02140): exact match of decoders that copy sequences of distinct symbols, N = 50.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.figures.style import find_style
from jaxpe.study import tables

OFFSET = "learned + offset"


class Size(NamedTuple):
    """The size of a model."""

    layers: int
    heads: int
    width: int

    def __str__(self) -> str:
        return f"{self.layers} layers, {self.heads} head{'s' if self.heads > 1 else ''}, width {self.width}"


# Exact match from N + 1 to 2 N and from 2 N + 1 to 3 N; None: not published.
PUBLISHED: dict[tuple[str, Size], tuple[float, float | None]] = {
    (OFFSET, Size(2, 1, 64)): (0.999, 0.987),
    (OFFSET, Size(4, 1, 64)): (0.488, None),
    ("none", Size(4, 1, 64)): (0.071, None),
    (OFFSET, Size(4, 4, 64)): (0.110, None),
    ("none", Size(4, 4, 64)): (0.176, None),
    (OFFSET, Size(4, 4, 256)): (0.978, None),
    ("none", Size(4, 4, 256)): (0.180, 0.000),  # the published row; at equal sizes, from another run of theirs, .536
}


def average_ranges(table: pd.DataFrame) -> pd.DataFrame:
    """Mean exact match by encoding, size, range of lengths and seed."""
    exact = tables.select_rows(table, metric="exact_match")
    suffix = np.where(exact["positions"] == "offset", " + offset", "")
    keys = ["encoding", "layers", "heads", "width", "train_length", "range", "seed"]
    return exact.assign(encoding=exact["encoding"] + suffix).groupby(keys, sort=False)["value"].mean().reset_index()


def list_sizes(means: pd.DataFrame) -> list[Size]:
    """The sizes of a table, in its order."""
    rows = means[["layers", "heads", "width"]].drop_duplicates().itertuples(index=False)
    return [Size(int(layers), int(heads), int(width)) for layers, heads, width in rows]


def select_size(table: pd.DataFrame, size: Size, **columns: str) -> pd.DataFrame:
    """The rows of one size."""
    rows: pd.DataFrame = tables.select_rows(table, **size._asdict(), **columns)
    return rows


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """Exact match in each range of lengths: a panel for each size, a point for each seed, a line for what was published."""
    means = average_ranges(table)
    sizes = list_sizes(means)
    figure, axes = draw.make_panels(len(sizes), columns=2, width=4.6, height=3.0)
    for axis, size in zip(axes, sizes, strict=True):
        draw_size(axis, means, size)
        axis.set_title(f"{size} ({draw.format_seeds(select_size(table, size))})")
    draw.add_legend(figure, axes, columns=4)
    n = int(table["train_length"].iloc[0])
    baseline = tables.select_rows(table, metric="exact_match")["length_baseline"].max()
    draw.add_caption(
        figure,
        f"unique_copy, decoder, N = {n}. Published: Huang et al. 2025, N = 50. The length-only baseline is {baseline:.0e} at most.",
    )
    return {"copying": figure}


def draw_size(axis: Axes, means: pd.DataFrame, size: Size) -> None:
    """The seeds of one size, by range of lengths and encoding."""
    ranges = list(dict.fromkeys(means["range"]))
    for i, name in enumerate(dict.fromkeys(means["encoding"])):
        style, published = find_style(name), PUBLISHED.get((name, size), (None, None))
        for place, (label, value) in enumerate(zip(ranges, (None, *published), strict=True)):
            seeds = select_size(means, size, encoding=name, range=label)["value"].to_numpy()
            centre = place + 0.22 * (2 * i - 1)
            draw.draw_points(axis, centre + np.linspace(-0.08, 0.08, len(seeds)), seeds, style, s=24, label=name)
            draw.draw_interval(axis, centre, seeds)
            if value is not None:
                ends = centre + np.array([-0.15, 0.15])
                axis.plot(ends, [value] * 2, color=style.colour, linewidth=2, label=f"{name}, published")
    axis.set_xticks(range(len(ranges)), ranges)
    axis.set_ylim(-0.03, 1.05)
    axis.set_xlabel("test lengths (N: longest in training)")
    axis.set_ylabel("exact match")
