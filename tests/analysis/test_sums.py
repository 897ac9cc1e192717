"""Sums of two signals: their pairs, and the overlap of their subspaces."""

import numpy as np
import pytest

from jaxpe.analysis import sums

RANDOM = np.random.default_rng(0)


def test_pairs_are_of_different_classes_and_counted_once():
    labels = np.array([0, 1, 1, 2])
    found = sums.list_pairs(labels, labels)
    assert sorted(map(tuple, found.tolist())) == [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]
    assert len(sums.list_pairs(labels, labels.copy())) == 10  # two kinds of rows: both orders differ


def test_subspaces_overlap_wholly_or_as_chance_has_it():
    a, b = RANDOM.normal(size=(500, 8)) @ RANDOM.normal(size=(8, 64)), RANDOM.normal(size=(2000, 64))
    assert sums.compute_subspace_overlap(a, a[::-1] + 5) == pytest.approx(1)
    chance = [sums.compute_subspace_overlap(a, RANDOM.normal(size=(200, 64))) for _ in range(20)]
    assert np.mean(chance) == pytest.approx(8 / 64, abs=0.02)
    assert sums.compute_subspace_overlap(b[:, :], b) == pytest.approx(1)


@pytest.mark.parametrize("encoding", ["sinusoidal", "learned_bert"])
def test_tokens_and_positions_have_the_sizes_that_they_start_with_relative_to_the_token(encoding):
    train, _ = sums.build_token_parts(encoding, 0)
    assert [float(np.sqrt((rows**2).mean())) for rows in train[:3:2]] == pytest.approx([1, 1], rel=0.05)
