"""The workbench in a browser: every row can be reached, numbers agree with Python, lists, downloads."""

import csv
import io
import re
import shutil

import pytest
from page_folders import HOSTILE, make_scores, write_folder
from support import ROOT, list_tables
from workbench_pages import open_folder, read_rows, save, wait

from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.records.statistics import estimate_difference
from jaxpe.records.stored_files import read_text

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


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_row_of_every_table_is_in_some_view(open_page, workbenches, folder):
    page = wait(open_page(workbenches[folder]))
    for table in list_tables(folder):
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
    page.locator("#numbers-list tbody tr").first.wait_for()
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lists_maps_and_figures_are_accessible(open_page, workbenches, scheme, record_property):
    from axe_playwright_python.sync_playwright import Axe

    fragment = "#compare=structure&.metric=head_map&first=none&second=sinusoidal"
    page = wait(open_page(workbenches["results/standard"], 1280, fragment, color_scheme=scheme))
    assert page.locator("#find tbody tr").count() == 12
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


def test_an_axis_has_at_least_three_ticks(open_page, workbenches):
    page = wait(open_page(workbenches["results"]))
    count = "highs => highs.map(high => findTicks(-high / 12, high, 4).length)"
    assert min(page.evaluate(count, [0.011, 0.03, 0.07, 0.11, 0.39, 1.2, 2.6, 9])) >= 3


def test_rows_and_runs_are_listed_filtered_sorted_and_saved(open_page, workbenches):
    page = wait(open_page(workbenches["results"], fragment="#compare=harm"))
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
    assert save(page, "table") == read_text(ROOT / "results" / "harm" / "table.csv")
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


def test_a_figure_opens_without_moving_what_follows_it(open_page, workbenches):
    """The room is there at once, and the figure has its proportions when it has come."""
    page = wait(open_page(workbenches["results"]))
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


def test_it_prints_what_is_shown_on_few_pages(open_page, workbenches):
    page = open_page(workbenches["results/standard"])
    wait(page)
    assert 1 < len(re.findall(rb"/Type\s*/Page[^s]", page.pdf())) < 8


def test_without_scripts_claims_summaries_and_links_to_figures_are_there(open_page, workbenches):
    page = open_page(workbenches["results/standard"], java_script_enabled=False)
    page.locator("#figures details").first.locator("summary").click()
    text = page.locator("main").inner_text()
    assert "What was said" in text and "C12" in text and "jaxpe run" in text
    assert page.locator("#numbers table tbody tr").count() > 50
    assert page.locator("#figures a[href$='.svg']").first.is_visible()
