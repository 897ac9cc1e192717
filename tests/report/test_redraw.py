"""Claims, answers and figures from stored tables."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from jaxpe.errors import UserError
from jaxpe.figures.draw import make_panels
from jaxpe.figures.media import MEDIA, current_medium
from jaxpe.records.claims import Answer, Claim
from jaxpe.records.csv_tables import write_table
from jaxpe.records.provenance import find_edits, read_provenance, write_provenance
from jaxpe.records.statistics import Estimate
from jaxpe.report.redraw import judge_claims, redraw
from jaxpe.study.experiment import Experiment

CLAIM = Claim("A{part}", "A statement.", "points")
ROWS = [{"experiment": "accuracy", "metric": "points", "value": 0.5}]
ESTIMATE = Estimate(0.5, 0.4, 0.6, 6, 0.03)


def make_experiment(results, **more):
    parts = {"CLAIMS": (CLAIM,), "claims": lambda table: results, "figures": lambda table: {}} | more
    return Experiment("accuracy", SimpleNamespace(**parts))


def test_a_claim_that_was_not_declared_is_refused():
    other = Claim("B", "Another statement.", "points").make_result("supported", ESTIMATE)
    with pytest.raises(UserError, match="'B' is not declared in CLAIMS"):
        judge_claims(make_experiment([other]), pd.DataFrame(ROWS))


def test_an_id_that_is_used_twice_is_refused():
    twice = [CLAIM.make_result("supported", ESTIMATE, part=1)] * 2
    with pytest.raises(UserError, match="two results have the id 'A1'"):
        judge_claims(make_experiment(twice), pd.DataFrame(ROWS))


def test_claims_answers_and_summary_are_written_and_figures_set_in_their_medium(tmp_path):
    media = []

    def draw_figures(table):
        media.append(current_medium().kinds)
        return {"mine": make_panels(1)[0]}

    experiment = make_experiment(
        [CLAIM.make_result("supported", ESTIMATE, part=1)],
        figures=draw_figures,
        answers=lambda table, results: [Answer("help", f"{results['A1'].value}", "mine")],
        summary=lambda table: ("Means", [{"a": "1"}, {"b": "2"}]),
    )
    write_table(tmp_path / "table.csv", ROWS)
    redraw(experiment, tmp_path, MEDIA["paper"])
    [entry], [answer], summary = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("claims", "answers", "summary")
    )
    assert entry["id"] == "A1" and answer["text"] == "0.5" and summary["rows"] == [["1", "–"], ["–", "2"]]
    assert media == [("pdf", "svg")] and (tmp_path / "figures" / "paper" / "mine.pdf").is_file()


@pytest.mark.parametrize("summary", [3, ("Means", 3), ("Means", [["a"]]), (3, []), ("Means", "rows")])
def test_a_summary_of_another_form_is_refused(tmp_path, summary):
    write_table(tmp_path / "table.csv", ROWS)
    with pytest.raises(UserError, match="accuracy: summary must return a title and a list of rows"):
        redraw(make_experiment([], summary=lambda table: summary), tmp_path)


def test_without_a_table_there_is_nothing_to_draw(tmp_path):
    with pytest.raises(UserError, match="There is no table of accuracy"):
        redraw(make_experiment([]), tmp_path)


def draw_one(table):
    return {"mine": make_panels(1)[0]}


@pytest.fixture
def folder(tmp_path):
    """The folder of an experiment that was run."""
    folder = tmp_path / "accuracy"
    write_table(folder / "table.csv", ROWS)
    write_provenance(folder, {"experiment": "accuracy"})
    return folder


def test_what_is_drawn_is_recorded_and_an_edited_table_stays_edited(folder):
    experiment = make_experiment([CLAIM.make_result("supported", ESTIMATE, part=1)], figures=draw_one)
    redraw(experiment, folder)
    assert find_edits(folder) == []
    assert set(read_provenance(folder)["derived"]) == {"claims.json", "figures/mine.svg"}
    (folder / "figures" / "mine.svg").write_text("<svg/>")
    (folder / "claims.json").write_text("[]")
    assert [edit.path for edit in find_edits(folder)] == ["accuracy/claims.json", "accuracy/figures/mine.svg"]
    write_table(folder / "table.csv", [ROWS[0] | {"value": 0.75}])
    redraw(experiment, folder)
    assert [edit.path for edit in find_edits(folder)] == ["accuracy/table.csv"]


def test_drawing_for_paper_keeps_what_is_recorded_of_the_page(folder):
    redraw(make_experiment([], figures=draw_one), folder)
    before = (folder / "provenance.json").read_bytes()
    redraw(make_experiment([], figures=draw_one), folder, MEDIA["paper"])
    assert (folder / "provenance.json").read_bytes() == before


def test_models_of_the_run_stay(folder):
    (folder / "models.json").write_text("{}")
    write_provenance(folder, {"experiment": "accuracy"})
    redraw(make_experiment([], figures=draw_one), folder)
    assert (folder / "models.json").read_text() == "{}" and find_edits(folder) == []


def test_an_answer_of_an_earlier_version_is_removed(folder):
    (folder / "answers.json").write_text("[]")
    redraw(make_experiment([]), folder)
    assert not (folder / "answers.json").exists() and find_edits(folder) == []


@pytest.mark.parametrize("place", ["", "figures", "figures/paper"])
def test_nothing_is_written_through_a_link(folder, tmp_path, place):
    outside = tmp_path / "outside"
    if place:
        outside.mkdir()
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).symlink_to(outside)
    else:
        folder.rename(outside)
        folder.symlink_to(outside)
    (outside / "old.svg").write_text("<svg/>")
    before = {path: path.stat().st_mtime_ns for path in outside.rglob("*")}
    with pytest.raises(UserError, match="is a link, and nothing is written outside"):
        redraw(make_experiment([], figures=draw_one), folder, MEDIA["paper"])
    assert {path: path.stat().st_mtime_ns for path in outside.rglob("*")} == before
