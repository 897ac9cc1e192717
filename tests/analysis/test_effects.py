"""The effect of an encoding in one word."""

import numpy as np
import pytest

from jaxpe.analysis.effects import judge_effect


@pytest.mark.parametrize(
    ("shift", "noise", "word"),
    [(0.2, 0.01, "helpful"), (-0.2, 0.01, "harmful"), (0, 1e-4, "harmless"), (0, 0.2, "undecided")],
)
def test_the_word_for_an_effect(shift, noise, word):
    generator = np.random.default_rng(1)
    base = 0.5 + noise * generator.normal(size=8)
    assert judge_effect(base + shift + noise * generator.normal(size=8), base)[0] == word


def test_at_the_ceiling_an_encoding_is_harmless():
    assert judge_effect(np.ones(8), np.full(8, 0.996))[0] == "harmless"


def test_four_seeds_decide_nothing():
    base = np.linspace(0.4, 0.5, 4)
    assert judge_effect(base + 0.2, base)[0] == "undecided"
