"""`jaxpe check`: the property card of an encoding or a task, one line per property as it is measured."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from jaxpe.conformance.card import Card, card_to_json, make_encoding_card, make_task_card
from jaxpe.conformance.findings import PropertyResult
from jaxpe.conformance.suite import HEADS, WIDTH
from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.files import load_object
from jaxpe.plugins.registry import split_options
from jaxpe.study.api import REGISTRIES

UNCHECKED = r"([a-z]+(?:, [a-z]+)*) not compared"  # of the property `reference`


def check_object(name: str, kind: str | None, width: int | None, heads: int | None, as_json: bool) -> int:
    """Measures an encoding or a task and prints its card. Returns 0, or 3 where a property does not hold.

    Raises UserError where it cannot be loaded, built or called, and where nothing says which of both it is.
    """
    kind = kind or find_kind(name)
    name = REGISTRIES[kind].replace_alias(name)
    if kind == "encoding":
        sizes = WIDTH if width is None else width, HEADS if heads is None else heads
        return print_card(make_encoding_card(name, *sizes), as_json)
    if width is not None or heads is not None:
        raise UserError("--width and --heads are for encodings: a task is measured without a model.")
    return print_card(make_task_card(name), as_json)


def find_kind(name: str) -> str:
    """'encoding' or 'task', by what a name stands for.

    Raises UserError for an unknown name, for one that stands for both, and for a class that is neither.
    """
    base, _ = split_options(name)
    known = {kind: [*one.list_names(), *one.aliases, *one.reserved] for kind, one in REGISTRIES.items()}
    kinds = [kind for kind in REGISTRIES if base in known[kind]]
    if not kinds:
        if not all(one.is_path(base) for one in REGISTRIES.values()):
            hint = "One in a file of your own is named path/to/file.py:Class."
            raise UnknownName("encoding or task", name, [*known["encoding"], *known["task"]], hint)
        kinds = [kind for kind, one in REGISTRIES.items() if one.includes(load_object(base))]
    if not kinds:
        bases = " or ".join(f"{one.group}.{one.base.__name__}" for one in REGISTRIES.values())
        raise UserError(f"{name!r} is neither an encoding nor a task: derive the class from {bases}.")
    if len(kinds) > 1:
        raise UserError(f"{name!r} is an encoding and a task: add --kind encoding or --kind task.")
    return kinds[0]


def print_card(card: Card, as_json: bool) -> int:
    """Measures and prints a card. Returns 0, or 3 where a property does not hold."""
    if not as_json:
        print(card.heading, *(f"{key:21} {value}" for key, value in card.about.items()), sep="\n")
    rows: list[PropertyResult] = []
    for row in card.rows:
        rows.append(row)
        if not as_json:
            print(format_row(row), flush=True)
    failed = [row.name for row in rows if row.fault]
    if as_json:
        print(json.dumps(card_to_json(card, rows), indent=1, ensure_ascii=False))
    elif failed:
        print(f"{len(failed)} of {len(rows)} properties do not hold: {', '.join(failed)}")
    else:
        print(f"all {len(rows)} properties hold")
        for part in list_unchecked(rows):
            print(card.advice.format(part=part))
    return 3 if failed else 0


def format_row(row: PropertyResult) -> str:
    """Property, what was measured, verdict."""
    holds = "not checked" if list_unchecked([row]) else "ok"
    return f"{row.name:22}{row.measured:44}  {'FAILED: ' + row.fault if row.fault else holds}"


def list_unchecked(rows: Sequence[PropertyResult]) -> list[str]:
    """What no reference was compared with: the active hooks of an encoding, the answers of a task."""
    texts = [match[1] for row in rows if row.name == "reference" for match in re.finditer(UNCHECKED, row.measured)]
    return list(dict.fromkeys(part for text in texts for part in text.split(", ")))
