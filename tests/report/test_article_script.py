"""The article in a browser: two widths, two languages, light and dark, every control, print, and without scripts."""

import re

import pytest
from support import ROOT

from jaxpe.report.messages import Messages
from jaxpe.report.page import render_page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
in_all = pytest.mark.parametrize(
    ("width", "language", "scheme"),
    [(390, "en", "light"), (390, "ja", "dark"), (1280, "en", "dark"), (1280, "ja", "light")],
)
PAGES_IN_PRINT = 15


@pytest.fixture(scope="module")
def article(tmp_path_factory):
    """The article of the committed standard results, elsewhere."""
    path = tmp_path_factory.mktemp("article") / "index.html"
    path.write_text(render_page(ROOT / "results" / "standard", "index.html", "en", Messages()), encoding="utf-8")
    return path


@in_all
def test_it_fits_speaks_one_language_and_is_accessible(open_page, article, width, language, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(article, width, color_scheme=scheme)
    page.click(f"[data-choose={language}]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for details in page.locator("details").all():
        details.evaluate("one => { one.open = true; }")
    clipped = """[...document.querySelectorAll("main figure, main .play, main p, main li")]
        .filter(one => one.offsetParent && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"""
    assert page.evaluate(clipped) == []
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


@in_all
def test_every_control_changes_its_figure(open_page, article, width, language, scheme):
    page = open_page(article, width, color_scheme=scheme)
    page.click(f"[data-choose={language}]")
    for details in page.locator("details").all():
        details.evaluate("one => { one.open = true; }")
    for part in page.locator("[data-play]:not([data-play=live])").all():
        for control in part.locator("input[type=range]").all():
            before = part.inner_html()
            control.focus()
            page.keyboard.press("ArrowRight")
            assert part.inner_html() != before
        for control in part.locator("input[type=checkbox], button").all():
            before = part.inner_html()
            control.click()
            assert part.inner_html() != before
        for control in part.locator("select").all():
            for value in control.locator("option").evaluate_all("all => all.map(one => one.value)"):
                control.select_option(value)


def set_slider(part, value):
    """Moves the first slider of a figure."""
    part.locator("input[type=range]").first.evaluate(
        "(one, value) => { one.value = value; one.dispatchEvent(new Event('input')); }", str(value)
    )


def test_the_computed_figures_say_what_is_true(open_page, article):
    """Recomputed here: which pair of a word and a place fits a sum, and whether two bags of vectors are equal."""
    page = open_page(article)
    split = page.locator("[data-play=split]")
    set_slider(split, 0)
    assert "place unknown ✗" in split.inner_text()
    for step in range(1, 6):
        set_slider(split, step)
        assert "both lists: dog, place 4 ✓" in split.inner_text()
    assert split.inner_text().strip().endswith("✗")  # the word alone cannot be told under ten times as much position
    order = page.locator("[data-play=order]")
    assert "The same bag" in order.inner_text()
    order.locator("input").click()
    assert re.search(r"Different bags: [1-5] of 5", order.inner_text())
    fits = (
        "wordTable.flatMap((word, w) => [0, 1, 2, 3, 4].map((p) => [w, p, readBoth(add(word, sinusoid(p + 1)), 5, 1)]))"
    )
    assert all((w, p) == (one["w"], one["p"]) and not one["unsure"] for w, p, one in page.evaluate(fits))
    pile = page.locator("[data-play=pile]")
    assert "5 of 5 right" in pile.inner_text()
    set_slider(pile, 5)
    rights = []
    for _ in range(20):
        pile.locator("button").click()
        rights.append(int(re.search(r"(\d) of 5 right", pile.inner_text())[1]))
    assert min(rights) < 5 and pile.locator(".wrong").count() == 5 - rights[-1]


def test_the_figures_draw_the_numbers_of_the_tables(open_page, article):
    page = open_page(article)
    for data in page.evaluate("data.guide.help.rows"):
        group = page.locator("[data-play=help] .group").nth(
            page.evaluate("task => data.guide.help.rows.findIndex(row => row.task === task)", data["task"])
        )
        shown = re.findall(r"(\d+)%", group.inner_text())
        assert [int(one) for one in shown] == [round(100 * data[name] + 1e-9) for name in ("with", "without")]
    parts = {name: page.evaluate(f"data.guide.{name}") for name in ("layers", "ratio", "sums", "help", "lengths")}
    for name, part in parts.items():
        shown = page.locator(f"[data-play={name}]").inner_text()
        assert f"n = {part['seeds']} runs" in shown
        length = part.get("length", part.get("train_length"))
        assert name == "sums" or re.search(rf"up to length {length}[.,]", shown)
    assert f"for {parts['ratio']['steps']:,} steps" in page.locator("[data-play=ratio]").inner_text()
    odds = re.findall(r"one of ([\d,]+) pairs", page.locator("[data-play=sums]").inner_text())
    assert odds == [f"{row[-1]:,}" for row in parts["sums"]["rows"]]
    widths = (
        page.locator("[data-play=layers] .layer")
        .first.locator(".part")
        .evaluate_all("all => all.map(one => one.clientWidth)")
    )
    assert len(widths) == 2 and min(widths) > 100  # at first nothing but position and word


@pytest.mark.parametrize(
    ("locale", "title"),
    [("ja-JP", "単語に数を足す。なぜ壊れないのか？"), ("fr-FR", "You add a number to a word. Why doesn't it break?")],
)
def test_the_language_follows_the_browser(open_page, article, locale, title):
    assert open_page(article, locale=locale).title() == title


def test_it_prints_the_article_alone_on_few_pages(open_page, article, tmp_path):
    page = open_page(article)
    pdf = page.pdf()
    pages = len(re.findall(rb"/Type\s*/Page[^s]", pdf))
    assert 3 < pages < PAGES_IN_PRINT


def test_without_scripts_both_languages_and_stored_figures_are_there(open_page, article):
    page = open_page(article, java_script_enabled=False)
    text = page.locator("main").inner_text()
    assert "What is added" in text and "何を足すのか" in text
    images = page.locator("noscript img")
    assert images.count() >= 5 and all(image.is_visible() for image in images.all())
