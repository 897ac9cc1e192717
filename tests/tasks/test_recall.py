"""Tasks with distinct symbols: recall and unique_copy."""

import jax
import numpy as np
import pytest
from task_samples import build, draw_lists

from jaxpe.conformance.task_examples import draw_one


@pytest.mark.parametrize("name", ["recall", "unique_copy"])
def test_symbols_are_distinct_and_recall_asks_for_its_keys_in_another_order(name):
    examples = draw_lists(name, 9, 300)
    for x, y in examples:
        assert len(set(y)) == 9 and min(y) >= 0
        if name == "recall":
            assert len(set(x[:18])) == 18 and sorted(x[18:]) == sorted(x[0:18:2])
            assert x[18:] != x[0:18:2]


@pytest.mark.parametrize(("name", "longest"), [("recall", 32), ("unique_copy", 150)])
def test_arrays_may_be_longer_than_the_alphabet_allows(name, longest):
    task = build(name)
    assert task.lengths(longest - 1, longest + 9) == [longest - 1, longest]
    plain, padded = (draw_one(task, jax.random.key(2), longest, size) for size in (longest, longest + 9))
    for short, long in ((plain.x, padded.x), (plain.y, padded.y)):
        np.testing.assert_array_equal(np.pad(short, (0, len(long) - len(short))), long)
