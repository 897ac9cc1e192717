"""`jaxpe verify`: one line where all agrees, a line for each difference, and the exit code."""

import shutil

import pytest
from command_line import assert_one_sentence, call_jaxpe
from support import ROOT

from jaxpe.records.provenance import UNSEALED, read_provenance, write_provenance


@pytest.fixture
def stored(tmp_path, monkeypatch, capsys):
    """A results folder with the table of one experiment, drawn again."""
    results = tmp_path / "results"
    shutil.copytree(ROOT / "results" / "throughput", results / "throughput")
    shutil.copy(ROOT / "results" / "jaxpe.json", results)
    facts = {name: value for name, value in read_provenance(results / "throughput").items() if name not in UNSEALED}
    write_provenance(results / "throughput", facts)
    monkeypatch.chdir(tmp_path)
    assert call_jaxpe(capsys, "plot").code == 0
    return results


def test_one_line_says_that_all_agrees(stored, capsys):
    before = {path: path.stat().st_mtime_ns for path in stored.rglob("*")}
    outcome = call_jaxpe(capsys, "verify", "results")
    assert outcome.code == 0 and len(outcome.out.splitlines()) == 1 and "everything agrees" in outcome.out
    assert {path: path.stat().st_mtime_ns for path in stored.rglob("*")} == before


def test_each_difference_is_a_line_and_the_code_is_3(stored, capsys):
    page = stored / "compare.html"
    page.write_text(page.read_text().replace("jaxpe run throughput", "jaxpe run  throughput"))
    (stored / "throughput" / "claims.json").write_text("[] ")
    outcome = call_jaxpe(capsys, "verify", "results")
    lines = outcome.out.splitlines()
    assert outcome.code == 3 and "throughput/claims.json was edited since it was written." in lines
    assert any(line.startswith("results/compare.html, line") for line in lines)


def test_what_cannot_be_verified_is_one_sentence(tmp_path, capsys):
    assert_one_sentence(call_jaxpe(capsys, "verify", tmp_path / "nothing"), "There is no folder")
    assert_one_sentence(call_jaxpe(capsys, "verify", tmp_path, "--experiments", "x.py"), "There is no table")
