"""How a series looks: the same colour, marker and dashes for an encoding in every figure."""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any, NamedTuple


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
    "control:sinusoidal": Style("#8C510A", "p", (0, (2, 2))),
    "control:gaussian": Style("#7F3C8D", "*", (0, (5, 2))),
    "control:smooth": Style("#117733", "h", (0, (3, 2, 1, 2))),
    "sinusoidal + offset": Style("#44AA99", ">", (0, (6, 1, 1, 1))),
    "sinusoidal + randomized": Style("#332288", "d", (0, (1, 2))),
    "learned + randomized": Style("#DDAA33", "8", (0, (3, 3))),
}
# Tol's muted colours, for the rest of the catalogue in its order: 630 styles, neighbours differing in all three parts.
COLOURS = ("#332288", "#44AA99", "#882255", "#999933", "#88CCEE", "#117733", "#CC6677", "#AA4499", "#DDCC77")
MARKERS = "*hp>dH8123+x|_"
DASHES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))


def spare_style(i: int) -> Style:
    """The i-th style for a series without one of its own."""
    return Style(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], DASHES[i % len(DASHES)])


@cache
def list_styles() -> dict[str, Style]:
    """The style of every encoding of the catalogue."""
    from jaxpe import encodings  # JAX is slow to import

    others = [name for name in encodings.CATALOGUE if name not in STYLES]
    return STYLES | {name: spare_style(i) for i, name in enumerate(others)}


def find_style(name: str) -> Style:
    """A series' style. A name that has none gets one that depends on its letters."""
    styles = list_styles()
    base = name if name in styles else name.rpartition(":")[2].partition(", ")[0]
    return styles.get(base) or spare_style(200 + zlib.crc32(base.encode()) % 400)


def pick_style(i: int) -> Style:
    """The i-th style, for series that are not encodings."""
    styles = list(list_styles().values())
    return styles[i % len(styles)]
