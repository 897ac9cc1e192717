"""Rows that were never trained: those that training did not change, and a guess from their size."""

import numpy as np
import pytest

from jaxpe.analysis import trained_rows

RANDOM = np.random.default_rng(3)


def test_rows_that_changed_in_every_seed_are_kept():
    before = RANDOM.normal(size=(2, 6, 4)).astype(np.float32)
    after = before.copy()
    after[:, :3] += 1e-3
    after[0, 4, 1] += 1  # one seed only
    rows = trained_rows.find_changed_rows(before, after)
    assert rows.kept.tolist() == [0, 1, 2] and "4 in some seeds only" in rows.sentence
    assert "None of the 6 rows" in trained_rows.find_changed_rows(before, before).sentence
    with pytest.raises(ValueError, match="give the same tables, not rounded"):
        trained_rows.find_changed_rows(before, after.astype(np.float64))


def test_last_rows_that_look_like_initial_values_are_left_out_and_the_sentence_says_it_is_a_guess():
    table = np.concatenate([RANDOM.normal(size=(60, 64)), 0.02 * RANDOM.normal(size=(10, 64))])
    rows = trained_rows.guess_trained_rows(table)
    assert rows.kept.tolist() == list(range(60)) and "60-69 look like the initial values" in rows.sentence
    assert "a guess from the size" in rows.sentence
    middle = np.concatenate([table[60:], table[:60]])  # only rows at the end are left out
    assert len(trained_rows.guess_trained_rows(middle).kept) == 70
    assert len(trained_rows.guess_trained_rows(RANDOM.normal(size=(70, 64))).kept) == 70
