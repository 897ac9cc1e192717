"""What all figures share: panels, curves with a point a seed, baselines, legends and captions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.markers import MarkerStyle
from matplotlib.ticker import MaxNLocator

from jaxpe.figures.media import current_medium, measure_text
from jaxpe.figures.style import Style, find_style
from jaxpe.records.statistics import estimate_mean
from jaxpe.study.tables import CONFIG_COLUMNS

# Column of a table, dashes, and name of the two baselines that need no training.
BASELINES: tuple[tuple[str, Any, str], ...] = (
    ("order_blind_baseline", (0, (6, 3)), "order-blind baseline"),
    ("length_baseline", ":", "length-only baseline"),
)
INTERVAL = "_interval"  # label of an interval, in no legend
MARGIN = 0.96  # share of a figure's width that captions and legends may take

# ── panels, legends, captions ───────────────────────────────────────────────────────────────────────────────────────


def make_panels(
    count: int,
    columns: int = 3,
    width: float = 3.4,
    height: float = 2.9,
    *,
    grid: bool = False,
    sharex: bool = False,
    sharey: bool = False,
    height_ratios: Sequence[float] | None = None,
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` axes. Width and height of a panel are inches on the web; other media scale them.

    `grid`: a column means something, so every medium has `columns` of them.
    """
    medium = current_medium()
    rows, columns, size = medium.layout(count, columns, width, height, grid)
    with matplotlib.rc_context(medium.rc):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(
            rows, columns, squeeze=False, sharex=sharex, sharey=sharey, height_ratios=height_ratios
        ).flatten()
    for unused in axes[count:]:
        unused.set_visible(False)
    return figure, list(axes[:count])


def add_legend(figure: Figure, axes: Sequence[Axes], columns: int = 4, labels: Sequence[str] = ()) -> None:
    """One legend above all axes, in at most `columns` columns. `labels`: which entries, in which order; default all."""
    handles: dict[str, Artist] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    names = [label for label in labels if label in handles] if labels else list(handles)
    if not names:
        return
    columns = fit_columns(names, columns, MARGIN * figure.get_figwidth())
    extra_rows = -(-len(names) // columns) - 2
    with matplotlib.rc_context(current_medium().rc):
        figure.legend(
            [handles[name] for name in names], names, loc="outside upper center", ncols=columns, frameon=False
        )
    if extra_rows > 0:
        figure.set_figheight(figure.get_figheight() + extra_rows * 1.4 * current_medium().text / 72)


def fit_columns(names: Sequence[str], columns: int, width: float) -> int:
    """The largest number of legend columns, up to `columns`, that fits a width in inches."""
    text = current_medium().text / 72
    handle, gap = 2.8 * text, 2.0 * text  # matplotlib's defaults: handle and its pad, space between columns
    for count in range(min(columns, len(names)), 1, -1):
        parts = [part for part in np.array_split(np.asarray(names, dtype=object), count) if len(part)]
        widths = [handle + max(measure_text(name) for name in part) for part in parts]
        if sum(widths) + gap * (count - 1) + 0.8 * text <= width:
            return count
    return 1


def add_caption(figure: Figure, text: str) -> None:
    """A line below the figure: what is shown, over how many seeds and examples. Long ones are broken into lines.

    In print it is the figure's label, which `save_figure` writes next to it.
    """
    if current_medium().is_print:
        figure.set_label(text)
        return
    wrapped = wrap_text(text, MARGIN * figure.get_figwidth(), "small")
    with matplotlib.rc_context(current_medium().rc):
        figure.supxlabel(wrapped, fontsize="small", color="#444444")


def wrap_text(text: str, width: float, size: str = "medium") -> str:
    """Text in lines of at most `width` inches."""
    lines = []
    for line in text.split("\n"):
        length = measure_text(line, size)
        letters = len(line) if length <= width else max(8, int(MARGIN * len(line) * width / length))
        lines += textwrap.wrap(line, letters, break_long_words=False) if line else [""]
    return "\n".join(lines)


# ── series ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def draw_points(axes: Axes, x: Any, y: Any, style: Style, **more: Any) -> None:
    """Points in a series' colour and marker. Filled markers have no line around them; the others are only lines."""
    linewidth = 0.0 if MarkerStyle(style.marker).is_filled() else 1.2
    axes.scatter(x, y, color=style.colour, marker=style.marker, linewidths=linewidth, **more)


def draw_line(axes: Axes, means: pd.Series, style: Style, label: str | None = None) -> None:
    """A line through means against their index, with markers, so that the legend shows them too."""
    x = range(len(means)) if means.index.dtype == object else means.index
    axes.plot(
        x, means, color=style.colour, linestyle=style.dashes, marker=style.marker, markersize=4.5, linewidth=1.6, label=label,
    )  # fmt: skip


def draw_interval(axes: Axes, place: float, values: Any, *, horizontal: bool = False) -> None:
    """In print, the mean of some seeds and its 95 % t-interval (`estimate_mean`), where there is one."""
    if not current_medium().is_print or not len(values) or not np.isfinite(values).all():
        return
    mean = estimate_mean(values)
    if mean.low is None or mean.high is None:
        return
    bar: dict[str, Any] = {"xerr" if horizontal else "yerr": [[mean.value - mean.low], [mean.high - mean.value]]}
    at = (mean.value, place) if horizontal else (place, mean.value)
    axes.errorbar(
        *at, **bar, color="black", marker="_|"[horizontal], capsize=2, elinewidth=0.8, zorder=4, label=INTERVAL
    )


def draw_intervals(axes: Axes, x: pd.Series, values: pd.Series) -> None:
    """In print, the mean and the interval of the seeds at every x."""
    for place, seeds in values.groupby(x.to_numpy()):
        draw_interval(axes, place, seeds.to_numpy(float))


def draw_seed_curve(
    axes: Axes, x: pd.Series, values: pd.Series, style: Style, label: str | None = None, *, s: float, alpha: float = 0.6
) -> None:
    """A line through the means over seeds, and every seed as a point; in print also intervals."""
    draw_line(axes, values.groupby(x).mean(), style, label)
    draw_points(axes, x, values, style, s=s, alpha=alpha)
    draw_intervals(axes, x, values)


def draw_curves(axes: Axes, table: pd.DataFrame, x: str = "test_length", y: str = "value") -> None:
    """A line through the means over seeds for each series, and every seed as a point."""
    named = table.assign(series=[format_series(row) for row in table.itertuples()])
    for name, part in named.groupby("series", sort=False):
        draw_seed_curve(axes, part[x], part[y], find_style(str(name)), str(name), s=14)


def draw_seeds(axes: Axes, table: pd.DataFrame, groups: Sequence[str], column: str = "encoding") -> None:
    """A column for each group, a point for each seed, with both baselines as short lines."""
    generator = np.random.default_rng(0)
    for place, group in enumerate(groups):
        part = table[table[column] == group]
        spread = place + generator.uniform(-0.16, 0.16, len(part))
        draw_points(axes, spread, part["value"], find_style(group), s=26, alpha=0.8, label=group)
        draw_interval(axes, place, part["value"].to_numpy(float))
        for name, dashes, label in BASELINES:
            if len(part) and part[name].notna().any():
                axes.hlines(
                    part[name].mean(), place - 0.4, place + 0.4, color="black", linestyle=dashes, linewidth=1, label=label,
                )  # fmt: skip
    axes.set_xticks(range(len(groups)), [group.replace("_", "\n") for group in groups], fontsize="small")
    axes.set_xlim(-0.6, len(groups) - 0.4)


def list_panels(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Every task and architecture of a table, in its order: a panel each."""
    return list(dict.fromkeys(zip(table["task"], table["architecture"], strict=True)))


def format_panel(task: str, architecture: str) -> str:
    """'reverse, encoder-decoder'."""
    return f"{task}, {architecture.replace('_', '-')}"


def format_series(row: Any) -> str:
    """'learned', or 'learned + offset' for a table row with another position sampler in training."""
    return str(row.encoding) if row.positions == "arange" else f"{row.encoding} + {row.positions}"


def format_seeds(table: pd.DataFrame, columns: Sequence[str] = CONFIG_COLUMNS) -> str:
    """'6 seeds', or '4 to 6 seeds' where run configs, or the groups of other columns, have different numbers of them."""
    counts = table.groupby(list(columns))["seed"].nunique()
    return f"{format_range(counts)} seeds" if len(counts) else "0 seeds"


def format_range(numbers: Iterable[int]) -> str:
    """'6', or '3 to 6' from the least to the greatest."""
    ordered = sorted(numbers)
    return " to ".join(str(number) for number in dict.fromkeys((ordered[0], ordered[-1])))


# ── axes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def draw_baselines(axes: Axes, table: pd.DataFrame, x: str = "test_length") -> None:
    """Both baselines that need no training: length-only dotted, order-blind dashed."""
    for column, dashes, label in BASELINES:
        values = table.dropna(subset=[column]).groupby(x)[column].first()
        if len(values):
            axes.plot(values.index, values, color="black", linestyle=dashes, linewidth=1, label=label)


def mark_train_length(axes: Axes, length: float) -> None:
    """A line at the training length: what is right of it was never seen."""
    axes.axvline(length, color="black", linewidth=0.7, alpha=0.5)
    axes.annotate(
        f"trained ≤ {length:g}",
        (length, 1.0),
        (3, 2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize="small",
    )


def set_up_length_panel(axes: Axes, table: pd.DataFrame, title: str, unit: str = "symbols of x") -> None:
    """A panel with test lengths on its horizontal axis: both baselines, the training length, title and label."""
    draw_baselines(axes, table)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    mark_train_length(axes, table["train_length"].iloc[0])
    axes.set_title(title, pad=16)
    axes.set_xlabel(f"test length ({unit})")


def leave_headroom(axes: Axes, bottom: float = 0.0) -> None:
    """The vertical axis begins at `bottom` and leaves room for markers above the largest value."""
    top = axes.dataLim.y1
    axes.set_ylim(bottom, bottom + 1.08 * (top - bottom) if top > bottom else None)


def draw_similarity_map(axes: Axes, matrix: np.ndarray, last: float) -> AxesImage:
    """A square map of similarities between positions 0 to `last`; lighter is more similar."""
    edges = (-0.5, last + 0.5, last + 0.5, -0.5)
    image = axes.imshow(matrix, cmap="cividis", vmin=-1, vmax=1, interpolation="nearest", extent=edges)
    for axis, set_label in ((axes.xaxis, axes.set_xlabel), (axes.yaxis, axes.set_ylabel)):
        axis.set_major_locator(MaxNLocator(5, integer=True))
        set_label("position")
    return image
