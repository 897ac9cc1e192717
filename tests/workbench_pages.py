"""The workbench in a browser: what several tests do with it."""

from pathlib import Path

from page_folders import make_scores

from jaxpe.records.csv_tables import write_table
from jaxpe.report.page import write_pages


def wait(page):
    """Until the tables that the page needs are unpacked."""
    page.wait_for_function("!document.querySelector('[aria-busy]')")
    return page


def open_folder(open_page, folder, **more):
    write_pages(folder)
    return wait(open_page(folder / "compare.html", **more))


def write_uneven(folder):
    """`copy` was run in the decoder only, with encodings of its own."""
    rows = [row for architecture in ("encoder", "decoder") for row in make_scores(architecture=architecture)]
    rows += make_scores(("none", "rotary"), task="copy", architecture="decoder")
    rows += make_scores(("learned",), architecture="decoder")
    write_table(folder / "mine" / "table.csv", rows)
    return folder


def read_rows(page):
    rows = page.locator("#compare tbody tr").evaluate_all("all => all.map(r => [...r.cells].map(c => c.innerText))")
    return {row[0]: row for row in rows}


def save(page, kind):
    with page.expect_download() as download:
        page.click(f"[data-save={kind}]")
    return Path(download.value.path()).read_text()
