"""`--set field=value`: words of the command line as typed values of a preset's fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from jaxpe.errors import UnknownName, UserError
from jaxpe.study.presets import NOT_OVERRIDDEN, Preset


def parse_overrides(assignments: Sequence[str]) -> dict[str, object]:
    """['width=64', 'shift=false'] -> {'width': 64, 'shift': False}.

    Raises UserError for an unknown field, a field that is given twice, and a value that its type cannot be read from.
    """
    known = {field.name: str(field.type) for field in fields(Preset) if field.name not in NOT_OVERRIDDEN}
    values: dict[str, object] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise UserError(f"--set takes field=value, got {assignment!r}. Fields: {', '.join(known)}.")
        if name not in known:
            raise UnknownName("preset field", name, known, "`--set fields` prints all fields.")
        if name in values:
            raise UserError(f"{name} is given more than once: give one value.")
        values[name] = parse_value(name, known[name], text)
    return values


def format_fields() -> str:
    """The fields that --set takes, one a line, with type and default."""
    lines = []
    for one in fields(Preset):
        if one.name not in NOT_OVERRIDDEN:
            kind = str(one.type).split(" ")[0].partition("[")[0]
            lines.append(f"{one.name:22}{kind:8}default {one.default}")
    return "\n".join(lines)


def parse_value(name: str, annotation: str, text: str) -> object:
    """The value of a field whose type is `annotation`. Raises UserError where the text is no such value."""
    parse, description = PARSERS.get(annotation.split(" ")[0].partition("[")[0], (str, "text"))
    try:
        return parse(text)
    except ValueError:
        raise UserError(f"{name} takes {description}, got {text!r}.") from None


def parse_numbers(text: str) -> tuple[float, ...]:
    """'0.001/0.003' -> (0.001, 0.003), 'none' -> ()."""
    return () if text == "none" else tuple(float(part) for part in text.split("/"))


def parse_truth(text: str) -> bool:
    """'true' or 'false' as a bool. Raises ValueError for anything else."""
    return bool(("false", "true").index(text))


PARSERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (parse_truth, "true or false"),
    "tuple": (parse_numbers, "numbers separated by /"),
}
