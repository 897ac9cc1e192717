"""Tasks that depend on counts only."""

from collections import Counter
from fractions import Fraction

import pytest
from task_samples import build

FIRST = {1: Fraction(1, 3), 2: Fraction(1, 3), 3: Fraction(7, 27)}


@pytest.mark.parametrize("length", [1, 2, 3, 11, 12, 13, 40])
def test_the_length_only_baseline_of_cycle_is_that_of_the_likeliest_place(length):
    """It is 1/3 at one and two moves, 7/27 at three, and 1/5 within 0.001 from twelve on."""
    places = Counter({0: Fraction(1)})
    for _ in range(length):
        moved = Counter()
        for place, likely in places.items():
            for move in (-1, 0, 1):
                moved[(place + move) % 5] += likely / 3
        places = moved
    baseline = build("cycle").length_baseline(length, "token_accuracy")
    assert baseline == pytest.approx(float(max(places.values())), abs=1e-12)
    assert length not in FIRST or max(places.values()) == FIRST[length]
    assert length < 12 or baseline == pytest.approx(0.2, abs=0.001)
