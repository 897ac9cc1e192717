"""Both pages of a results folder: whole without a network, true to its results, and safe against names with markup."""

import re
import shutil

import pytest
from page_folders import HOSTILE, make_entry, write_folder
from support import ROOT

from jaxpe.errors import UserError
from jaxpe.records.results import open_results
from jaxpe.report.messages import Messages
from jaxpe.report.page import ASSETS, PAGES, list_scripts, render_page, write_pages

both = pytest.mark.parametrize("file", PAGES)


@pytest.fixture(scope="module")
def whole():
    """The pages of the committed quick results, and the messages that they used."""
    messages = Messages()
    return {file: render_page(ROOT / "results", file, "en", messages) for file in PAGES}, messages


def read_pages(folder):
    """Both pages, written."""
    write_pages(folder)
    return {file: (folder / file).read_text() for file in PAGES}


def test_the_same_results_give_the_same_bytes_and_nothing_is_asked_from_outside(tmp_path, whole):
    folder = write_folder(tmp_path / "r")
    first, second = read_pages(folder), read_pages(folder)
    assert first == second
    for page in (*first.values(), *whole[0].values()):
        assert len(page.encode()) < 5e6
        assert not re.search(r"""(?:src|url)\s*[=(]\s*["']?\s*(?:https?:)?//""", page)


@both
def test_negative_numbers_have_a_true_minus_sign(whole, file):
    body = whole[0][file].split('<script type="application/json"')[0]
    text = re.sub(r"<style>.*?</style>|<code[^>]*>.*?</code>|<[^>]*>", " ", body, flags=re.DOTALL)
    assert "−0." in text and re.findall(r"(?<![\w.\-/])-\.?\d", text) == []


def test_what_was_not_run_is_said_and_no_number_is_shown(tmp_path):
    folder = open_results(tmp_path).folder
    article, workbench = (render_page(folder, file, "en", Messages()) for file in PAGES)
    claims = workbench[workbench.index('<section id="claims">') : workbench.index('<section id="figures">')]
    assert claims.count('class="verdict not_run"') == 12 and not re.search(r"n = \d", claims)
    assert "jaxpe run tour --preset standard" in workbench and "data-compare" not in workbench.split("<script")[0]
    assert 'data-play="code"' not in article


@both
def test_names_with_html_are_text(tmp_path, file):
    words = {"statement": HOSTILE, "unit": HOSTILE, "note": HOSTILE, "verdict": HOSTILE, "question": HOSTILE}
    texts = {"title": {"en": HOSTILE, "ja": HOSTILE}, "measure": {"en": HOSTILE, "ja": HOSTILE}}
    claims = [make_entry("C3", headline=True, **words, **texts)]
    answers = [{"question": HOSTILE, "text": HOSTILE, "figure": HOSTILE, "short": HOSTILE}]
    folder = write_folder(tmp_path / "r", encodings=("none", HOSTILE), claims=claims, answers=answers)
    page = render_page(folder, file, "en", Messages())
    assert HOSTILE not in page and ("&lt;img src=x" in page or file == "index.html")


@pytest.mark.parametrize(
    ("name", "content"), [("claims", '[{"id": "C1"}]'), ("claims", "["), ("provenance", "[]"), ("summary", "[]")]
)
def test_an_altered_file_is_named(tmp_path, name, content):
    folder = write_folder(tmp_path / "r")
    (folder / "mine" / f"{name}.json").write_text(content)
    with pytest.raises(UserError, match=rf"{name}\.json was altered"):
        write_pages(folder)


def find_notes(folder, file):
    """The notes at the head of a page."""
    page = render_page(folder, file, "en", Messages())
    return page[page.index("<main>") : page.index("<section")]


@both
def test_files_that_were_edited_are_named_in_both_languages_and_the_page_is_made(tmp_path, file):
    folder = write_folder(tmp_path / "r", claims=[make_entry("A1")])
    assert 'class="missing"' not in find_notes(folder, file)
    table = folder / "mine" / "table.csv"
    table.write_text(re.sub(r",0\.\d+,0\.1,", ",0.99,0.1,", table.read_text(), count=1))
    (folder / "mine" / "answers.json").unlink()
    notes = find_notes(folder, file)
    assert "Edited since it was written: mine/table.csv." in notes and "編集されたファイル：mine/table.csv" in notes
    assert "Removed since it was written: mine/answers.json." in notes
    (folder / "mine" / "provenance.json").unlink()
    assert "Without digests" in find_notes(folder, file)


@both
def test_a_copy_of_an_experiment_answers_no_claim_and_is_named_once(tmp_path, file):
    folder = write_folder(tmp_path / "r", "accuracy", claims=[make_entry("C8", headline=True)])
    whole = render_page(folder, file, "en", Messages())
    shutil.copytree(folder / "accuracy", folder / "accuracy_before")
    path = folder / "accuracy_before" / "claims.json"
    path.write_text(path.read_text().replace("supported", "contradicted"))
    page = render_page(folder, file, "en", Messages())
    notes = [line for line in page.splitlines() if line not in whole.splitlines()]
    assert len(notes) == 1 and "Ignored" in notes[0] and notes[0].count("accuracy_before") == 2  # in two languages


def test_a_folder_that_bears_the_name_of_another_experiment_is_refused(tmp_path):
    """The page's sentences look up `harm` by its folder."""
    folder = write_folder(tmp_path / "r", "count")
    (folder / "count").rename(folder / "harm")
    with pytest.raises(UserError, match=r"does not hold the results of harm\. .*harm \(written as count\)"):
        write_pages(folder)


def test_a_language_that_the_page_does_not_have_is_refused(tmp_path):
    with pytest.raises(UserError, match="Did you mean 'ja'"):
        write_pages(write_folder(tmp_path / "r"), "jp")


# Messages with keys from data: of names, figures and captions, of units and verdicts, and for the scripts.
FROM_DATA = tuple(f"{kind}." for kind in (
    "js", "unit", "caption", "figure", "experiment", "task", "architecture", "encoding", "field", "metric", "value", "verdict",
    "edits",
))  # fmt: skip


def test_every_message_is_used_in_every_language_and_none_is_missing(tmp_path, whole):
    """A missing message raises; unused ones are those that neither full nor empty pages, nor the scripts, use."""
    messages = whole[1]
    for file in PAGES:
        render_page(open_results(tmp_path / "empty").folder, file, "ja", messages)
    render_page(write_folder(tmp_path / "own"), "index.html", "ja", messages)
    render_page(ROOT / "results" / "standard", "index.html", "ja", messages)
    unused = {key for key in messages.catalogue if not key.startswith(FROM_DATA)} - messages.used
    depends = {
        "comma",
        "runs.complete",
        "runs.absent",
        "runs.counted",
        "runs.counts",
        "runs.counts_text",
        "runs.not_measured",
        "runs.diverged",
        "kind.none",
        "compare.none",
        "sure.english",
        "start.open",
    }
    assert unused <= depends | {key for key in messages.catalogue if key.endswith(".holds")}


# Keys that scripts make from data: readers, tasks, ways to show, why rows are left out, and what is said instead of another.
MADE = {
    "index.html": {"both_tables", "position_table", "neither", "answers", "input", "beyond", "within", "turn", "turns", "shift",
                   "shuffled", "masked_lm", "causal_lm", "layer", "length_note", "steps_note", "seeds_note", "layer_0", "at_n", "at_2n"},
    "compare.html": {"curve", "map", "left_repeated", "left_unplaced", "left_empty", "few", "many", "map_mean", "map_single",
                     "keys", "keys_table", "no_rows", "none_diverged", "replaced", "replaced_architecture"},
}  # fmt: skip
NAMES = ("name_", "part_", "ask_", "sum_", "task_", "sentence_")  # of data
SHARED = {"encoding", "length", "length_only", "order_blind", "at_length", "trained", "chart_alt"}  # of common.js


@both
def test_the_scripts_have_the_messages_that_they_use_and_no_others(file):
    page = PAGES[file]
    script = "".join((ASSETS / name).read_text() for name in ("common.js", *list_scripts(page.name), "start.js"))
    calls = r"""(?:say|slider|choice|button|save|makeSave|makeCopy|addToggle|addNote|sentence)\(\s*"(\w+)\""""
    used = set(re.findall(calls, script)) | MADE[file]
    there = set(Messages().select_for_scripts("common", page.name))
    named = {key for key in there if key.startswith(NAMES)}
    assert used <= there and there - SHARED - named <= used
