"""Tables for papers: which rows they show, means and intervals, what is bold, and LaTeX, Markdown and CSV."""

import io

import numpy as np
import pandas as pd
import pytest
from results_folders import PROVENANCE, SPREAD, make_rows
from scipy import stats

from jaxpe.errors import UserError
from jaxpe.report.paper_tables import escape_latex, format_paper_table, make_paper_table
from jaxpe.report.selection import Choice, select_results

AT_TRAINING = {"test_length": 8}


def make_results(*parts, choice=Choice()):  # noqa: B008
    return select_results(pd.DataFrame([row for part in parts for row in part]), choice, "accuracy")


def make_text(kind, *parts, choice=Choice(), provenance=PROVENANCE):  # noqa: B008
    results = make_results(*parts, choice=choice)
    return format_paper_table(make_paper_table(results, "accuracy", provenance), kind)


def read_csv(text):
    return pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""]).set_index(["encoding", "column"])


def test_means_and_intervals_are_those_of_the_seeds():
    values = 0.4 + SPREAD
    table = read_csv(make_text("csv", make_rows(values, **AT_TRAINING), make_rows([0.2, 0.3], "none", **AT_TRAINING)))
    one = table.loc[("learned", "reverse")]
    half = stats.t.ppf(0.975, 7) * values.std(ddof=1) / np.sqrt(8)
    np.testing.assert_allclose([one["mean"], one.low, one.high], values.mean() + np.array([0, -half, half]), rtol=1e-5)
    assert one.n == 8 and table.loc[("none", "reverse")][["low", "high"]].isna().all()


def test_tuning_means_over_seeds_and_what_holds_for_every_encoding_are_no_results():
    results = make_rows(0.4 + SPREAD, **AT_TRAINING)
    own_rate = {"learning_rate": 0.001} | AT_TRAINING
    others = [
        *make_rows([0.9] * 8, **own_rate),
        *make_rows([0.001], metric="own_learning_rate"),
        *make_rows([0.1, 0.2], metric="validation_nats_per_answer", first_seed=1000, **own_rate),
        *[row | {"seed": None} for row in make_rows([0.7], **AT_TRAINING)],
        *make_rows([0.8], "any", **AT_TRAINING),
    ]
    assert make_text("csv", results, others) == make_text("csv", results)
    with pytest.raises(UserError, match="accuracy has no results of single seeds"):
        make_text("csv", [row | {"seed": None} for row in results])


def test_changed_models_and_tests_are_left_out_unless_they_are_named():
    plain, shifted = (
        make_rows(at + SPREAD, variant=name, **AT_TRAINING) for at, name in ((0.4, "plain"), (0.7, "shifted"))
    )
    only_shifted = make_rows(0.8 + SPREAD, "none", variant="shifted", **AT_TRAINING)
    shares = make_rows(0.5 + SPREAD, "rotary", variant="plain", untrained_share=0.25, **AT_TRAINING)
    assert len(read_csv(make_text("csv", plain, shifted, only_shifted, shares))) == 2
    named = read_csv(make_text("csv", plain, shifted, only_shifted, choice=Choice(where={"variant": "shifted"})))
    assert named["mean"].round(2).tolist() == [0.7, 0.8]


def test_entries_of_several_rows_are_refused_with_what_there_is_to_choose():
    rows = [make_rows(0.4 + SPREAD, width=width, **AT_TRAINING) for width in (32, 64)]
    with pytest.raises(UserError, match="choose one value of each: --where width=32 width=64"):
        make_text("csv", *rows)
    assert make_text("csv", *rows, choice=Choice(where={"width": "64"})) == make_text("csv", rows[1])
    with pytest.raises(UserError, match="--lengths 16 8"):
        make_text("csv", make_rows([0.1]), make_rows([0.2], **AT_TRAINING), choice=Choice(lengths=(8, 16)))
    with pytest.raises(UserError, match="two classes may have the same name"):
        make_text("csv", rows[0], rows[0])


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        (Choice("exact"), "no results here whose metric is 'exact'. It has: token_accuracy."),
        (Choice(tasks=["copy"]), "whose task is 'copy'. It has: reverse."),
        (Choice(encodings=["none"]), "whose encoding is 'none'. It has: learned."),
        (Choice(lengths=[9]), "whose test_length is '9'. It has: 16."),
        (Choice(where={"witdh": "3"}), "Unknown column 'witdh'"),
    ],
)
def test_where_there_is_nothing_to_show_it_says_what_there_is(choice, says):
    with pytest.raises(UserError, match=says):
        make_text("csv", make_rows([0.1, 0.2]), choice=choice)


def test_columns_are_tasks_or_lengths():
    rows = [make_rows(0.4 + SPREAD, test_length=length) for length in (8, 16, 32)]
    rows.append(make_rows(0.2 + SPREAD, task="count", test_length=8))
    tasks = read_csv(make_text("csv", *rows))
    lengths = read_csv(make_text("csv", *rows, choice=Choice(tasks=["reverse"], columns="lengths")))
    assert tasks.index.get_level_values(1).tolist() == ["reverse", "count"]
    assert lengths.index.get_level_values(1).tolist() == [8, 16, 32]
    with pytest.raises(UserError, match="--tasks reverse count"):
        make_text("csv", *rows, choice=Choice(columns="lengths"))


def test_positions_are_named_where_they_are_not_the_usual_ones():
    text = make_text(
        "markdown", make_rows([0.1, 0.2], **AT_TRAINING), make_rows([0.1], positions="offset", **AT_TRAINING)
    )
    assert "| learned (n = 2) |" in text and "| learned + offset (n = 1) |" in text


@pytest.mark.parametrize(
    ("best", "metric", "bold"),
    [
        (0.9 + SPREAD, "token_accuracy", "learned"),
        (0.41 + SPREAD, "token_accuracy", None),  # intervals overlap
        (0.1 + SPREAD, "bits_per_character", "learned"),
        (0.9 + SPREAD, "bits_per_character", "none"),
        ([0.9, 0.9], "token_accuracy", None),  # no interval
        ([0.9, 1.0, 1.0, 0.9], "token_accuracy", None),
        ([0.9, np.nan, 0.9, 0.9], "token_accuracy", None),
        (0.9 + SPREAD, "symmetry", None),  # no direction is better
    ],
)
def test_the_best_is_bold_only_where_its_interval_lies_apart(best, metric, bold):
    rows = [
        make_rows(best, metric=metric, **AT_TRAINING),
        make_rows(0.4 + SPREAD, "none", metric=metric, **AT_TRAINING),
    ]
    choice = Choice(metric)
    lines = make_text("markdown", *rows, choice=choice).splitlines()
    marked = [line.split()[1] for line in lines if line.startswith("|") and "**" in line]
    latex = make_text("latex", *rows, choice=choice)
    assert marked == ([bold] if bold else []) and latex.count(r"\textbf{") == len(marked)
    assert ("Bold: " in latex) == bool(marked)


def test_a_seed_without_a_value_leaves_no_mean():
    text = make_text("markdown", make_rows([0.1, np.nan, 0.2], metric="steps_to_95"), choice=Choice("steps_to_95"))
    assert "| learned | – |" in text and "No mean where seeds have no value (1 in all)" in text


def test_latex_is_a_booktabs_table_whose_caption_says_how_it_was_made():
    evil = r"a_b&c%d#{e}~^\f"
    text = make_text(
        "latex", make_rows(0.4 + SPREAD, evil, **AT_TRAINING), provenance={"command": "jaxpe study --preset full"}
    )
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert r"a\_b\&c\%d\#\{e\}\textasciitilde{}\textasciicircum{}\textbackslash{}f & 0.4" in text
    for part in ("Token accuracy", "n = 8 seeds", r"95 \% t-interval", "test length 8", "preset full", "accuracy"):
        assert part in text
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert escape_latex("–…−") == r"--\ldots{}$-$"


def test_every_format_ends_with_a_line():
    for kind in ("latex", "markdown", "csv"):
        text = make_text(kind, make_rows(0.4 + SPREAD, "a|b", **AT_TRAINING))
        assert text.endswith("\n") and not text.endswith("\n\n")
    assert r"a\|b" in make_text("markdown", make_rows(0.4 + SPREAD, "a|b", **AT_TRAINING))
