"""Where a figure is shown decides its sizes and file types: the web page, a paper, or a slide.

A medium is set before anything is drawn, with `use_medium`; text has relative sizes ("small"), so it follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import matplotlib
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from jaxpe.figures.style import ignore_missing_letters, list_fonts

matplotlib.use("Agg")
WEB_TEXT = 9.5  # points
RC: Any = {
    "axes.titlesize": "medium",
    "axes.labelsize": "medium",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    # Verdana has nearly the same widths as DejaVu Sans: layouts hold where the latter is not installed.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
    "svg.hashsalt": "jaxpe",
    "svg.fonttype": "none",  # text stays text: smaller, searchable, and set in the reader's own font if need be
    "pdf.fonttype": 42,  # embedded TrueType; journals refuse the default, Type 3
}


PROCESS = (
    "backend",
    "backend_fallback",
    "interactive",
    "toolbar",
    "timezone",
    "date.epoch",
)  # of a process, not a style


class Medium(NamedTuple):
    """File types, text size in points and figure sizes in inches. Figures for the web have the size they ask for."""

    kinds: tuple[str, ...]
    dpi: int
    text: float
    widths: tuple[float, ...] = ()  # narrowest first
    height: float = 0.0  # at least

    @property
    def scale(self) -> float:
        """Size of the text relative to the web's."""
        return self.text / WEB_TEXT

    @property
    def rc(self) -> Any:
        """matplotlib's parameters for this medium: its own defaults, whatever a matplotlibrc says, and ours."""
        return (
            {name: value for name, value in matplotlib.rcParamsDefault.items() if name not in PROCESS}
            | RC
            | {"font.size": self.text}
        )

    def layout(
        self, count: int, columns: int, width: float, height: float, grid: bool = False
    ) -> tuple[int, int, tuple[float, float]]:
        """Rows and columns of `count` panels, and the size of their figure.

        On paper and slides there are as many columns as leave each panel the room that its text has on the web, unless
        the panels are a grid, whose columns stay.
        """
        if self.widths and not grid:
            columns = min(columns, int(self.widths[-1] / (self.scale * width)))
        columns = max(1, min(columns, count))
        rows = max(1, -(-count // columns))
        total = width * columns * self.scale
        if self.widths:
            needed = 0.7 * total if columns == 1 else total  # a single panel is still clear when it is narrower
            total = next((one for one in self.widths if one >= needed), self.widths[-1])
        return rows, columns, (total, max(self.height, (height * rows + 0.6) * self.scale))


MEDIA = {
    "web": Medium(("svg", "png"), 110, WEB_TEXT),
    "paper": Medium(("pdf", "svg"), 300, 8.0, (3.3, 6.9)),  # a column, and the width of the text
    "talk": Medium(("svg", "png"), 228, 10.0, (8.42,), 4.74),  # a slide of 16:9, taller where rows need it
}
CURRENT: ContextVar[Medium] = ContextVar("medium", default=MEDIA["web"])


def current_medium() -> Medium:
    """The medium that figures are drawn for: the web, unless `use_medium` says otherwise."""
    return CURRENT.get()


@contextmanager
def use_medium(name: str) -> Iterator[Medium]:
    """Sets the style of a medium for the figures that are drawn inside."""
    token = CURRENT.set(MEDIA[name])
    try:
        with matplotlib.rc_context(MEDIA[name].rc):
            yield MEDIA[name]
    finally:
        CURRENT.reset(token)


def measure_text(text: str, size: str | float = "medium") -> float:
    """The width in inches of a line of text in the current medium."""
    with matplotlib.rc_context(current_medium().rc), ignore_missing_letters():
        font = FontProperties(family=["sans-serif", *list_fonts(text)], size=size)
        width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72
