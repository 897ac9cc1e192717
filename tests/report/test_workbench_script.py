"""The workbench in a browser: every row can be reached, numbers agree with Python, addresses, downloads, keyboard."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from page_folders import HOSTILE, make_scores, write_folder
from support import ROOT

from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.records.statistics import estimate_difference
from jaxpe.report.messages import Messages
from jaxpe.report.page import render_page, write_pages

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
FOLDERS = ("results", "results/standard")

# Walks all choices of a table, and counts its rows by what becomes of them.
WALK = """async experiment => {
    const table = await loadTable(experiment);
    const seen = new Set();
    const fates = { cells: 0, repeated: 0, unplaced: 0, empty: 0 };
    let views = 0;
    const walk = (choices, depth) => {
        const selection = select(table, { choices, as: null, x: null, y: null });
        const open = selection.choices[depth];
        if (open) {
            for (const value of open.options) if (value !== ALL) walk({ ...choices, [open.column]: value }, depth + 1);
            return;
        }
        views++;
        for (const row of selection.rows) seen.add(row);
        for (const why of ["repeated", "unplaced", "empty"]) fates[why] += selection.left[why];
        for (const line of selection.lines) for (const bySeed of line.cells.values()) for (const one of bySeed.values()) {
            if (one.value !== null) fates.cells++;
        }
    };
    walk({}, 0);
    return { rows: table.rows.length, seen: seen.size, views, ...fates };
}"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The workbench of the committed results, by folder."""
    paths = {}
    for folder in FOLDERS:
        paths[folder] = tmp_path_factory.mktemp("page") / "compare.html"
        paths[folder].write_text(render_page(ROOT / folder, "compare.html", "en", Messages()), encoding="utf-8")
    return paths


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


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_row_of_every_table_is_in_some_view(open_page, whole, folder):
    page = wait(open_page(whole[folder]))
    for table in (ROOT / folder).glob("*/table.csv"):
        counts = page.evaluate(WALK, table.parent.name)
        assert counts["rows"] == counts["seen"] == len(read_table(table)), (table, counts)
        drawn = counts["cells"] + counts["empty"]
        assert drawn + counts["repeated"] + counts["unplaced"] == counts["rows"], (table, counts)
        assert counts["repeated"] == counts["unplaced"] == 0, (table, counts)


def test_tables_are_read_as_csv_is_meant(open_page, tmp_path):
    """Quotes, commas, line breaks and empty entries."""
    hostile = 'a "quoted", name\nin two lines'
    folder = write_folder(tmp_path / "r", encodings=("none", hostile))
    page = open_folder(open_page, folder)
    assert page.evaluate("tables.get('mine').rows.at(-1)[tables.get('mine').at.encoding]") == hostile
    with (folder / "mine" / "table.csv").open(newline="") as file:
        assert page.evaluate("[tables.get('mine').columns, ...tables.get('mine').rows]") == list(csv.reader(file))


@pytest.mark.parametrize("pairs", [3, 6, 10])
def test_the_interval_is_that_of_python(open_page, tmp_path, pairs):
    page = open_folder(open_page, write_folder(tmp_path / "r"))
    scores = [row["value"] for row in make_scores(seeds=10)]
    for differences in (scores[:pairs], [0.5] * pairs, [0.0, *scores[1:pairs]], [-0.2, *scores[1:pairs]]):
        own = page.evaluate("differences => estimateDifference(differences)", differences)
        expected = estimate_difference(differences, [0.0] * pairs)
        assert own["mean"] == pytest.approx(expected.value) and own["n"] == expected.n
        assert own["low"] == pytest.approx(expected.low, abs=1e-9) and own["high"] == pytest.approx(
            expected.high, abs=1e-9
        )


def test_the_comparison_and_its_downloads_have_the_numbers_of_the_table(open_page, tmp_path):
    folder = write_folder(tmp_path / "r", encodings=("none", "sinusoidal", "rotary"))
    page = open_folder(open_page, folder)
    table = read_table(folder / "mine" / "table.csv")
    page.select_option("#compare-at", "16")
    page.select_option("#compare-minus", "none")
    shown = read_rows(page)
    saved = {row["line"]: row for row in csv.DictReader(io.StringIO(save(page, "csv")))}
    latex, seeds, svg = (save(page, kind) for kind in ("tex", "seeds", "svg"))
    scores = table[table["test_length"] == 16].pivot(index="seed", columns="encoding", values="value")
    for name in ("sinusoidal", "rotary"):
        expected = estimate_difference(scores[name], scores["none"])
        interval = [float(saved[name][edge]) for edge in ("low", "high")]
        assert float(shown[name][1]) == pytest.approx(scores[name].mean(), abs=6e-4)
        assert float(saved[name]["difference"]) == pytest.approx(expected.value, abs=1e-4)
        assert interval == pytest.approx([expected.low, expected.high], abs=2e-4)
        plain = latex.replace("$-$", "-")
        assert int(saved[name]["pairs"]) == 6 and f"{expected.value:.3f}".replace("-0.000", "0.000") in plain
    context = {"experiment": "mine", "task": "reverse", "architecture": "encoder", "metric": "token_accuracy"}
    context |= {"test_length": "16", "compared_with": "none"}
    assert context.items() <= saved["rotary"].items() and "exact two-sided sign-flip test" in saved["rotary"]["method"]
    assert latex.startswith("% experiment mine, ") and "\\begin{tabular}" in latex and "sign-flip" in latex
    assert "% --: no value" in latex and not re.search(r"[&o] -\d", latex)
    rows = [row for row in csv.DictReader(io.StringIO(seeds)) if row["line"] == "rotary"]
    values = table[table["encoding"] == "rotary"]["value"]
    assert sorted(float(row["value"]) for row in rows) == sorted(values)
    assert svg.startswith("<svg") and "token accuracy" in svg and "var(" not in svg


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


def test_diverged_runs_are_a_box_and_none_is_said(open_page, tmp_path):
    folder = write_folder(tmp_path / "r")
    page = open_folder(open_page, folder)
    page.click("#runs-list > summary")
    page.check("#runs-diverged")
    assert "No training run in this folder diverged." in page.locator("#runs-list").inner_text()
    rows = [row | ({"diverged": True} if row["seed"] == 2 else {}) for row in make_scores()]
    write_table(folder / "mine" / "table.csv", rows)
    page = open_folder(open_page, folder, fragment=page.evaluate("location.hash"))
    page.locator("#runs-list tbody tr").first.wait_for()
    assert page.is_checked("#runs-diverged") and page.locator("#runs-list tbody tr").count() == 2


def test_codes_stand_beside_their_words_where_a_list_has_them_first(open_page, tmp_path):
    page = open_folder(open_page, write_folder(tmp_path / "r"))
    page.click("#numbers-list > summary")
    at = "all => all.map(row => [...row.cells].map(cell => cell.innerText))"
    first, second = page.locator("#numbers-list tbody tr").evaluate_all(at)[:2]
    assert "0, 1, 2, … (arange)" in first and "arange" in second and "token_accuracy" in first


def test_rows_that_no_column_tells_apart_are_counted_and_in_no_mean(open_page, tmp_path):
    folder = write_folder(tmp_path / "r")
    write_table(folder / "mine" / "table.csv", [*make_scores(), *make_scores(("sinusoidal",))])
    page = open_folder(open_page, folder)
    assert "36 rows cannot be told apart" in page.locator("#compare .missing").inner_text()
    assert read_rows(page)["sinusoidal"][1] == "–"


def test_a_column_that_tells_rows_apart_becomes_a_choice_or_a_line(open_page, tmp_path):
    folder = write_folder(tmp_path / "r")
    write_table(folder / "mine" / "table.csv", [*make_scores(width=32), *make_scores(width=64, positions="randomized")])
    page = open_folder(open_page, folder)
    lines = page.locator("[data-line]").evaluate_all("all => all.map(one => one.dataset.line)")
    assert "none" in lines and "none + randomized" in lines
    write_table(folder / "mine" / "table.csv", [*make_scores(width=32), *make_scores(width=64)])
    page = open_folder(open_page, folder)
    page.select_option("#compare-width", "*")
    lines = page.locator("[data-line]").evaluate_all("all => all.map(one => one.dataset.line)")
    assert lines == ["none, width 32", "sinusoidal, width 32", "none, width 64", "sinusoidal, width 64"]


def test_the_address_holds_every_choice_and_back_works(open_page, whole):
    page = wait(open_page(whole["results/standard"]))
    page.select_option("#compare-experiment", "harm")
    wait(page)
    page.select_option("#compare-task", "index")
    page.uncheck("[data-line=none] input")
    page.select_option("#compare-minus", "learned")
    page.select_option("#compare-at", "48")
    page.uncheck("#compare-log")
    state = "() => JSON.stringify([view, document.querySelector('#compare table').innerText])"
    address, before = page.evaluate("location.hash"), page.evaluate(state)
    other = wait(open_page(whole["results/standard"], fragment=address))
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
def test_an_address_with_what_is_not_there_shows_what_is(open_page, whole, experiment):
    fragment = f"#compare={experiment}&.task={HOSTILE}&line=x&at=7&x=constructor&minus=__proto__"
    page = wait(open_page(whole["results"], fragment=fragment))
    assert page.locator("#compare svg.plot").count() == 1 and page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lists_maps_and_figures_are_accessible(open_page, whole, scheme, record_property):
    from axe_playwright_python.sync_playwright import Axe

    page = wait(open_page(whole["results/standard"], 1280, "#compare=structure&.metric=head_map", color_scheme=scheme))
    record_property("milliseconds", page.evaluate("performance.now()"))
    page.click("#numbers-list > summary")
    page.click("#runs-list > summary")
    page.locator("#runs-list tbody tr").first.wait_for()
    page.locator(".gallery summary").first.click()
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


def test_own_results_come_first(open_page, tmp_path):
    folder = write_folder(tmp_path / "r", "mine", encodings=("none", "mine"))
    shutil.copytree(ROOT / "results" / "accuracy", folder / "accuracy")
    page = open_folder(open_page, folder)
    assert page.input_value("#compare-experiment") == "mine"


@pytest.mark.parametrize(("width", "language"), [(390, "en"), (1280, "ja")])
def test_every_choice_can_be_made_in_every_experiment(open_page, whole, width, language):
    page = wait(open_page(whole["results/standard"], width))
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


def test_a_map_shows_its_cells_to_keys(open_page, whole):
    page = wait(open_page(whole["results/standard"], fragment="#compare=structure&.metric=head_map"))
    assert page.input_value("#compare-as") == "map"
    page.locator("#compare svg.plot").first.focus()
    page.keyboard.press("ArrowDown")
    assert "position of the query 1" in page.locator("#compare output.readout").inner_text()


def test_maps_say_which_head_and_seed_they_are_of_and_which_are_the_same(open_page, whole):
    page = wait(open_page(whole["results/standard"], fragment="#compare=structure&.metric=head_map&.task=masked_lm"))
    panels = page.locator("#compare svg.plot")
    assert [panels.nth(i).locator("text").nth(1).text_content() for i in range(4)] == [
        f"layer 1, head {head}, seed 0 (n = 1)" for head in (2, 1, 2, 2)
    ]
    assert "position of the query" in panels.first.text_content()
    assert panels.count() == 5 and "0.997" in panels.last.text_content()
    words = page.locator("#compare").inner_text()
    assert "of a single seed" in words and "mean over" not in words
    assert "kind of head previous token”, “learned, kind of head first token”" in words and "one and the same" in words


def test_an_axis_has_at_least_three_ticks(open_page, whole):
    page = wait(open_page(whole["results"]))
    count = "highs => highs.map(high => findTicks(-high / 12, high, 4).length)"
    assert min(page.evaluate(count, [0.011, 0.03, 0.07, 0.11, 0.39, 1.2, 2.6, 9])) >= 3


def test_rows_and_runs_are_listed_filtered_sorted_and_saved(open_page, whole):
    page = wait(open_page(whole["results"], fragment="#compare=harm"))
    page.click("#numbers-list > summary")
    page.fill("#numbers-find", "sinusoidal token_accuracy index")
    table = read_table(ROOT / "results" / "harm" / "table.csv")
    wanted = table[
        (table["encoding"] == "sinusoidal") & (table["metric"] == "token_accuracy") & (table["task"] == "index")
    ]
    assert f"{len(wanted)} of {len(table)} rows" in page.locator("#numbers-list").inner_text()
    page.click("#numbers-list th button >> nth=-1")
    assert "find=sinusoidal" in page.evaluate("location.hash") and "sort=" in page.evaluate("location.hash")
    assert len(save(page, "rows").splitlines()) == len(wanted) + 1
    assert save(page, "table") == (ROOT / "results" / "harm" / "table.csv").read_text()
    page.click("#runs-list > summary")
    page.fill("#runs-find", "extrapolation reverse sinusoidal")
    listed = page.locator("#runs-list tbody tr").evaluate_all("all => all.map(r => [...r.cells].map(c => c.innerText))")
    assert listed and all(row[0] == "extrapolation" and row[3] == "sinusoidal" for row in listed)


def test_names_with_html_are_text_in_the_workbench(open_page, tmp_path):
    folder = write_folder(tmp_path / "r", encodings=("none", HOSTILE))
    rows = [row | {HOSTILE: value} for value in (HOSTILE, "b") for row in make_scores(("none", HOSTILE))]
    write_table(folder / "mine" / "table.csv", rows)
    page = open_folder(open_page, folder)
    page.click("#numbers-list > summary")
    assert (
        HOSTILE in page.locator("#compare tbody").inner_text()
        and HOSTILE in page.locator("#compare-metric, .controls").all_inner_texts()[0]
    )
    assert page.locator("img[src=x]").count() == 0
    assert "<img" not in save(page, "svg")


def test_a_figure_opens_without_moving_what_follows_it(open_page, whole):
    """The room is there at once, and the figure has its proportions when it has come."""
    page = wait(open_page(whole["results"]))
    places = """async details => {
        const [image, after] = [details.querySelector("p img"), details.closest("section").nextElementSibling];
        details.open = true;
        const first = after.getBoundingClientRect().top - details.getBoundingClientRect().top;
        while (!(image.complete && image.naturalWidth)) await new Promise(requestAnimationFrame);
        const last = after.getBoundingClientRect().top - details.getBoundingClientRect().top;
        return [first, last, image.clientWidth / image.clientHeight, image.naturalWidth / image.naturalHeight];
    }"""
    for figure in page.locator("#figures details.figure").all()[:5]:
        first, last, shown, natural = figure.evaluate(places)
        assert first == last > 200 and shown == pytest.approx(natural, rel=0.02)


def test_links_within_the_page_keep_the_choices_and_a_claim_leads_to_its_figure_and_back(open_page, whole):
    page = wait(open_page(whole["results"], fragment="#compare=harm&.task=index"))
    target = "document.getElementById(new URLSearchParams(location.hash.slice(1)).get('to'))"
    page.locator(".said a[href^='#figure-']").first.click()
    assert page.evaluate(f"{target}.open")
    page.locator("#figures details[open] a[href^='#claim-']").first.click()
    assert page.evaluate(f"{target}.getBoundingClientRect().height") > 0
    page.click("nav a[href='#runs']")
    address = page.evaluate("location.hash")
    assert ".task=index" in address and "to=runs" in address
    other = wait(open_page(whole["results"], fragment=address))
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
    assert "not run here: learned" in page.locator("#compare .notice").inner_text()
    assert page.evaluate("document.activeElement.id") == "compare-architecture"
    page.keyboard.press("ArrowDown")
    assert page.locator("[data-line]").evaluate_all(ticked) == ["sinusoidal", "learned"]


LINES = "all => all.map(one => one.dataset.line)"


def test_random_positions_stand_beside_plain_ones_and_ranges_hide_no_length(open_page, whole):
    page = wait(open_page(whole["results/standard"], fragment="#compare=randomized"))
    lines = page.locator("[data-line]").evaluate_all(LINES)
    assert {"sinusoidal", "sinusoidal + randomized", "sinusoidal + randomized → spread"} <= set(lines)
    page = wait(open_page(whole["results/standard"], fragment="#compare=reproduction&.metric=exact_match"))
    table = read_table(ROOT / "results" / "standard" / "reproduction" / "table.csv")
    lengths = page.locator("#compare-at option").evaluate_all("all => all.map(one => +one.value)")
    assert lengths == sorted(table["test_length"].unique())


def test_the_second_panel_shows_differences_and_the_baseline_is_a_choice(open_page, tmp_path):
    page = open_folder(open_page, write_folder(tmp_path / "r", encodings=("none", "sinusoidal")))
    bands = page.locator("#compare svg.plot path[opacity]")
    assert bands.count() == 1 and bands.get_attribute("fill") == "#0072B2"
    page.select_option("#compare-minus", "sinusoidal")
    assert bands.count() == 1 and bands.get_attribute("fill") == "#666666"


def test_a_line_has_its_own_positions_and_values(open_page, tmp_path):
    folder = write_folder(tmp_path / "r")
    places = [("arange", "arange", 0.5), ("offset", "arange", 0.6), ("randomized", "randomized", 0.7)]
    places += [("randomized", "spread", 0.8)]
    rows = [
        row | {"positions": trained, "test_positions": tested, "value": value}
        for trained, tested, value in places
        for row in make_scores(("learned",))
    ]
    write_table(folder / "mine" / "table.csv", rows)
    page = open_folder(open_page, folder)
    saved = {row["line"]: row["mean"] for row in csv.DictReader(io.StringIO(save(page, "csv")))}
    names = ["learned", "learned + offset → arange", "learned + randomized", "learned + randomized → spread"]
    assert saved == dict(zip(names, ["0.5", "0.6", "0.7", "0.8"], strict=True))
