"""What all pages share: templates that escape what comes from results, and numbers as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

TINY = 1e-9  # smaller numbers are rounding errors
MOST_DECIMALS = 6  # more are written with an exponent
MINUS = "−"
REASON = re.compile(r"Undecided: (.+?\.)(?=\s|$)", re.DOTALL)  # a sentence of a claim's note
SIGN = re.compile(r"(?<![\w.\-/=])-(?=\.?\d)")  # a hyphen for a minus: not in a word, a range, an option or a path
EXPONENT = re.compile(r"(?<=\de)-(?=\d)")
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
        "number": format_alike,
        "signed": format_signed,
        "p": format_p,
        "estimates": list_estimates,
        "minus": set_minus,
        "anchor": make_anchor,
        "code": mark_code,
        "reason": find_reason,
    } | filters
    return environment


def format_short(value: float | None, digits: int = 3, sign: str = "") -> str:
    """A number with a few significant digits: rounding errors are 0, None is a dash."""
    if value is None:
        return "–"
    return "0" if abs(value) < TINY else f"{value:{sign}.{digits}g}"


def format_change(value: float | None) -> str:
    """The same with its sign."""
    return format_short(value, sign="+")


def count_decimals(values: Iterable[float | None]) -> int:
    """How many decimals numbers of one measure are shown with: as many as the largest of them asks for."""
    size = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    if size >= 100:
        return 0 if size >= 1000 else 1
    return 3 if size >= 0.01 or size <= TINY else 1 + math.ceil(-math.log10(size))


def format_alike(value: float | None, alike: Iterable[float | None] = (), sign: str = "") -> str:
    """A number on a page, with as many decimals as the others in `alike`, and a true minus sign. None is a dash."""
    if value is None:
        return "–"
    decimals = count_decimals([value, *alike])
    if decimals > MOST_DECIMALS:
        return set_minus(f"{value:{sign}.1e}") if abs(value) > TINY else "0"
    return set_minus(f"{value:{sign}z.{decimals}f}")


def format_signed(value: float | None, alike: Iterable[float | None] = ()) -> str:
    """The same with its sign."""
    return format_alike(value, alike, "+")


def format_p(value: float | None) -> str:
    """A p value: three decimals, or that it is smaller."""
    return "–" if value is None else "< 0.001" if value < 0.0005 else f"{value:.3f}"


def list_estimates(entries: Iterable[Mapping[str, Any]], unit: str) -> list[float | None]:
    """The effects of claims in one unit, and the edges of their intervals, which are shown alike."""
    return [entry[name] for entry in entries if entry["unit"] == unit for name in ("effect", "low", "high")]


def set_minus(text: object) -> str:
    """A sentence or number with a true minus sign before what is negative, except in `commands`."""
    parts = re.split(r"(`[^`]*`)", str(text))
    return "".join(part if part.startswith("`") else EXPONENT.sub(MINUS, SIGN.sub(MINUS, part)) for part in parts)


def make_anchor(kind: str, *names: str) -> str:
    """The id of an element that shows something with these names, safe in links."""
    return "-".join([kind, *(UNSAFE.sub(lambda match: f"~{ord(match[0]):x}", name) for name in names)])


def mark_code(text: str) -> Markup:
    """A note with its `commands` as code, and true minus signs."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(set_minus(text)))))


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
