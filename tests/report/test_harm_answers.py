"""The answers of harm in words: they follow the rows of its table."""

import pandas as pd
import pytest
from harm_tables import TURNING, make_accuracy, make_sweep, make_table, shuffle_values

from jaxpe.report.answers.harm import describe_solved_range, summarize
from jaxpe.study import experiment

MODULE = experiment.load_experiment("harm").module
SPEEDS = (("sinusoidal", 800), ("none", 400))  # steps to 95 %
GAINS = {"count": (0.0, -0.3), "index": (0.2, -0.1)}


def answer(table):
    return MODULE.answers(table, {result.id: result for result in MODULE.claims(table)})


def test_a_range_of_solved_factors_has_no_holes():
    table = make_sweep(*TURNING)
    assert "at s = 0 to 1 at width 32 (at 3: 0.50)" in describe_solved_range(table, "count")
    assert "at s = 1 and 10 at width 32" in describe_solved_range(table, "index")
    assert describe_solved_range(make_sweep(*TURNING, "none"), "index") == "not run"


@pytest.mark.parametrize("encoding", ["sinusoidal", "learned"])
def test_the_answers_follow_the_rows(encoding):
    harm, help_ = answer(pd.concat([make_accuracy(GAINS, encoding), make_sweep(*TURNING, encoding)]))
    assert "in training no harm," in harm.short and "length harm, -0.3" in harm.short
    assert "count is solved at s = 0 to 1, and" in harm.short and harm.figure == "ratio"
    assert "in training help, +0.2" in help_.short and "length harm, -0.1" in help_.short
    assert encoding in harm.short and (harm.question, help_.question) == ("harm", "help")


@pytest.mark.parametrize("encoding", ["sinusoidal", "learned"])
def test_the_opposite_rows_give_the_opposite_answers(encoding):
    harm, _ = answer(make_accuracy({"count": (-0.2, 0.2), "index": (0.0, 0.0)}, encoding))
    assert "in training harm, -" in harm.short and "length help, +" in harm.short
    unclear, _ = answer(shuffle_values(make_accuracy(GAINS, encoding)))
    assert unclear.short.count("undecided") == 2


def test_without_something_to_compare_nothing_is_answered():
    table = make_accuracy({"count": (0.0, -0.3), "index": (0.3, 0.2)})
    assert answer(table[table["encoding"] == "none"]) == []
    (only,) = answer(table[table["encoding"] != "none"])
    assert only.short.startswith("Not answered")


def test_the_summary_has_a_verdict_for_both_lengths():
    row, _ = summarize(make_accuracy(GAINS))
    assert row["task"] == "count" and row["answer depends on order"] == "no"
    assert row["at the lengths seen in training"].startswith("harmless (0.70")
    assert row["at twice the length"].startswith("harmful (0.40") and row["steps to 95 %"] == "–"


def test_of_two_values_below_the_baseline_the_summary_says_so():
    row, _ = summarize(make_accuracy(GAINS).assign(length_baseline=0.75))
    assert (
        row["at twice the length"].startswith("both below baseline (0.40")
        and "baseline 0.750" in row["at twice the length"]
    )


def test_the_answer_says_what_learning_takes_and_where_the_loss_beyond_comes_from():
    steps = [
        ({"task": "count", "metric": "steps_to_95", "steps": 3000, "encoding": name}, value) for name, value in SPEEDS
    ]
    accuracy = {"task": "count", "metric": "token_accuracy", "test_length": 16, "encoding": "sinusoidal"}
    random = accuracy | {"positions": "randomized", "test_positions": "randomized"}
    table = pd.concat([make_accuracy(GAINS), make_table(*steps), make_table((random, 0.65))])
    text = answer(table)[0].text
    assert "Steps to 95 % in training, with it over without: count 2.00 times as many (harmful" in text
    assert "On count at twice the length: 0.40; with randomly spaced positions in training and tests 0.65" in text
    assert "gives back 82 % of the loss; how much of it is the addition's, this does not say" in text
    still = pd.concat([make_accuracy(GAINS), make_table((random, 0.45))])
    assert "gives back 16 % of the loss" in answer(still)[0].text
