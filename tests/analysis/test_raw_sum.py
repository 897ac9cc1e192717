"""Rows about the raw sum: of untrained tables, and of a model without an encoding."""

import pandas as pd
from probed_models import open_model

from jaxpe.analysis import raw_sum, readers


def test_the_exact_rotation_leaves_rounding_errors_and_every_width_meets_noise():
    table = pd.DataFrame(raw_sum.measure_random_tables(1, (4, 8)))
    residual = table[table["metric"] == "rotation_residual"]
    assert set(residual["offset"]) == set(raw_sum.OFFSETS) and residual["value"].max() < 1e-20
    signals = table[table["reader"] == "both tables"].groupby("width")["signal"].unique()
    assert all(set(names) == set(readers.SIGNALS) for names in signals)


def test_the_sum_of_a_model_without_an_encoding_holds_no_position():
    model, probe_data = open_model("none")
    results = raw_sum.measure_sum(raw_sum.extract_tables(model, probe_data.sample), 0)
    assert max(value for columns, value in results if columns["metric"] == "recovery") <= 0.2
    assert [value for columns, value in results if columns["metric"] == "code_rms"] == [0.0]
