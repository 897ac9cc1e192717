"""Both pages in a browser: two widths, two languages, accessibility."""

import pytest
from support import ROOT

from jaxpe.report.messages import Messages
from jaxpe.report.page import PAGES, render_page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
in_both = pytest.mark.parametrize(("width", "language"), [(390, "en"), (390, "ja"), (1400, "en"), (1400, "ja")])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The pages of the committed quick results, elsewhere."""
    folder = tmp_path_factory.mktemp("page")
    for file in PAGES:
        (folder / file).write_text(render_page(ROOT / "results", file, "en", Messages()), encoding="utf-8")
    return folder


@pytest.mark.parametrize("file", PAGES)
@in_both
def test_a_page_fits_speaks_one_language_and_is_accessible(open_page, whole, width, language, file):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(whole / file, width, color_scheme={"en": "light", "ja": "dark"}[language])
    page.click(f"[data-choose={language}]")
    page.wait_for_function("!document.querySelector('[aria-busy]')")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.reload()
    page.wait_for_function("!document.querySelector('[aria-busy]')")
    assert page.evaluate("document.documentElement.lang") == language
    other = {"en": "ja", "ja": "en"}[language]
    hidden = page.evaluate(
        f"[...document.querySelectorAll('span[lang={other}]:not(.always)')].every(e => !e.offsetParent)"
    )
    assert hidden and page.locator("h1").inner_text() == page.title()
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
