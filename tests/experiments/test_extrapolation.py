"""Half-lives and areas of length curves, and the claims that follow from them."""

import numpy as np
import pandas as pd
import pytest

from jaxpe.study import experiment
from jaxpe.study.workspace import Run
from jaxpe.training.config import RunConfig

MODULE = experiment.load_experiment("extrapolation").module
RUN = Run(RunConfig("reverse", "encoder", "none", 8, 80), 0, "id")


def make_curve(metric, values, seed=0):
    return [{"metric": metric, "seed": seed, "test_length": n, "value": value} for n, value in values.items()]


def summarize(metric, values):
    return {row["metric"]: row["value"] for row in MODULE.summarize_curve(RUN, make_curve(metric, values))}


@pytest.mark.parametrize(
    ("values", "half_life"),
    [({4: 1.0, 8: 0.8, 9: 0.5, 16: 0.3}, 16.0), ({8: 0.8, 9: 0.39, 16: 0.3}, 9.0), ({8: 0.8, 16: 0.4}, None)],
)
def test_the_half_life_is_the_first_length_with_less_than_half_of_exact_match_at_n(values, half_life):
    assert summarize("exact_match", values) == {"half_life": half_life}


def test_what_was_not_learned_has_no_half_life():
    assert summarize("exact_match", {8: 0.4, 16: 0.0}) == {}


def test_the_area_is_over_log_length_from_n_on():
    area = summarize("token_accuracy", {4: 0.0, 8: 1.0, 16: 0.5, 64: 0.5})["area"]
    assert area == pytest.approx((0.75 * np.log(2) + 0.5 * np.log(4)) / np.log(8))


def test_a_summary_is_of_one_seed():
    curve = make_curve("exact_match", {8: 1.0, 16: 1.0}) + make_curve("exact_match", {8: 1.0, 16: 0.0}, seed=1)
    assert [row["value"] for row in MODULE.summarize_curve(RUN, curve)] == [None]


def make_table(sinusoidal, offset=None, none=None, seeds=8):
    """Token accuracy at N and 2 N of the encodings given, with an order-blind baseline of 0.3."""
    generator = np.random.default_rng(0)
    series = [("sinusoidal", "arange", sinusoidal), ("learned", "offset", offset), ("none", "arange", none)]
    return pd.DataFrame(
        [
            {"task": "reverse", "architecture": "encoder", "metric": "token_accuracy", "variant": "plain", "seed": seed,
             "encoding": encoding, "positions": positions, "train_length": 8, "test_length": length,
             "value": value + 0.005 * generator.normal(), "order_blind_baseline": 0.3}
            for encoding, positions, value in series if value is not None
            for length in (8, 16) for seed in range(seeds)
        ]
    )  # fmt: skip


def judge(table):
    return {result.id: result for result in MODULE.claims(table)}


@pytest.mark.parametrize(
    ("sinusoidal", "offset", "verdict"),
    [(0.5, 0.4, "supported"), (0.2, 0.1, "contradicted"), (0.5, 0.6, "contradicted"), (0.5, None, "undecided")],
)
def test_sinusoids_extrapolate_if_they_beat_both_the_baseline_and_learned_positions(sinusoidal, offset, verdict):
    result = judge(make_table(sinusoidal, offset))["C3"]
    assert result.verdict == verdict and result.value == pytest.approx(sinusoidal - 0.3, abs=0.01)
    assert ("not run" in result.note) == (offset is None)


@pytest.mark.parametrize(("none", "verdict"), [(0.31, "supported"), (0.4, "undecided")])
def test_an_encoder_without_an_encoding_is_blind_if_it_is_at_the_baseline(none, verdict):
    assert judge(make_table(0.5, none=none))["C9.encoder-blind"].verdict == verdict


def test_on_index_sinusoids_are_compared_with_the_baseline_alone():
    index = make_table(0.6).assign(task="index")
    results = judge(pd.concat([make_table(0.2, 0.1), index]))
    assert results["C3.index"].verdict == "supported" and "index in the encoder" in results["C3.index"].statement
    assert results["C3"].verdict == "contradicted" and "Its parts: 1 supported." in results["C3"].note
    assert judge(make_table(0.1).assign(task="index"))["C3.index"].verdict == "contradicted"


def test_a_table_without_reverse_claims_nothing():
    assert MODULE.claims(make_table(0.5).assign(task="copy")) == []


def make_text_table(rises, seeds=6):
    """Bits at N, 2 N and 8 N that rise by so much from N to 8 N, with a level of each seed that is larger than that."""
    generator = np.random.default_rng(0)
    levels, noise = generator.normal(size=seeds), generator.normal(size=(len(rises), seeds)) / 100
    return pd.DataFrame(
        [
            {"task": "causal_lm", "architecture": "decoder", "metric": "bits_per_character", "variant": "plain", "seed": seed,
             "encoding": encoding, "positions": "arange", "train_length": 64, "test_length": length,
             "value": 2 + levels[seed] + (rises[encoding] + noise[i, seed]) * (length > 64) * length / 512}
            for i, encoding in enumerate(rises) for length in (64, 128, 512) for seed in range(seeds)
        ]
    )  # fmt: skip


def test_on_text_the_rise_of_the_loss_is_compared_with_that_of_sinusoids_by_seed():
    table = make_text_table({"sinusoidal": 0.4, "rotary": 0.5, "alibi": 0.0, "t5": 0.4, "none": 0.1})
    results = judge(table)
    assert {name: result.verdict for name, result in results.items()} == {
        "C3.text-rotary": "contradicted", "C3.text-alibi": "supported", "C3.text-t5": "undecided",
    }  # fmt: skip
    alibi = results["C3.text-alibi"]
    assert alibi.value == pytest.approx(0.4, abs=0.02) and alibi.estimate.n == 6
    assert "length 512, 8 times the training length" in alibi.statement
    assert judge(table[table["encoding"] != "sinusoidal"]) == {}
    assert judge(table.assign(positions="randomized")) == {}
