"""Figures of harm's sweeps."""

import numpy as np
import pandas as pd
from harm_tables import TURNING, make_sweep

from jaxpe.figures.sweeps import draw_sweeps, format_seeds_by_width


def test_a_sweep_of_an_encoding_that_adds_nothing_is_drawn_without_sizes():
    table = make_sweep(*TURNING, "none").assign(order_blind_baseline=1.0, length_baseline=0.3)
    sizes = table.assign(metric="position_rms_before", value=0.0, test_length=np.nan)
    assert set(draw_sweeps(pd.concat([table, sizes]))) == {"sweep", "ratio"}


def test_numbers_of_seeds_are_told_by_width_only_where_they_differ():
    table = make_sweep(*TURNING)
    assert format_seeds_by_width(table) == "8 seeds"
    few = table[(table["task"] == "index") | (table["seed"] < 3)]
    assert format_seeds_by_width(few) == "3 to 8 seeds"
    wide = table[table["seed"] < 2].assign(width=64)
    assert format_seeds_by_width(pd.concat([few, wide])) == "3 to 8 seeds at width 32, 2 at width 64"
