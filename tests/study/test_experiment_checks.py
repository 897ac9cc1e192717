"""What an experiment gives: faults are named before anything is written."""

import math
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.errors import UserError
from jaxpe.records.claims import Claim
from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.study.experiment_checks import check_module, check_plain_names, check_rows
from jaxpe.study.presets import GridRow, Preset

CLAIM = Claim("one", "It is so.", "points")
PARTS = {"measure": None, "figures": None, "claims": None, "CLAIMS": (CLAIM,)}
GRID = (GridRow(task="copy", architectures=("decoder",)),)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"PRESETS": Preset(GRID)}, "PRESETS must be a dictionary"),
        ({"PRESETS": {"quick": 3}}, r"PRESETS\['quick'\] must be a Preset"),
        ({"PRESETS": {"quick": Preset("copy")}}, "a tuple of GridRow"),
        ({"CLAIMS": CLAIM}, "CLAIMS must be a tuple of Claim"),
        ({"CLAIMS": ("one",)}, "CLAIMS must be a tuple of Claim"),
        ({"CLAIMS": (CLAIM, CLAIM)}, "two of its CLAIMS have the id 'one'"),
        ({"CAPTIONS": ["a"]}, "CAPTIONS must be a dictionary"),
        ({"CAPTIONS": {"a": 3}}, "CAPTIONS must be a dictionary"),
    ],
)
def test_a_part_of_a_wrong_form_is_named(change, says):
    good = PARTS | {"PRESETS": {"quick": Preset(GRID)}}
    check_module(SimpleNamespace(**good), "mine.py")
    with pytest.raises(UserError, match=f"mine.py: .*{says}"):
        check_module(SimpleNamespace(**good | change), "mine.py")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (None, "a list of rows, not None"),
        ("rows", "a list of rows, not 'rows'"),
        ({"metric": "m", "value": 1}, "a list of rows"),
        ([], "returned no rows"),
        ([{"metric": "m", "value": 1.0}, 3], "row 2: a dictionary of values by column is due, not 3"),
        ([{"value": 1.0}], "row 1: it has no 'metric'"),
        ([{"metric": "m"}], "row 1: it has no 'value'"),
        ([{"metric": "m", "value": 1.0, 3: 4}], "3 cannot be the name of a column"),
        ([{"metric": 3, "value": 1.0}], "'metric': text is due, not 3"),
        *(
            ([{"metric": "m", "value": value}], "'value': a number is due, not")
            for value in ("high", "1.0", True, np.True_, [1.0], np.ones(2), 1j, 10**400, {})
        ),
        ([{"metric": "m", "value": 1.0, "seed": "first"}], "'seed': a number is due, not 'first'"),
    ],
)
def test_what_no_table_can_hold_is_named(rows, says):
    with pytest.raises(UserError, match=f"mine: measure.*{says}"):
        check_rows(rows, "mine")


def test_rows_that_are_taken_can_be_read_back(tmp_path):
    values = [1, 0.5, np.float32(0.5), np.int64(3), jnp.float32(0.25), np.array(2.0), math.nan, None]
    rows = check_rows(({"metric": "m", "value": value, "task": None, "width": "wide"} for value in values), "mine")
    write_table(tmp_path / "table.csv", rows)
    assert read_table(tmp_path / "table.csv")["value"].tolist()[:6] == [1, 0.5, 0.5, 3, 0.25, 2]


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/a", ".hidden", "a\nb", 3, None])
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(UserError, match=r"mine: figures: .* cannot be the name of a file"):
        check_plain_names(["fine", name], "mine: figures")
