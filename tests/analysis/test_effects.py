"""The effect of an encoding in one word."""

import numpy as np
import pandas as pd
import pytest

from jaxpe.analysis.effects import judge_effect, select_plain


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
    plain = select_plain(pd.DataFrame(rows))
    assert list(zip(plain["positions"], plain["test_positions"], strict=True)) == [
        ("arange", "arange"), ("offset", "arange"), ("offset", "offset"), ("randomized", "randomized"),
    ]  # fmt: skip
