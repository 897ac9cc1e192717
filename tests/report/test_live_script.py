"""live.js in a browser: the forward pass against JAX, and what a reader can do with it."""

import json
import shutil

import numpy as np
import pytest
from live_models import make_file, restore, run, write_file
from support import ROOT

from jaxpe.data.examples import BLANK, SPECIALS
from jaxpe.report.live import ENCODINGS, read_models
from jaxpe.report.page import write_pages

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
COMMITTED = [ROOT / "results", ROOT / "results" / "standard"]
TRY = """models => {
    const holder = document.createElement("div");
    holder.id = "try";
    holder.className = "play";
    document.querySelector("main").prepend(holder);
    live(holder, models);
}"""
RUN = """([models, encoding, inputs]) => inputs.map(tokens => {
    const { logits, attention } = runModel(openModel(models, encoding), tokens);
    return { logits: logits.map(row => [...row]), attention: attention.map(heads => heads.map(rows => rows.map(row => [...row]))) };
})"""


@pytest.fixture(scope="module")
def article(tmp_path_factory):
    """A page that holds live.js, of the committed quick results."""
    folder = tmp_path_factory.mktemp("page") / "r"
    for name in ("tour", "jaxpe.json"):
        path = ROOT / "results" / name
        shutil.copytree(path, folder / name) if path.is_dir() else shutil.copy(path, folder / name)
    return write_pages(folder)


@pytest.fixture
def open_live(open_page, article):
    """Opens the page with models to try at its head."""

    def open_models(models, width=1280, language="en", **options):
        page = open_page(article, width, **options)
        page.evaluate(TRY, models)
        page.click(f"[data-choose={language}]")
        return page

    return open_models


@pytest.fixture(scope="module")
def quick():
    return read_models(ROOT / "results")


# ── the forward pass ────────────────────────────────────────────────────────────────────────────────────────────────


def compare_with_jax(page, path, encoding, inputs):
    """The largest differences of logits and of attention."""
    models, differences = read_models(path.parents[1]), []
    computed = page.evaluate(RUN, [models, encoding, inputs])
    model = restore(path, encoding)
    for tokens, output in zip(inputs, computed, strict=True):
        for expected, name in zip(run(model, tokens), ("logits", "attention"), strict=True):
            assert np.shape(output[name]) == expected.shape
            differences.append(np.abs(np.asarray(output[name]) - expected).max())
    return max(differences)


def draw_inputs(lengths, symbols=10):
    """Random symbols of each length with their blanks, as token ids."""
    generator = np.random.default_rng(0)
    return [[*(SPECIALS + generator.integers(symbols, size=n)).tolist(), *[BLANK] * n] for n in lengths]


@pytest.mark.parametrize("results", COMMITTED, ids=["quick", "standard"])
def test_committed_models_give_the_numbers_of_jax(open_live, results):
    path = results / "tour" / "models.json"
    stored = json.loads(path.read_text())
    models = read_models(results)
    page = open_live(models)
    for encoding in stored["models"]:
        inputs = draw_inputs([*range(1, stored["train_length"] + 5), models["limit"]])
        assert compare_with_jax(page, path, encoding, inputs) < 1e-4, encoding


@pytest.mark.parametrize("sizes", [{}, {"width": 24, "heads": 6, "layers": 3}, {"heads": 1, "layers": 1}])
def test_every_encoding_gives_the_numbers_of_jax(open_live, tmp_path, sizes):
    path = write_file(tmp_path, make_file(**sizes))
    page = open_live(read_models(tmp_path))
    for encoding in ENCODINGS:
        assert compare_with_jax(page, path, encoding, draw_inputs([1, 2, 7, 10, 30])) < 1e-4, encoding


# ── what a reader does ──────────────────────────────────────────────────────────────────────────────────────────────

FIELD, ANSWERS = "#try input", "#try .answer"


def read_answers(page):
    return "".join(page.locator(f"{ANSWERS} b").all_inner_texts())


def test_what_is_typed_comes_back_reversed_up_to_the_training_length_and_not_beyond(open_live, quick):
    page = open_live(quick)
    page.select_option("#try select", "sinusoidal")
    for digits in ("7", "0123", "98765432"):
        page.fill(FIELD, digits)
        assert read_answers(page) == digits[::-1] and page.locator("#try .answer.right").count() == len(digits)
        assert page.locator("#try .mark").all_inner_texts() == ["✓"] * len(digits)
        assert f"{len(digits)} of {len(digits)}" in page.inner_text("#try .score")
        assert f"Length {len(digits)}" in page.inner_text("#try .length") and not page.locator("#try .beyond").count()
    page.locator(FIELD).press("End")
    page.keyboard.type("1")
    assert "beyond training, where the longest input had 8" in page.inner_text("#try .beyond")
    wrong = page.locator("#try .answer.wrong")
    assert wrong.count() >= 2 and "right digit" in page.inner_text("#try .score")
    for i, label in enumerate(page.locator(ANSWERS).evaluate_all("all => all.map(one => one.ariaLabel)")):
        shown, due = read_answers(page)[i], "987654321"[8 - i]
        assert label.startswith(f"Place {i + 1}: {shown}, ")
        assert label.endswith("right" if shown == due else f"wrong: {due} is right")


def test_switching_the_encoding_changes_the_answer_and_its_attention(open_live, quick):
    page = open_live(quick)
    page.fill(FIELD, "01234567")
    seen = {}
    for name in quick["models"]:
        page.select_option("#try select", name)
        seen[name] = (read_answers(page), page.locator("#try canvas").first.evaluate("one => one.toDataURL()"))
    assert seen["sinusoidal"][0] == seen["learned"][0] == "76543210" != seen["none"][0]
    assert len(set(seen["none"][0])) == 1 and len({picture for _, picture in seen.values()}) == 3


def test_the_keyboard_reaches_and_moves_everything(open_live, quick):
    page = open_live(quick)
    page.focus(FIELD)
    visited = []
    for _ in range(6):
        page.keyboard.press("Tab")
        visited.append(page.evaluate("document.activeElement.className || document.activeElement.tagName"))
    assert visited[:3] == ["BUTTON", "BUTTON", "SELECT"] and visited[3].startswith("answer") and visited[4] == "BUTTON"
    page.locator(ANSWERS).nth(4).focus()  # the one that is chosen at first
    sentence = page.inner_text("#try .sources")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.ariaLabel").startswith("Place 6")
    assert page.inner_text("#try .sources") != sentence and "Answer 6 looks most at digit 3" in page.inner_text(
        "#try .sources"
    )
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#try .sources") == sentence
    for _ in range(9):  # beyond the first one
        page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.ariaLabel").startswith("Place 1")
    page.locator("#try .maps button[aria-pressed=true]").focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.ariaLabel") == "layer 2, head 1"
    assert "layer 2, head 1" in page.inner_text("#try .sources")


def test_buttons_add_and_take_away_one_digit(open_live, quick):
    page = open_live(quick)
    more, fewer = page.locator("#try .controls button").all()
    before = page.input_value(FIELD)
    more.click()
    assert page.input_value(FIELD)[:-1] == before and page.locator(ANSWERS).count() == 9
    fewer.click()
    fewer.click()
    assert page.input_value(FIELD) == before[:-1] and page.locator(ANSWERS).count() == 7


@pytest.mark.parametrize(
    ("typed", "note", "count"),
    [
        ("", "Type at least one digit", 0),
        ("   ", "Type at least one digit", 0),
        ("12a4", "“a” is left out", 3),
        ("<img src=x>", "“<” is left out", 0),
        ("１２３ 4", "", 4),
        ("🍌5", "“🍌” is left out", 1),
        ("limit", "", 36),
        ("one more", "Only the first 36 digits", 36),
    ],
)
def test_odd_input_is_one_sentence(open_live, quick, typed, note, count):
    page = open_live(quick)
    page.fill(FIELD, {"limit": "1" * quick["limit"], "one more": "1" * (quick["limit"] + 1)}.get(typed, typed))
    text = page.inner_text("#try .note")
    assert text.startswith(note) and bool(text) == bool(note) and text.count(".") == bool(note)
    assert page.locator(ANSWERS).count() == count and bool(page.locator("#try canvas").count()) == bool(count)
    assert page.locator("#try img").count() == 0


@pytest.mark.parametrize(("width", "language"), [(390, "en"), (390, "ja"), (1280, "en"), (1280, "ja")])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_speaks_one_language_and_is_accessible(open_live, quick, width, language, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_live(quick, width, language, color_scheme=scheme)
    for digits in ("31415926", "314159265", "3" * 40, ""):
        page.fill(FIELD, digits)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        clipped = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
        assert page.locator("#try .answer, #try p, #try .maps button").evaluate_all(clipped) == 0
        text = page.inner_text("#try")
        assert ("数字" in text) == (language == "ja") and ("digit" in text) == (language == "en")
        result = Axe().run(page, context="#try")
        assert result.violations_count == 0, result.generate_report()
