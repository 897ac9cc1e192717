"""Sides of a comparison: how they are named, and what cannot be one."""

import re
from pathlib import Path

import pytest
from results_folders import SPREAD, make_rows

from jaxpe.errors import UserError
from jaxpe.report.differences import compare_tables
from jaxpe.report.sides import SAME_ENCODING, read_sides


def test_one_experiment_of_a_folder_and_two_encodings_of_an_experiment_can_be_compared(write_folder):
    rows = make_rows(0.2 + SPREAD, "none") + make_rows(0.9 + SPREAD, "sinusoidal")
    a, b = write_folder("a", rows), write_folder("b", make_rows(0.4 + SPREAD, "none"))
    write_folder("b", make_rows(0.4 + SPREAD, "none", experiment="harm"), experiment="harm")
    assert [row["experiment"] for row in compare_tables(read_sides([f"{a}/accuracy", b]))] == ["accuracy"]
    [row] = compare_tables(read_sides([f"{a}/accuracy:none", f"{a}/accuracy:sinusoidal"]))
    assert row["difference"] == pytest.approx(0.7) and row["encoding"] == SAME_ENCODING


def test_an_altered_file_is_named(write_folder):
    a, b = write_folder("a", make_rows(SPREAD)), write_folder("b", make_rows(SPREAD))
    (Path(b) / "accuracy" / "claims.json").write_text("{")
    with pytest.raises(UserError, match=r"claims\.json was altered"):
        read_sides([a, b])


def test_a_mistyped_results_folder_is_guessed(write_folder):
    right = write_folder("standard", make_rows(SPREAD))
    with pytest.raises(UserError, match=f"Did you mean '{re.escape(right)}'"):
        read_sides([right.replace("standard", "standrad"), right])


@pytest.mark.parametrize("claims", ['[{"id": "C1"}]', '["C1"]', "{}"])
def test_claims_that_lack_what_a_claim_has_are_named(write_folder, claims):
    a, b = write_folder("a", make_rows(SPREAD)), write_folder("b", make_rows(SPREAD))
    (Path(b) / "accuracy" / "claims.json").write_text(claims)
    with pytest.raises(UserError, match=r"claims\.json was altered"):
        read_sides([a, b])
