"""Generated blocks of Markdown pages."""

import pytest
from page_folders import make_entry, write_folder
from support import ROOT

from jaxpe.errors import UserError
from jaxpe.records.json_values import write_json
from jaxpe.report.markdown import convert_html, fill_blocks, make_claims


def test_the_generated_blocks_of_readme_are_those_of_the_results():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert fill_blocks(text, ROOT) == text


def test_a_table_is_made_anew_and_one_without_results_is_refused(tmp_path):
    write_json(tmp_path / "s.json", {"title": "What", "columns": ["a", "b"], "rows": [["x|y", "1"]]})
    page = "before\n<!-- table: s.json -->\nold\n<!-- end -->\nafter"
    filled = fill_blocks(page, tmp_path)
    assert filled == "before\n<!-- table: s.json -->\nWhat.\n\n| a | b |\n|---|---|\n| x\\|y | 1 |\n<!-- end -->\nafter"
    assert fill_blocks(filled, tmp_path) == filled
    with pytest.raises(UserError, match=r"no t\.json"):
        fill_blocks(page.replace("s.json", "t.json"), tmp_path)


def test_headline_claims_are_listed_with_their_numbers_and_those_that_were_not_run_too(tmp_path):
    entries = [
        make_entry("C5", verdict="contradicted", effect=-0.5, low=-0.6, high=-0.4, headline=True),
        make_entry("C5.more", effect=0.9, low=None, high=None),
    ]
    write_folder(tmp_path / "r", "harm", claims=entries)
    write_folder(
        tmp_path / "r", "accuracy", claims=[make_entry("C2", effect=None, low=None, high=None, n=0, headline=True)]
    )
    page = fill_blocks("<!-- claims: r -->\n<!-- end -->", tmp_path)
    rows = {line[2:].partition(":")[0]: line.split(" | ") for line in page.splitlines() if line[:3] == "| C"}
    assert len(rows) == 12 and sum(row[1] == "not run" for row in rows.values()) == 11
    verdict, effect, interval, n = rows["C5"][1:5]
    assert (verdict, interval, n) == ("contradicted", "-0.6 to -0.4", "6, exploratory")
    assert effect.startswith("-0.5 (") and "with minus without" in effect
    with pytest.raises(UserError, match="no other"):
        fill_blocks("<!-- claims: other -->\n<!-- end -->", tmp_path)


@pytest.mark.parametrize(
    ("verdict", "note", "shown"),
    [
        (
            "undecided",
            "Exploratory: n is below 10. Undecided: both are 0.1. Its parts: none.",
            "undecided: both are 0.1.",
        ),
        ("undecided", "Exploratory: n is below 10.", "undecided"),
        ("supported", "Undecided: elsewhere.", "supported"),
    ],
)
def test_an_undecided_claim_says_why_where_its_note_does(verdict, note, shown):
    entry = make_entry("C5", verdict=verdict, note=note)
    assert make_claims([entry | {"adjusted_p": 0.1}]).splitlines()[-1].split(" | ")[1] == shown


def test_findings_are_the_pages_sentences():
    filled = fill_blocks("<!-- findings: results -->\n<!-- end -->", ROOT)
    assert filled.count("\n* ") == 7 and "<strong>" not in filled


def test_a_message_becomes_markdown():
    assert convert_html("<strong>What?</strong> 1 &lt; 2, <em>really</em>") == "**What?** 1 < 2, *really*"
