"""Tasks that depend on counts only."""

import pytest
from task_samples import build


@pytest.mark.parametrize(("length", "expected"), [(1, 0.333), (2, 0.333), (3, 0.259), (12, 0.2), (13, 0.2)])
def test_the_length_only_baseline_of_cycle_falls_to_one_fifth(length, expected):
    assert build("cycle").length_baseline(length, "token_accuracy") == pytest.approx(expected, abs=0.003)
