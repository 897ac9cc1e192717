"""Results folders for comparisons; pages in a browser."""

import shutil

import pytest
from results_folders import write_results
from support import ROOT

from jaxpe.report.messages import Messages
from jaxpe.report.page import render_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def write_folder(tmp_path):
    """Writes an experiment of a results folder, and returns the folder's path as a word."""
    return lambda folder, *arguments, **more: write_results(tmp_path / folder, *arguments, **more)


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'jaxpe[test]'")
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
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

    def open_file(path, width=1200, fragment="", **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", record_request)
        page.goto(path.as_uri() + fragment)
        page.wait_for_load_state()
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="session")
def workbenches(tmp_path_factory):
    """The workbench of the committed results, by folder."""
    paths = {}
    for folder in ("results", "results/standard"):
        paths[folder] = tmp_path_factory.mktemp("page") / "compare.html"
        paths[folder].write_text(render_page(ROOT / folder, "compare.html", "en", Messages()), encoding="utf-8")
    return paths
