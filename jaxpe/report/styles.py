"""How the scripts of a page draw each series: the figures' own colours, markers and dashes."""

from __future__ import annotations

from collections.abc import Iterable

from jaxpe.figures.style import find_style

DASHES = {"-": "", "--": "6 3", "-.": "7 3 2 3", ":": "2 3"}  # of SVG, by matplotlib's names


def describe_styles(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Colour, marker and SVG dashes by the name of a series."""
    return {name: describe_style(name) for name in sorted(set(names))}


def describe_style(name: str) -> dict[str, str]:
    """Colour, marker and SVG dashes of one series."""
    style = find_style(name)
    dashes = style.dashes
    dash = DASHES[dashes] if isinstance(dashes, str) else " ".join(f"{2 * part:g}" for part in dashes[1])
    return {"colour": style.colour, "marker": style.marker, "dash": dash}
