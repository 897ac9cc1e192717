"""The finder in a browser: which experiments compare two encodings, best known first, and where a view has few seeds."""

import numpy as np
import pytest
from page_folders import make_scores, write_folder
from workbench_pages import open_folder, read_rows, wait

from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.records.statistics import estimate_difference

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

CELLS = "all => all.map(row => [...row.cells].map(cell => cell.innerText))"


def write_studies(folder):
    """`few` has five seeds of rotary, sinusoidal and alibi on two tasks; `many` ten, without alibi, on one of them."""
    write_folder(folder, "few")
    encodings = ("sinusoidal", "rotary", "alibi")
    tasks = ("copy", "reverse")
    few = [row for task in tasks for row in make_scores(encodings, seeds=5, task=task, experiment="few")]
    write_table(folder / "few" / "table.csv", [*few, *make_scores(("lonely",), seeds=2, task="sort", experiment="few")])
    write_folder(folder, "many")
    many = make_scores(encodings[:2], seeds=10, experiment="many")
    write_table(folder / "many" / "table.csv", many)
    return folder


@pytest.fixture
def studies(open_page, tmp_path):
    return open_folder(open_page, write_studies(tmp_path / "r"), fragment="#compare=few")


def look_for(page, first, second):
    page.select_option("#find-first", first)
    page.select_option("#find-second", second)
    return wait(page).locator("#find tbody tr").evaluate_all(CELLS)


def test_two_encodings_are_enough_to_read_their_difference_with_its_interval(studies, tmp_path):
    rows = look_for(studies, "rotary", "sinusoidal")
    assert [(row[0], row[1], row[6]) for row in rows] == [
        ("many", "reverse", "10"),
        ("few", "copy", "5"),
        ("few", "reverse", "5"),
    ]
    table = read_table(tmp_path / "r" / "many" / "table.csv")
    scores = table[table["test_length"] == 16].pivot(index="seed", columns="encoding", values="value")
    expected = estimate_difference(scores["rotary"], scores["sinusoidal"])
    shown = [float(word) for word in f"{rows[0][4]} {rows[0][5]}".replace("−", "-").replace(" to ", " ").split()]
    assert np.allclose(shown, [expected.value, expected.low, expected.high], atol=6e-4)
    assert studies.locator("#find [role=status]").inner_text() == "Comparisons: 3, with an interval: 1."
    assert rows[0][3] == "token accuracy, test length 16" and "fewer than six pairs" in rows[1][5]


def test_a_row_leads_to_its_comparison_and_the_address_keeps_the_choice(studies, open_page, tmp_path):
    found = look_for(studies, "rotary", "sinusoidal")[0]
    studies.click("#find tbody a >> nth=0")
    studies.wait_for_function("document.getElementById('compare-experiment').value === 'many'")
    shown = read_rows(studies)
    assert list(shown) == ["rotary", "sinusoidal"] and shown["rotary"][3:] == [found[4], found[5], found[6]]
    other = open_page(tmp_path / "r" / "compare.html", fragment=studies.evaluate("location.hash"))
    assert wait(other).input_value("#find-first") == "rotary" and other.input_value("#compare-minus") == "sinusoidal"
    assert other.locator("#find tbody tr").count() == 3


def test_only_encodings_that_share_an_experiment_are_offered_and_no_pairs_are_said(studies):
    studies.select_option("#find-first", "alibi")
    offered = studies.locator("#find-second option").evaluate_all("all => all.map(one => one.value)")
    assert offered == ["", "lonely", "rotary", "sinusoidal"]
    assert look_for(studies, "alibi", "lonely") == []
    assert "No experiment in this folder" in studies.locator("#find [role=status]").inner_text()


def test_a_view_with_few_seeds_leads_to_the_same_task_with_more(studies):
    for name in ("alibi", "lonely"):
        if studies.locator(f"[data-line={name}] input:checked").count():
            studies.uncheck(f"[data-line={name}] input")
    studies.select_option("#compare-minus", "sinusoidal")
    links = studies.locator("#compare a[href*='compare=many']:not([href*='to=find'])")
    assert links.count() == 0  # `copy` was not run there
    studies.select_option("#compare-task", "reverse")
    links.wait_for()
    assert "(rotary − sinusoidal, 10 pairs)" in links.locator("xpath=..").inner_text()
    links.click()
    studies.wait_for_function("document.getElementById('compare-experiment').value === 'many'")
    assert read_rows(studies)["rotary"][5] == "10" and links.count() == 0
    studies.click("#compare a[href*='to=find']")
    studies.locator("#find tbody tr").nth(2).wait_for()


def test_an_encoding_without_a_plain_line_is_compared_by_the_lines_that_it_has(open_page, tmp_path):
    folder = write_folder(tmp_path / "r")
    rows = [*make_scores(("none",)), *make_scores(("learned",), positions="offset")]
    write_table(folder / "mine" / "table.csv", rows)
    page = open_folder(open_page, folder, fragment="#compare=mine&line=learned&line=none")
    assert list(read_rows(page)) == ["learned + random start", "none"]
    assert page.locator("#compare .notice").inner_text() == ""
    assert look_for(page, "learned", "none")[0][6] == "6"
