"""Numbers and lines of the workbench in a browser: decimals, minus signs, names in what is saved, lines that coincide."""

import csv
import io
import re

import pytest
from page_folders import make_scores, write_folder
from workbench_pages import open_folder, read_rows, save, wait

from jaxpe.records.csv_tables import write_table

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


def write_scaled(folder, factor, encodings=("none", "random_fixed")):
    """Scores times a factor, those of `none` added 0.3 of it, so that differences are negative."""
    rows = make_scores(encodings)
    for row in rows:
        row["value"] = factor * (0.9 if row["encoding"] == "none" else row["value"] - 0.2)
    write_table(folder / "mine" / "table.csv", rows)
    return folder


@pytest.mark.parametrize(("factor", "decimals"), [(1, 3), (0.004, 4), (200, 1), (2e-7, None)])
def test_a_column_has_one_number_of_decimals_and_true_minus_signs(open_page, tmp_path, factor, decimals):
    page = open_folder(open_page, write_scaled(write_folder(tmp_path / "r"), factor))
    rows = read_rows(page)
    text = " ".join(" ".join(row[1:2] + row[3:5]) for row in rows.values())
    numbers = re.findall(r"−?[\d.]+(?:e−?\d+)?", text)
    assert len(numbers) == 5 and "−" in text and "-" not in text
    if decimals is None:
        assert all(re.fullmatch(r"−?\d\.\de−\d+", number) for number in numbers)
    else:
        assert {len(number.partition(".")[2]) for number in numbers} == {decimals}
    page.locator("#compare svg.plot").focus()
    page.keyboard.press("ArrowDown")
    heard = page.locator("#compare output.readout").inner_text()
    axes = page.locator("#compare svg.plot text").all_text_contents()
    assert "−" in heard and not any(re.search(r"-\.?\d", words) for words in [heard, *axes])
    below = [word for word in axes if word.startswith("−") and word != "− none"]
    assert below and len({len(word.partition(".")[2]) for word in below}) == 1


def test_files_for_papers_have_the_names_of_the_page_and_data_those_of_commands(open_page, tmp_path):
    page = open_folder(open_page, write_scaled(write_folder(tmp_path / "r"), 1))
    page.click("#compare th button >> nth=1")
    latex, svg = save(page, "tex"), save(page, "svg")
    assert "series & mean & seeds & difference ($-$ none) & 95\\% interval & pairs" in latex
    assert "fixed random rows (random\\_fixed) & 0." in latex and re.search(
        r"& \$-\$0\.\d{3} & \$-\$0\.\d{3} to", latex
    )
    assert latex.index("fixed random") < latex.index("none & 0.900")  # sorted as on the page
    assert "fixed random rows (random_fixed), n = 6" in svg and "test_length" not in svg
    saved = list(csv.DictReader(io.StringIO(save(page, "csv"))))
    assert [row["line"] for row in saved] == ["random_fixed", "none"] and saved[0]["difference"].startswith("-0.")
    assert "names as in commands" in page.locator("[data-save=csv]").inner_text()
    page.click("[data-choose=ja]")
    latex, svg = save(page, "tex"), save(page, "svg")
    assert "系列 & 平均" in latex and "固定乱数（random\\_fixed） & 0." in latex and "トークン正答率" in latex
    assert "固定乱数（random_fixed）, n = 6" in svg and "fixed" not in svg.replace("random_fixed", "")


def test_the_address_has_the_order_of_rows_and_the_language(open_page, tmp_path):
    folder = write_scaled(write_folder(tmp_path / "r"), 1, ("none", "sinusoidal", "learned"))
    page = open_folder(open_page, folder)
    page.click("#compare th button >> nth=3")
    page.click("#compare th button >> nth=3")
    order = list(read_rows(page))
    page.click("[data-choose=ja]")
    address = page.evaluate("location.hash")
    assert "order=-difference" in address and "lang=ja" in address
    other = wait(open_page(folder / "compare.html", fragment=address))
    assert other.evaluate("document.documentElement.lang") == "ja"
    assert other.locator("#compare th[aria-sort=descending]").inner_text().startswith("差")
    assert list(read_rows(other))[-1] == "なし（none）"  # what has no value comes last
    other.click("nav a[href='./index.html']")
    other.wait_for_load_state()
    assert other.evaluate("document.documentElement.lang") == "ja"
    page.evaluate("location.hash = location.hash.replace('lang=ja', 'lang=en')")
    page.wait_for_function("document.documentElement.lang === 'en'")
    assert list(read_rows(page)) == order
    strange = wait(open_page(folder / "compare.html", fragment="#compare=mine&lang=xx&order=constructor"))
    assert strange.evaluate("document.documentElement.lang") == "en"
    assert strange.locator("#compare th[aria-sort=ascending]").inner_text() == "series"


def test_lines_that_coincide_take_turns_and_no_value_is_moved(open_page, tmp_path):
    folder = write_folder(tmp_path / "r")
    names = ("none", "sinusoidal", "learned")
    rows = [row | {"value": 1.0 if row["encoding"] != "none" else row["value"]} for row in make_scores(names)]
    write_table(folder / "mine" / "table.csv", rows)
    page = open_folder(open_page, folder)
    drawn = page.locator("#compare svg.plot > path[fill=none]").evaluate_all(
        "all => all.map(one => ['d', 'stroke', 'stroke-dasharray', 'stroke-dashoffset'].map(name => one.getAttribute(name)))"
    )
    turns = [path for path in drawn if path[3] is not None]
    upper = turns[:2]
    assert upper[0][0] == upper[1][0] and upper[0][1] != upper[1][1]
    assert [path[2] for path in upper] == ["7 7", "7 7"] and [float(path[3]) for path in upper] == [0, -7]
    size = "all => all.map(one => Math.round(one.getBBox().height))"
    sizes = page.locator("#compare svg.plot > polygon").evaluate_all(size)
    assert sizes[0] > sizes[3] and sizes[:3] == sizes[:1] * 3  # the marker drawn first is seen around the other
    assert "no value is moved" in page.locator("#compare").inner_text()
    page.locator("#compare svg.plot").focus()
    page.keyboard.press("ArrowDown")
    assert "the same here: learned" in page.locator("#compare output.readout").inner_text()
    svg = save(page, "svg")
    assert "no value is moved" in svg and "data-shared" not in svg
    page.uncheck("[data-line=learned] input")
    assert "no value is moved" not in page.locator("#compare").inner_text()
