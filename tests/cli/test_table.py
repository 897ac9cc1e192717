"""`jaxpe table`: what it prints and writes, and what it refuses."""

import io
import json

import pandas as pd
import pytest
from command_line import assert_one_sentence, call_jaxpe
from results_folders import PROVENANCE, SPREAD, make_rows, write_results
from support import ROOT


@pytest.fixture
def folder(tmp_path):
    """A results folder of two experiments."""
    for name in ("accuracy", "extrapolation"):
        write_results(
            tmp_path / "r", make_rows(0.4 + SPREAD, experiment=name, test_length=8), [], PROVENANCE, experiment=name
        )
    return tmp_path / "r"


def test_a_table_is_printed_or_written(folder, tmp_path, capsys):
    printed = call_jaxpe(capsys, "table", folder, "accuracy")
    assert printed.code == 0 and r"\toprule" in printed.out and not printed.err
    written = call_jaxpe(capsys, "table", folder / "accuracy", "--output", tmp_path / "new" / "table.tex")
    assert written.code == 0 and not written.out
    assert (tmp_path / "new" / "table.tex").read_text() == printed.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "holds several experiments: name one of accuracy, extrapolation"),
        (("acuracy",), "Did you mean 'accuracy'"),
        (("accuracy", "--metric", "loss"), "It has: token_accuracy"),
        (("accuracy", "--format", "tex"), "Did you mean 'latex'"),
        (("accuracy", "--where", "width"), "takes COLUMN=VALUE"),
        (("accuracy", "--lengths", "x"), "a whole number"),
    ],
)
def test_what_it_cannot_show_is_one_sentence(folder, capsys, words, says):
    assert_one_sentence(call_jaxpe(capsys, "table", folder, *words), says)
    assert_one_sentence(call_jaxpe(capsys, "table", folder / "runs" / "nothing"), "There is no table")


def test_an_edited_table_is_told(folder, capsys):
    path = folder / "accuracy" / "table.csv"
    path.write_text(path.read_text().replace("0.41", "0.91"))
    done = call_jaxpe(capsys, "table", folder, "accuracy", "--format", "csv")
    assert done.code == 0 and "edited" in done.err and "encoding,column" in done.out


def test_a_committed_claim_is_the_difference_of_printed_means(capsys):
    """C8 of accuracy: the gain of sinusoidal over none on index minus that on count, the mean over lengths."""
    standard, gains = ROOT / "results" / "standard", {}
    for task in ("index", "count"):
        words = ("--format", "csv", "--architectures", "encoder", "--tasks", task, "--columns", "lengths")
        done = call_jaxpe(capsys, "table", standard, "accuracy", *words)
        means = pd.read_csv(io.StringIO(done.out), keep_default_na=False).groupby("encoding")["mean"].mean()
        gains[task] = means["sinusoidal"] - means["none"]
    claims = json.loads((standard / "accuracy" / "claims.json").read_text())
    [effect] = [claim["effect"] for claim in claims if claim["id"] == "C8"]
    assert gains["index"] - gains["count"] == pytest.approx(effect, abs=1e-5)


def test_a_file_of_a_results_folder_is_not_written_over(folder, capsys):
    stored = folder / "accuracy" / "table.csv"
    before = stored.read_bytes()
    for output in (stored, folder / "runs" / "new.tex"):
        outcome = call_jaxpe(capsys, "table", folder, "accuracy", "--format", "csv", "--output", output)
        assert_one_sentence(outcome, "lies in a results folder: choose an --output outside of it")
    assert stored.read_bytes() == before
