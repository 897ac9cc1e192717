"""The claims of the catalogue follow the numbers, and its grid covers the catalogue."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from jaxpe import encodings
from jaxpe.analysis import ranking
from jaxpe.figures.catalogue import name_series
from jaxpe.study import experiment
from jaxpe.training.config import RunConfig
from jaxpe.training.sources import load_source

MODULE = experiment.load_experiment("catalogue").module
COPY = {name: value for name, value in ranking.PUBLISHED["copy"].items() if name != "rotary"}
OURS = COPY | {"rotary_quarter": 0.011, "rotary": 0.011}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """Of the seeds, which decides how long a claim takes and here nothing else."""
    monkeypatch.setattr(ranking, "RESAMPLES", 50)


def make_table(values, seeds=6, **columns):
    """Exact match of encodings at N = 10 and beyond, with a spread over seeds that changes no order."""
    return pd.DataFrame(
        [
            {"encoding": name, "task": "copy", "architecture": "decoder", "positions": "arange", "tested_with": np.nan,
             "metric": "exact_match", "seed": seed, "train_length": 10, "test_length": length,
             "value": value + 0.001 * seed, "length_baseline": 0.1, "order_blind_baseline": np.nan,
             "untrained_share": np.nan} | columns
            for name, value in values.items() for seed in range(seeds) for length in (10, 15, 20, 50)
        ]
    )  # fmt: skip


def test_the_published_numbers_support_their_ranking():
    [result, *_] = MODULE.claims(make_table(OURS))
    tau = stats.kendalltau([-1, -2, -2, -3, -3], [0.420, 0.331, 0.305, 0.028, 0.011]).statistic
    assert result.id == "C11" and result.verdict == "supported" and result.value == pytest.approx(tau)


def test_the_reverse_of_the_published_numbers_contradicts_it():
    [result, *_] = MODULE.claims(make_table({name: 1 - value for name, value in OURS.items()}))
    [supported, *_] = MODULE.claims(make_table(OURS))
    assert result.verdict == "contradicted" and result.value == pytest.approx(-supported.value)


def test_equal_scores_and_few_seeds_decide_nothing():
    [level, *_] = MODULE.claims(make_table(dict.fromkeys(OURS, 0.0)))
    assert level.verdict == "undecided" and level.value == 0
    assert MODULE.claims(make_table(OURS, seeds=2)) == []


def test_only_lengths_up_to_twice_the_training_length_count():
    table = make_table(COPY | {"rotary_quarter": 0.0, "rotary": 0.0})
    other = table["test_length"].isin([10, 50])
    table.loc[other, "value"] = np.random.default_rng(0).random(other.sum())
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
    options = (("trained_positions", 20),) if encoding == "t5_scaled" else ()
    config = RunConfig("copy", "encoder", encoding, 10, 120, width=16, heads=4, encoding_options=options)
    assert MODULE.measure_untrained_share(config, load_source(config), 20) == share


def test_beyond_twice_the_training_length_a_row_is_the_mean_over_seeds():
    rows = make_table({"t5": 0.4}).dropna(axis=1).to_dict("records")
    averaged = pd.DataFrame(MODULE.average_far_rows(rows))
    far = averaged[averaged["test_length"] == 50]
    assert len(averaged) == 3 * 6 + 1 and far["seed"].isna().all() and far["value"].iloc[0] == pytest.approx(0.4025)


def test_every_encoding_is_in_the_standard_grid_where_it_is_defined():
    grid = MODULE.PRESETS["standard"].grid
    for task in ("copy", "reverse", "histogram", "relative_index", "addition", "induction"):
        rows = [row for row in grid if row.task == task and row.architectures == ("decoder",)]
        assert {name for row in rows for name in row.encodings} >= set(encodings.CATALOGUE), task
    encoder = {name for row in grid if row.architectures == ("encoder",) for name in row.encodings}
    assert set(encodings.CATALOGUE) - encoder == {"xpos", "xpos_scaled", "cope", "cope_scaled"}
