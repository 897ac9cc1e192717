"""The baseline that knows words but no order."""

import numpy as np
import pytest

from jaxpe.analysis import bag_of_words
from jaxpe.data.examples import BLANK, BOS, SPECIALS


def test_the_baseline_is_that_of_a_slow_loop():
    random = np.random.default_rng(0)
    tokens = SPECIALS + random.integers(0, 6, (5, 9))
    mask, targets = random.random((5, 9)) < 0.4, SPECIALS + random.integers(0, 6, (5, 9))
    frequency = np.append(np.zeros(SPECIALS), random.dirichlet(np.ones(6)))
    characters = np.append(np.zeros(SPECIALS), random.integers(1, 4, 6)).astype(float)
    best = np.inf
    for weight in bag_of_words.GRID:
        nats, letters = 0.0, 0.0
        for i, t in zip(*np.nonzero(mask), strict=True):
            local = sum(token == targets[i, t] for token in tokens[i]) / 9
            nats -= np.log(weight * local + (1 - weight) * frequency[targets[i, t]])
            letters += characters[targets[i, t]]
        best = min(best, nats / letters / np.log(2))
    assert bag_of_words.compute_bag_bits(tokens, targets, mask, frequency, characters) == pytest.approx(best)


def test_masks_and_the_begin_of_a_window_are_no_words_of_it():
    """Of <bos> a a b _ with the answer a, two of the three words shown are right."""
    a, b = SPECIALS, SPECIALS + 1
    tokens, targets = np.array([[BOS, a, a, b, BLANK]]), np.array([[0, 0, 0, 0, a]])
    mask, frequency = np.array([[False] * 4 + [True]]), np.append(np.zeros(SPECIALS), [1e-9, 1 - 1e-9])
    characters = np.append(np.zeros(SPECIALS), [3.0, 1.0])
    bits = bag_of_words.compute_bag_bits(tokens, targets, mask, frequency, characters)
    assert bits == pytest.approx(-np.log2(0.95 * 2 / 3) / 3)  # the largest weight of the grid
