"""Claims judged from values by seed."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from jaxpe.records.claims import Claim, ClaimResult
from jaxpe.records.statistics import estimate_difference, judge_direction
from jaxpe.study.tables import align_seeds


def judge_series(
    claim: Claim, a: pd.Series, b: pd.Series, fields: Mapping[str, object], margin: float = 0.0, note: str = ""
) -> list[ClaimResult]:
    """The result of a claim that a − b lies above a margin, over paired seeds; none where no seed has both."""
    first, second = align_seeds(a, b)
    if not len(first):
        return []
    estimate = estimate_difference(first, second)
    return [claim.make_result(judge_direction(estimate, margin), estimate, note, **fields)]
