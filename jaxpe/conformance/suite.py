"""The conformance suite: what every encoding must do, measured. `jaxpe check` and pytest run the same table.

Each property is a function of a `Subject` (an encoding in one attention config), in `jaxpe.properties`. What a class
declares (`invariance`, `directed`, `keeps_norms`, `position_limit`, `integer_positions`) is measured, and a mismatch fails.
Beside its class a file may define `reference_embed`, `reference_rotate` or `reference_bias` (or the class may, as static
methods, where a file has several encodings): the hook as a slow NumPy loop, compared value by value. Without one,
properties alone are checked, and the card says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from jaxpe.conformance import hooks, options, order, ranges, values
from jaxpe.conformance import subject as subjects
from jaxpe.conformance.subject import Finding, Subject
from jaxpe.encodings.base import Attention
from jaxpe.errors import UserError
from jaxpe.plugins import get_first_line, locate_class, locate_error

WIDTH, HEADS = 32, 4
SETTINGS: tuple[Attention, ...] = ("causal", "bidirectional", "cross")


class Property(NamedTuple):
    """A check, and the attention configs it is made in; `once`: in the first of them alone."""

    check: Callable[[Subject], Finding]
    configs: tuple[Attention, ...] = SETTINGS
    once: bool = False


PROPERTIES: dict[str, Property] = {
    "shapes and dtypes": Property(hooks.check_shapes),
    "promotion of dtypes": Property(hooks.check_promotion),
    "acts on": Property(hooks.check_acting),
    "parameters": Property(hooks.check_parameters),
    "initialisation": Property(hooks.check_initialisation, once=True),
    "reference": Property(values.check_reference),
    "jit = no jit": Property(hooks.check_jit),
    "vmap = loop": Property(hooks.check_vmap),
    "gradients": Property(hooks.check_gradients),
    "invariance": Property(order.check_invariance),
    "left from right": Property(order.check_direction, ("bidirectional", "cross")),
    "looks at": Property(order.check_places, ("bidirectional", "cross")),
    "leak of the future": Property(order.check_future, ("causal",)),
    "padding": Property(order.check_padding),
    "step by step = full": Property(order.check_steps, ("causal",)),
    "norms": Property(hooks.check_norms),
    "range": Property(ranges.check_range),
    "fractional positions": Property(ranges.check_fractions),
    "large positions": Property(values.check_precision),
    "options": Property(options.check_options, once=True),
    "lowers for": Property(hooks.check_lowering),
}


class Row(NamedTuple):
    """One line of the card. `fault` is '' where the property holds."""

    name: str
    measured: str
    fault: str = ""


def settings_of(name: str, width: int = WIDTH, heads: int = HEADS) -> tuple[list[Subject], dict[str, str]]:
    """The encoding in each config that it has, and what it says where it refuses one.

    Raises UserError where it fails in one, has no self-attention at all, or the heads do not divide the width.
    """
    if heads < 1 or width < 1 or width % heads:
        raise UserError(f"The width {width} is not divisible by {heads} heads: choose another of the two.")
    found: list[Subject] = []
    refused: dict[str, str] = {}
    for attention in SETTINGS:
        if attention == "cross" and not (found and found[0].initial.cross):
            continue
        try:
            found.append(subjects.subject(name, attention, width, heads))
        except UserError as error:
            if error.__cause__ is not None:  # not a refusal but a failure
                raise UserError(placed(error, name)) from error
            refused[attention] = str(error)
    if not found:
        raise UserError(next(iter(refused.values())))
    return found, refused


def placed(error: UserError, name: str) -> str:
    """The message of an error; with the place of the class where it is its call that failed, and not a line in it."""
    sentence, cause = str(error), error.__cause__
    if cause is None or locate_error(cause):
        return sentence
    return f"{sentence.rstrip('.')} ({locate_class(subjects.kind_of(name))})."


def about(name: str, found: list[Subject], refused: dict[str, str]) -> list[Row]:
    """What the encoding is: the head of the card."""
    kind = type(found[0].initial)
    return [
        Row("class", f"{kind.__name__} ({locate_class(kind).partition(',')[0]})"),
        Row("attention", ", ".join(one.attention for one in found)),
        *(Row(f"{attention} is refused", sentence) for attention, sentence in refused.items()),
    ]


def measure(subject: Subject, name: str) -> Finding:
    """One property in one config. Whatever the user's code raises is a fault that names its file and line.

    Raises UserError where the hooks cannot be called at all.
    """
    try:
        finding = PROPERTIES[name].check(subject)
    except UserError as error:
        if name == "shapes and dtypes":
            raise
        return Finding("not measured", str(error).rstrip("."))
    except Exception as error:
        where = subjects.place_of_error(error, type(subject.initial)) or locate_error(error)
        return Finding("not measured", f"{type(error).__name__}: {get_first_line(error)}{where}")
    if not finding.fault:
        return finding
    kind = type(subject.initial)
    places = {method: subjects.place_of_method(kind, method) for method in finding.methods}
    where = "; ".join(f"{method}: {place}" for method, place in places.items() if place)
    return finding._replace(fault=f"{finding.fault} ({where})" if where else finding.fault)


def together(name: str, findings: dict[Attention, Finding]) -> Row:
    """One row for all configs: what they share once, else each by its name."""
    measured = {config: one.measured for config, one in findings.items()}
    faulty = {config: one.fault for config, one in findings.items() if one.fault}
    return Row(name, joined(measured, len(findings)), joined(faulty, len(findings)))


def joined(parts: dict[Attention, str], configs: int) -> str:
    """'text' where all configs have it (numbers may differ), else 'config: text; config: text'."""
    shared = {re.sub(r"[-+.e\d]+", "#", text) for text in parts.values()}
    if len(parts) == configs and len(shared) == 1:
        return next(iter(parts.values()))
    return "; ".join(f"{config}: {text}" for config, text in parts.items())


def examine(found: list[Subject], names: Iterable[str] = tuple(PROPERTIES)) -> Iterator[Row]:
    """The rows of the card, one after the other. Nothing else is measured where the shapes are wrong."""
    for name in names:
        wanted = PROPERTIES[name]
        chosen = [one for one in found if one.attention in wanted.configs]
        if not chosen:
            continue
        row = together(name, {one.attention: measure(one, name) for one in (chosen[:1] if wanted.once else chosen)})
        yield row
        if name == "shapes and dtypes" and row.fault:
            return


def faults(name: str, properties: Iterable[str] = tuple(PROPERTIES), **sizes: Any) -> list[str]:
    """'property: fault' for each property that does not hold."""
    found, _ = settings_of(name, **sizes)
    return [f"{row.name}: {row.fault}" for row in examine(found, properties) if row.fault]
