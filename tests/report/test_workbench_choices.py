"""The choices of the workbench in a browser: kept in the address, announced where they are replaced, read from the picture."""

import json

import pytest
from page_folders import HOSTILE, write_folder
from support import ROOT
from workbench_pages import open_folder, wait, write_uneven

from jaxpe.records.csv_tables import read_table

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

LINES = "all => all.map(one => one.dataset.line)"


def test_files_are_named_by_what_they_hold(open_page, tmp_path):
    page = open_folder(open_page, write_uneven(write_folder(tmp_path / "r")))
    page.select_option("#compare-architecture", "decoder")
    page.select_option("#compare-at", "4")
    with page.expect_download() as download:
        page.click("[data-save=csv]")
    assert download.value.suggested_filename == "mine_reverse_decoder_token_accuracy_test_length-4.csv"


def test_the_address_is_copied_and_a_click_on_the_chart_moves_the_table(open_page, tmp_path):
    page = open_folder(open_page, write_folder(tmp_path / "r"))
    page.click("[data-copy=address]")
    page.locator("[data-copy=address] + [role=status]", has_text="copied").wait_for()
    arrow = "getComputedStyle(document.querySelector('th[aria-sort] button'), '::after').content"
    assert page.evaluate(arrow) == '" ↑"'
    page.locator("#compare svg.plot").click(position={"x": 62, "y": 60})
    assert page.input_value("#compare-at") == "4" and "at=4" in page.evaluate("location.hash")


def test_the_address_holds_every_choice_and_back_works(open_page, workbenches):
    page = wait(open_page(workbenches["results/standard"]))
    page.select_option("#compare-experiment", "harm")
    wait(page)
    page.select_option("#compare-task", "index")
    page.uncheck("[data-line=none] input")
    page.select_option("#compare-minus", "learned")
    page.select_option("#compare-at", "48")
    page.uncheck("#compare-log")
    state = "() => JSON.stringify([view, document.querySelector('#compare table').innerText])"
    address, before = page.evaluate("location.hash"), page.evaluate(state)
    other = wait(open_page(workbenches["results/standard"], fragment=address))
    assert other.evaluate(state) == before and json.loads(before)[0]["choices"]["task"] == "index"
    assert not other.is_checked("[data-line=none] input") and not other.is_checked("#compare-log")
    page.go_back()
    page.go_back()
    assert page.input_value("#compare-at") == "24" and page.is_checked("#compare-log")
    page.go_back()
    assert page.input_value("#compare-minus") == "sinusoidal"
    page.go_forward()
    assert page.input_value("#compare-minus") == "learned"


@pytest.mark.parametrize("experiment", ["nothing", "constructor", "harm"])
def test_an_address_with_what_is_not_there_shows_what_is(open_page, workbenches, experiment):
    fragment = f"#compare={experiment}&.task={HOSTILE}&line=x&at=7&x=constructor&minus=__proto__"
    fragment += f"&first=constructor&second={HOSTILE}&order=__proto__&lang={HOSTILE}"
    page = wait(open_page(workbenches["results"], fragment=fragment))
    assert page.locator("#compare svg.plot").count() == 1 and page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize(("width", "language"), [(390, "en"), (1280, "ja")])
def test_every_choice_can_be_made_in_every_experiment(open_page, workbenches, width, language):
    page = wait(open_page(workbenches["results/standard"], width))
    page.click(f"[data-choose={language}]")
    for experiment in page.locator("#compare-experiment option").evaluate_all("all => all.map(one => one.value)"):
        page.select_option("#compare-experiment", experiment)
        wait(page)
        for metric in page.locator("#compare-metric option").evaluate_all("all => all.map(one => one.value)")[:12]:
            page.select_option("#compare-metric", metric)
            assert page.locator("#compare svg.plot, #compare p.missing").count() >= 1
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (experiment, metric)
        for name in page.locator("#compare select").evaluate_all("all => all.map(one => one.id)")[2:]:
            if page.locator(f"[id='{name}']").count():
                values = page.locator(f"[id='{name}'] option:not(:disabled)").evaluate_all(
                    "all => all.map(one => one.value)"
                )
                page.select_option(f"[id='{name}']", values[-1])
                assert page.locator("#compare svg.plot, #compare p.missing").count() >= 1


def test_a_map_shows_its_cells_to_keys(open_page, workbenches):
    page = wait(open_page(workbenches["results/standard"], fragment="#compare=structure&.metric=head_map"))
    assert page.input_value("#compare-as") == "map"
    page.locator("#compare svg.plot").first.focus()
    page.keyboard.press("ArrowDown")
    assert "position of the query 1" in page.locator("#compare output.readout").inner_text()


def test_maps_say_which_head_and_seed_they_are_of_and_which_are_the_same(open_page, workbenches):
    page = wait(
        open_page(workbenches["results/standard"], fragment="#compare=structure&.metric=head_map&.task=masked_lm")
    )
    panels = page.locator("#compare svg.plot")
    assert [panels.nth(i).locator("text").nth(1).text_content() for i in range(4)] == [
        f"layer 1, head {head}, seed 0 (n = 1)" for head in (2, 1, 2, 2)
    ]
    assert "position of the query" in panels.first.text_content()
    assert panels.count() == 5 and "0.997" in panels.last.text_content()
    words = page.locator("#compare").inner_text()
    assert "of a single seed" in words and "mean over" not in words
    assert "kind of head previous token”, “learned, kind of head first token”" in words and "one and the same" in words


def test_links_within_the_page_keep_the_choices_and_a_claim_leads_to_its_figure_and_back(open_page, workbenches):
    page = wait(open_page(workbenches["results"], fragment="#compare=harm&.task=index"))
    target = "document.getElementById(new URLSearchParams(location.hash.slice(1)).get('to'))"
    page.locator(".said a[href^='#figure-']").first.click()
    assert page.evaluate(f"{target}.open")
    page.locator("#figures details[open] a[href^='#claim-']").first.click()
    assert page.evaluate(f"{target}.getBoundingClientRect().height") > 0
    page.click("nav a[href='#runs']")
    address = page.evaluate("location.hash")
    assert ".task=index" in address and "to=runs" in address
    other = wait(open_page(workbenches["results"], fragment=address))
    assert other.input_value("#compare-task") == "index"
    other.wait_for_function("Math.abs(document.getElementById('runs').getBoundingClientRect().top) < 5")
    page.go_back()
    page.wait_for_function(f"{target}.id.startsWith('claim-')")
    page.select_option("#compare-task", "count")
    assert "to=" not in page.evaluate("location.hash")


def test_what_was_not_run_is_marked_and_its_replacement_announced(open_page, tmp_path):
    folder = write_uneven(write_folder(tmp_path / "r"))
    page = open_folder(open_page, folder, fragment="#compare=mine&.task=copy&.architecture=encoder")
    notice = page.locator("#compare .notice")
    assert notice.inner_text() == "“copy” was not run in the encoder; showing decoder."
    assert ".architecture=decoder" in page.evaluate("location.hash")
    assert page.locator("#compare-architecture option:disabled").inner_text() == "encoder – not run here"
    page.click("[data-choose=ja]")
    assert notice.inner_text() == "「コピーする（copy）」はエンコーダでは実行していないため、デコーダを表示しています。"
    page.select_option("#compare-task", "reverse")
    assert notice.inner_text() == ""
    page.click("[data-choose=en]")
    page.select_option("#compare-minus", "none")
    page.uncheck("[data-line=none] input")
    assert "“none” is not among the lines shown" in notice.inner_text()
    assert page.locator("#compare-architecture option:disabled").count() == 0
    page.evaluate("location.hash = '#compare=mine&.task=copy&.architecture=encoder'")
    page.wait_for_function("location.hash.includes('decoder')")
    assert notice.inner_text() == "“copy” was not run in the encoder; showing decoder."


def test_ticks_are_remembered_while_they_are_not_in_the_view(open_page, tmp_path):
    page = open_folder(open_page, write_uneven(write_folder(tmp_path / "r")))
    ticked = "all => all.filter(one => one.querySelector('input').checked).map(one => one.dataset.line)"
    page.select_option("#compare-architecture", "decoder")
    page.uncheck("[data-line=none] input")
    assert page.locator("[data-line]").evaluate_all(ticked) == ["sinusoidal", "learned"]
    page.focus("#compare-architecture")
    page.keyboard.press("ArrowUp")
    assert page.locator("[data-line]").evaluate_all(ticked) == ["sinusoidal"]
    assert "without a value for this choice: learned" in page.locator("#compare .notice").inner_text()
    assert page.evaluate("document.activeElement.id") == "compare-architecture"
    page.keyboard.press("ArrowDown")
    assert page.locator("[data-line]").evaluate_all(ticked) == ["sinusoidal", "learned"]


def test_random_positions_stand_beside_plain_ones_and_ranges_hide_no_length(open_page, workbenches):
    page = wait(open_page(workbenches["results/standard"], fragment="#compare=randomized"))
    lines = page.locator("[data-line]").evaluate_all(LINES)
    assert {"sinusoidal", "sinusoidal + randomized", "sinusoidal + randomized → spread"} <= set(lines)
    page = wait(open_page(workbenches["results/standard"], fragment="#compare=reproduction&.metric=exact_match"))
    table = read_table(ROOT / "results" / "standard" / "reproduction" / "table.csv")
    lengths = page.locator("#compare-at option").evaluate_all("all => all.map(one => +one.value)")
    assert lengths == sorted(table["test_length"].unique())


def test_keys_and_pointer_follow_the_legend(open_page, tmp_path):
    page = open_folder(open_page, write_folder(tmp_path / "r", encodings=("none", "sinusoidal", "learned")))
    readout, chart = page.locator("#compare output.readout"), page.locator("#compare svg.plot")
    chart.focus()
    heard = [readout.inner_text()]
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
        heard.append(readout.inner_text())
    assert [text.split(" · ")[0] for text in heard] == ["none", "none", "sinusoidal", "learned", "none"]
    page.uncheck("[data-line=sinusoidal] input")
    chart.focus()
    page.keyboard.press("ArrowDown")
    assert readout.inner_text().startswith("learned")
    assert page.locator(".tick.pointed").get_attribute("data-line") == "learned"
    box = chart.bounding_box()
    chart.dispatch_event("pointerdown", {"clientX": box["x"] + box["width"], "clientY": box["y"]})
    assert "16" in readout.inner_text() and "sinusoidal" not in readout.inner_text()
