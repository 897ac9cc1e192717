"""The claims of accuracy follow the rows of its table."""

import numpy as np
import pandas as pd
import pytest

from jaxpe.study import experiment, tables

MODULE = experiment.load_experiment("accuracy").module
BASE = {
    "architecture": "encoder", "positions": "arange", "learning_rate": 0.003, "train_length": 12.0, "test_length": 12.0,
    "steps": 3000,
}  # fmt: skip


def make_table(*parts, seeds=10):
    """The seeds of each part: its task, metric, encoding, mean value, and perhaps other columns."""
    generator = np.random.default_rng(0)
    rows = []
    for task, metric, encoding, value, *more in parts:
        columns = BASE | {"task": task, "metric": metric, "encoding": encoding} | (more[0] if more else {})
        rows += [columns | {"seed": seed, "value": value + 0.001 * generator.normal()} for seed in range(seeds)]
    return pd.DataFrame(rows)


def judge(table):
    return {result.id: result for result in MODULE.claims(table)}


@pytest.mark.parametrize(("index", "verdict"), [(0.9, "supported"), (0.1, "contradicted"), (0.4, "undecided")])
def test_position_helps_if_the_gain_on_index_exceeds_that_on_count(index, verdict):
    accuracy = [
        ("count", "none", 0.6),
        ("count", "sinusoidal", 0.8),
        ("index", "none", 0.2),
        ("index", "sinusoidal", index),
    ]
    results = judge(make_table(*[(task, "token_accuracy", name, value) for task, name, value in accuracy]))
    assert results["C8"].verdict == verdict
    assert results["C8"].value == pytest.approx(index - 0.2 - 0.2, abs=0.002)


def test_gains_are_paired_by_seed_and_not_by_order():
    """`index` lacks seed 0 and `count` seed 9: in pairs, the gain of `index` is .1 larger in every seed."""
    gains = np.linspace(0.0, 0.9, 10)
    rows = [
        BASE | {"task": task, "metric": "token_accuracy", "encoding": name, "seed": seed, "value": value}
        for task, more, missing in (("index", 0.1, 0), ("count", 0.0, 9))
        for seed in range(10) if seed != missing
        for name, value in (("none", 0.0), ("sinusoidal", gains[seed] + more))
    ]  # fmt: skip
    result = judge(pd.DataFrame(rows))["C8"]
    assert result.n == 8 and result.verdict == "supported" and result.value == pytest.approx(0.1)


def test_losses_are_compared_on_the_seeds_that_all_three_encodings_have():
    table = make_text(2.0, 2.0, 2.5)
    outlier = (table["encoding"] == "none") & (table["seed"] > 7)
    result = judge(table[~outlier])["C2"]
    assert result.n == 8


def make_text(learned, sinusoidal, none, task="translation"):
    losses = (("learned", learned), ("sinusoidal", sinusoidal), ("none", none))
    return make_table(*[(task, "bits_per_character", name, value) for name, value in losses])


@pytest.mark.parametrize(
    ("learned", "none", "verdict"),
    [(2.0, 2.5, "supported"), (2.1, 2.5, "contradicted"), (2.0, 2.05, "undecided")],
)
def test_encodings_are_equal_within_the_margin_if_none_is_clearly_worse(learned, none, verdict):
    assert judge(make_text(learned, 2.0, none))["C2"].verdict == verdict
    other = judge(make_text(learned, 2.0, none, "masked_lm"))
    assert other["C2.masked-lm"].verdict == verdict and other["C2"].estimate is None


def test_the_claim_uses_the_rate_that_an_encoding_chose():
    common, own = make_text(2.1, 2.0, 2.5), make_text(2.0, 2.0, 2.5)
    chosen = own[own["encoding"] == "learned"].assign(learning_rate=0.01)
    choice = pd.DataFrame(
        [BASE | {"task": "translation", "encoding": "learned", "metric": tables.OWN_RATE, "value": 0.01}]
    )
    result = judge(pd.concat([common, chosen, choice]))["C2"]
    assert result.verdict == "supported" and "at the common learning rate the difference is +0.1" in result.note


def test_a_run_that_never_reached_95_percent_counts_at_its_last_step():
    steps = (("learned", 500), ("sinusoidal", 500), ("none", 3000))
    table = make_table(*[("reverse", "steps_to_95", name, value) for name, value in steps])
    assert judge(table)["C2.steps-reverse"].verdict == "supported"
    table.loc[(table["encoding"] == "learned") & (table["seed"] < 2), "value"] = np.nan
    result = judge(table)["C2.steps-reverse"]
    assert result.value == pytest.approx(0.2 * np.log2(6), abs=0.01) and "2 runs never reached" in result.note


def test_the_summary_counts_solved_seeds():
    table = make_table(("reverse", "exact_match", "none", 0.5), ("reverse", "token_accuracy", "none", 0.7))
    table = table.assign(order_blind_baseline=0.3, length_baseline=0.1)
    table.loc[(table["metric"] == "exact_match") & (table["seed"] < 3), "value"] = 1.0
    _, [row] = MODULE.summary(table)
    assert row["solved"] == "3 of 10" and row["token accuracy"] == "0.700"
    assert row["order-blind baseline"] == "0.300" and row["length-only baseline"] == "0.100"


def test_the_summary_has_a_row_for_each_sampler():
    table = make_table(("reverse", "exact_match", "none", 0.5), ("reverse", "token_accuracy", "none", 0.7))
    table = table.assign(order_blind_baseline=0.3, length_baseline=0.1)
    both = pd.concat([table, table.assign(positions="offset", value=1.0)])
    _, rows = MODULE.summary(both)
    assert [(row["encoding"], row["solved"]) for row in rows] == [("none", "0 of 10"), ("none + offset", "10 of 10")]


def test_the_summary_has_the_numbers_of_real_text():
    names = (("bits_per_character", 2.5), ("token_accuracy", 0.4))
    table = make_table(*[("masked_lm", metric, "learned", value) for metric, value in names])
    table = table.assign(order_blind_baseline=np.nan, length_baseline=0.1)
    _, [row] = MODULE.summary(table)
    assert row["bits per character"] == "2.500" and row["token accuracy"] == "0.400" and row["seeds"] == "10"
    assert "solved" not in row and row["length-only baseline"] == "0.100"
