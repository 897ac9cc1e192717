"""What differs between the runs of one table, though it can change their last digits: versions, devices, and their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def find_mixture(records: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What the records of some runs disagree about: 'python' -> ['3.11.7', '3.12.1']. Empty where they agree."""
    rows = [{**one.get("versions", {}), "device": one.get("device"), "devices": one.get("devices")} for one in records]
    names = dict.fromkeys(name for row in rows for name in row)
    values = {name: sorted({str(row.get(name, "unknown")) for row in rows}) for name in names}
    return {name: several for name, several in values.items() if len(several) > 1}


def describe_mixture(mixture: Mapping[str, list[str]]) -> str:
    """'These runs were trained under python 3.11.7 and 3.12.1: …'; '' where nothing is mixed."""
    parts = [f"{name} {' and '.join(several)}" for name, several in mixture.items()]
    return (
        f"Runs of this table were trained under {', '.join(parts)}: their numbers may differ in the last digits."
        if parts
        else ""
    )
