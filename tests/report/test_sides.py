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


def test_a_copy_beside_a_run_is_not_compared_but_can_be_named(write_folder, tmp_path):
    """Trial: accuracy_before lies next to accuracy and has other numbers under the same experiment."""
    a, b = write_folder("a", make_rows(0.9 + SPREAD)), write_folder("b", make_rows(0.9 + SPREAD))
    write_folder("copy", make_rows(0.1 + SPREAD))
    (tmp_path / "copy" / "accuracy").rename(tmp_path / "a" / "accuracy_before")
    sides = read_sides([a, b])
    assert [row["verdict"] for row in compare_tables(sides)] == ["the same"]
    assert "accuracy_before (written as accuracy)" in sides[0].notes[0] and sides[1].notes == []
    [row] = compare_tables(read_sides([f"{a}/accuracy_before", f"{a}/accuracy"]))
    assert row["difference"] == pytest.approx(0.8) and row["verdict"] == "higher"


def test_two_scorecards_of_one_folder_are_two_experiments(write_folder):
    names = ("scorecard-a", "scorecard-b")
    for folder, level in (("r", 0.2), ("s", 0.4)):
        for name, more in zip(names, (0.0, 0.3), strict=True):
            rows = make_rows(level + more + SPREAD, name[-1], experiment="scorecard")
            path = write_folder(folder, rows, provenance={"experiment": "scorecard"}, experiment=name)
    a, b = path.replace("/s", "/r"), path
    rows = compare_tables(read_sides([a, b]))
    assert {row["experiment"]: row["a_mean"] for row in rows} == {
        "scorecard-a": pytest.approx(0.2, abs=0.01),
        "scorecard-b": pytest.approx(0.5, abs=0.01),
    }
    [row] = compare_tables(read_sides([f"{a}/scorecard-a:a", f"{a}/scorecard-b:b"]))
    assert row["experiment"] == "scorecard" and row["difference"] == pytest.approx(0.3)


def test_an_edited_file_is_a_note_of_its_side(write_folder):
    a, b = write_folder("a", make_rows(SPREAD)), write_folder("b", make_rows(SPREAD))
    path = Path(b) / "accuracy" / "table.csv"
    path.write_text(path.read_text().replace("0.02", "0.03"))
    assert [side.notes for side in read_sides([a, b])] == [
        [], [f"{b}: accuracy/table.csv was edited since it was written."],
    ]  # fmt: skip


@pytest.mark.parametrize("claims", ['[{"id": "C1"}]', '["C1"]', "{}"])
def test_claims_that_lack_what_a_claim_has_are_named(write_folder, claims):
    a, b = write_folder("a", make_rows(SPREAD)), write_folder("b", make_rows(SPREAD))
    (Path(b) / "accuracy" / "claims.json").write_text(claims)
    with pytest.raises(UserError, match=r"claims\.json was altered"):
        read_sides([a, b])
