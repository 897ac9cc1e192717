"""What is said of edited files, and of faults that they lead to."""

import pytest
from page_folders import write_folder

from jaxpe.errors import UserError
from jaxpe.records.experiment_folders import list_members
from jaxpe.report.edits import explain_faults, group_edits


@pytest.fixture
def results(tmp_path):
    return write_folder(tmp_path / "r")


def test_edits_are_grouped_by_what_happened(results):
    assert list_members(results).find_edits() == []
    (results / "mine" / "claims.json").write_text("[ ]")
    (results / "mine" / "answers.json").unlink()
    assert group_edits(list_members(results).find_edits()) == {
        "edited": ["mine/claims.json"], "removed": ["mine/answers.json"], "unknown": [],
    }  # fmt: skip


def test_a_fault_becomes_a_sentence_that_names_edits(results):
    says = r"No page \(KeyError: 'x'\)\."
    with pytest.raises(UserError, match=f"{says} If its files .* a fault of jaxpe"), explain_faults([], "No page"):
        {}["x"]
    (results / "mine" / "claims.json").write_text("[ ]")
    edits = list_members(results).find_edits()
    with pytest.raises(UserError, match=rf"{says} mine/claims\.json was edited"), explain_faults(edits, "No page"):
        {}["x"]


def test_a_sentence_stays_as_it_is():
    with pytest.raises(UserError, match=r"^Name another folder\.$"), explain_faults([], "No page"):
        raise UserError("Name another folder.")
