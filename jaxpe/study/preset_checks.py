"""Presets with other values, and checked before they are used: each fault is one sentence that says what to change."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import fields, replace
from typing import Any

from jaxpe.data.corpus import BPE
from jaxpe.errors import UnknownName, UserError
from jaxpe.study.fields import FIELDS
from jaxpe.study.presets import NOT_OVERRIDDEN, GridRow, Preset
from jaxpe.tasks.base import ARCHITECTURES

LARGEST = 2**31 - 1  # that a 32-bit integer holds: seeds and sizes are such in JAX
KINDS: dict[str, tuple[tuple[type, ...], str]] = {  # of a field, by its annotation: the types that it takes, in words
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "True or False"),
    "str": ((str,), "a text"),
}
NAMES = ("architectures", "encodings", "positions")  # of a row: tuples of names
OPTIONS = ("encoding_options", "task_options")  # of a row: tuples of pairs


def override(preset: Preset, values: Mapping[str, object]) -> Preset:
    """The preset with other values of its fields; they also replace those of its rows.

    Raises UserError for an unknown field, for what `check_preset` refuses, and for the vocabulary of a tokenizer that has
    its own.
    """
    if "vocabulary" in values and (kind := values.get("tokenizer", preset.tokenizer)) != BPE:
        raise UserError(
            f"vocabulary is the size of the tokenizer {BPE}, and {kind} has its own: leave out one of the two."
        )
    known = [field.name for field in fields(Preset) if field.name not in NOT_OVERRIDDEN]
    for name in values:
        if name not in known:
            raise UnknownName("preset field", name, known)
    rows = tuple(
        replace(row, overrides={name: value for name, value in row.overrides.items() if name not in values})
        for row in preset.grid
    )
    changes: dict[str, Any] = {"grid": rows, **values}
    changed = replace(preset, **changes)
    check_preset(changed)
    return changed


def check_preset(preset: Preset, where: str = "") -> None:
    """Raises UserError for a field of a preset, or of a row of its grid, that is not what it must be. `where` begins the sentence."""
    if fault := find_preset_fault(preset):
        raise UserError(f"{where}{fault}.")


def find_preset_fault(preset: Preset) -> str:
    """What keeps a preset from being planned; '' where nothing does."""
    annotations = {field.name: str(field.type) for field in fields(preset) if field.name in FIELDS}
    for name, annotation in annotations.items():
        if fault := find_value_fault(name, getattr(preset, name), annotation):
            return fault
    if fault := find_names_fault("encodings", preset.encodings) or find_seeds_fault(preset.first_seed, preset.seeds):
        return fault
    for number, row in enumerate(preset.grid, 1):
        if fault := find_row_fault(row, annotations):
            return f"row {number} of its grid: {fault}"
        first, count = (row.overrides.get(name, getattr(preset, name)) for name in ("first_seed", "seeds"))
        if fault := find_seeds_fault(first, count):
            return f"row {number} of its grid: {fault}"
    return ""


def find_value_fault(name: str, value: object, annotation: str) -> str:
    """What is wrong with the value of a field; '' where nothing is."""
    if value is None and annotation.endswith("| None"):
        return ""
    kind = annotation.removesuffix(" | None")
    if kind == "tuple[float, ...]":
        if not isinstance(value, tuple):
            return f"{name} takes a tuple of numbers, not {value!r}"
        return next(filter(None, (find_value_fault(name, one, "float") for one in value)), "")
    types, words = KINDS[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        return f"{name} takes {words}, not {value!r}"
    if isinstance(value, (bool, str)) or not isinstance(value, (int, float)):
        return ""
    if not (value >= 0 if FIELDS[name].from_zero else value > 0):
        return f"{name} must be {'at least 0' if FIELDS[name].from_zero else 'above 0'}, got {value:g}"
    return f"{name} must be at most {LARGEST}, got {show(value)}" if value > LARGEST else ""


def show(number: float) -> str:
    """A number that may be too large for a float."""
    return str(number) if isinstance(number, int) else f"{number:g}"


def find_seeds_fault(first: Any, count: Any) -> str:
    """What is wrong with a number of seeds from a first one on; '' where nothing is."""
    last = first + count - 1
    return "" if last <= LARGEST else f"seeds end at {LARGEST}, and {count} from {first} on would end at {last}"


def find_row_fault(row: GridRow, annotations: Mapping[str, str]) -> str:
    """What keeps a row from being expanded; '' where nothing does. `annotations`: of the fields that it may replace."""
    if not isinstance(row.task, str):
        return f"task must be a name, not {row.task!r}"
    for name in NAMES:
        if fault := find_names_fault(name, getattr(row, name)):
            return fault
    if unknown := [name for name in row.architectures if name not in ARCHITECTURES]:
        return f"{unknown[0]!r} is no architecture: give some of {', '.join(ARCHITECTURES)}"
    for name in OPTIONS:
        if not are_pairs(getattr(row, name)):
            return f"{name} must be a tuple of pairs, such as (('base', 3.0),), not {getattr(row, name)!r}"
    if not isinstance(row.scales, tuple) or not all(scale is None or is_scale(scale) for scale in row.scales):
        return f"scales must be a tuple of None or pairs of numbers, such as ((1.0, 2.0),), not {row.scales!r}"
    if not isinstance(row.overrides, Mapping):
        return f"overrides must be a dictionary of values by field, not {row.overrides!r}"
    for name, value in row.overrides.items():
        if name not in annotations:
            return f"overrides cannot replace {name}: give it to the preset"
        if fault := find_value_fault(name, value, annotations[name]):
            return fault
    return ""


def find_names_fault(name: str, value: object) -> str:
    """What is wrong with a tuple of names; '' where nothing is."""
    if isinstance(value, str):
        return f"{name} must be a tuple of names: write ({value!r},)"
    if not isinstance(value, tuple) or not all(isinstance(one, str) for one in value):
        return f"{name} must be a tuple of names, not {value!r}"
    return ""


def are_pairs(value: object) -> bool:
    """Whether options are hashable pairs of a name and a value."""
    if not isinstance(value, tuple) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        return False
    return all(isinstance(name, str) for name, _ in value) and is_hashable(value)


def is_hashable(value: Hashable) -> bool:
    """Whether a value can be a part of a run config."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def is_scale(value: object) -> bool:
    """Whether a value is a pair of finite numbers."""
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(one, (int, float)) and math.isfinite(one) for one in value)
    )
