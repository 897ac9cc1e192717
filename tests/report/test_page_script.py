"""page.js in a browser: two widths, two languages, every control, downloads, accessibility."""

import csv
import io
import shutil
from pathlib import Path

import pytest
from page_folders import HOSTILE, write_folder
from support import ROOT

from jaxpe.records.csv_tables import read_table
from jaxpe.records.statistics import estimate_difference
from jaxpe.report.messages import Messages
from jaxpe.report.page import render_page, write_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium: apt-get install chromium"),
]
in_both = pytest.mark.parametrize(("width", "language"), [(390, "en"), (390, "ja"), (1400, "en"), (1400, "ja")])


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'jaxpe[test]'")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens a page; whatever it logs, throws or asks the network for fails the test."""
    contexts, faults = [], []

    def record_request(request):
        if not request.url.startswith(("file:", "blob:", "data:")):
            faults.append(request.url)

    def open_file(path, width=1200, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", record_request)
        page.goto(path.as_uri())
        page.wait_for_load_state()
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The page of the committed quick results, elsewhere."""
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(render_page(ROOT / "results", "en", Messages()), encoding="utf-8")
    return path


@in_both
def test_the_page_fits_speaks_one_language_and_is_accessible(open_page, whole, width, language):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(whole, width, color_scheme={"en": "light", "ja": "dark"}[language])
    page.click(f"[data-choose={language}]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.reload()
    assert page.evaluate("document.documentElement.lang") == language
    other = {"en": "ja", "ja": "en"}[language]
    hidden = page.evaluate(
        f"[...document.querySelectorAll('span[lang={other}]:not(.always)')].every(e => !e.offsetParent)"
    )
    assert hidden and page.locator("h1").inner_text() == page.title()
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


@in_both
def test_every_control_works(open_page, whole, width, language):
    page = open_page(whole, width)
    page.click(f"[data-choose={language}]")
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
    chart, readout = page.locator("#compare svg.chart").first, page.locator("#compare output.readout")
    chart.focus()
    page.keyboard.press("ArrowRight")
    first = readout.inner_text()
    box = chart.bounding_box()
    chart.dispatch_event("pointerdown", {"clientX": box["x"] + box["width"], "clientY": box["y"]})
    assert first and readout.inner_text() not in ("", first)


def test_the_comparison_and_its_downloads_have_the_numbers_of_the_table(open_page, tmp_path):
    folder = write_folder(tmp_path / "r", encodings=("none", "sinusoidal", "rotary"))
    page = open_page(write_page(folder))
    table = read_table(folder / "mine" / "table.csv")
    page.select_option("#compare-length", "16")
    page.select_option("#compare-baseline", "none")
    rows = page.locator("#compare tbody tr").evaluate_all("all => all.map(r => [...r.cells].map(c => c.innerText))")
    shown = {row[0]: row for row in rows}
    with page.expect_download() as download:
        page.click("[data-save=csv]")
    saved = {row["encoding"]: row for row in csv.DictReader(io.StringIO(Path(download.value.path()).read_text()))}
    with page.expect_download() as download:
        page.click("[data-save=tex]")
    latex = Path(download.value.path()).read_text()
    scores = table[table["test_length"] == 16].pivot(index="seed", columns="encoding", values="value")
    for name in ("sinusoidal", "rotary"):
        expected = estimate_difference(scores[name], scores["none"])
        interval = [float(saved[name][edge]) for edge in ("low", "high")]
        assert float(shown[name][1]) == pytest.approx(scores[name].mean(), abs=6e-4)
        assert float(saved[name]["minus none"]) == pytest.approx(expected.value, abs=1e-4)
        assert interval == pytest.approx([expected.low, expected.high], abs=2e-4)
        assert int(saved[name]["pairs"]) == 6 and f"{expected.value:.3f}".replace("-0.000", "0.000") in latex
    assert latex.startswith("% ") and "\\begin{tabular}" in latex


def test_names_with_html_are_text_in_the_comparison_too(open_page, tmp_path):
    page = open_page(write_page(write_folder(tmp_path / "r", encodings=("none", HOSTILE))))
    assert HOSTILE in page.locator("#compare tbody").inner_text() and page.locator("img[src=x]").count() == 0


def test_a_figure_opens_without_moving_what_follows_it(open_page, whole):
    """The room is there at once, and the figure has its proportions when it has come."""
    page = open_page(whole)
    places = """async details => {
        const [image, after] = [details.querySelector("img"), details.nextElementSibling];
        details.open = true;
        const first = after.getBoundingClientRect().top - details.getBoundingClientRect().top;
        while (!(image.complete && image.naturalWidth)) await new Promise(requestAnimationFrame);
        const last = after.getBoundingClientRect().top - details.getBoundingClientRect().top;
        return [first, last, image.clientWidth / image.clientHeight, image.naturalWidth / image.naturalHeight];
    }"""
    for figure in page.locator("#again details.figure").all()[:5]:
        first, last, shown, natural = figure.evaluate(places)
        assert first == last > 200 and shown == pytest.approx(natural, rel=0.02)
