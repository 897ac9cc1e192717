"""Claims judged from values by seed."""

import pandas as pd
import pytest

from jaxpe.records.claims import Claim
from jaxpe.study.judging import judge_series

CLAIM = Claim("C1.{part}", "{part}", "share")


def test_values_are_paired_by_seed():
    a = pd.Series({seed: seed + 0.2 + 0.001 * seed for seed in range(8)})
    b = pd.Series({seed: float(seed) for seed in reversed(range(1, 9))})
    [result] = judge_series(CLAIM, a, b, {"part": "x"}, note="Why.")
    assert result.verdict == "supported" and result.n == 7 and result.value == pytest.approx(0.204)
    assert (result.id, result.statement, result.note) == ("C1.x", "x", "Why.")
    assert judge_series(CLAIM, a, b, {"part": "x"}, margin=0.3)[0].verdict == "contradicted"


def test_without_a_common_seed_there_is_no_result():
    assert judge_series(CLAIM, pd.Series({0: 1.0}), pd.Series({1: 1.0}), {"part": "x"}) == []
