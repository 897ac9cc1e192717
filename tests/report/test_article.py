"""The article: every sentence from claims and tables, and nothing where they are missing."""

import re

import pandas as pd
import pytest
from command_line import call_jaxpe
from example_figures import draw_example
from page_folders import HOSTILE, make_entry, write_folder
from support import ROOT

from jaxpe.figures.save import save_figure
from jaxpe.records.json_values import write_json
from jaxpe.records.results import open_results
from jaxpe.report import article, brief, facts, guide, recommendations
from jaxpe.report.claims import list_declared, read_all_claims
from jaxpe.report.messages import LANGUAGES, Messages
from jaxpe.report.page import PAGES, render_page
from jaxpe.report.sections import list_folders


@pytest.fixture(scope="module")
def standard():
    """The article of the committed standard results, and the messages that it used."""
    messages = Messages()
    return render_page(ROOT / "results" / "standard", "index.html", "en", messages), messages


def read_text(page, language="en"):
    """The words of the page in one language."""
    other = next(code for code in LANGUAGES if code != language)
    body = page.split("<main>")[1].split("</main>")[0]
    body = re.sub(rf'<(span|div|p)[^>]*lang="{other}"[^>]*>.*?</\1>', "", body, flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", re.sub(r"<(noscript|style)>.*?</\1>", "", body, flags=re.DOTALL))


def test_the_article_has_every_section_and_is_short(standard):
    page, _ = standard
    assert re.findall(r'<section id="(\w+)"', page) == list(article.PARTS)
    assert 'class="missing"' not in page.split("<main>")[1]
    prose = " ".join(re.findall(r"<p>(.*?)</p>", page.split('<section id="which">')[0], re.DOTALL))
    words = re.sub(r"<[^>]+>", " ", re.sub(r'<span lang="ja">.*?</span>', "", prose)).split()
    assert 900 < len(words) < 1700
    assert len(page.encode()) < 4e6


def test_every_sentence_that_a_section_names_exists_and_is_there_in_both_languages(standard):
    page, messages = standard
    for section in article.SECTIONS:
        for name in section.sentences:
            assert f"found.{name}" in messages.used and f"found.{name}.holds" in messages.catalogue
    assert "{" not in read_text(page) and "{" not in read_text(page, "ja")


def test_the_answers_of_the_first_screen_have_at_most_twelve_words():
    messages = Messages()
    for name in ("harm", "read", "help"):
        assert len(messages.get_message(f"start.{name}.holds", "en").split()) <= 12


def test_without_results_no_number_is_shown_and_each_figure_says_what_gives_it(tmp_path):
    page = render_page(open_results(tmp_path).folder, "index.html", "en", Messages())
    text = re.sub("95% intervals?", "", read_text(page))
    assert not re.search(r"\d ?%|n = \d", text)
    for section in article.SECTIONS:
        if section.figure and section.figure not in article.ALWAYS:
            assert f"jaxpe run {section.experiment}" in page and f'data-play="{section.figure}"' not in page
    assert text.count("not run") == 12


def test_a_short_run_says_so_at_the_top(standard):
    quick = render_page(ROOT / "results", "index.html", "en", Messages())
    assert "A short run" in quick and "A short run" not in standard[0]


@pytest.mark.parametrize(("verdict", "shown"), [("harmful", True), ("harmless", False)])
def test_the_first_answer_follows_the_verdicts(verdict, shown):
    folder = ROOT / "results" / "standard"
    claims = read_all_claims(list_folders(folder))
    key = ("harm", "C5.count-beyond-sinusoidal")
    claims[key] = claims[key] | {"verdict": verdict}
    values = brief.compute_harm(brief.read_stored(folder / "harm"), claims)
    assert values["holds"] == shown
    opening = Messages().get_message("found.harm.holds", "en")
    assert (opening in article.fill_sentences({"harm": values}, Messages())["harm"]) == shown


def test_facts_are_those_of_the_tables():
    """Each computed here by hand."""
    folder = ROOT / "results" / "standard"
    claims, parts = read_all_claims(list_folders(folder)), guide.read_parts(folder)
    values = facts.compute_facts(folder, claims, parts)
    assert None not in values.values()
    harm = brief.read_stored(folder / "harm")
    rows = harm[
        (harm["task"] == "count") & (harm["metric"] == "token_accuracy") & (harm["sweep"] == "none") & (harm["width"] == 32)
        & (harm["positions"] == "arange") & (harm["test_length"] == 24)
    ]  # fmt: skip
    for name, encoding in (("without", "none"), ("concatenated", "concatenated"), ("added", "sinusoidal")):
        mean = rows[rows["encoding"] == encoding]["value"].mean()
        assert values["concatenated"][name] == f"{100 * mean:.0f}"
    photographs = brief.read_stored(folder / "superposition")
    pairs = photographs[(photographs["metric"] == "better_rank") & (photographs["weighting"] == "mean")]
    neither = pairs[(pairs["rank_first"] > 12) & (pairs["rank_second"] > 12)]
    assert values["pairs"]["neither"] == f"{100 * len(neither) / len(pairs):.0f}"
    structure = brief.read_stored(folder / "structure")
    rows = structure[
        (structure["metric"] == "cost") & (structure["encoding"] == "learned") & (structure["positions"] == "arange")
        & (structure["starts"] == "packed") & (structure["corpus"] == "kjv") & (structure["task"] == "causal_lm")
        & (structure["condition"] == "shuffle") & (structure["size"] == 2)
    ]  # fmt: skip
    assert {photographs.set_index("metric")["n_examples"]["verses_rebuilt"].iloc[0]} == {float(values["pile"]["lines"])}
    assert rows["seed"].is_unique and values["models"]["causal_lm_shuffle"] == f"{rows['value'].mean():.2f}"
    assert values["models"]["n"] == len(rows)
    four = [claims["structure", f"C4.{pair}-{unit}"] for pair in ("published", "equal") for unit in ("share", "bits")]
    assert (values["models"]["needed"], values["models"]["above"]) == (4, sum(one["low"] > 0 for one in four))
    random = brief.read_stored(folder / "randomized")
    beyond = random[(random["metric"] == "token_accuracy") & (random["test_length"] > random["train_length"])]
    means = beyond.groupby(["variant", "task", "encoding", "seed"])["value"].mean().groupby("variant").mean()
    assert all(values["random"][name] == f"{100 * means[name]:.0f}" for name in ("plain", "randomized"))
    cells = beyond.groupby(["variant", "task", "encoding", "seed"])["value"].mean()
    gains = (cells["randomized"] - cells["plain"]).groupby("task").mean()
    assert (
        values["random"]["task"] == "sort" and values["random"]["share"] == f"{100 * gains['sort'] / gains.sum():.0f}"
    )
    spaced = harm[
        (harm["task"] == "count") & (harm["metric"] == "token_accuracy") & (harm["sweep"] == "none") & (harm["test_length"] == 24)
        & (harm["encoding"] == "sinusoidal") & (harm["positions"] == "randomized") & (harm["test_positions"] == "randomized")
    ]  # fmt: skip
    assert values["spaced"] == {"spaced": f"{100 * spaced['value'].mean():.0f}", "n": len(spaced), "holds": True}
    lengths = brief.read_stored(folder / "extrapolation")
    bits = lengths[(lengths["metric"] == "bits_per_character") & (lengths["variant"] == "plain")]
    ends = bits.groupby(["encoding", "test_length"])["value"].mean()
    for name in ("none", "sinusoidal", "rotary", "alibi", "t5"):
        assert values["text"][name].replace("−", "-") == f"{ends[name, 512] - ends[name, 64]:+.2f}"
    assert values["text"]["n"] == 6 and values["text"]["holds"]


def test_recommendations_mark_the_best_of_a_column_and_leave_out_what_was_not_measured():
    rows = recommendations.make_recommendations(ROOT / "results" / "standard")
    assert [row["encoding"] for row in rows] == list(recommendations.ENCODINGS)
    for column, need in enumerate(recommendations.NEEDS):
        cells = [row["cells"][column] for row in rows]
        measured = [float(cell[0].rstrip("%")) for _, cell, _ in cells if cell]
        best = f"{min(measured):.2f}" if recommendations.NEEDS[need].task == "causal_lm" else f"{max(measured):.0f}%"
        assert {cell[0] for _, cell, is_best in cells if is_best} == {best}
        marked = [row["encoding"] for row in rows if (row["cells"][column][1] or [""])[0] == best]
        assert recommendations.list_best(rows)[column] == (need, ", ".join(marked), best)
    assert rows[-1]["cells"][-1][1] is None  # dape on text
    longest = recommendations.find_longest_copier(ROOT / "results" / "standard")
    assert longest == {"name": "dape", "share": "94%", "count": 34}


def test_a_need_that_nobody_measured_has_no_best():
    rows = recommendations.make_recommendations(ROOT / "results")
    assert rows[0]["cells"][0][:2] == ("look_up", None) and "look_up" not in {
        need for need, _, _ in recommendations.list_best(rows)
    }
    assert recommendations.list_best([]) == []


def test_every_headline_claim_of_jaxpe_says_what_it_needed(standard):
    """And no other does, though it may have the id of one of jaxpe's."""
    page, messages = standard
    assert {key for key in messages.catalogue if key.startswith("rule.")} == {
        f"rule.{name}" for _, name in list_declared()
    }
    assert page.split('<section id="sure">')[1].count('<span lang="en">Needed: </span>') == len(list_declared())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_holds_the_words_of_one_language(language):
    """Without scripts a page shows all languages: none may lie within another."""
    values = {"harm": {"holds": True, "seen": "harmless", "beyond": "harmful", "n": 3} | dict.fromkeys(
        ("with_seen", "without_seen", "with_beyond", "without_beyond", "steps", "speed", "solved"), "7")}  # fmt: skip
    filled = article.fill_sentences(values, Messages())["harm"]
    parts = dict(re.findall(r'<span lang="(\w+)">(.*?)</span>', filled))
    assert parts[language].startswith(Messages().get_message("found.harm.holds", language))
    assert Messages().get_message("verdict.harmful", language) in parts[language] and filled.count("<span") == 2


def test_seeds_and_verdicts_are_counted():
    parts = {
        "ratio": {"seeds": "6–10"},
        "help": {"seeds": 10},
        "models": {"rows": [{"seeds": 20}]},
        "pairs": {"pairs": 209},
    }
    rows = [{"encoding": "none", "cells": [("copy", ("0.31", 5), False), ("text", None, False)]}]
    assert article.list_seed_counts(parts, rows) == [5, 6, 10, 20] and article.list_seed_counts({}, []) == []
    verdicts = ["supported", "undecided", "harmful", "quite so", "supported"]
    assert article.count_verdicts(verdicts) == {
        "supported": 2, "contradicted": 0, "undecided": 1, "effects": 2, "count": 5,
    }  # fmt: skip


def test_a_bad_drawing_of_the_folder_is_no_fallback(tmp_path):
    """A folder without figures has none; the page still draws its own."""
    page = render_page(write_folder(tmp_path / "r"), "index.html", "en", Messages())
    assert "data:image/svg+xml" not in page and 'data-play="adding"' in page


def test_experiments_that_are_not_jaxpes_have_a_section_of_their_own(tmp_path, standard):
    """Their question, prediction, claims, and the figures that these name, with their captions; nothing of it as HTML."""
    claims = [make_entry("first", figure="curves", statement=HOSTILE), make_entry("second", verdict="quite so")]
    folder = write_folder(tmp_path / "r", "my own", claims=claims)
    write_json(folder / "my own" / "captions.json", {"curves": f"What is seen {HOSTILE}"})
    for name in ("curves", "others"):
        save_figure(draw_example(), folder / "my own" / "figures", name)
    page = render_page(folder, "index.html", "en", Messages())
    section = page.partition('<section id="further">')[2].partition("</section>")[0]
    assert "Is it?" in section and "quite so" in section and 'href="./compare.html#claim-my~20own-first"' in section
    assert section.count("data:image/svg+xml") == 1 and "What is seen &lt;img" in section and HOSTILE not in page
    assert 'id="claim-my~20own-first"' in render_page(folder, "compare.html", "en", Messages())
    assert 'id="further"' not in standard[0]


def test_both_pages_lead_to_each_other(tmp_path):
    folder = write_folder(tmp_path / "r")
    pages = {file: render_page(folder, file, "en", Messages()) for file in PAGES}
    assert 'href="./compare.html"' in pages["index.html"] and 'href="./index.html"' in pages["compare.html"]


def test_pages_can_be_written_elsewhere_and_the_results_stay_as_they_are(tmp_path, capsys):
    folder = write_folder(tmp_path / "r")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert call_jaxpe(capsys, "report", "--results", folder, "--output", tmp_path / "public").code == 0
    assert {path.name for path in (tmp_path / "public").iterdir()} == set(PAGES)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_mean_is_of_one_test_and_not_of_several_of_the_same_seed():
    """Models with rotary are tested with other encodings too, and those tests have its name."""
    catalogue = brief.read_stored(ROOT / "results" / "standard" / "catalogue")
    part = catalogue[(catalogue["task"] == "relative_index") & (catalogue["architecture"] == "decoder")]
    part = part[(part["metric"] == "token_accuracy") & (part["positions"] == "arange") & (part["test_length"] == 8)]
    rotary = part[part["encoding"] == "rotary"]
    plain = rotary[rotary["tested_with"].isna()]["value"].mean()
    rows = {
        row["encoding"]: row["cells"] for row in recommendations.make_recommendations(ROOT / "results" / "standard")
    }
    assert rotary["value"].mean() < 0.6 < plain and rows["rotary"][0][1] == (f"{100 * plain:.0f}%", 5)
    assert brief.compute_mean(rotary) is None and "rotary" not in recommendations.average_encodings(rotary)
    assert brief.compute_mean(rotary, seed=0, tested_with="rotary_yarn") is not None


def test_recommendations_are_of_the_setting_that_the_encodings_share(tmp_path):
    """The rows that decide the ranking are of another size, and have the same task."""
    table = brief.read_stored(ROOT / "results" / "standard" / "catalogue")
    copy = table[(table["task"] == "copy") & (table["encoding"] == "alibi")]
    large = copy.assign(train_length=20, test_length=20, layers=4, width=64, steps=6000, value=0.0)
    plain, both = (
        recommendations.measure_need(rows, table[:0], recommendations.NEEDS["copy"])
        for rows in (table, pd.concat([table, large]))
    )
    assert plain == both and "alibi" in plain
