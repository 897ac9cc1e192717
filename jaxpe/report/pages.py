"""What all pages share: templates that escape what comes from results, and numbers as people read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

TINY = 1e-9  # below it numbers are rounding errors


def environment(**filters: Callable[..., Any]) -> jinja2.Environment:
    """The templates of this folder. A name that is not there is an error, not an empty place."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {"number": number, "signed": signed} | filters
    return made


def number(value: float | None, digits: int = 3) -> str:
    """A number for people: rounding errors are 0, and none is a dash."""
    if value is None:
        return "–"
    return "0" if abs(value) < TINY else f"{value:.{digits}g}"


def signed(value: float | None) -> str:
    """The same with its sign."""
    if value is None:
        return "–"
    return "0" if abs(value) < TINY else f"{value:+.3g}"
