"""`jaxpe evaluate`: stored models at other lengths and positions."""

import json

import numpy as np
import pandas as pd
import pytest
from command_line import assert_one_sentence, call_jaxpe

import jaxpe
from jaxpe.records.statistics import estimate_mean

SIZES = {"steps": 4, "layers": 1, "width": 8, "batch": 8, "train_length": 4, "length_buckets": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three seeds of ALiBi and one of a learned table with room for two training lengths."""
    path = tmp_path_factory.mktemp("stored") / "r"
    jaxpe.train("copy", "encoder", "alibi", seeds=3, max_length_ratio=1.0, results=path, **SIZES)
    jaxpe.train("copy", "encoder", "learned", seeds=1, max_length_ratio=1.0, results=path, **SIZES)
    return path


def list_runs(path):
    return sorted(entry.name for entry in (path / "runs").iterdir())


def test_runs_are_tested_beyond_the_lengths_they_were_planned_for_without_training(folder, capsys, tmp_path):
    before = list_runs(folder)
    words = ("evaluate", folder, "--lengths", "4", "9", "--encodings", "alibi", "--examples", "8", "--json")
    outcome = call_jaxpe(capsys, *words, "--output", tmp_path / "t.csv")
    assert outcome.code == 0 and list_runs(folder) == before
    rows = json.loads(outcome.out)
    table = pd.read_csv(tmp_path / "t.csv")
    assert len(table) == 3 * 2 * 2 and {row["test_length"] for row in rows} == {4, 9}
    for row in rows:
        values = table[(table["test_length"] == row["test_length"]) & (table["metric"] == row["metric"])]["value"]
        expected = estimate_mean(values)
        assert (row["n"], row["mean"]) == (3, pytest.approx(expected.value))
        assert (row["low"], row["high"]) == (
            pytest.approx(expected.low, abs=1e-4),
            pytest.approx(expected.high, abs=1e-4),
        )
    runs = jaxpe.load(folder, encoding="alibi")
    again = runs.evaluate([4, 9], examples=8)
    np.testing.assert_allclose(again["value"], table["value"], rtol=1e-5)


def test_a_longer_test_is_not_another_run_where_the_encoding_has_no_table(folder):
    """And is one where it has."""
    before = list_runs(folder)
    jaxpe.train("copy", "encoder", "alibi", seeds=3, max_length_ratio=5.0, results=folder, **SIZES)
    assert list_runs(folder) == before
    jaxpe.train("copy", "encoder", "learned", seeds=1, max_length_ratio=2.0, results=folder, **SIZES)
    assert len(list_runs(folder)) == len(before) + 1


def test_runs_that_cannot_be_tested_so_are_named(folder, capsys):
    outcome = call_jaxpe(capsys, "evaluate", folder, "--lengths", "30", "--examples", "8", "--architectures", "encoder")
    assert outcome.code == 0 and "Left out: copy, encoder, learned: learned has" in outcome.err
    assert "alibi" in outcome.out and "learned" not in outcome.out
    header, *lines = outcome.out.splitlines()
    assert header.split()[0] == "task" and len(lines) == 2 and " to " in lines[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--lengths", "0"), "lengths is a whole number above 0"),
        (("--lengths", "4", "--encodings", "rotary"), "has encoding=('rotary',)"),
        (("--lengths", "4", "--sampler", "shuffled"), "Unknown position sampler 'shuffled'"),
        (("--lengths", "4", "--seeds", "5-3"), "the first is greater than the last"),
        (("--lengths", "4", "--seeds", "x"), "--seeds takes a number of seeds"),
        (("--lengths", "4", "--shift", "2", "--sampler", "spread"), "Only the positions 0, 1, 2"),
        (("--lengths", "30", "--encodings", "learned"), "learned has"),
        ((), "--lengths"),
    ],
)
def test_what_cannot_be_tested_is_one_sentence(folder, capsys, words, says):
    assert_one_sentence(call_jaxpe(capsys, "evaluate", folder, *words), says)


def test_runs_of_other_sizes_are_not_averaged_and_say_what_they_are(tmp_path, capsys):
    for width in (8, 12):
        jaxpe.train("copy", "encoder", "alibi", seeds=2, results=tmp_path, **(SIZES | {"width": width}))
    words = ("evaluate", tmp_path, "--lengths", "4", "--examples", "8")
    rows = json.loads(call_jaxpe(capsys, *words, "--json").out)
    assert {(row["width"], row["n"]) for row in rows} == {("8", 2), ("12", 2)}
    first, *lines = call_jaxpe(capsys, *words).out.splitlines()
    assert "width" in first and len(lines) == len(rows)
    table = jaxpe.load(tmp_path, encoding="alibi").evaluate(4, examples=8)
    assert table.groupby("width")["seed"].nunique().to_dict() == {"12": 2, "8": 2}


def test_an_unknown_sampler_is_named_once_however_many_configs_there_are(folder, capsys):
    outcome = call_jaxpe(capsys, "evaluate", folder, "--lengths", "4", "--sampler", "randomised")
    assert_one_sentence(outcome, "Did you mean 'randomized'?")
    assert outcome.err.count("Unknown position sampler") == 1


def test_a_file_of_a_results_folder_is_not_written_over(folder, capsys):
    record = next((folder / "runs").glob("*/record.json"))
    before = record.read_bytes()
    outcome = call_jaxpe(capsys, "evaluate", folder, "--lengths", "4", "--examples", "8", "--output", record)
    assert_one_sentence(outcome, "lies in a results folder: choose an --output outside of it")
    assert record.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--seeds", "0"), "--seeds 0 names no seed"),
        (("--encodings", ""), "--encodings needs a value, not an empty one"),
        (("--encodings", ","), "--encodings needs a value, not an empty one"),
    ],
)
def test_an_empty_choice_is_not_everything(folder, capsys, words, says):
    assert_one_sentence(call_jaxpe(capsys, "evaluate", folder, "--lengths", "4", *words), says)


def test_a_length_that_fits_into_no_memory_is_refused(folder, capsys):
    for length in ("1000000000", "99999999999999999999"):
        outcome = call_jaxpe(capsys, "evaluate", folder, "--lengths", length, "--encodings", "alibi")
        assert_one_sentence(outcome, "A test length is at most 100,000, got ")
