"""Text of figures for print: one size, titles and labels that are no wider than their panel, tick labels that do not touch."""

from __future__ import annotations

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, LogFormatterSciNotation, LogLocator, MaxNLocator, SymmetricalLogLocator

from jaxpe.figures.draw import wrap_text

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
FEW = 3  # intervals between the ticks of an axis whose labels would touch


class PowerFormatter(LogFormatterSciNotation):
    """Labels of a logarithmic axis without mathematical layout, whose exponents would be smaller than a print allows.

    0.01, 1 and 100 as they are; smaller and larger numbers as 10⁻³ and 2×10⁴, with letters of the font.
    """

    def __call__(self, x: float, pos: int | None = None) -> str:
        if not super().__call__(x, pos):  # between two powers, where they are enough
            return ""
        if x == 0 or 0.01 <= abs(x) < 1000:
            return f"{x:g}"
        digits, exponent = f"{x:e}".split("e")
        power = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
        return power if float(digits) == 1 else f"{float(digits):g}×{power}"


def fit_text(figure: Figure, points: float) -> None:
    """Gives all text one size in points, breaks long titles and labels into lines, and makes room between tick labels."""
    write_powers(figure)
    set_text_size(figure, points)
    figure.draw_without_rendering()
    for axes in figure.axes:
        if axes.get_visible():
            break_lines(figure, axes)
            separate_tick_labels(axes)
    set_text_size(figure, points)


def write_powers(figure: Figure) -> None:
    """Gives the logarithmic axes of a figure labels in letters of the font alone."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_formatter(), LogFormatterSciNotation):
                axis.set_major_formatter(PowerFormatter())
            if isinstance(axis.get_minor_formatter(), LogFormatterSciNotation):
                axis.set_minor_formatter(PowerFormatter(labelOnlyBase=False))


def set_text_size(figure: Figure, points: float) -> None:
    """Gives all text of a figure one size: labels, also of ticks that are not made yet, titles and legends."""
    for axes in figure.axes:
        axes.tick_params(which="both", labelsize=points)
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_fontsize(points)


def break_lines(figure: Figure, axes: Axes) -> None:
    """Breaks the titles and labels of a panel where they are longer than it."""
    width, height = (side / figure.dpi for side in (axes.bbox.width, axes.bbox.height))
    for text, room in (
        (axes.title, width),
        (axes.xaxis.label, width),
        (axes.yaxis.label, height if axes.get_label() != "<colorbar>" else 10 * height),
    ):
        if text.get_text():
            text.set_text(wrap_text(text.get_text(), room))


def separate_tick_labels(axes: Axes) -> None:
    """Where the labels of the horizontal axis touch: names are turned, numbers become fewer."""
    axis = axes.xaxis
    boxes = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text() and label.get_visible()]
    boxes = sorted((box for box in boxes if box.width), key=lambda box: box.x0)
    if all(one.x1 < other.x0 for one, other in pairwise(boxes)):
        return
    if isinstance(axis.get_major_locator(), FixedLocator):
        for label in axis.get_ticklabels():
            label.set(rotation=label.get_rotation() or 35, ha="right", rotation_mode="anchor")
    elif not isinstance(axis.get_major_locator(), (LogLocator, SymmetricalLogLocator)):
        axis.set_major_locator(MaxNLocator(FEW))
