"""How a series looks: the same colour, marker and dashes for an encoding in every figure; and fonts for all names."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Style(NamedTuple):
    """How a series is drawn everywhere: told apart by colour, by marker and by dashes."""

    colour: str
    marker: str
    dashes: Any  # a name of matplotlib's, or (offset, (on, off, ...))


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
    "control:sinusoidal": Style("#8C510A", "s", (0, (2, 2))),
    "control:gaussian": Style("#7F3C8D", "*", (0, (5, 2))),
    "control:smooth": Style("#117733", "x", (0, (3, 2, 1, 2))),
    "sinusoidal + offset": Style("#44AA99", ">", (0, (6, 1, 1, 1))),
    "sinusoidal + randomized": Style("#332288", "d", (0, (1, 2))),
    "learned + randomized": Style("#B8860B", "D", (0, (3, 3))),
}
# Tol's muted colours, the pale ones darkened to a contrast of 3 : 1 on white, for the rest of the catalogue in its order:
# 585 styles, neighbours differing in all three parts. No two markers look alike at 4 points.
COLOURS = ("#332288", "#2E8B7E", "#882255", "#7D7D1F", "#3A8FB7", "#117733", "#CC6677", "#AA4499", "#A8860B")
MARKERS = "*D>PvX<d^s+x|"
DASHES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))


def spare_style(i: int) -> Style:
    """The i-th style for a series without one of its own."""
    return Style(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], DASHES[i % len(DASHES)])


@cache
def list_styles() -> dict[str, Style]:
    """The style of every encoding of the catalogue, and of every published model that can be fetched."""
    from jaxpe import encodings  # JAX is slow to import
    from jaxpe.data.cache import MODELS

    others = [name for name in (*encodings.CATALOGUE, *MODELS) if name not in STYLES]
    return STYLES | {name: spare_style(i) for i, name in enumerate(others)}


def find_style(name: str) -> Style:
    """A series' style. A name that has none gets one that depends on its letters."""
    styles = list_styles()
    side, _, last = name.rpartition(":")
    if name not in styles and side and "=" not in last:  # of a side of a comparison: 'results:sinusoidal, 6 seeds'
        name = last.partition(", ")[0]
    return styles.get(name) or spare_style(200 + zlib.crc32(name.encode()) % 385)


def pick_style(i: int) -> Style:
    """The i-th style, for series that are not encodings."""
    styles = list(list_styles().values())
    return styles[i % len(styles)]


# ── fonts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def set_fonts(figure: Figure) -> None:
    """Lets texts with letters that the usual font lacks, as Japanese, use a font of the system that has them."""
    from matplotlib.text import Text  # here and below: slow to import

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        fonts = list_fonts(text.get_text())
        if fonts:
            text.set_fontfamily(list(dict.fromkeys([*text.get_fontfamily(), *fonts])))


def list_fonts(text: str) -> tuple[str, ...]:
    """The fonts that a text needs besides the usual one; none where the system has none."""
    return () if text.isascii() else find_fonts(frozenset(letter for letter in text if not letter.isascii()))


@cache
def find_fonts(letters: frozenset[str]) -> tuple[str, ...]:
    """Fonts of the system for those of some letters that DejaVu Sans lacks, the one with most of them first."""
    missing, chosen = select_missing(letters, "DejaVu Sans"), list[str]()
    names = list_system_fonts() if missing else []
    while missing:
        left = {name: select_missing(missing, name) for name in names}
        best = min(names, key=lambda name: len(left[name]))
        if left[best] == missing:
            break
        chosen.append(best)
        missing = left[best]
    return tuple(chosen)


@cache
def list_system_fonts() -> list[str]:
    """The names of all upright fonts of usual weight, also of those that matplotlib's stored list does not have yet.

    Not the last resort, which has boxes for all letters.
    """
    from matplotlib.font_manager import findSystemFonts, fontManager

    for path in sorted({*findSystemFonts()} - {font.fname for font in fontManager.ttflist}):
        with suppress(OSError, RuntimeError, ValueError):
            fontManager.addfont(path)
    usual = {font.name for font in fontManager.ttflist if font.style == "normal" and font.weight in (400, "normal")}
    return sorted(name for name in usual if "lastresort" not in name.replace(" ", "").lower())


def select_missing(letters: frozenset[str], name: str) -> frozenset[str]:
    """The letters that a font lacks; all of them if it cannot be read."""
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    try:
        font = get_font(fontManager.findfont(FontProperties(family=[name]), fallback_to_default=False))
    except (OSError, RuntimeError, ValueError):
        return letters
    return frozenset(letter for letter in letters if not font.get_char_index(ord(letter)))


@contextmanager
def ignore_missing_letters() -> Iterator[None]:
    """No warning about letters that no font has: they are drawn as boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield
