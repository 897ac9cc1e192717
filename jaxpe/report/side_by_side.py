"""What differs between results folders besides their numbers: how they were run, and the verdicts of their claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jaxpe.report.sides import Side

CONFIGURATION = (
    "command",
    "code",
    "file",
    "package",
    "preset",
    "versions",
    "commit",
    "system",
    "backend",
    "device",
    "devices",
)  # of provenance
NOTHING = "–"
Field = str | list[str]  # a value as text; a grid as the texts of its rows


def compare_configurations(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """Fields of command, preset, versions and devices that differ, with the experiments in which they do."""
    differing: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for name in list_shared_experiments(sides):
        stored = [side.experiments.get(name) for side in sides]
        configurations = [flatten_provenance(one.provenance) if one else {} for one in stored]
        for field in dict.fromkeys(field for configuration in configurations for field in configuration):
            fields = [configuration.get(field, NOTHING) for configuration in configurations]
            if any(value != fields[0] for value in fields[1:]):
                values = tuple(format_field(value, fields) for value in fields)
                differing.setdefault(field, {}).setdefault(values, []).append(name)
    return [
        {"field": field, "values": list(values), "experiments": names}
        for field, by_values in differing.items()
        for values, names in by_values.items()
    ]


def list_shared_experiments(sides: Sequence[Side]) -> list[str]:
    """The experiments that at least two sides have."""
    counts = Counter(name for side in sides for name in side.experiments)
    return [name for name, count in counts.items() if count > 1]


def flatten_provenance(provenance: Mapping[str, Any]) -> dict[str, Field]:
    """{'preset.steps': '800', …}; the grid of a preset as a list of its rows."""
    parts: dict[str, Any] = {}
    for name in CONFIGURATION:
        value = provenance.get(name)
        parts |= (
            {f"{name}.{part}": of_part for part, of_part in value.items()} if isinstance(value, dict) else {name: value}
        )
    grid = [format_value(list(row.values())) for row in parts.pop("preset.grid", [])]
    return {name: format_value(value) for name, value in parts.items()} | {"preset.grid": grid}


def format_value(value: Any) -> str:
    """A field of a preset, or a row of its grid, as 'reverse · encoder · none, learned · seeds=6'."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={format_value(of_name)}" for name, of_name in value.items()) or NOTHING
    if not isinstance(value, list):
        return NOTHING if value in (None, "") else str(value)
    if value and all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in value):
        return ", ".join(f"{name}={format_value(of_name)}" for name, of_name in value)
    if any(isinstance(part, (list, dict)) for part in value):
        return " · ".join(format_value(part) for part in value if part not in ([], {}, ["arange"], [None]))
    return ", ".join(format_value(part) for part in value) or NOTHING


def format_field(value: Field, fields: Sequence[Field]) -> str:
    """A value as text; of a grid only the rows that not all sides have."""
    if isinstance(value, str):
        return value
    differing = [row for row in value if not all(isinstance(other, list) and row in other for other in fields)]
    return "\n".join(differing) or NOTHING


def compare_claims(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """The claims that at least two sides judge, different verdicts first."""
    compared = []
    for name in list_shared_experiments(sides):
        stored = [side.experiments.get(name) for side in sides]
        by_id = [{claim["id"]: claim for claim in one.claims} if one else {} for one in stored]
        for key in dict.fromkeys(key for claims in by_id for key in claims):
            claims = [of_side.get(key) for of_side in by_id]
            judged = [claim for claim in claims if claim]
            if len(judged) > 1:
                differs = len({claim["verdict"] for claim in judged}) > 1
                statement = judged[0]["statement"]
                compared.append(
                    {"experiment": name, "id": key, "statement": statement, "differs": differs, "sides": claims}
                )
    return sorted(compared, key=lambda claim: not claim["differs"])
