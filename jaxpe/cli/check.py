"""`jaxpe check`: the property card of an encoding, one line per property as it is measured."""

from __future__ import annotations

import json

from jaxpe.conformance.card import build_subjects, card_to_json, measure_rows
from jaxpe.conformance.suite import PropertyResult, describe_encoding


def print_card(name: str, width: int, heads: int, as_json: bool) -> int:
    """Measures an encoding and prints its card. Returns 0, or 3 where a property does not hold.

    Raises UserError where the encoding cannot be loaded, built or called.
    """
    subject_set = build_subjects(name, width, heads)
    about = describe_encoding(subject_set)
    if not as_json:
        print(f"{name}: width {width}, {heads} heads", *(f"{key:22}{value}" for key, value in about.items()), sep="\n")
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
    return 3 if failed else 0


def format_row(row: PropertyResult) -> str:
    """Property, what was measured, verdict."""
    return f"{row.name:22}{row.measured:44}  {'FAILED: ' + row.fault if row.fault else 'ok'}"
