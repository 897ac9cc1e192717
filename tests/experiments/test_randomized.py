"""The claims on random positions follow the gain beyond the training length."""

import pandas as pd
import pytest

from jaxpe.study import experiment
from jaxpe.study.run_configs import expand_grid

MODULE = experiment.load_experiment("randomized").module


def make_table(gain, variant="randomized"):
    """Accuracy at 2 N of two encodings on two tasks, with a gain in one variant."""
    return pd.DataFrame(
        [
            {"task": task, "encoding": name, "variant": other, "seed": seed, "metric": "token_accuracy",
             "train_length": 8, "test_length": 16, "value": 0.4 + 0.002 * seed + (gain if other == variant else 0.0)}
            for task in ("sort", "reverse") for name in ("rotary", "alibi") for seed in range(10)
            for other in ("plain", "randomized", "spread")
        ]
    )  # fmt: skip


@pytest.mark.parametrize(("gain", "verdict"), [(0.1, "supported"), (-0.1, "contradicted")])
def test_random_positions_are_judged_by_their_gain_beyond_training(gain, verdict):
    results = {result.id: result for result in MODULE.claims(make_table(gain))}
    assert results["C12"].verdict == verdict and results["C12"].value == pytest.approx(gain)
    assert results["C12.rotary"].verdict == verdict and results["C12.spread"].verdict == "undecided"
    assert list(results) == ["C12", "C12.rotary", "C12.alibi", "C12.spread"]


@pytest.mark.parametrize("gain", [0.1, -0.1])
def test_within_training_only_the_price_is_judged(gain):
    table = make_table(gain)
    table["test_length"] = 8
    [price] = MODULE.claims(table)
    assert price.id == "C12.price" and price.value == pytest.approx(-gain)


def test_variants_are_paired_by_seed_and_not_by_order():
    table = make_table(0.1)
    table["value"] += table["seed"]
    missing = ((table["variant"] == "plain") & (table["seed"] == 0)) | (
        (table["variant"] != "plain") & (table["seed"] == 9)
    )
    table = table[~missing]
    results = {result.id: result for result in MODULE.claims(table)}
    assert results["C12"].n == 8 and results["C12"].value == pytest.approx(0.1)
    _, [row, _] = MODULE.summary(table)
    assert row["gain, interquartile mean over tasks"].startswith("+0.100")


def test_the_claim_says_what_random_positions_cost():
    both = pd.concat([make_table(0.1), make_table(-0.2).assign(test_length=8)])
    note = MODULE.claims(both)[0].note
    assert (
        "At the lengths trained they cost 0.200." in note and "Its parts: 3 supported; undecided: C12.spread." in note
    )


def test_every_cell_of_the_claim_has_ten_seeds():
    assert {request.seeds for request in expand_grid(MODULE.PRESETS["standard"], {}).values()} == {10}


def test_the_summary_has_every_variant_and_the_gain():
    _, [row, _] = MODULE.summary(make_table(0.1))
    assert row["encoding"] == "rotary" and row["0, 1, 2 …"] == "0.409"
    assert row["drawn in training and test"] == "0.509"
    assert row["gain, interquartile mean over tasks"].startswith("+0.100")
