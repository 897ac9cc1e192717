"""`verify`: what is computed again from tables, what differs, and what is never loaded."""

import json
import shutil
from types import SimpleNamespace

import pytest
from results_folders import SPREAD, make_claim, make_rows, write_results
from support import ROOT

from jaxpe.records.claims import Answer, Claim
from jaxpe.records.csv_tables import write_table
from jaxpe.records.provenance import write_provenance
from jaxpe.records.results import open_results
from jaxpe.records.statistics import Estimate
from jaxpe.report import verify
from jaxpe.report.page import PAGES, write_pages
from jaxpe.report.redraw import redraw
from jaxpe.report.verify import cut_around, pair_values, verify_results
from jaxpe.study.experiment import Experiment

CLAIM = Claim("A", "A statement.", "points")


def judge(table):
    return [CLAIM.make_result("supported", Estimate(float(table["value"].mean()), 0.0, 1.0, 8, 0.01))]


PARTS = {
    "CLAIMS": (CLAIM,),
    "claims": judge,
    "figures": lambda table: {},
    "answers": lambda table, results: [Answer("help", f"It is {results['A'].value:.3f}.", "")],
    "summary": lambda table: ("Means", [{"mean": f"{table['value'].mean():.3f}"}]),
}
MINE = Experiment("mine", SimpleNamespace(**PARTS))


@pytest.fixture
def results(tmp_path):
    """A results folder with an experiment of the user's own, as run and drawn, and its page."""
    results = open_results(tmp_path / "r").folder
    write_table(results / "mine" / "table.csv", make_rows(0.5 + SPREAD, experiment="mine"))
    write_provenance(results / "mine", {"experiment": "mine"})
    redraw(MINE, results / "mine")
    write_pages(results, "ja")
    return results


def verify_mine(results, root=None):
    return verify_results(results, {"mine": MINE}, root or results.parent)


def test_what_was_written_agrees(results):
    verification = verify_mine(results)
    assert verification.differences == () and verification.agreeing > 100
    assert verification.notes == ("There are no runs here, so that tables are not compared with them.",)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            "claims.json",
            "0.501875",
            "0.601875",
            "mine/claims.json: A: effect: 0.601875 is stored, 0.501875 is computed",
        ),
        ("claims.json", "supported", "undecided", 'A: verdict: "undecided" is stored, "supported" is computed'),
        ("claims.json", '"A"', '"B"', "mine/claims.json: B: "),
        ("answers.json", "0.502", "0.512", 'mine/answers.json: entry 1: text: "It is 0.512." is stored'),
        ("summary.json", "0.502", "0.512", 'rows: entry 1: entry 1: "0.512" is stored, "0.502" is computed from table'),
        ("table.csv", ",0.52,", ",0.53,", "A: effect: 0.501875 is stored, 0.503125 is computed from table.csv."),
    ],
)
def test_an_edit_is_one_line_with_both_values_and_a_digest(results, name, old, new, says):
    path = results / "mine" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    differences = verify_mine(results).differences
    assert any(says in line for line in differences), differences
    assert f"mine/{name} was edited since it was written." in differences
    assert all("\n" not in line for line in differences)


def test_a_rounding_error_is_no_difference(results):
    path = results / "mine" / "claims.json"
    entries = json.loads(path.read_text())
    entries[0]["effect"] *= 1 + 1e-12
    path.write_text(json.dumps(entries))
    assert not any("effect" in line for line in verify_mine(results).differences)


@pytest.mark.parametrize("name", ["claims.json", "answers.json", "summary.json"])
def test_a_file_that_is_gone_or_malformed_is_a_difference_and_the_rest_goes_on(results, name):
    path = results / "mine" / name
    path.unlink()
    differences = verify_mine(results).differences
    assert f"mine/{name} was removed since it was written." in differences
    assert any(line.startswith(f"mine/{name}: nothing is stored") for line in differences)
    path.write_text("{")
    assert any(f"{name} was altered: it is not JSON" in line for line in verify_mine(results).differences)


def test_the_page_is_made_again_in_its_language(results):
    page = results / "compare.html"
    page.write_text(page.read_text().replace("0.502", "0.602", 1))
    [difference] = verify_mine(results).differences
    assert "compare.html, line" in difference and "0.602" in difference and "0.502" in difference
    page.write_text("\n\n" + page.read_text())
    assert len(verify_mine(results).differences) == 3


def test_published_pages_are_verified_where_they_are_made_from_the_folder(results, tmp_path):
    root = results.parent
    (root / "results").mkdir(exist_ok=True)
    shutil.copytree(results, root / "results" / "standard")
    write_pages(root / "results" / "standard", folder=root / "docs")
    page = root / "docs" / "compare.html"
    page.write_text(page.read_text().replace("<td>0.502</td>", "<td>0.602</td>", 1))
    [difference] = verify.verify_pages(root / "results" / "standard", root).differences
    assert "docs/compare.html, line" in difference and "0.602" in difference
    assert verify.verify_pages(results, root).differences == ()


def test_an_experiment_that_was_not_typed_is_not_loaded(results, monkeypatch):
    monkeypatch.chdir(results.parent)
    (results.parent / "mine.py").write_text("raise SystemExit('it ran')")
    (results.parent / "mine").mkdir()
    verification = verify_results(results, {}, results.parent)
    assert verification.differences == () and "add --experiments path/to/mine.py" in verification.notes[0]


def test_a_copy_is_named_and_not_verified(results):
    shutil.copytree(results / "mine", results / "mine_before")
    (results / "mine_before" / "claims.json").write_text("[]")
    for page in PAGES:
        (results / page).unlink()
    verification = verify_mine(results)
    assert verification.differences == () and "mine_before (written as mine)" in verification.notes[0]


def test_blocks_of_readme_are_verified_where_they_are_made_from_the_folder(tmp_path):
    for name in ("r", "other"):
        write_results(tmp_path / name, make_rows(0.25 + SPREAD), [make_claim("supported", 0.5)])
        cell = f"cell = {name}/accuracy metric=token_accuracy"
        (tmp_path / f"{name}.md").write_text(f"{cell}\n---\nIt is {{cell seeds=8}}.\n")
    blocks = [f"<!-- text: {name}.md -->\nIt is .35.\n<!-- end -->" for name in ("r", "other")]
    (tmp_path / "README.md").write_text("\n".join(blocks))
    for name in ("r", "other"):
        [difference] = verify.verify_readme(tmp_path / name, tmp_path).differences
        assert difference == "README.md, line 2: 'It is .35.' is written, 'It is .25.' is made from the results."
    assert verify.verify_readme(tmp_path / "third", tmp_path) == verify.Verification()


def test_results_page_is_verified_for_its_folder_alone(tmp_path):
    folder = tmp_path / "results" / "standard"
    shutil.copytree(ROOT / "results" / "standard" / "reproduction", folder / "reproduction")
    (tmp_path / "RESULTS.md").write_text("# Results\n")
    assert len(verify.verify_results_page(folder, tmp_path).differences) == verify.NAMED + 1
    assert verify.verify_results_page(tmp_path / "results", tmp_path) == verify.Verification()


def test_values_are_paired_by_id_else_by_order():
    stored = {"a": [{"id": "x", "v": 1}, {"id": "y", "v": 2}], "b": [1, 2]}
    computed = {"a": [{"id": "y", "v": 2}, {"id": "x", "v": 3}], "b": [1]}
    pairs = {place: (old, new) for place, old, new in pair_values(stored, computed)}
    assert pairs["a: x: v: "] == (1, 3) and pairs["a: y: v: "] == (2, 2)
    assert pairs["b: entry 2: "] == (2, "nothing")


@pytest.mark.parametrize(("old", "new"), [("a" * 99 + "b", "a" * 99 + "c"), ("a" * 99, "a" * 98), ("", "x"), ("x", "")])
def test_the_part_that_differs_is_shown(old, new):
    a, b = cut_around(old, new)
    assert a != b and len(a) <= 60 and len(b) <= 60 and a in old and b in new
