"""What training does to a position table."""

import pandas as pd

from jaxpe.analysis.table_changes import compare_tables

BASE = {"task": "causal_lm", "encoding": "learned", "positions": "offset", "rows": 193.0, "width": 64.0}


def make_table(**values):
    return pd.DataFrame(
        [
            BASE | {"metric": f"shift_residual_1{suffix}", "seed": seed, "value": value + seed}
            for suffix, value in values.items()
            for seed in range(2)
        ]
        + [BASE | {"encoding": "control:gaussian", "metric": "shift_residual_1", "seed": 0, "value": 1.0}]
    )


def test_a_table_is_compared_with_itself_before_training():
    [change] = compare_tables(make_table(**{"": 0.25, "_before": 2.0}))
    assert (change.part, change.rows, change.gaussian) == ("learned", 193, 1.0)
    assert change.before.to_dict() == {0: 2.0, 1: 3.0} and change.after.to_dict() == {0: 0.25, 1: 1.25}
    assert change.note == "Before training 2.500; after it 0.750 of the variance, Gaussian rows 1.000."


def test_a_table_without_measurements_before_training_says_so():
    [change] = compare_tables(make_table(**{"": 0.25}))
    assert not len(change.before) and change.note.startswith("Not measured before training; after it 0.750")


def test_tables_whose_rows_were_not_all_trained_are_left_out():
    assert compare_tables(make_table(**{"": 0.25}).assign(positions="arange")) == []
