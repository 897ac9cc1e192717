"""Differences over shared seeds: means and intervals, what tells rows apart, and their order."""

import numpy as np
import pytest
from results_folders import SPREAD, make_rows

from jaxpe.records import statistics
from jaxpe.report import differences
from jaxpe.report.sides import read_sides


def compare_folders(*folders):
    return differences.compare_tables(read_sides(folders))


def test_a_difference_is_the_mean_over_the_seeds_that_both_have(write_folder):
    """By a loop over seeds; the interval holds it and excludes 0."""
    a = write_folder("a", make_rows(0.4 + SPREAD))  # seeds 0 … 7
    b = write_folder("b", make_rows(0.7 - SPREAD, first_seed=2))  # seeds 2 … 9
    [row] = compare_folders(a, b)
    shared = range(2, 8)
    expected = [round(0.7 - SPREAD[seed - 2], 6) - round(0.4 + SPREAD[seed], 6) for seed in shared]
    assert row["difference"] == pytest.approx(sum(expected) / 6) and row["n"] == 6
    assert 0 < row["low"] < row["difference"] < row["high"] and row["verdict"] == "higher"
    assert row["p"] == 2 / 2**6  # of 64 sign flips only the plain one and its opposite are as far from 0
    [back] = compare_folders(b, a)
    assert back["difference"] == pytest.approx(-row["difference"]) and back["verdict"] == "lower"


def test_fewer_than_six_shared_seeds_have_no_interval_and_decide_nothing(write_folder):
    [row] = compare_folders(write_folder("a", make_rows(SPREAD[:5])), write_folder("b", make_rows(0.9 + SPREAD[:5])))
    assert row["n"] == 5 and row["low"] is None and row["verdict"] == "undecided"


def test_columns_that_tell_rows_apart_are_kept_apart_and_others_may_differ(write_folder):
    """Two readers in each table are two differences; another learning rate in all of b does not hide them."""
    first = make_rows(0.2 + SPREAD, reader="knows neither") + make_rows(0.6 + SPREAD, reader="knows both")
    second = make_rows(0.3 + SPREAD, reader="knows neither", learning_rate=0.01)
    second += make_rows(0.9 + SPREAD, reader="knows both", learning_rate=0.01)
    result = compare_folders(write_folder("a", first), write_folder("b", second))
    assert {row["reader"]: round(row["difference"], 6) for row in result} == {"knows neither": 0.1, "knows both": 0.3}
    assert all("learning_rate" not in row for row in result)


def test_lengths_are_the_same_whether_a_table_holds_gaps_or_not(write_folder):
    """A column of whole numbers is read as floats where an entry is missing."""
    a = write_folder("a", make_rows(SPREAD))
    b = write_folder("b", make_rows(SPREAD) + make_rows([1.0], metric="parameters", test_length=None))
    assert [row["test_length"] for row in compare_folders(a, b)] == ["16"]


def test_a_diverged_training_is_counted_and_never_left_out(write_folder):
    lost = [0.9, 0.9, None, 0.9, 0.9, 0.9, 0.9]
    [row] = compare_folders(write_folder("a", make_rows([0.1] * 7)), write_folder("b", make_rows(lost)))
    assert row["verdict"] == statistics.NOT_COMPARABLE and row["without_value"] == 1 and row["difference"] is None


def test_what_cannot_be_seen_is_called_so(write_folder):
    [same] = compare_folders(write_folder("a", make_rows(SPREAD)), write_folder("b", make_rows(SPREAD)))
    [ceiling] = compare_folders(write_folder("c", make_rows([1.0] * 6)), write_folder("d", make_rows([0.999] * 6)))
    assert same["verdict"] == differences.SAME and ceiling["verdict"] == differences.CEILING


def test_decided_differences_come_first_and_large_ones_before_small_ones(write_folder):
    """Large: as a share of the metric's largest value, since ranks and accuracies have no common unit."""
    noise = np.array([0.5, -0.4, 0.3, -0.5, 0.4, -0.2, 0.1, -0.3])
    encodings = {"small": SPREAD / 10 + 0.05, "large": SPREAD + 0.4, "noisy": noise}
    a = [row for name in encodings for row in make_rows([0.5] * 8, name)] + make_rows([100] * 8, "rank", "rank")
    b = [row for name, change in encodings.items() for row in make_rows(0.5 + change, name)]
    result = compare_folders(write_folder("a", a), write_folder("b", b + make_rows(100 - 20 - SPREAD, "rank", "rank")))
    assert [row["encoding"] for row in result] == ["large", "rank", "small", "noisy"]
    assert all(row["adjusted_p"] >= row["p"] for row in result)


def test_every_pair_of_three_folders_is_compare_folders(write_folder):
    folders = [write_folder(name, make_rows(mean + SPREAD)) for name, mean in (("a", 0.1), ("b", 0.2), ("c", 0.4))]
    result = {(row["a"], row["b"]): row["difference"] for row in compare_folders(*folders)}
    assert list(result) == [(folders[0], folders[1]), (folders[0], folders[2]), (folders[1], folders[2])]
    assert list(result.values()) == pytest.approx([0.1, 0.3, 0.2])


DESCRIPTIONS = [
    {"task": "copy"}, {"architecture": "decoder"}, {"encoding": "none"}, {"positions": "offset"},
    {"test_positions": "randomized"}, {"test_length": 32}, {"metric": "exact_match"}, {"width": 64}, {"variant": "shifted"},
]  # fmt: skip


@pytest.mark.parametrize("columns", DESCRIPTIONS, ids=str)
def test_a_difference_is_found_by_its_full_description(write_folder, columns):
    """Of two groups of rows that differ in one column, each is paired with its own."""
    plain = {"width": 32, "variant": "plain"}
    first = make_rows(0.1 + SPREAD, **plain) + make_rows(0.3 + SPREAD, **plain | columns)
    second = make_rows(0.3 + SPREAD, **plain) + make_rows(0.9 + SPREAD, **plain | columns)
    rows = compare_folders(write_folder("a", first), write_folder("b", second))
    [(name, other)] = columns.items()
    assert {row[name]: round(row["difference"], 6) for row in rows} == {
        str(other): 0.6,
        str((make_rows([0])[0] | plain)[name]): 0.2,
    }


def test_two_encodings_with_one_name_are_not_averaged(write_folder):
    """Nothing in the table tells their rows apart: they are compared with nothing, the others are."""
    twice = make_rows(0.2 + SPREAD, "Mine") + make_rows(0.8 + SPREAD, "Mine")
    a = write_folder("a", twice + make_rows(SPREAD, "none"))
    b = write_folder("b", make_rows(0.5 + SPREAD, "Mine") + make_rows(SPREAD, "none"))
    rows = {row["encoding"]: row for row in compare_folders(a, b)}
    assert rows["none"]["verdict"] == differences.SAME
    assert rows["Mine"]["verdict"] == differences.UNCLEAR and rows["Mine"]["difference"] is None
    assert rows["Mine"]["p"] is None and rows["Mine"]["n"] == len(SPREAD)


def test_pairs_with_a_marked_run_are_counted(write_folder):
    marked = [row | ({"diverged": True} if row["seed"] in (1, 2) else {}) for row in make_rows(SPREAD)]
    other = [row | ({"diverged": True} if row["seed"] in (2, 3) else {}) for row in make_rows(0.5 + SPREAD)]
    [row] = compare_folders(write_folder("a", marked), write_folder("b", other))
    assert row["diverged"] == 3 and row["n"] == 8 and row["verdict"] == "higher"
