"""Findings of RESULTS.md: computed from tables and claims."""

import numpy as np
import pandas as pd
import pytest
from page_folders import make_entry
from support import ROOT

from jaxpe.records.csv_tables import read_table
from jaxpe.report import findings, harm_findings, length_findings


@pytest.fixture(scope="module")
def read_standard():
    tables = {}

    def read(name):
        if name not in tables:
            tables[name] = read_table(ROOT / "results" / "standard" / name / "table.csv")
        return tables[name]

    return read


def read_rows(text):
    return [[entry.strip() for entry in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_an_effect_has_its_interval_n_and_verdict():
    claims = {("harm", "C5"): make_entry("C5"), ("harm", "C6"): make_entry("C6", effect=None)}
    assert findings.describe_claim(claims, "harm", "C5") == "+0.500 token accuracy (+0.400 to +0.600, n = 6), supported"
    assert findings.describe_share(claims, "harm", "C5") == "0.50 (0.40 to 0.60, n = 6)"
    assert {findings.describe_claim(claims, *key) for key in (("harm", "C6"), ("mine", "C5"))} == {""}


def test_ratios_are_means_over_seeds_at_the_training_length(read_standard):
    table = read_standard("harm")
    header, _, *rows = read_rows(findings.tabulate_ratios(table))
    part = table[(table["sweep"] == "ratio") & (table["metric"] == "token_accuracy") & (table["task"] == "count")]
    part = part[
        (part["test_length"] == part["train_length"]) & (part["width"] == 32) & (part["encoding"] == "sinusoidal")
    ]
    equal = part[part["position_factor"] == part["token_factor"]]["value"].mean()
    [row] = [row for row in rows if row[:2] == ["count", "32"]]
    assert row[header.index("1")] == f"{equal:.2f}"


def test_lengths_are_means_over_seeds(read_standard):
    table = read_standard("extrapolation")
    rows = read_rows(length_findings.tabulate_lengths(table))
    part = table[
        (table["task"] == "reverse") & (table["architecture"] == "encoder") & (table["encoding"] == "sinusoidal")
    ]
    part = part[(part["variant"] == "plain") & (part["metric"] == "token_accuracy") & (part["test_length"] == 24)]
    part = part[(part["positions"] == "arange") & (part["test_positions"] == "arange")]
    [row] = [row for row in rows if row[:3] == ["reverse", "encoder", "sinusoidal"]]
    assert row[5] == f"{part['value'].mean():.2f}" and row[7] == str(part["seed"].nunique())


def test_published_tables_are_compared_with_random_rows(read_standard):
    claims = {
        ("pretrained", "C1.minilm"): make_entry("C1.minilm"),
        ("pretrained", "C6.minilm"): make_entry("C6", effect=1.0),
    }
    [_, _, row] = read_rows(findings.tabulate_published(read_standard("pretrained"), claims))
    assert row == ["minilm", "0.03", "1.00", "0.00", "1.00, supported", "0.02 / 0.68"]


def test_the_best_encodings_beyond_the_training_length_come_first(read_standard):
    text = length_findings.describe_catalogue(read_standard("catalogue"))
    best = [
        float(number)
        for number in text.partition("highest for ")[2].partition(". For")[0].split()
        if number[0] == "0"
        for number in [number.strip(",")]
    ]
    assert best == sorted(best, reverse=True) and len(best) == 5


def test_a_sum_that_two_words_share_is_not_called_read_back(read_standard):
    """All sums of Whisper are read, but some of its words have one row: the claim is contradicted, and the table says so."""
    claims = {
        ("pretrained", "C1.whisper"): make_entry("C1.whisper"),
        ("pretrained", "C6.whisper"): make_entry("C6.whisper", effect=1.0, verdict="contradicted"),
    }
    [_, _, row] = read_rows(findings.tabulate_published(read_standard("pretrained"), claims))
    assert row[4] == "1.00, contradicted"


def test_the_speed_of_learning_is_that_of_paired_seeds(read_standard):
    table = read_standard("harm")
    steps = table[(table["metric"] == "steps_to_95") & (table["task"] == "count") & (table["sweep"] == "none")]
    steps = steps[(steps["positions"] == "arange") & (steps["width"] == 32)].pivot(
        index="seed", columns="encoding", values="value"
    )
    ratio = 2 ** np.log2(steps["sinusoidal"] / steps["none"]).mean()
    text = harm_findings.describe_speed(table)
    assert f"`count`, sinusoidal: × {ratio:.2f} (" in text and "n = 10)), harmful" in text
    assert "`histogram`, sinusoidal: × 0.32" in text and "`index`" not in text


def test_the_loss_beyond_is_not_put_down_to_one_cause_where_either_cure_gives_most_of_it_back(read_standard):
    """Both give back more than half; neither sentence may say that most is due to one of them."""
    table = read_standard("harm")
    text = harm_findings.describe_cause(table)
    assert (
        "bring back 0.64 of the 0.73 lost, and concatenation in place of addition 0.42: together more than was lost"
        in text
    )
    cured = (table["positions"] == "randomized") & (table["test_positions"] == "randomized")
    useless = table.assign(value=table["value"].where(~cured, 0.2))
    assert "together more" not in harm_findings.describe_cause(useless)
    assert harm_findings.describe_cause(table[~cured]) == ""


def test_a_model_without_an_encoding_does_not_count_without_end(read_standard):
    text = harm_findings.describe_far_lengths(read_standard("harm"))
    assert text.startswith("It does not count without end either") and "0.24 at 4 N" in text and "0.01 at 10 N" in text
    assert text.endswith("Answers stop at 8, which training hardly met and nearly all of the longest inputs have.")
    table = read_standard("harm")
    assert "Answers stop" not in harm_findings.describe_far_lengths(table[table["test_length"] <= 48])


def test_concatenating_is_also_compared_with_none(read_standard):
    claims = {("harm", "C5.add-same-size-count-beyond"): make_entry("C5.add-same-size-count-beyond")}
    table = read_standard("harm")
    text = findings.describe_concatenation(table, claims)
    at = (
        (table["task"] == "count")
        & (table["test_length"] == 24)
        & (table["metric"] == "token_accuracy")
        & (table["width"] == 32)
    )
    rows = table[
        at & (table["sweep"] == "none") & (table["positions"] == "arange") & (table["encoding"] == "concatenated")
    ]
    assert f"{rows['value'].mean():.2f} with sinusoids concatenated" in text and "Concatenating loses too: -0." in text


def test_five_seeds_of_a_decoder_are_shown_without_a_verdict(read_standard):
    text = length_findings.tabulate_lengths(read_standard("extrapolation"))
    assert "`count` at N has none 0.98, sinusoidal 0.91, learned 0.79 (5 seeds: no difference is decided)" in text


def test_architectures_that_were_trained_for_a_shorter_time_say_so():
    row = {"task": "reverse", "architectures": ["encoder"], "overrides": {}}
    others = {
        "task": "copy",
        "architectures": ["decoder", "encoder_decoder"],
        "overrides": {"steps": 1500, "batch": 32},
    }
    text = length_findings.describe_training({"steps": 3000, "batch": 64, "grid": [row, others, others]})
    assert text == "Training: encoder 3,000 steps of 64 examples; decoder, encoder-decoder 1,500 steps of 32 examples."


def test_models_with_random_positions_are_listed_by_tests_at_such_positions(read_standard):
    """Tests of the same models at 0, 1, 2, … do not appear under their name."""
    table = read_standard("extrapolation")
    assert "| reverse | encoder | sinusoidal + randomized | 0.69 |" in length_findings.tabulate_lengths(table)
    at_random = (table["positions"] == "randomized") & (table["test_positions"] == "randomized")
    assert "sinusoidal + randomized" not in length_findings.tabulate_lengths(table[~at_random])


def test_of_a_task_that_a_seed_learns_or_not_the_seeds_are_counted(read_standard):
    text = length_findings.describe_catalogue(read_standard("catalogue"))
    assert "A seed either learns `induction` or does not" in text and "`t5` in 2 of 5 seeds" in text


def test_the_setting_that_decides_a_ranking_is_not_mixed_with_the_catalogue(read_standard):
    table = read_standard("catalogue")
    copy = table[(table["task"] == "copy") & (table["encoding"] == "alibi")]
    large = copy.assign(train_length=20, test_length=30, layers=4, width=64, steps=6000, value=1.0)
    assert length_findings.describe_catalogue(pd.concat([table, large])) == length_findings.describe_catalogue(table)


def test_a_photograph_is_often_the_first_guess_of_a_sum(read_standard):
    text = findings.describe_sums(
        read_standard("superposition"), {("superposition", "C7.photographs"): make_entry("C7")}
    )
    assert "One of the two is the first guess in 0.48 of the 209 pairs." in text
    assert "No pair is of a panda and a banana" in text
