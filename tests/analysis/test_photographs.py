"""Photographs: intervals over pairs that share photographs."""

import pytest

from jaxpe.analysis import photographs


def test_the_jackknife_counts_photographs():
    names = [f"p{i}" for i in range(12)]
    first, second = zip(*[(a, b) for a in names for b in names if a < b], strict=True)
    hits = [a == "p0" for a in first]  # all of it comes from one photograph
    found = photographs.estimate_by_jackknife(first, second, hits)
    assert found.n == 12 and found.value == pytest.approx(11 / 66) and found.low == 0.0 and found.high > 0.4
