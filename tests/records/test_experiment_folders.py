"""Which folders of a results folder hold experiments, and which are copies."""

import shutil

import pytest
from results_folders import PROVENANCE, SPREAD, make_rows, write_results

from jaxpe.errors import UserError
from jaxpe.records.experiment_folders import list_members
from jaxpe.records.json_values import write_json


@pytest.fixture
def results(tmp_path):
    write_results(tmp_path / "r", make_rows(SPREAD))
    return tmp_path / "r"


def list_names(results):
    members = list_members(results)
    return [folder.name for folder in members.folders], [folder.name for folder in members.ignored]


@pytest.mark.parametrize("copy", ["accuracy_before", "accuracy (copy)", "accuracy-old", "harm", "javascript:alert(1)"])
@pytest.mark.parametrize("provenance", ["sealed", "of another version", "missing"])
def test_a_copy_under_another_name_is_no_member(results, copy, provenance):
    """Whether the name is in the provenance, or only in the table."""
    if provenance == "of another version":
        write_json(results / "accuracy" / "provenance.json", PROVENANCE | {"experiment": "accuracy"})
    elif provenance == "missing":
        (results / "accuracy" / "provenance.json").unlink()
    shutil.copytree(results / "accuracy", results / copy)
    assert list_names(results) == (["accuracy"], [copy])
    sentence = list_members(results).sentence
    assert f"{copy} (written as accuracy)" in sentence and sentence.startswith("Ignored")


def test_an_experiment_may_have_folders_of_other_names(results):
    """As the scorecard has, one for each encoding."""
    rows = make_rows(SPREAD, experiment="scorecard")
    write_results(results, rows, provenance=PROVENANCE | {"experiment": "scorecard"}, experiment="scorecard-rotary")
    assert list_names(results) == (["accuracy", "scorecard-rotary"], [])


def test_folders_without_a_table_are_neither(results):
    (results / "runs" / "abc").mkdir(parents=True)
    (results / "accuracy" / "table.previous.csv").write_text("")
    assert list_names(results) == (["accuracy"], []) and list_members(results).sentence == ""


@pytest.mark.parametrize("leave", ["nothing", "a link to nowhere"])
def test_an_experiment_whose_table_is_gone_is_not_forgotten(results, leave):
    (results / "accuracy" / "table.csv").unlink()
    if leave == "nothing":
        members = list_members(results)
        assert (members.folders, members.lost) == ([], [results / "accuracy"])
        assert members.find_edits()[0].sentence == "accuracy/table.csv was removed since it was written."
        return
    (results / "accuracy" / "table.csv").symlink_to(results / "nowhere")
    with pytest.raises(UserError, match=r"table\.csv was altered: it is not a file"):
        list_members(results).find_edits()
