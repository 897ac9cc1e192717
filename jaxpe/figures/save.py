"""Figures as files: the same bytes whenever they are drawn again, and a description for those who do not see them."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.figures.draw import INTERVAL
from jaxpe.figures.fit import fit_text
from jaxpe.figures.media import current_medium
from jaxpe.figures.style import ignore_missing_letters, set_fonts
from jaxpe.records.files import write_bytes, write_text
from jaxpe.records.statistics import SOLVED_SCORE

METADATA: dict[str, Any] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
COORDINATES = re.compile(rb' (?:d|x|y)="[^"]*"')  # attributes of an SVG
DECIMALS = re.compile(rb"(\.\d\d)\d+")


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Writes NAME in the file types of the current medium, the same bytes every time; in print its caption as NAME.txt."""
    for kind in current_medium().kinds:
        write_bytes(folder / f"{name}.{kind}", render_figure(figure, kind))
    if current_medium().is_print:
        write_text(folder / f"{name}.txt", f"{make_caption(figure)}\n")


def make_caption(figure: Figure) -> str:
    """The caption of a figure for print, with what its intervals are."""
    bars = "Bars: means with 95 % t-intervals, where there are three seeds or more, all on one side of "
    has_bars = any(one.get_label() == INTERVAL for axes in figure.axes for one in axes.containers)
    parts = [str(figure.get_label()), f"{bars}{SOLVED_SCORE:g}." if has_bars else ""]
    return " ".join(part for part in parts if part)


def render_figure(figure: Figure, kind: str = "svg") -> bytes:
    """The file of a figure in the current medium, the same bytes every time."""
    medium = current_medium()
    content = io.BytesIO()
    about = {"Description": describe_figure(figure)} if kind == "svg" else {}
    set_fonts(figure)
    with matplotlib.rc_context(medium.rc), ignore_missing_letters():
        if medium.is_print:
            fit_text(figure, medium.text)
        figure.savefig(content, format=kind, dpi=medium.dpi, metadata=METADATA[kind] | about)
    return round_coordinates(content.getvalue()) if kind == "svg" else content.getvalue()


def round_coordinates(svg: bytes) -> bytes:
    """An SVG with coordinates in hundredths of a point, finer than any screen or printer: smaller by a tenth."""
    return COORDINATES.sub(lambda match: DECIMALS.sub(rb"\1", match[0]), svg)


def describe_figure(figure: Figure) -> str:
    """What a figure shows, for screen readers: its panels with their axes, its series, its caption."""
    panels = [text for axes in figure.axes if axes.get_visible() and (text := describe_panel(axes))]
    series = dict.fromkeys(text.get_text() for legend in figure.legends for text in legend.get_texts())
    captions = [text.get_text() for text in figure.texts if text.get_text()]
    captions += [text] if (text := make_caption(figure)) else []
    parts = [*dict.fromkeys(panels), *([f"series: {', '.join(series)}"] if series else []), *captions]
    return " ".join(f"{part.replace(chr(10), ' ').rstrip('.')}." for part in parts)


def describe_panel(axes: Axes) -> str:
    """Titles and axis labels; '' where there are none."""
    titles = [axes.get_title("left"), axes.get_title("center"), axes.get_title("right")]
    labels = [f"{name}: {text}" for name, text in (("x", axes.get_xlabel()), ("y", axes.get_ylabel())) if text]
    return "; ".join([title for title in titles if title] + labels)
