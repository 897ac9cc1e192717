"""`jaxpe check`: the property card of an encoding, one line per property as it is measured."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from jaxpe.conformance.card import build_subjects, card_to_json, measure_rows
from jaxpe.conformance.suite import PropertyResult, describe_encoding

UNCHECKED = r"([a-z]+(?:, [a-z]+)*) not compared"  # of the property `reference`


def print_card(name: str, width: int, heads: int, as_json: bool) -> int:
    """Measures an encoding and prints its card. Returns 0, or 3 where a property does not hold.

    Raises UserError where the encoding cannot be loaded, built or called.
    """
    subject_set = build_subjects(name, width, heads)
    about = describe_encoding(subject_set)
    if not as_json:
        print(
            f"{name}: width {width}, {heads} heads",
            *(f"{key:21} {value}" for key, value in about.items()),
            sep="\n",
        )
    rows: list[PropertyResult] = []
    for row in measure_rows(subject_set.subjects):
        rows.append(row)
        if not as_json:
            print(format_row(row), flush=True)
    failed = [row.name for row in rows if row.fault]
    if as_json:
        print(json.dumps(card_to_json(name, about, rows), indent=1, ensure_ascii=False))
    elif failed:
        print(f"{len(failed)} of {len(rows)} properties do not hold: {', '.join(failed)}")
    else:
        print(f"all {len(rows)} properties hold")
        for hook in list_unchecked(rows):
            print(
                f"The formula of {hook} was not checked: write reference_{hook} below the class, a slow loop from the paper's "
                f"formula. `jaxpe new NAME --hook {hook}` shows one."
            )
    return 3 if failed else 0


def format_row(row: PropertyResult) -> str:
    """Property, what was measured, verdict."""
    holds = "not checked" if list_unchecked([row]) else "ok"
    return f"{row.name:22}{row.measured:44}  {'FAILED: ' + row.fault if row.fault else holds}"


def list_unchecked(rows: Sequence[PropertyResult]) -> list[str]:
    """The active hooks that no reference was compared with."""
    texts = [match[1] for row in rows if row.name == "reference" for match in re.finditer(UNCHECKED, row.measured)]
    return list(dict.fromkeys(hook for text in texts for hook in text.split(", ")))
