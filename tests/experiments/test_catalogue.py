"""The experiments on the whole catalogue: claims turn with the numbers, published orders and tables are what they cite."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from jaxpe import encodings
from jaxpe.study import experiment, scores, tables
from jaxpe.training.config import RunConfig
from jaxpe.training.sources import load_source

catalogue = experiment.load_experiment("catalogue").module
reproduction = experiment.load_experiment("reproduction").module
randomized = experiment.load_experiment("randomized").module


def rows(values, task="copy", metric="exact_match", seeds=6, **more):
    """encoding -> value at 1.5 N and 2 N, with a spread over seeds that reorders nothing."""
    return pd.DataFrame(
        [
            {"encoding": name, "task": task, "architecture": "decoder", "positions": "arange", "switch": np.nan,
             "metric": metric, "seed": seed, "train_length": 10, "test_length": length, "value": value + 0.001 * seed,
             "length_baseline": 0.1, "order_blind_baseline": np.nan, "unvisited": np.nan} | more
            for name, value in values.items() for seed in range(seeds) for length in (10, 15, 20, 50)
        ]
    )  # fmt: skip


PUBLISHED = {name: value for name, value in catalogue.PUBLISHED["copy"].items() if name != "rotary"}


def test_the_order_of_merit_is_supported_by_the_published_numbers_and_contradicted_by_their_reverse():
    own = PUBLISHED | {"rotary_quarter": 0.011, "rotary": 0.011}
    [claim, *_] = catalogue.claims(rows(own))
    expected = stats.kendalltau([-1, -2, -2, -3, -3], [0.420, 0.331, 0.305, 0.028, 0.011]).statistic
    assert claim.id == "C11" and claim.verdict == "supported" and claim.effect == pytest.approx(expected)
    [against, *_] = catalogue.claims(rows({name: 1 - value for name, value in own.items()}))
    assert against.verdict == "contradicted" and against.effect == pytest.approx(-expected)
    [level, *_] = catalogue.claims(rows(dict.fromkeys(own, 0.0)))
    assert level.verdict == "undecided" and level.effect == 0
    assert catalogue.claims(rows(own, seeds=2)) == []


def test_only_lengths_up_to_twice_the_training_length_count():
    table = rows(PUBLISHED | {"rotary_quarter": 0.0, "rotary": 0.0})
    table.loc[table["test_length"].isin([10, 50]), "value"] = np.random.default_rng(0).random(
        table["test_length"].isin([10, 50]).sum()
    )
    [claim, *_] = catalogue.claims(table)
    assert claim.verdict == "supported"


def test_models_tested_with_another_encoding_stand_under_a_name_of_their_own():
    table = pd.concat([rows({"rotary": 0.4}), rows({"rotary": 0.1}, switch="rotary_ntk")])
    assert set(catalogue.named(table)["encoding"]) == {"rotary", "rotary, tested with rotary_ntk"}
    assert set(catalogue.named(rows({"learned": 0.1}, positions="offset"))["encoding"]) == {"learned + offset"}


@pytest.mark.parametrize(
    ("encoding", "share"),
    [("learned", 0.5), ("random_fixed", 0.5), ("none", None), ("alibi", None), ("t5_scaled", 0.0)],
)
def test_the_share_that_training_never_visited(encoding, share):
    config = RunConfig("copy", "encoder", encoding, 10, 120, width=16, heads=4, encoding_options=(
        (("trained_positions", 20),) if encoding == "t5_scaled" else ()
    ))  # fmt: skip
    assert catalogue.share_unvisited(config, load_source(config), 20) == share


def test_rows_of_shaw_and_buckets_of_t5_that_training_never_met_are_counted():
    sizes = {"model_width": 16, "heads": 4, "max_length": 200}
    key = jax.random.key(0)
    shaw = encodings.build_encoding("shaw", **sizes, attention="causal", key=key)
    assert shaw.compute_untrained_share(9, 100) == pytest.approx(8 / 17)  # distances 9 … 16 of 0 … 16
    t5 = encodings.build_encoding("t5", **sizes, attention="causal", key=key)
    met = {int(t5.bucket(jnp.float32([[r]]))[0, 0]) for r in range(20)}
    assert t5.compute_untrained_share(20, 200) == pytest.approx(1 - len(met) / 32)
    rotary = encodings.build_encoding("rotary", **sizes, attention="causal", key=key)
    assert rotary.compute_untrained_share(20, 200) == 0.5  # of two pairs the slow one turns by .2 radians


def test_a_trained_model_is_tested_with_another_encoding_in_its_place():
    config = RunConfig("copy", "decoder", "rotary", 5, 40, width=16, heads=2)
    other = scores.replace_encoding(config, "rotary_yarn", load_source(config))
    assert dict(other.encoding_options) == {"trained_positions": 13} and other.encoding == "rotary_yarn"
    assert scores.replace_encoding(config, None, load_source(config)) == config


def copies(offset, none, size=(4, 1, 64), within=(1.0, 1.0), seeds=10):
    made = []
    for name, positions, far, near in (("learned", "offset", offset, within[0]), ("none", "arange", none, within[1])):
        for seed in range(seeds):
            for label, value in (("within", near), ("to 2 N", far + 0.001 * seed), ("to 3 N", 0.0)):
                made.append(
                    {"encoding": name, "positions": positions, "layers": size[0], "heads": size[1], "width": size[2],
                     "range": label, "seed": seed, "metric": "exact_match", "value": value, "train_length": 16}
                )  # fmt: skip
    return pd.DataFrame(made)


@pytest.mark.parametrize(
    ("offset", "none", "verdict"), [(0.5, 0.1, "supported"), (0.1, 0.5, "contradicted"), (0.3, 0.3, "undecided")]
)
def test_copying_far_is_decided_at_equal_sizes(offset, none, verdict):
    claims = {claim.id: claim for claim in reproduction.claims(copies(offset, none))}
    assert claims["C10"].verdict == verdict and claims["C10"].effect == pytest.approx(offset - none)
    assert "published 0.488 and 0.071" in claims["C10"].note
    assert set(claims) == {"C10", "C10.4-1-64-3n"}


def test_seeds_that_failed_within_training_are_counted_and_told_apart():
    table = copies(0.5, 0.1)
    failed = (table["encoding"] == "none") & (table["seed"] < 4)
    table.loc[failed & (table["range"] == "within"), "value"] = 0.9
    table.loc[failed & (table["range"] == "to 2 N"), "value"] = 0.0
    [claim, *_] = reproduction.claims(table)
    assert "10 of 10 and 6 of 10" in claim.note and "on those alone 0.504 and 0.106" in claim.note


def test_the_published_protocol_is_the_one_of_full():
    preset = reproduction.PRESETS["full"]
    assert (preset.steps, preset.batch, preset.learning_rate, preset.warmup) == (30_000, 64, 1e-3, 0)
    assert (preset.decay, preset.stop_every, preset.train_length) == ("linear", 3000, 50)
    from jaxpe.study import run_configs

    [config, *_] = run_configs.expand_grid(preset, {})
    assert config.encoding == "learned" and config.table_length == 303
    assert dict(config.position_options) == {"limit": 303}


def carried(gain, way="randomized"):
    return pd.DataFrame(
        [
            {"task": task, "encoding": name, "way": one, "seed": seed, "metric": "token_accuracy", "train_length": 8,
             "test_length": 16, "value": 0.4 + 0.002 * seed + (gain if one == way else 0.0)}
            for task in ("sort", "reverse") for name in ("rotary", "alibi") for seed in range(10)
            for one in ("plain", "randomized", "spread")
        ]
    )  # fmt: skip


@pytest.mark.parametrize(("gain", "verdict"), [(0.1, "supported"), (-0.1, "contradicted")])
def test_random_positions_are_judged_by_their_gain_beyond_training(gain, verdict):
    claims = {claim.id: claim for claim in randomized.claims(carried(gain))}
    assert claims["C12"].verdict == verdict and claims["C12"].effect == pytest.approx(gain)
    assert claims["C12.rotary"].verdict == verdict and claims["C12.spread"].verdict == "undecided"
    table = carried(gain)
    table["test_length"] = 8  # within training only the price is told
    [price] = randomized.claims(table)
    assert price.id == "C12.price" and price.effect == pytest.approx(-gain)


def test_every_encoding_stands_in_the_big_table_where_it_is_defined():
    grid = catalogue.PRESETS["standard"].grid
    for task in ("copy", "reverse", "histogram", "relative_index", "addition", "induction"):
        found = {
            name for row in grid if row.task == task and row.architectures == ("decoder",) for name in row.encodings
        }
        assert found >= set(encodings.CATALOGUE), task
    encoder = {name for row in grid if row.architectures == ("encoder",) for name in row.encodings}
    assert set(encodings.CATALOGUE) - encoder == {"xpos", "xpos_scaled", "cope", "cope_scaled"}
    assert tables.CONFIG_COLUMNS == ["task", "architecture", "encoding", "positions"]
