"""The claims of the catalogue follow the numbers, and its grid covers the catalogue."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from jaxpe import encodings
from jaxpe.analysis import ranking
from jaxpe.figures.catalogue import name_series
from jaxpe.study import experiment
from jaxpe.study.run_configs import expand_grid
from jaxpe.training.config import RunConfig
from jaxpe.training.sources import load_source

MODULE = experiment.load_experiment("catalogue").module
COPY = {name: value for name, value in ranking.PUBLISHED["copy"].items() if name != "rotary"}
OURS = COPY | {"rotary_quarter": 0.011, "rotary": 0.011}


def make_table(values, seeds=10, **columns):
    """Exact match of encodings at N = 20 and beyond, in the setting that decides, with a spread over seeds."""
    sizes = ranking.DECIDING
    return pd.DataFrame(
        [
            {"encoding": name, "task": "copy", "architecture": "decoder", "positions": "arange", "tested_with": np.nan,
             "metric": "exact_match", "seed": seed, "test_length": length, "value": value + 0.001 * seed,
             "length_baseline": 0.1, "order_blind_baseline": np.nan, "untrained_share": np.nan} | sizes | columns
            for name, value in values.items() for seed in range(seeds) for length in (20, 30, 40, 100)
        ]
    )  # fmt: skip


def test_the_published_numbers_support_their_ranking():
    [result, *_] = MODULE.claims(make_table(OURS))
    ranks, scores = [-1, -2, -2, -3, -3, -3], [0.420, 0.331, 0.305, 0.028, 0.011, 0.011]
    assert result.id == "C11" and result.verdict == "supported"
    assert result.value == pytest.approx(stats.kendalltau(ranks, scores).statistic)
    assert result.estimate.n == 6 and result.estimate.low is None and result.estimate.p < 0.05


def test_the_reverse_of_the_published_numbers_contradicts_it():
    [result, *_] = MODULE.claims(make_table({name: 1 - value for name, value in OURS.items()}))
    [supported, *_] = MODULE.claims(make_table(OURS))
    assert result.verdict == "contradicted" and result.value == pytest.approx(-supported.value)


@pytest.mark.parametrize(
    "columns", [{"train_length": 8}, {"layers": 2}, {"width": 32}, {"steps": 1000}, {"seeds": 9}], ids=str
)
def test_any_other_setting_describes(columns):
    lengths = {"test_length": 12} if "train_length" in columns else {}
    [result, *_] = MODULE.claims(make_table(OURS, **columns, **lengths))
    assert result.verdict == "undecided" and result.value > 0.8
    assert ("Undecided: this setting describes" in result.note) == ("seeds" not in columns)


def test_an_encoding_less_leaves_the_ranking_undecided():
    """With five encodings no permutation test can reach 5 %, however many seeds each has."""
    [result, *_] = MODULE.claims(make_table({name: value for name, value in OURS.items() if name != "rotary"}))
    assert result.verdict == "undecided" and result.estimate.n == 5 and result.estimate.p > 0.05


def test_the_setting_that_decides_comes_before_the_catalogue():
    small = make_table({name: 1 - value for name, value in OURS.items()}, train_length=8, layers=2, test_length=12)
    results = MODULE.claims(pd.concat([small, make_table(OURS)]))
    assert results[0].verdict == "supported" and "N = 20, layers 4, width 64, steps 6000" in results[0].statement


def test_equal_scores_decide_nothing():
    [level, *_] = MODULE.claims(make_table(dict.fromkeys(OURS, 0.0)))
    assert level.verdict == "undecided" and level.value == 0 and level.estimate.p == 1


def test_encodings_are_compared_on_the_seeds_that_all_have():
    """The first seeds of `t5` are poor, and only `t5` has them."""
    table = make_table(OURS, seeds=20)
    early = (table["encoding"] == "t5") & (table["seed"] < 10)
    table.loc[early, "value"] = -100.0
    [result, *_] = MODULE.claims(table[(table["encoding"] == "t5") | (table["seed"] >= 10)])
    assert result.verdict == "supported" and "the mean over 10 seeds" in result.note


@pytest.mark.parametrize("length", [20, 100])
def test_only_lengths_beyond_training_and_up_to_twice_as_long_count(length):
    """At the other ones, the order is reversed."""
    table = make_table(COPY | {"rotary_quarter": 0.0, "rotary": 0.0})
    other = table["test_length"] == length
    table.loc[other, "value"] = -10 * table.loc[other, "value"]
    [result, *_] = MODULE.claims(table)
    assert result.verdict == "supported"


def test_models_tested_with_another_encoding_have_a_name_of_their_own():
    table = pd.concat([make_table({"rotary": 0.4}), make_table({"rotary": 0.1}, tested_with="rotary_ntk")])
    assert set(name_series(table)["encoding"]) == {"rotary", "rotary, tested with rotary_ntk"}
    assert set(name_series(make_table({"learned": 0.1}, positions="offset"))["encoding"]) == {"learned + offset"}


def test_models_tested_with_another_encoding_take_no_part_in_the_claim():
    changed = make_table({"t5": 0.0}, tested_with="rotary_ntk")
    [result, *_] = MODULE.claims(pd.concat([make_table(OURS), changed]))
    assert result.verdict == "supported"


@pytest.mark.parametrize(
    ("encoding", "share"),
    [("learned", 0.5), ("random_fixed", 0.5), ("none", None), ("alibi", None), ("t5_scaled", 0.0)],
)
def test_the_share_that_training_never_used(encoding, share):
    config = RunConfig("copy", "encoder", encoding, 10, 120, width=16, heads=4, trained_positions=20)
    assert MODULE.measure_untrained_share(config, load_source(config), 20) == share


def test_beyond_twice_the_training_length_a_row_is_the_mean_over_seeds():
    rows = make_table({"t5": 0.4}).dropna(axis=1).to_dict("records")
    averaged = pd.DataFrame(MODULE.average_far_rows(rows))
    far = averaged[averaged["test_length"] == 100]
    assert len(averaged) == 3 * 10 + 1 and far["seed"].isna().all() and far["value"].iloc[0] == pytest.approx(0.4045)


def test_every_encoding_is_in_the_standard_grid_where_it_is_defined():
    grid = MODULE.PRESETS["standard"].grid
    for task in ("copy", "reverse", "histogram", "relative_index", "addition", "induction"):
        rows = [row for row in grid if row.task == task and row.architectures == ("decoder",)]
        assert {name for row in rows for name in row.encodings} >= set(encodings.CATALOGUE), task
    encoder = {name for row in grid if row.architectures == ("encoder",) for name in row.encodings}
    assert set(encodings.CATALOGUE) - encoder == {
        "xpos",
        "xpos_scaled",
        "cope",
        "cope_scaled",
        "forgetting",
        "stick_breaking",
    }


def test_the_deciding_setting_is_in_the_standard_grid_and_alone_in_a_preset():
    standard, alone = (expand_grid(MODULE.PRESETS[name], {}) for name in ("standard", "ranking"))
    assert {(config.task, config.encoding) for config in alone} == {("copy", name) for name in ranking.RANKED}
    for config, request in alone.items():
        sizes = (config.train_length, config.layers, config.width, config.training.steps)
        assert sizes == tuple(ranking.DECIDING.values()) and request.seeds == standard[config].seeds == 10


def test_the_summary_counts_seeds_where_a_mean_says_little():
    parts = {0: 1.0, 1: 1.0, 2: 0.1, 3: 0.1, 4: 0.1}
    table = make_table({"t5": 0.0}, seeds=5, metric="token_accuracy")
    table = table.assign(value=table["seed"].map(parts))
    small = table.assign(
        train_length=8, layers=2, test_length=table["test_length"].map({20: 8, 30: 12, 40: 16, 100: 40})
    )
    _, [row] = MODULE.summary(pd.concat([small.assign(task="induction"), small, table.assign(value=0.0)]))
    assert row["induction, decoder"] == "2 of 5 / 2 of 5"
    assert row["copy, decoder"] == "0.46 / 0.46"  # the setting that decides C11 is not mixed in
