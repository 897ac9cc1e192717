"""The page of a results folder: whole without a network, true to its tables, in two languages, for eyes and ears."""

import csv
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support import ROOT

from jaxpe.errors import UserError
from jaxpe.records.claims import read_claims
from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.records.json_values import write_json
from jaxpe.records.results import open_results
from jaxpe.records.statistics import estimate_difference
from jaxpe.report import brief, comparison, guide, index, language, readme

HOSTILE = "<img src=x onerror=alert(1)>"


def rows(encodings=("none", "sinusoidal"), seeds=6, **more):
    generator = np.random.default_rng(0)
    return [
        {
            "experiment": "mine", "task": "reverse", "architecture": "encoder", "encoding": encoding, "positions": "arange",
            "test_positions": "arange", "seed": seed, "train_length": 8, "test_length": length, "metric": "token_accuracy",
            "value": round(float(generator.uniform(0.2, 0.9)), 4), "length_baseline": 0.1, "order_blind_baseline": 0.3, "n_examples": 64, **more,
        }
        for encoding in encodings for seed in range(seeds) for length in (4, 8, 16)
    ]  # fmt: skip


def results(folder, name="mine", encodings=("none", "sinusoidal"), claims=()):
    """A results folder with one experiment, as small as can be."""
    open_results(folder)
    write_table(folder / name / "table.csv", rows(encodings))
    write_json(folder / name / "claims.json", list(claims))
    facts = {
        "command": "jaxpe run mine",
        "date": "2026-01-01",
        "versions": {"jaxpe": "0"},
        "devices": 2,
        "device": "cpu",
    }
    write_json(
        folder / name / "provenance.json",
        facts | {"question": "Is it?", "prediction": "", "runs": 12, "diverged": 0, "training_seconds": 1.0},
    )
    return folder


def test_every_message_is_said_in_every_language_and_none_is_missing(tmp_path):
    """Missing ones raise; those that nobody says are found here, over a page with everything and an empty one."""
    messages = language.Messages()
    for texts in messages.catalogue.values():
        assert set(texts) == set(language.LANGUAGES)
        placeholders = [set(re.findall(r"\{(\w*)\}", text)) for text in texts.values() if text]
        assert all(found == placeholders[0] for found in placeholders)
    index.page(ROOT / "results", "en", messages)
    index.page(open_results(tmp_path).folder, "ja", messages)
    script = (Path(index.__file__).parent / "page.js").read_text()
    spoken = set(re.findall(r"""(?:say|slider|choice|button|save|picker)\(\s*"(\w+)\"""", script)) | DYNAMIC
    unsaid = {key for key in messages.catalogue if not key.startswith("js.")} - messages.said
    units = {one["unit"] for path in ROOT.glob("results/**/claims.json") for one in read_claims(path.parent)}
    conditional = {f"brief.{name}.holds" for name in brief.MEASURED_BY} | {f"unit.{unit}" for unit in units}
    assert unsaid <= VERDICTS | conditional
    assert messages.for_scripts().keys() == spoken


# Said by a name that is data: fields of the comparison, metrics, readers, tasks.
DYNAMIC = {
    "experiment", "task", "architecture", "metric", "condition", "positions", "token_accuracy", "exact_match",
    "bits_per_character", "both_tables", "position_table", "neither", "count", "index", "beyond", "within", "turn", "turns",
    "name_none", "name_sinusoidal", "name_learned", "name_random_rows", "name_sinusoids",
}  # fmt: skip
VERDICTS = {f"verdict.{word}" for word in ("supported", "contradicted", "undecided", "harmful", "harmless", "helpful")} | {"sure.complete"}  # fmt: skip


def test_the_same_results_give_the_same_bytes_and_nothing_is_asked_from_outside(tmp_path):
    folder = results(tmp_path / "r")
    pages = [index.write(folder).read_bytes() for _ in range(2)]
    assert pages[0] == pages[1] and len(pages[0]) < 5e6
    whole = index.page(ROOT / "results", "en", language.Messages())
    assert len(whole.encode()) < 5e6
    for page in (pages[0].decode(), whole):
        assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?\s*(?:https?:)?//""", page)


def test_what_was_not_run_is_said_and_no_number_is_shown(tmp_path):
    page = index.page(open_results(tmp_path).folder, "en", language.Messages())
    answers = page[page.index('<section id="answer">') : page.index('<section id="guide">')]
    assert answers.count('class="verdict not_run"') == 12 and not re.search(r"n = \d", answers)
    assert not re.search(r"\d ?%", answers.partition("<h3>")[0])
    assert (
        "jaxpe run tour" in page and 'data-play="code"' not in page and "data-compare" not in page.split("<script")[0]
    )


def test_names_with_html_are_text(tmp_path):
    claim = {
        "id": "C3",
        "statement": HOSTILE,
        "verdict": "undecided",
        "effect": None,
        "low": None,
        "high": None,
        "n": 6,
        "unit": HOSTILE,
        "note": HOSTILE,
        "p": None,
    }
    page = index.page(results(tmp_path / "r", encodings=("none", HOSTILE), claims=[claim]), "en", language.Messages())
    assert HOSTILE not in page and "&lt;img src=x" in page


@pytest.mark.parametrize(
    ("name", "content"), [("claims", '[{"id": "C1"}]'), ("claims", "["), ("provenance", "[]"), ("summary", "[]")]
)
def test_an_altered_file_is_named(tmp_path, name, content):
    folder = results(tmp_path / "r")
    (folder / "mine" / f"{name}.json").write_text(content)
    with pytest.raises(UserError, match=rf"{name}\.json was altered"):
        index.write(folder)


def test_what_provenance_lacks_is_a_dash(tmp_path):
    folder = results(tmp_path / "r")
    (folder / "mine" / "provenance.json").unlink()
    assert "<td>mine</td><td><code>–</code></td>" in index.write(folder).read_text()


def test_the_figures_that_claims_and_questions_name_are_there():
    """In the committed results, of either preset, of every experiment that was run."""
    named = {*index.SHOWN_BY.values(), *(key for question in index.QUESTIONS.values() for key in question.figures)}
    folders = (ROOT / "results", ROOT / "results" / "standard")
    for experiment, figure in (key.split("/") for key in named):
        shown = [
            folder / experiment / "figures" / f"{figure}.svg" for folder in folders if (folder / experiment).is_dir()
        ]
        assert any(path.is_file() for path in shown), f"{experiment}/{figure}"


def test_a_language_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="Did you mean 'ja'"):
        index.write(results(tmp_path / "r"), "jp")


def test_series_hold_the_tables_numbers():
    """Every score of a committed table is in exactly one series."""
    folder = ROOT / "results" / "extrapolation"
    table = read_table(folder / "table.csv")
    wanted = table[table["metric"].isin(comparison.METRICS) & table["seed"].notna() & table["test_length"].notna()]
    made = comparison.series([folder])
    values = [value for one in made for row in one["values"] for value in row if value is not None]
    assert len(values) == wanted["value"].notna().sum()
    np.testing.assert_allclose(sorted(values), sorted(wanted["value"].dropna()), atol=5.1e-5)
    one = next(
        one for one in made if one["encoding"] == "none" and one["metric"] == "token_accuracy" and not one["condition"]
    )
    part = table[(table["encoding"] == "none") & (table["task"] == one["task"]) & (table["metric"] == "token_accuracy")]
    part = part[
        (part["companion"] == "plain") & (part["test_length"] == one["lengths"][-1]) & (part["seed"] == one["seeds"][0])
    ]
    assert part["value"].tolist() == pytest.approx([one["values"][-1][0]], abs=5e-5)


# ── in a browser ────────────────────────────────────────────────────────────────────────────────────────────────────

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
in_browser = [
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'jaxpe[test]'")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Opens a page; whatever it logs, throws or asks the network for fails the test."""
    contexts, faults = [], []

    def opening(path, width=1200, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request", lambda request: request.url.startswith(("file:", "blob:", "data:")) or faults.append(request.url)
        )
        page.goto(path.as_uri())
        page.wait_for_load_state()
        return page

    yield opening
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The page of the committed quick results, elsewhere."""
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(index.page(ROOT / "results", "en", language.Messages()), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("tongue", ["en", "ja"])
class TestInABrowser:
    pytestmark = in_browser

    def test_it_fits_speaks_and_is_accessible(self, opened, whole, width, tongue):
        from axe_playwright_python.sync_playwright import Axe

        page = opened(whole, width, color_scheme={"en": "light", "ja": "dark"}[tongue])
        page.click(f"[data-choose={tongue}]")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.reload()
        assert page.evaluate("document.documentElement.lang") == tongue
        other = {"en": "ja", "ja": "en"}[tongue]
        hidden = page.evaluate(
            f"[...document.querySelectorAll('span[lang={other}]:not(.always)')].every(e => !e.offsetParent)"
        )
        assert hidden and page.locator("h1").inner_text() == page.title()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()

    def test_every_control_works(self, opened, whole, width, tongue):
        page = opened(whole, width)
        page.click(f"[data-choose={tongue}]")
        for part in page.locator("[data-play]").all():
            for control in part.locator("input[type=range]").all():
                before = part.inner_html()
                control.focus()
                page.keyboard.press("ArrowRight")
                assert part.inner_html() != before
            for control in part.locator("select").all():
                for value in control.locator("option").evaluate_all("all => all.map(one => one.value)"):
                    control.select_option(value)
            for button in part.locator("button").all():
                button.click()
        for name in page.locator("[data-compare] select").evaluate_all("all => all.map(one => one.id)"):
            for value in page.locator(f"#{name} option").evaluate_all("all => all.map(one => one.value)"):
                page.select_option(f"#{name}", value)
        page.locator("#compare .legend button").first.click()
        assert page.locator("#compare .legend button[aria-pressed=true]").count() == 1
        drawing, readout = page.locator("#compare svg.chart").first, page.locator("#compare output.readout")
        drawing.focus()
        page.keyboard.press("ArrowRight")
        first = readout.inner_text()
        box = drawing.bounding_box()
        drawing.dispatch_event("pointerdown", {"clientX": box["x"] + box["width"], "clientY": box["y"]})
        assert first and readout.inner_text() not in ("", first)


class TestNumbers:
    pytestmark = in_browser

    def test_the_table_shows_the_tables_numbers_and_its_downloads_too(self, opened, tmp_path):
        folder = results(tmp_path / "r", encodings=("none", "sinusoidal", "rotary"))
        page = opened(index.write(folder))
        table = read_table(folder / "mine" / "table.csv")
        page.select_option("#compare-length", "16")
        page.select_option("#compare-baseline", "none")
        shown = {
            row[0]: row
            for row in page.locator("#compare tbody tr").evaluate_all(
                "all => all.map(r => [...r.runs].map(c => c.innerText))"
            )
        }
        with page.expect_download() as download:
            page.click("[data-save=csv]")
        saved = {row["encoding"]: row for row in csv.DictReader(io.StringIO(Path(download.value.path()).read_text()))}
        with page.expect_download() as download:
            page.click("[data-save=tex]")
        latex = Path(download.value.path()).read_text()
        at = table[table["test_length"] == 16].pivot(index="seed", columns="encoding", values="value")
        for name in ("sinusoidal", "rotary"):
            wanted = estimate_difference(at[name], at["none"])
            assert float(shown[name][1]) == pytest.approx(at[name].mean(), abs=6e-4)
            assert float(saved[name]["minus none"]) == pytest.approx(wanted.value, abs=1e-4)
            assert [float(saved[name][edge]) for edge in ("low", "high")] == pytest.approx(
                [wanted.low, wanted.high], abs=2e-4
            )
            assert int(saved[name]["pairs"]) == 6 and f"{wanted.value:.3f}".replace("-0.000", "0.000") in latex
        assert latex.startswith("% ") and "\\begin{tabular}" in latex

    def test_hostile_names_are_text_there_too(self, opened, tmp_path):
        page = opened(index.write(results(tmp_path / "r", encodings=("none", HOSTILE))))
        assert HOSTILE in page.locator("#compare tbody").inner_text() and page.locator("img[src=x]").count() == 0

    def test_figures_open_without_a_shift(self, opened, whole):
        """What follows a figure stands at its place at once, and is there when the figure has come."""
        page = opened(whole)
        places = """async details => {
            const [image, after] = [details.querySelector("img"), details.nextElementSibling];
            details.open = true;
            const first = after.getBoundingClientRect().top - details.getBoundingClientRect().top;
            while (!(image.complete && image.naturalWidth)) await new Promise(requestAnimationFrame);
            const last = after.getBoundingClientRect().top - details.getBoundingClientRect().top;
            return [first, last, image.clientWidth / image.clientHeight, image.naturalWidth / image.naturalHeight];
        }"""
        for figure in page.locator("#again details.figure").all()[:5]:
            first, last, shown, drawn = figure.evaluate(places)
            assert first == last > 200 and shown == pytest.approx(drawn, rel=0.02)


# ── tables of the README ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_readmes_tables_are_those_of_the_results():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "<!-- table: " in text and "<!-- claims: " in text and readme.rendered(text, ROOT) == text


def test_a_table_is_made_anew_and_one_without_results_is_refused(tmp_path):
    write_json(tmp_path / "s.json", {"title": "What", "columns": ["a", "b"], "rows": [["x|y", "1"]]})
    page = "before\n<!-- table: s.json -->\nold\n<!-- end -->\nafter"
    made = readme.rendered(page, tmp_path)
    assert made == "before\n<!-- table: s.json -->\nWhat.\n\n| a | b |\n|---|---|\n| x\\|y | 1 |\n<!-- end -->\nafter"
    assert readme.rendered(made, tmp_path) == made
    with pytest.raises(UserError, match=r"no t\.json"):
        readme.rendered(page.replace("s.json", "t.json"), tmp_path)


def test_the_claims_of_a_folder_are_told_with_their_numbers_and_those_that_were_not_run_too(tmp_path):
    one = {"statement": "s", "unit": "u", "note": "", "p": 0.1, "family": ""}
    made = [
        {"id": "C5", "verdict": "contradicted", "effect": -0.5, "low": -0.6, "high": -0.4, "n": 6} | one,
        {"id": "C5.more", "verdict": "supported", "effect": 0.9, "low": None, "high": None, "n": 6} | one,
        {"id": "C2", "verdict": "undecided", "effect": None, "low": None, "high": None, "n": 0} | one,
    ]
    write_json(tmp_path / "r" / "harm" / "claims.json", made)
    (tmp_path / "r" / "harm" / "table.csv").write_text("seed\n0\n")
    page = readme.rendered("<!-- claims: r -->\n<!-- end -->", tmp_path)
    rows = {
        line[2:4].strip() + line[4:5].strip(" :"): line.split(" | ") for line in page.splitlines() if line[:3] == "| C"
    }
    assert len(rows) == 12 and sum(row[1] == "not run" for row in rows.values()) == 11
    assert rows["C5"][1:5] == ["contradicted", "-0.5 (with minus without)", "-0.6 to -0.4", "6, exploratory"]
    with pytest.raises(UserError, match="no other"):
        readme.rendered("<!-- claims: other -->\n<!-- end -->", tmp_path)


# ── in plain words ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_claim_told_twice_counts_once():
    one = {"effect": 0.5, "low": 0.1, "high": 0.9, "n": 6, "unit": "u", "verdict": "supported"}
    claims = {"C5": one, "C5.again": dict(one), "C5.other": one | {"effect": 0.4, "verdict": "undecided"}}
    assert index.decided(claims) == [True, False]
    assert index.decided({"C2": one | {"n": 0}, "C6.a": one, "C6.b": one}) == [True, True]


def test_the_plain_sentences_say_what_the_tables_say(tmp_path):
    """A sentence has the numbers of its table, opens in words only where they follow, and is left out without results."""
    table = [
        row | {"companion": "plain", "test_length": length, "value": value, "order_blind_baseline": 0.3}
        for row in rows(encodings=("sinusoidal",), seeds=2)[::3]
        for length, value in ((8, 0.99), (9, 0.25))
    ]
    write_table(tmp_path / "extrapolation" / "table.csv", table)
    told = brief.sentences(tmp_path, {}, {})
    assert told.pop("ends") == {
        "at": "99", "past": "25", "blind": "30", "length": 8, "next": 9, "n": 2, "holds": True,
    }  # fmt: skip
    assert set(told.values()) == {None}
    opening = "For most tasks at the longest length trained."
    for value, holds in ((None, True), (0.25, False)):
        found = brief.ends(pd.DataFrame(table) if value is None else pd.DataFrame(table).assign(value=value))
        sentence = brief.spoken({"ends": found}, language.Messages())["ends"]
        assert f"{found['at']}% of the symbols right at length 8" in sentence and (opening in sentence) == holds


def test_the_plain_sentences_of_the_committed_results():
    """Against the tables, by hand: of the quick preset."""
    folder = ROOT / "results"
    claims = {one["id"]: one for part in index.ordered(folder) for one in read_claims(part)}
    told = brief.sentences(folder, claims, guide.parts(folder))
    assert set(told) == set(brief.MEASURED_BY) and None not in told.values()
    table = read_table(folder / "harm" / "table.csv")
    plain = table[(table["metric"] == "token_accuracy") & (table["task"] == "count") & (table["positions"] == "arange")]
    for name, encoding in (("with", "sinusoidal"), ("without", "none")):
        for where, length in (("seen", 8), ("beyond", 16)):
            own = plain[(plain["encoding"] == encoding) & (plain["test_length"] == length) & (plain["sweep"] == "none")]
            assert (
                told["harm"][f"{name}_{where}"] == f"{100 * own['value'].mean():.0f}" and len(own) == told["harm"]["n"]
            )
    swept = table[(table["metric"] == "token_accuracy") & (table["sweep"] == "ratio") & (table["test_length"] == 8)]
    much = swept[np.isclose(swept["position_factor"] / swept["token_factor"], 10, rtol=1e-3)]
    for task in ("count", "index"):
        assert told["size"][task] == f"{100 * much[much['task'] == task]['value'].mean():.0f}"


def test_the_ratio_plays_one_encoding_at_one_width():
    """In a table with several, those with the most seeds; they are not averaged."""
    table = pd.DataFrame(
        {
            "sweep": "ratio", "metric": "token_accuracy", "task": "count", "encoding": encoding, "width": width,
            "seed": seed, "train_length": 8, "test_length": float(length), "position_factor": 1.0, "token_factor": 1.0,
            "value": value, "length_baseline": 0.1, "order_blind_baseline": 0.2,
        }
        for encoding, width, seeds, value in (("learned", 16, 2, 0.1), ("sinusoidal", 32, 3, 0.7), ("sinusoidal", 64, 1, 0.3))
        for seed in range(seeds) for length in (8, 16)
    )  # fmt: skip
    assert guide.ratio(table) == {
        "encoding": "sinusoidal", "width": 32, "length": 8, "seeds": "3",
        "tasks": {"count": {
            "within": [[1, 0.7]], "within_length_baseline": 0.1, "within_order_blind_baseline": 0.2,
            "beyond": [[1, 0.7]], "beyond_length_baseline": 0.1, "beyond_order_blind_baseline": 0.2,
        }},
    }  # fmt: skip
