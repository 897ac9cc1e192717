"""Numbers in hand-written sentences: each from a cell or a claim that is named."""

import pytest
from results_folders import SPREAD, make_claim, make_rows, write_results

from jaxpe.errors import UserError
from jaxpe.report.numbers import fill_numbers, list_cell_folders

HEAD = "index = r/accuracy task=reverse test_length=16 metric=token_accuracy\nclaim = r/accuracy claim=C3\n---\n"


@pytest.fixture
def root(tmp_path):
    rows = make_rows(0.25 + SPREAD, "none", order_blind_baseline=0.125) + make_rows(0.75 + SPREAD, "learned")
    write_results(tmp_path / "r", rows + make_rows([0.5], "none", metric="exact_match"), [make_claim("supported", 0.5)])
    return tmp_path


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("{index encoding=none}", ".25"),  # the mean of SPREAD is 0.001875
        ("{index encoding=none digits=3}", ".252"),
        ("{index encoding=none seeds=8 of=order_blind_baseline digits=3}", ".125"),
        ("{index encoding=learned minus encoding=none digits=3}", ".500"),
        ("{index encoding=none minus encoding=learned}", "-.50"),
        ("{claim effect digits=1}", ".5"),
        ("{claim n digits=0}", "6"),
        ("{index encoding=none}, {claim low}", ".25, .40"),
        ("Sets like {a} stay.", "Sets like {a} stay."),
    ],
)
def test_a_place_becomes_its_number(root, place, number):
    assert fill_numbers(HEAD + place, root) == number


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("{other encoding=none}", "no cell 'other'"),
        ("{index encoding=rotary}", "selects 0 rows"),
        ("{index digits=2}", "selects 16 rows of 8 seeds"),
        ("{index encoding=none seeds=10}", "selects 8 rows of 8 seeds, where 10 rows"),
        ("{index encoding=none length=3}", "no column 'length'"),
        ("{index encoding=none of=lengths}", "no column 'lengths'"),
        ("{index encoding=none test_length=long}", "'long' is no number"),
        ("{claim verdict}", "no claim C3 with a number verdict"),
    ],
)
def test_a_place_without_one_number_is_refused(root, place, says):
    with pytest.raises(UserError, match=says):
        fill_numbers(HEAD + place, root)


def test_the_sources_of_a_text_are_known(root):
    (root / "t.md").write_text(HEAD)
    assert list_cell_folders(root / "t.md", root) == [root / "r" / "accuracy"] * 2
