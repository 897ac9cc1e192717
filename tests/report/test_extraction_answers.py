"""The answers and the summary of extraction in words: they follow the rows of its table."""

import pytest
from extraction_changes import set_share
from probed_models import measure_extraction_table

from jaxpe.analysis.readers import RAW_SUM
from jaxpe.study import experiment

pytestmark = pytest.mark.xdist_group("extraction")  # whose table is measured once
MODULE = experiment.load_experiment("extraction").module


def answer(table):
    return MODULE.answers(table, {result.id: result for result in MODULE.claims(table)})


def test_the_answers_follow_the_rows():
    table = measure_extraction_table()
    readers, inside = answer(set_share(table, "position", 0.01, 0.8))
    assert readers.short.startswith("Yes: ") and "100% of the trained models (54% to 100%, n = 6)" in readers.short
    assert "position explains less" in inside.short and "-0.79" in inside.short
    unreadable = table.copy()
    unreadable.loc[unreadable["reader"] == "both tables", "value"] = 0.1  # as after shuffled labels
    readers, inside = answer(set_share(unreadable, "position", 0.8, 0.01))
    assert readers.short.startswith("No: ") and "position explains more" in inside.short
    readers, inside = answer(table[(table["seed"] < 2) | (table["task"] == RAW_SUM)])
    assert readers.short.startswith("Undecided: ") and "position explains not clearly more or less" in inside.short
    assert "It depends on the width" in readers.text and "noise" in readers.text and "of chance" in inside.text


def test_without_the_primary_cell_there_is_one_undecided_answer():
    table = measure_extraction_table()
    (only,) = answer(table[table["task"] != "reverse"])
    assert only.short.startswith("Undecided: ") and only.text == ""


def test_another_encoding_is_named():
    table = measure_extraction_table()
    other = table.assign(encoding=table["encoding"].where(table["task"] != "reverse", "sinusoidal"))
    assert answer(other)[0].short.endswith(", sinusoidal.")


def test_the_summary_has_a_row_for_each_run_config():
    title, rows = MODULE.summary(measure_extraction_table())
    assert title and len(rows) == 1 and rows[0]["raw sum, knows both tables"] == "1.000"
