"""`jaxpe compare`: results folders compared with each other. Nothing is trained."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from jaxpe.errors import UserError
from jaxpe.records.json_values import to_json_value
from jaxpe.records.results import MARKER
from jaxpe.report.compare import format_comparison, write_comparison
from jaxpe.report.differences import compare_tables
from jaxpe.report.edits import explain_faults
from jaxpe.report.side_by_side import compare_claims, compare_configurations
from jaxpe.report.sides import read_sides


def compare_folders(words: Sequence[str], output: Path, as_json: bool) -> int:
    """Writes the page and the table, and prints a summary of them, or everything as JSON."""
    sides = read_sides(words)
    if any(path.exists() for path in (output.parent / MARKER, output / MARKER, output / "provenance.json")):
        raise UserError(f"{output} belongs to a results folder: choose an --output outside of it.")
    notes = [note for side in sides for note in side.notes]
    edits = [edit for side in sides for stored in side.experiments.values() for edit in stored.edits]
    with explain_faults(edits, f"{' and '.join(words)} cannot be compared"):
        comparison = {
            "sides": [side.name for side in sides],
            "notes": notes,
            "configuration": compare_configurations(sides),
            "differences": compare_tables(sides),
            "claims": compare_claims(sides),
        }
        path = write_comparison(output, comparison)
    for note in notes:
        print(note, file=sys.stderr)
    if as_json:
        print(json.dumps(to_json_value(comparison | {"page": path}), indent=1, ensure_ascii=False))
    else:
        print(f"{format_comparison(comparison)}\nThe comparison is {path}")
    return 0
