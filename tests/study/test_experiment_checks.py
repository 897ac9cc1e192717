"""What an experiment gives: faults are named before anything is written."""

import csv
import datetime
import math
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pandas as pd
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
        ({"PRESETS": {"quick": Preset(GRID, seeds=0)}}, r"PRESETS\['quick'\]: seeds must be above 0"),
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


LONG = csv.field_size_limit() + 1
UNWRITABLE = [  # column, value, what is said
    ("value", Fraction(1, 3), "a number is due, not Fraction"),
    ("value", 10**30, "a number is due, not 1000"),
    ("value", Decimal(10**30), "a number is due, not a value of the type Decimal"),
    ("value", Decimal("NaN"), "a number is due, not Decimal"),
    ("seed", 2**70, "a number is due"),
    ("note", np.arange(3), "one number or text is due, not array"),
    ("note", jnp.arange(3), "one number or text is due, not Array"),
    ("note", [1, 2], "one number or text is due, not a value of the type list"),
    ("note", {"a": 1}, "one number or text is due, not a value of the type dict"),
    ("note", "a\ud800b", r"no table can hold the character U\+D800"),
    ("encoding", "a\ud800b", r"no table can hold the character U\+D800"),
    ("note", "a\0b", r"no table can hold the character U\+0000"),
    ("note", "a\rb", r"no table can hold the character U\+000D"),
    ("note", "a" * LONG, f"a text of {LONG} characters is too long"),
    ("a\rb", "word", r"cannot be the name of a column: no table can hold the character U\+000D"),
    ("note", 10**30, "is too large for a table: write float"),
    ("note", 1j, "would be read back as text"),
    ("note", datetime.date(2026, 1, 1), "would be read back as text"),
    ("variant", "007", "the text '007' would be read back as 7.0: write a word, such as 'v007'"),
    ("variant", "1e5", "the text '1e5' would be read back as 100000.0"),
    ("variant", "True", "the text 'True' would be read back as True"),
    ("variant", "false", "the text 'false' would be read back as False"),
    ("variant", "inf", "the text 'inf' would be read back as inf"),
]


def test_a_text_that_is_read_back_the_same_is_kept():
    """Tokens of a text hold control characters."""
    rows = [{"metric": "m", "value": 1.0, "word": word} for word in ("a", "\x15", "\x1b[1m", "\t")]
    assert [row["word"] for row in check_rows(rows, "mine")] == ["a", "\x15", "\x1b[1m", "\t"]


@pytest.mark.parametrize(("column", "value", "says"), UNWRITABLE)
def test_what_would_not_be_read_back_the_same_is_named_with_its_row_and_column(column, value, says):
    rows = [{"metric": "m", "value": 1.0}, {"metric": "m", "value": 1.0, column: value}]
    with pytest.raises(UserError, match=f"mine: measure: row 2: .*{says}"):
        check_rows(rows, "mine")


def test_a_number_in_a_column_of_texts_is_named():
    rows = [{"metric": "m", "value": 1.0, "width": width} for width in ("wide", 8)]
    with pytest.raises(UserError, match="row 2: 'width': 8 would be read back as text"):
        check_rows(rows, "mine")


def test_a_data_frame_is_told_how_to_become_rows():
    with pytest.raises(UserError, match=r"return table.to_dict\('records'\)"):
        check_rows(pd.DataFrame([{"metric": "m", "value": 1.0}]), "mine")


def test_entries_of_further_columns_are_read_back(tmp_path):
    columns = {
        "word": ["one", "2", 'a\nb\t"c"', "日本", "nan", ""],
        "number": [1, 2.5, np.float32(0.5), jnp.float32(math.nan), np.array(3), None],
        "truth": [True, np.True_, False, None, True, False],
    }
    rows = [dict(zip(columns, entries, strict=True)) for entries in zip(*columns.values(), strict=True)]
    write_table(tmp_path / "table.csv", check_rows([{"metric": "m", "value": 1.0} | row for row in rows], "mine"))
    table = read_table(tmp_path / "table.csv").astype(object)
    read = {column: [None if pd.isna(one) else one for one in table[column]] for column in columns}
    assert read["word"] == [*columns["word"][:5], None]
    assert read["number"] == [1, 2.5, 0.5, None, 3, None] and read["truth"] == [True, True, False, None, True, False]


def test_rows_that_are_taken_can_be_read_back(tmp_path):
    values = [1, 0.5, np.float32(0.5), np.int64(3), jnp.float32(0.25), np.array(2.0), math.nan, None]
    rows = check_rows(({"metric": "m", "value": value, "task": None, "width": "wide"} for value in values), "mine")
    write_table(tmp_path / "table.csv", rows)
    assert read_table(tmp_path / "table.csv")["value"].tolist()[:6] == [1, 0.5, 0.5, 3, 0.25, 2]


def test_a_name_that_no_file_system_takes_is_refused():
    with pytest.raises(UserError, match="mine: figures: 'aaaaaaaaaaaaaaaaaaaa'… is too long"):
        check_plain_names(["fine", "a" * 300], "mine: figures")


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/a", ".hidden", "a\nb", 3, None])
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(UserError, match=r"mine: figures: .* cannot be the name of a file"):
        check_plain_names(["fine", name], "mine: figures")
