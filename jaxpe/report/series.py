"""Values of the series that a page's scripts draw."""

from __future__ import annotations

from typing import Any

import pandas as pd


def round_value(value: Any) -> float | int | None:
    """A number for JSON with four decimals; None where it is missing or not finite."""
    if pd.isna(value) or value in (float("inf"), float("-inf")):
        return None
    rounded = round(float(value), 4)
    return int(rounded) if rounded == int(rounded) else rounded
