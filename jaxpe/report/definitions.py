"""What the columns and metrics of tables mean: definitions.json, the one source of results/DATA.md and of `jaxpe table`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NotRequired, TypedDict, cast

PATH = Path(__file__).with_name("definitions.json")


class Definition(TypedDict):
    """What a column or a metric holds.

    `better`: "higher" or "lower", of a metric that judges a model. `plain`: of a column that says what was changed, the
    entries that say "nothing".
    """

    meaning: str
    unit: str
    range: str
    better: NotRequired[str]
    plain: NotRequired[list[str]]


class Definitions(TypedDict):
    """By name."""

    columns: dict[str, Definition]
    metrics: dict[str, Definition]


@cache
def read_definitions() -> Definitions:
    """The content of definitions.json."""
    return cast(Definitions, json.loads(PATH.read_text(encoding="utf-8")))


def get_direction(metric: str) -> int:
    """1 where more of a metric is better, −1 where less is, 0 where neither is, or the metric has no definition."""
    definition = read_definitions()["metrics"].get(metric)
    return {"higher": 1, "lower": -1}.get(definition.get("better", ""), 0) if definition else 0


def list_plain_entries() -> dict[str, list[str]]:
    """The columns that say what was changed in a model or a test, with the entries that say "nothing"; '': no entry."""
    return {name: one["plain"] for name, one in read_definitions()["columns"].items() if "plain" in one}


def is_share_of_right(metric: str) -> bool:
    """Whether a metric is a share of what is right, of which a seed gets all or not: its outcomes are bimodal."""
    return get_direction(metric) > 0 and read_definitions()["metrics"][metric]["range"] == "0 to 1"
