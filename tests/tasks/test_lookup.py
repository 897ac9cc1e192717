"""Tasks that look up a symbol: what x contains. tests/tasks/test_baselines.py enumerates them at small sizes."""

from collections import Counter

from task_samples import draw_lists


def test_induction_repeats_its_last_symbol_exactly_once():
    for x, _ in draw_lists("induction", 9, 500):
        assert Counter(x)[x[-1]] == 2 and x[-2] != x[-1]
