"""What differs between the runs of one table, though it can change their last digits: versions, devices, and their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def find_mixture(records: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What the records of some runs disagree about: 'python' -> ['3.11.7', '3.12.1']. Empty where they agree."""
    values: dict[str, set[str]] = {}
    for record in records:
        facts = {**record.get("versions", {}), "device": record.get("device"), "devices": record.get("devices")}
        for name, value in facts.items():
            values.setdefault(name, set()).add(str(value))
    return {name: sorted(found) for name, found in values.items() if len(found) > 1}


def describe_mixture(mixture: Mapping[str, list[str]]) -> str:
    """'These runs were trained under python 3.11.7 and 3.12.1: …'; '' where nothing is mixed."""
    parts = [f"{name} {' and '.join(found)}" for name, found in mixture.items()]
    return (
        f"Runs of this table were trained under {', '.join(parts)}: their numbers may differ in the last digits."
        if parts
        else ""
    )
