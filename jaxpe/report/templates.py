"""What all pages share: templates that escape what comes from results, and numbers as people read them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

TINY = 1e-9  # smaller numbers are rounding errors
REASON = re.compile(r"Undecided: (.+?\.)(?=\s|$)", re.DOTALL)  # a sentence of a claim's note
UNSAFE = re.compile(r"[^A-Za-z0-9_+.-]")  # what an element's id spells as its code point


def make_environment(**filters: Callable[..., Any]) -> jinja2.Environment:
    """The templates of this folder. An unknown name in a template is an error, not an empty place."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "number": format_short,
        "signed": format_change,
        "anchor": make_anchor,
        "code": mark_code,
        "reason": find_reason,
    } | filters
    return environment


def format_short(value: float | None, digits: int = 3) -> str:
    """A number with a few significant digits: rounding errors are 0, None is a dash."""
    if value is None:
        return "–"
    return "0" if abs(value) < TINY else f"{value:.{digits}g}"


def format_change(value: float | None) -> str:
    """The same with its sign."""
    if value is None:
        return "–"
    return "0" if abs(value) < TINY else f"{value:+.3g}"


def make_anchor(kind: str, *names: str) -> str:
    """The id of an element that shows something with these names, safe in links."""
    return "-".join([kind, *(UNSAFE.sub(lambda match: f"~{ord(match[0]):x}", name) for name in names)])


def mark_code(text: str) -> Markup:
    """A note with its `commands` as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def find_reason(note: str) -> str:
    """Why a claim is undecided, as its note says it: the rest of the sentence 'Undecided: …'; '' where it does not."""
    sentence = REASON.search(note)
    return sentence[1] if sentence else ""


def round_value(value: Any) -> float | int | None:
    """A number for the scripts of a page, with four decimals; None where it is missing or not finite."""
    if pd.isna(value) or value in (float("inf"), float("-inf")):
        return None
    rounded = round(float(value), 4)
    return int(rounded) if rounded == int(rounded) else rounded
