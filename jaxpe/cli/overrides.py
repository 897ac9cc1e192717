"""`--set field=value`: words of the command line as typed values of a preset's fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.registry import parse_truth
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
            raise UnknownName("preset field", name, known, "`jaxpe list fields` lists all.")
        if name in values:
            raise UserError(f"{name} is given more than once: give one value.")
        values[name] = parse_value(name, known[name], text)
    return values


def parse_value(name: str, annotation: str, text: str) -> object:
    """The value of a field whose type is `annotation`. Raises UserError where the text is no such value."""
    parse, description = PARSERS.get(name_kind(annotation), (str, "text"))
    try:
        return parse(text)
    except ValueError:
        raise UserError(f"{name} takes {description}, got {text!r}.") from None


def parse_seeds(text: str) -> dict[str, int]:
    """'6' -> {'seeds': 6}; '3-5', the seeds from 3 to 5, -> {'first_seed': 3, 'seeds': 3}.

    Raises UserError for anything else.
    """
    numbers = text.split("-")
    if len(numbers) > 2 or not all(number.isascii() and number.isdigit() for number in numbers):
        raise UserError(
            f"--seeds takes a number of seeds, as 6, or the first and the last of them, as 3-5, not {text!r}."
        )
    first, last = int(numbers[0]), int(numbers[-1])
    if numbers == ["0"]:
        raise UserError("--seeds 0 names no seed: give a number above 0, or the first and the last of them, as 0-0.")
    if len(numbers) == 1:
        return {"seeds": last}
    if first > last:
        raise UserError(f"--seeds {text} names no seed: the first is greater than the last.")
    return {"first_seed": first, "seeds": last - first + 1}


def list_seeds(text: str | None) -> tuple[int, ...]:
    """'2' -> (0, 1); '3-5' -> (3, 4, 5); None -> (), for all seeds."""
    if text is None:
        return ()
    values = {"first_seed": 0} | parse_seeds(text)
    return tuple(range(values["first_seed"], values["first_seed"] + values["seeds"]))


def name_kind(annotation: str) -> str:
    """'int' of 'int | None', 'tuple' of 'tuple[float, ...]'."""
    return annotation.split(" ")[0].partition("[")[0]


def parse_numbers(text: str) -> tuple[float, ...]:
    """'0.001/0.003' -> (0.001, 0.003), 'none' -> ()."""
    return () if text == "none" else tuple(float(part) for part in text.split("/"))


PARSERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (parse_truth, "true or false"),
    "tuple": (parse_numbers, "numbers separated by /"),
}
