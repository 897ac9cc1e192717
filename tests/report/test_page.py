"""The page of a results folder: whole without a network, true to its results, and safe against names with markup."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from page_folders import HOSTILE, make_entry, make_scores, write_folder
from support import ROOT

from jaxpe.errors import UserError
from jaxpe.records.csv_tables import write_table
from jaxpe.records.results import open_results
from jaxpe.report.messages import Messages
from jaxpe.report.page import render_page, write_page


@pytest.fixture(scope="module")
def whole():
    """The page of the committed quick results, and the messages that it used."""
    messages = Messages()
    return render_page(ROOT / "results", "en", messages), messages


def test_the_same_results_give_the_same_bytes_and_nothing_is_asked_from_outside(tmp_path, whole):
    folder = write_folder(tmp_path / "r")
    pages = [write_page(folder).read_bytes() for _ in range(2)]
    assert pages[0] == pages[1] and len(pages[0]) < 5e6 and len(whole[0].encode()) < 5e6
    for page in (pages[0].decode(), whole[0]):
        assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?\s*(?:https?:)?//""", page)


def test_what_was_not_run_is_said_and_no_number_is_shown(tmp_path):
    page = render_page(open_results(tmp_path).folder, "en", Messages())
    answers = page[page.index('<section id="answer">') : page.index('<section id="guide">')]
    assert answers.count('class="verdict not_run"') == 12 and not re.search(r"n = \d", answers)
    assert not re.search(r"\d ?%", answers.partition("<h3>")[0])
    assert "jaxpe run tour" in page and 'data-play="code"' not in page
    assert "data-compare" not in page.split("<script")[0]


def test_names_with_html_are_text(tmp_path):
    words = {"statement": HOSTILE, "unit": HOSTILE, "note": HOSTILE, "verdict": HOSTILE, "question": HOSTILE}
    texts = {"title": {"en": HOSTILE, "ja": HOSTILE}, "measure": {"en": HOSTILE, "ja": HOSTILE}}
    claims = [make_entry("C3", headline=True, **words, **texts)]
    answers = [{"question": HOSTILE, "text": HOSTILE, "figure": HOSTILE, "short": HOSTILE}]
    page = render_page(
        write_folder(tmp_path / "r", encodings=("none", HOSTILE), claims=claims, answers=answers), "en", Messages()
    )
    assert HOSTILE not in page and "&lt;img src=x" in page and "\\u003cimg" in page


@pytest.mark.parametrize(
    ("name", "content"), [("claims", '[{"id": "C1"}]'), ("claims", "["), ("provenance", "[]"), ("summary", "[]")]
)
def test_an_altered_file_is_named(tmp_path, name, content):
    folder = write_folder(tmp_path / "r")
    (folder / "mine" / f"{name}.json").write_text(content)
    with pytest.raises(UserError, match=rf"{name}\.json was altered"):
        write_page(folder)


def find_notes(folder):
    """The notes at the head of the page."""
    page = write_page(folder).read_text()
    return page[page.index('<section id="answer">') : page.index('<ul class="brief">')]


def test_files_that_were_edited_are_named_in_both_languages_and_the_page_is_made(tmp_path):
    folder = write_folder(tmp_path / "r", claims=[make_entry("A1")])
    assert 'class="missing"' not in find_notes(folder)
    table = folder / "mine" / "table.csv"
    table.write_text(re.sub(r",0\.\d+,0\.1,", ",0.99,0.1,", table.read_text(), count=1))
    (folder / "mine" / "answers.json").unlink()
    notes = find_notes(folder)
    assert "Edited since it was written: mine/table.csv." in notes and "編集されたファイル：mine/table.csv" in notes
    assert "Removed since it was written: mine/answers.json." in notes
    (folder / "mine" / "provenance.json").unlink()
    assert "Without digests" in find_notes(folder)


def test_a_copy_of_an_experiment_answers_no_claim_and_is_named_once(tmp_path):
    folder = write_folder(tmp_path / "r", "accuracy", claims=[make_entry("C8", headline=True)])
    whole = render_page(folder, "en", Messages())
    shutil.copytree(folder / "accuracy", folder / "accuracy_before")
    path = folder / "accuracy_before" / "claims.json"
    path.write_text(path.read_text().replace("supported", "contradicted"))
    page = render_page(folder, "en", Messages())
    notes = [line for line in page.splitlines() if line not in whole.splitlines()]
    assert len(notes) == 1 and "Ignored" in notes[0] and notes[0].count("accuracy_before") == 2  # in two languages


def test_a_folder_that_bears_the_name_of_another_experiment_is_refused(tmp_path):
    """The page's sentences look up `harm` by its folder."""
    folder = write_folder(tmp_path / "r", "count")
    (folder / "count").rename(folder / "harm")
    with pytest.raises(UserError, match=r"does not hold the results of harm\. .*harm \(written as count\)"):
        write_page(folder)


def test_the_trainings_that_diverged_are_listed(tmp_path):
    folder = write_folder(tmp_path / "r")
    rows = [row | ({"diverged": True} if row["seed"] == 2 else {}) for row in make_scores()]
    write_table(folder / "mine" / "table.csv", rows)
    page = write_page(folder).read_text()
    runs = [f"mine: reverse, encoder, {encoding}, seed 2" for encoding in ("none", "sinusoidal")]
    assert re.findall(r'<li lang="en" class="always">(.*?)</li>', page) == runs


def test_two_encodings_with_one_name_are_not_averaged_but_left_out_and_named(tmp_path):
    folder = write_folder(tmp_path / "r")
    more = [row | {"value": 0.5} for row in make_scores(("sinusoidal",))]
    write_table(folder / "mine" / "table.csv", [*make_scores(), *more])
    page = write_page(folder).read_text()
    assert "Left out, because no column of the table tells its rows apart: mine: reverse, encoder, sinusoidal" in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert [one["encoding"] for one in data["series"]] == ["none"]


def test_names_of_folders_become_no_links_that_run(tmp_path):
    name = "javascript:alert(1)//'\"%41"
    folder = write_folder(tmp_path / "r", name.replace("/", "∕"), claims=[make_entry("A1", figure="it's #1")])
    figures = folder / name.replace("/", "∕") / "figures"
    figures.mkdir()
    (figures / "it's #1.svg").write_text('<svg width="90pt" height="60pt"></svg>')
    page = write_page(folder).read_text()
    links = set(re.findall(r'href="([^"]*)"', page))
    assert all(link.startswith(("#", "./")) for link in links)
    [path] = [link for link in links if link.startswith("./")]
    assert (folder / unquote(path)).is_file() and "it's" in unquote(path)
    ids = re.findall(r'id="([^"]*)"', page)
    anchors = [link[1:] for link in links if link.startswith("#figure")]
    assert anchors and all(anchor in ids and re.fullmatch(r"[\w~+.-]+", anchor) for anchor in anchors)


def test_what_provenance_lacks_is_a_dash(tmp_path):
    folder = write_folder(tmp_path / "r")
    (folder / "mine" / "provenance.json").unlink()
    assert "<td>mine</td><td><code>–</code></td>" in write_page(folder).read_text()


def test_a_language_that_the_page_does_not_have_is_refused(tmp_path):
    with pytest.raises(UserError, match="Did you mean 'ja'"):
        write_page(write_folder(tmp_path / "r"), "jp")


def test_a_claim_links_to_its_figure_where_that_was_drawn(tmp_path):
    entries = [make_entry("A1", figure="shown"), make_entry("A2", figure="not_drawn")]
    folder = write_folder(tmp_path / "r", claims=entries)
    (folder / "mine" / "figures").mkdir()
    (folder / "mine" / "figures" / "shown.svg").write_text('<svg width="90pt" height="60pt"></svg>')
    page = write_page(folder).read_text()
    assert (
        page.count('href="./mine/figures/shown.svg"') == 1
        and page.count('href="#figure-mine-shown"') == 1
        and "not_drawn" not in page.split("<script")[0]
    )
    assert 'id="figure-mine-shown"' in page and "width: 120px; aspect-ratio: 120 / 80" in page


def test_every_message_is_used_in_every_language_and_none_is_missing(tmp_path, whole):
    """A missing message raises; unused ones are those that neither a full nor an empty page, nor the script, uses."""
    messages = whole[1]
    render_page(open_results(tmp_path).folder, "ja", messages)
    unused = {key for key in messages.catalogue if not key.startswith(("js.", "unit.", "caption."))} - messages.used
    verdicts = ("supported", "contradicted", "undecided", "harmful", "harmless", "helpful")
    edits = ("edited", "removed", "unknown", "ignored")
    conditional = {"sure.complete", "compare.unclear", *(f"verdict.{word}" for word in verdicts)}
    conditional |= {f"edits.{kind}" for kind in edits}
    assert unused <= conditional | {key for key in messages.catalogue if key.endswith(".holds")}


# Keys that page.js makes from data: fields of the comparison, metrics, readers, tasks.
FROM_DATA = {
    "experiment", "task", "architecture", "metric", "condition", "positions", "token_accuracy", "exact_match",
    "bits_per_character", "both_tables", "position_table", "neither", "count", "index", "beyond", "within", "turn", "turns",
    "name_none", "name_sinusoidal", "name_learned", "name_random_rows", "name_sinusoids",
}  # fmt: skip


def test_the_script_has_the_messages_that_it_uses_and_no_others():
    script = (Path(__file__).parents[2] / "jaxpe" / "report" / "page.js").read_text()
    used = set(re.findall(r"""(?:say|slider|choice|button|save|picker)\(\s*"(\w+)\"""", script))
    assert Messages().select_for_scripts().keys() == used | FROM_DATA
