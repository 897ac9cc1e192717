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

from jaxpe.errors import UnknownName, UserError
from jaxpe.figures.style import ignore_missing_letters, list_fonts, list_system_fonts

matplotlib.use("Agg")
WEB_TEXT = 9.5  # points
NARROW = 0.7  # of the width that a panel asks for: still clear
LOW = 0.8  # of its height: lines of text do not touch yet
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
    """File types, text size in points and figure sizes in inches. Figures for the web have the size they ask for.

    In print all text has one size; the caption is a file of its own; and where seeds are shown, so are their
    means with intervals.
    """

    name: str
    kinds: tuple[str, ...]
    dpi: int
    text: float
    widths: tuple[float, ...] = ()  # narrowest first
    height: float = 0.0  # at least
    page: float = 0.0  # height of a page, on which panels may be narrower so that they fit; 0: there is none
    is_print: bool = False
    font: str = ""  # a family; '': the usual one

    @property
    def scale(self) -> float:
        """Size of the text relative to the web's."""
        return self.text / WEB_TEXT

    @property
    def rc(self) -> Any:
        """matplotlib's parameters for this medium: its own defaults, whatever a matplotlibrc says, and ours."""
        own: Any = {"font.size": self.text}
        if self.font:
            own |= {"font.sans-serif": [self.font, *RC["font.sans-serif"]], "mathtext.fontset": "custom"}
            own |= {"mathtext.rm": self.font, "mathtext.it": f"{self.font}:italic", "mathtext.bf": f"{self.font}:bold"}
        return {name: value for name, value in matplotlib.rcParamsDefault.items() if name not in PROCESS} | RC | own

    def layout(
        self, count: int, columns: int, width: float, height: float, grid: bool = False
    ) -> tuple[int, int, tuple[float, float]]:
        """Rows and columns of `count` panels, and the size of their figure.

        On paper and slides there are as many columns as leave each panel the room that its text has on the web, unless
        the panels are a grid, whose columns stay. Rows become lower where they would not fit on a page.
        """
        if self.widths and not grid:
            most, narrow = (int(self.widths[-1] / (self.scale * share * width)) for share in (1, NARROW))
            rows = -(-count // max(1, min(columns, most)))
            columns = min(columns, narrow if self.page and rows * height * self.scale > self.page else most)
        columns = max(1, min(columns, count))
        rows = max(1, -(-count // columns))
        total = width * columns * self.scale
        if self.widths:
            needed = NARROW * total if columns == 1 else total  # a single panel is still clear when it is narrower
            total = next((one for one in self.widths if one >= needed), self.widths[-1])
        high = (height * rows + 0.6) * self.scale
        if self.page:
            high = max(min(high, self.page), LOW * high)
        return rows, columns, (total, max(self.height, high))


LEAST_WIDTH, MOST_WIDTH = 2.0, 20.0  # inches
COLUMN, TEXT, PAGE = (
    3.25,
    6.75,
    8.8,
)  # inches of a paper: widths of a column and of the text, height of the text less a legend
MEDIA = {
    "web": Medium("web", ("svg", "png"), 110, WEB_TEXT),
    "paper": Medium("paper", ("pdf", "svg"), 300, 8.0, (COLUMN, TEXT), page=PAGE, is_print=True),
    "talk": Medium("talk", ("svg", "png"), 228, 10.0, (8.42,), 4.74),  # a slide of 16:9, taller where rows need it
}
CURRENT: ContextVar[Medium] = ContextVar("medium", default=MEDIA["web"])


def current_medium() -> Medium:
    """The medium that figures are drawn for: the web, unless `use_medium` says otherwise."""
    return CURRENT.get()


@contextmanager
def use_medium(medium: Medium) -> Iterator[Medium]:
    """Sets the style of a medium for the figures that are drawn inside."""
    token = CURRENT.set(medium)
    try:
        with matplotlib.rc_context(medium.rc):
            yield medium
    finally:
        CURRENT.reset(token)


def adapt_paper(font: str, width: str) -> Medium:
    """The medium paper with a font family and a width ("column", "text", or inches); '': as usual.

    Raises UserError for a family that the system does not have, and for a width that is none.
    """
    medium = MEDIA["paper"]
    if font:
        medium = medium._replace(font=find_family(font))
    if width:
        medium = medium._replace(widths=(parse_width(width),))
    return medium


def parse_width(text: str) -> float:
    """A width in inches. Raises UserError for what is none, and for one that leaves no room or no paper has."""
    try:
        inches = {"column": COLUMN, "text": TEXT}.get(text) or float(text)
    except ValueError:
        inches = 0.0
    if not LEAST_WIDTH <= inches <= MOST_WIDTH:
        raise UserError(f"--width takes column, text, or {LEAST_WIDTH:g} to {MOST_WIDTH:g} inches, got {text!r}.")
    return inches


def find_family(name: str) -> str:
    """A font family as the system writes its name. Raises UserError for one that it does not have."""
    families = list_system_fonts()
    by_name = {family.lower(): family for family in families}
    if name.lower() not in by_name:
        raise UnknownName("font family", name, families)
    return by_name[name.lower()]


def measure_text(text: str, size: str | float = "medium") -> float:
    """The width in inches of a line of text in the current medium."""
    with matplotlib.rc_context(current_medium().rc), ignore_missing_letters():
        font = FontProperties(family=["sans-serif", *list_fonts(text)], size=size)
        width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72
