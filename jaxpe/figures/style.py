"""One style for all figures, and small helpers. Every figure is drawn from a table; drawn again, it has the same bytes."""

from __future__ import annotations

import io
import re
import textwrap
import zlib
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.markers import MarkerStyle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from jaxpe.records import store

matplotlib.use("Agg")
RC: Any = {
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "svg.hashsalt": "jaxpe",
    "svg.fonttype": "path",  # an SVG cannot hold its fonts: as outlines its text looks the same everywhere
    "pdf.fonttype": 42,  # TrueType, embedded: can be searched, where the default (Type 3) is refused by journals
}
METADATA: Any = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


class Medium(NamedTuple):
    """Where figures are shown, with sizes of text in points and of figures in inches."""

    kinds: tuple[str, ...]
    dpi: int
    text: float = RC["font.size"]
    smallest: float = 0.0
    widths: tuple[float, ...] = ()  # narrowest first
    height: float = 0.0  # at least


MEDIA = {
    "web": Medium(("svg", "png"), 110),  # as drawn
    "paper": Medium(("pdf", "svg"), 300, 8.0, 6.0, (3.3, 6.9)),  # a column, and the width of the text
    # A slide of 16:9, taller where rows need it. Its inches are larger ones, so that lines and markers grow as text does.
    "talk": Medium(("svg", "png"), 228, 10.0, 8.0, (8.42,), 4.74),
}
# In an SVG: attributes that hold places, and the digits behind a hundredth.
PLACES = re.compile(rb' (?:d|x|y)="[^"]*"')
DECIMALS = re.compile(rb"(\.\d\d)\d+")
NARROW = 6.0  # figures drawn no wider than this are the narrowest


class Style(NamedTuple):
    """How a series is drawn everywhere: told apart by colour, by marker and by dashes."""

    colour: str
    marker: str
    dashes: Any


# Okabe and Ito's colours, safe for colour-blind readers.
STYLES = {
    "none": Style("#666666", "o", "-"),
    "sinusoidal": Style("#0072B2", "s", "--"),
    "learned": Style("#D55E00", "^", "-."),
    "sinusoidal_paper": Style("#56B4E9", "D", (0, (5, 1))),
    "learned_bert": Style("#E69F00", "v", (0, (3, 1, 1, 1))),
    "concatenated": Style("#009E73", "P", (0, (1, 1))),
    "random_fixed": Style("#CC79A7", "X", (0, (4, 2, 1, 2))),
    "learned + offset": Style("#8B0000", "<", (0, (2, 1))),
    "control:sinusoidal": Style("#8C510A", "p", (0, (2, 2))),
    "control:gaussian": Style("#7F3C8D", "*", (0, (5, 2))),
    "control:smooth": Style("#117733", "h", (0, (3, 2, 1, 2))),
    "sinusoidal + offset": Style("#44AA99", ">", (0, (6, 1, 1, 1))),
    "sinusoidal + randomized": Style("#332288", "d", (0, (1, 2))),
    "learned + randomized": Style("#DDAA33", "8", (0, (3, 3))),
}
# Tol's muted colours, for the rest of the catalogue in its order: 630 looks, neighbours differing in all three parts.
COLOURS = ("#332288", "#44AA99", "#882255", "#999933", "#88CCEE", "#117733", "#CC6677", "#AA4499", "#DDCC77")
MARKERS = "*hp>dH8123+x|_"
DASHES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))


def spare(i: int) -> Style:
    return Style(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], DASHES[i % len(DASHES)])


@cache
def styles() -> dict[str, Style]:
    """The style of every encoding of the catalogue."""
    from jaxpe import encodings

    others = [name for name in encodings.CATALOGUE if name not in STYLES]
    return STYLES | {name: spare(i) for i, name in enumerate(others)}


def points(axes: Axes, x: Any, y: Any, look: Style, **more: Any) -> None:
    """Points in a series' colour and marker. Filled markers have no line around them, all there is of the others."""
    line = 0.0 if MarkerStyle(look.marker).is_filled() else 1.2
    axes.scatter(x, y, color=look.colour, marker=look.marker, linewidths=line, **more)


def line(axes: Axes, means: pd.Series, look: Style, label: str | None = None) -> None:
    """A line through means with its marker, so that the legend shows it too."""
    at = range(len(means)) if means.index.dtype == object else means.index
    axes.plot(
        at, means, color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=4.5, linewidth=1.6, label=label,
    )  # fmt: skip


def room(axes: Axes, bottom: float = 0.0) -> None:
    """The vertical axis begins at `bottom` and leaves room for markers above the largest value."""
    top = axes.dataLim.y1
    axes.set_ylim(bottom, bottom + 1.08 * (top - bottom) if top > bottom else None)


def style(name: str) -> Style:
    """A series' style; names without one of their own get one by their letters."""
    base = name if name in styles() else name.rpartition(":")[2].partition(", ")[0]
    return styles().get(base) or spare(200 + zlib.crc32(base.encode()) % 400)


def style_at(i: int) -> Style:
    """The i-th style, for series that are no encodings."""
    looks = list(styles().values())
    return looks[i % len(looks)]


def panels(
    count: int, columns: int = 3, width: float = 3.4, height: float = 2.9, **more: Any
) -> tuple[Figure, list[Axes]]:
    """Small multiples: a figure with `count` axes."""
    columns = max(1, min(columns, count))
    rows = max(1, -(-count // columns))
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(width * columns, height * rows + 0.6), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **more).flatten()
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, list(axes[:count])


def save(figure: Figure, folder: Path, name: str, medium: str = "web") -> None:
    """Writes NAME in the file types of a medium, the same bytes every time."""
    kinds, dpi = MEDIA[medium].kinds, MEDIA[medium].dpi
    with matplotlib.rc_context(RC):
        if medium != "web":
            fit(figure, MEDIA[medium])
        else:
            frame(figure)
        for kind in kinds:
            content = io.BytesIO()
            about = {"Description": described(figure)} if kind == "svg" else {}
            figure.savefig(content, format=kind, dpi=dpi, metadata=METADATA[kind] | about)
            written = content.getvalue()
            store.write_bytes(folder / f"{name}.{kind}", rounded(written) if kind == "svg" else written)


def rounded(svg: bytes) -> bytes:
    """An SVG with its places at a hundredth of a point, which is finer than any screen or printer: smaller by a tenth."""
    return PLACES.sub(lambda found: DECIMALS.sub(rb"\1", found[0]), svg)


def described(figure: Figure) -> str:
    """What a figure shows, for those who hear it: its panels with their axes, its series, its caption."""
    parts = []
    for axes in figure.axes:
        titles = [axes.get_title(loc=place) for place in ("left", "center", "right")]  # type: ignore[arg-type]
        labels = [f"{name}: {text}" for name, text in (("x", axes.get_xlabel()), ("y", axes.get_ylabel())) if text]
        if axes.get_visible() and (told := [text for text in titles if text] + labels):
            parts.append("; ".join(told))
    series = dict.fromkeys(text.get_text() for legend in figure.legends for text in legend.get_texts())
    caption = [text.get_text() for text in figure.texts if text.get_text()]
    told = [*dict.fromkeys(parts), *([f"series: {', '.join(series)}"] if series else []), *caption]
    return " ".join(f"{part.replace(chr(10), ' ').rstrip('.')}." for part in told)


def series_name(row: Any) -> str:
    """'learned', or 'learned + offset' for another sampler in training."""
    return row.encoding if row.positions == "arange" else f"{row.encoding} + {row.positions}"


def curve(axes: Axes, table: pd.DataFrame, x: str = "test_length", y: str = "value") -> None:
    """One line a series through the means over seeds, and every seed as a point."""
    named = table.assign(series=[series_name(row) for row in table.itertuples()])
    for name, part in named.groupby("series", sort=False):
        look = style(str(name))
        means = part.groupby(x)[y].mean()
        line(axes, means, look, str(name))
        points(axes, part[x], part[y], look, s=14, alpha=0.6)


def baselines(axes: Axes, table: pd.DataFrame, x: str = "test_length") -> None:
    """Both baselines that need no training: floor dotted, order_blind_baseline dashed."""
    for column, dashes, label in (
        ("order_blind_baseline", (0, (6, 3)), "order-blind rule"),
        ("length_baseline", ":", "floor: length only"),
    ):
        line = table.dropna(subset=[column]).groupby(x)[column].first()
        if len(line):
            axes.plot(line.index, line, color="black", linestyle=dashes, linewidth=1, label=label)


def train_length(axes: Axes, length: float) -> None:
    """The training length: what lies right of it was never seen."""
    axes.axvline(length, color="black", linewidth=0.7, alpha=0.5)
    axes.annotate(
        f"trained ≤ {length:g}",
        (length, 1.0),
        (3, 2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=8,
    )


def by_length(axes: Axes, table: pd.DataFrame, title: str, unit: str = "symbols of x") -> None:
    """What a panel with test lengths on its horizontal axis has: both baselines, the training length, title and label."""
    baselines(axes, table)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    train_length(axes, table["train_length"].iloc[0])
    axes.set_title(title, pad=16)
    axes.set_xlabel(f"test length ({unit})")


def legend(figure: Figure, axes: Sequence[Axes], columns: int = 4) -> None:
    """One legend for all axes, above them."""
    found: dict[str, Any] = {}
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    with matplotlib.rc_context(RC):
        figure.legend(found.values(), found.keys(), loc="outside upper center", ncols=columns, frameon=False)


def caption(figure: Figure, text: str) -> None:
    """A line below the figure: what is shown, over how many seeds and examples."""
    with matplotlib.rc_context(RC):
        figure.supxlabel(text, fontsize=8.5, color="#444444")


def seeds_of(table: pd.DataFrame) -> str:
    """'6 seeds', or '4 to 6 seeds' where the runs of a table have different numbers of them."""
    counts = table.groupby(["task", "architecture", "encoding", "positions"])["seed"].nunique()
    low, high = int(counts.min()), int(counts.max())
    return f"{high} seeds" if low == high else f"{low} to {high} seeds"


def seeds_at(axes: Axes, table: pd.DataFrame, groups: Sequence[str], column: str = "encoding") -> None:
    """A column a group, a point a seed, with both baselines as short lines."""
    generator = np.random.default_rng(0)
    for place, group in enumerate(groups):
        part = table[table[column] == group]
        look = style(group)
        spread = place + generator.uniform(-0.16, 0.16, len(part))
        points(axes, spread, part["value"], look, s=26, alpha=0.8, label=group)
        for name, dashes, label in (
            ("order_blind_baseline", (0, (4, 2)), "order-blind rule"),
            ("length_baseline", ":", "floor: length only"),
        ):
            if len(part) and part[name].notna().any():
                axes.hlines(
                    part[name].mean(),
                    place - 0.4,
                    place + 0.4,
                    color="black",
                    linestyle=dashes,
                    linewidth=1,
                    label=label,
                )
    axes.set_xticks(range(len(groups)), [group.replace("_", "\n") for group in groups], fontsize=8)
    axes.set_xlim(-0.6, len(groups) - 0.4)


def similarity_map(axes: Axes, matrix: np.ndarray, last: float) -> Any:
    """A square map of similarities between positions 0 … last, in colours whose lightness grows with them."""
    edges = (-0.5, last + 0.5, last + 0.5, -0.5)
    image = axes.imshow(matrix, cmap="cividis", vmin=-1, vmax=1, interpolation="nearest", extent=edges)
    for axis, label in ((axes.xaxis, axes.set_xlabel), (axes.yaxis, axes.set_ylabel)):
        axis.set_major_locator(MaxNLocator(5, integer=True))
        label("position")
    return image


# ── for print and for slides ────────────────────────────────────────────────────────────────────────────────────────


def fit(figure: Figure, medium: Medium) -> None:
    """Gives a figure the width and the text of a medium, and breaks up what is then too long for its place."""
    width, height = figure.get_size_inches()
    scale = medium.text / RC["font.size"]
    target = medium.widths[0 if width <= NARROW else -1]
    figure.set_size_inches(target, max(medium.height, height * min(scale, max(target / width, 1.0))))
    for text in figure.findobj(Text):
        text.set_fontsize(min(max(medium.smallest, scale * text.get_fontsize()), medium.text))
    for axis in [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]:
        if labels := axis.get_ticklabels():  # those that are made anew
            axis.set_tick_params(labelsize=labels[0].get_fontsize())
    figure.draw_without_rendering()
    frame(figure)
    figure.draw_without_rendering()
    for axes in figure.axes:
        for text, room in (
            (axes.title, axes.bbox.width),
            (axes.xaxis.label, axes.bbox.width),
            (axes.yaxis.label, axes.bbox.height),
        ):
            wrap(text, 1.1 * room)
        turn(axes)


def frame(figure: Figure) -> None:
    """Breaks up a caption and a legend that are wider than their figure."""
    for text in figure.texts:
        wrap(text, 0.96 * figure.bbox.width)
    for legend in list(figure.legends):
        if legend.get_window_extent().width > figure.bbox.width:
            narrow(figure, legend)


def extent(text: Text) -> float:
    """How long a line of text is, in pixels."""
    box = text.get_window_extent()
    return box.height if text.get_rotation() == 90 else box.width


def wrap(text: Text, room: float) -> None:
    """Breaks a text into lines of at most `room` pixels."""
    lines = text.get_text().split("\n")
    if extent(text) > room:
        letters = max(8, int(0.96 * max(map(len, lines)) * room / extent(text)))
        text.set_text(
            "\n".join(part for line in lines for part in textwrap.wrap(line, letters, break_long_words=False))
        )


def narrow(figure: Figure, legend: Legend) -> None:
    """Gives a figure's legend as many columns as the figure is wide, and the figure room for its further lines."""
    handles: Any = legend.legend_handles
    names, size = [text.get_text() for text in legend.get_texts()], legend.get_texts()[0].get_fontsize()
    before = legend.get_window_extent().height
    for columns in range(len(names), 0, -1):
        legend.remove()
        legend = figure.legend(handles, names, loc="outside upper center", ncols=columns, frameon=False, fontsize=size)
        if legend.get_window_extent().width <= figure.bbox.width:
            break
    more = max(0.0, legend.get_window_extent().height - before)
    figure.set_figheight(figure.get_figheight() + more / figure.dpi)


def turn(axes: Axes) -> None:
    """Turns the names below an axis where they run into each other."""
    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    if any(one.x1 > other.x0 for one, other in pairwise(boxes)):
        axes.tick_params(axis="x", labelrotation=90)
