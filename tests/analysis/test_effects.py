"""The effect of an encoding in one word."""

import numpy as np
import pandas as pd
import pytest

from jaxpe.analysis.effects import choose_word, judge_effect, select_outside_sweeps
from jaxpe.records.statistics import Estimate


@pytest.mark.parametrize(
    ("shift", "noise", "word"),
    [(0.2, 0.01, "helpful"), (-0.2, 0.01, "harmful"), (0, 1e-4, "harmless"), (0, 0.2, "undecided")],
)
def test_the_word_for_an_effect(shift, noise, word):
    generator = np.random.default_rng(1)
    base = 0.5 + noise * generator.normal(size=8)
    effect = judge_effect(base + shift + noise * generator.normal(size=8), base)
    assert effect.word == effect.verdict == word


def test_at_the_ceiling_an_encoding_is_harmless():
    assert judge_effect(np.ones(8), np.full(8, 0.996))[0] == "harmless"


def test_four_seeds_decide_nothing():
    base = np.linspace(0.4, 0.5, 4)
    assert judge_effect(base + 0.2, base)[0] == "undecided"


@pytest.mark.parametrize(
    ("baseline", "word", "verdict"),
    [(0.75, "both below baseline", "undecided"), (0.65, "helpful", "helpful"), (np.nan, "helpful", "helpful")],
)
def test_of_two_means_below_the_baseline_none_is_helped(baseline, word, verdict):
    base = np.linspace(0.49, 0.51, 8)
    effect = judge_effect(base + np.linspace(0.19, 0.21, 8), base, baseline)
    assert (effect.word, effect.verdict) == (word, verdict) and effect.estimate.value == pytest.approx(0.2)


def test_plain_rows_are_tested_as_trained_or_from_0_after_random_starts():
    rows = [
        {"sweep": "none", "width": 32, "positions": trained, "test_positions": tested}
        for trained in ("arange", "offset", "randomized")
        for tested in ("arange", "offset", "randomized")
    ]
    plain = select_outside_sweeps(pd.DataFrame(rows))
    assert list(zip(plain["positions"], plain["test_positions"], strict=True)) == [
        ("arange", "arange"), ("offset", "arange"), ("offset", "offset"), ("randomized", "randomized"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.001, 0.019, "harmless"), (0.001, 0.021, "helpful"), (0.0, 0.05, "undecided"), (-0.001, 0.019, "harmless"),
        (-0.019, -0.001, "harmless"), (-0.021, -0.001, "harmful"), (-0.05, 0.0, "undecided"), (-0.019, 0.019, "harmless"),
        (-0.02, 0.01, "undecided"), (-0.01, 0.02, "undecided"), (-0.021, 0.021, "undecided"), (-0.01, 0.3, "undecided"),
    ],
)  # fmt: skip
def test_a_word_for_an_interval_just_inside_and_outside_the_margin(low, high, word):
    """Of 0.02: to be helpful, an interval lies above 0 and reaches beyond the margin."""
    assert choose_word(Estimate((low + high) / 2, low, high, 8), 0.02) == word
    opposite = {"helpful": "harmful", "harmful": "helpful"}
    assert choose_word(Estimate((low + high) / 2, low, high, 8), 0.02, more_helps=False) == opposite.get(word, word)


@pytest.mark.parametrize(("low", "word"), [(0.64, "harmful"), (0.56, "harmful"), (0.44, "harmful")])
def test_harm_that_takes_a_model_below_the_baseline_is_harm(low, word):
    """Only where both means lie below it there is nothing to compare."""
    spread = np.linspace(-0.01, 0.01, 8)
    assert judge_effect(low + spread, 0.7 + spread[::-1], baseline=0.6).word == word
    assert judge_effect(low - 0.3 + spread, 0.59 + spread[::-1], baseline=0.6).word == "both below baseline"
