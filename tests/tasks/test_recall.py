"""Tasks with distinct symbols: recall and unique_copy."""

import jax
import numpy as np
import pytest
from task_samples import build, draw, draw_lists, draw_one


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


@pytest.mark.parametrize(("name", "alphabet"), [("recall", 8), ("unique_copy", 4)])
def test_the_length_only_baseline_of_distinct_answers_by_simulation(name, alphabet):
    """Of four possible answers two or three are asked for. All are equally likely, so any fixed answer is the best."""
    task = build(name, alphabet=alphabet)
    for length in (2, 3):
        _, answers = draw(name, length, 8000, alphabet=alphabet)
        same = answers[1:] == answers[0]
        assert same.mean() == pytest.approx(task.length_baseline(length, "token_accuracy"), abs=0.015)
        assert same.all(1).mean() == pytest.approx(task.length_baseline(length, "exact_match"), abs=0.01)
