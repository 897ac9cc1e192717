"""Readers of sums: ranks, training in one program, patterns read by correlation."""

import jax
import numpy as np

from jaxpe.analysis import sum_readers, sums
from jaxpe.analysis.sum_readers import ReaderTraining
from jaxpe.data import images

RANDOM = np.random.default_rng(0)


def test_a_reader_that_says_nothing_names_nothing():
    np.testing.assert_array_equal(sum_readers.rank_classes(np.zeros((1, 5)), np.array([[0, 3]])), [[5, 5]])
    found = sum_readers.rank_classes(np.array([[0.1, 3.0, 2.0]]), np.array([[2, 1]]))
    np.testing.assert_array_equal(found, [[2, 1]])


def test_the_rank_of_a_class_counts_from_one_and_ties_count_against_it():
    logits = np.array([[0.1, 2.0, 2.0, 3.0, -1.0]])
    assert sum_readers.rank_classes(logits, np.arange(5)[None]).tolist() == [[4, 3, 3, 1, 5]]


def trained(replicas, seeds, sums):
    training = ReaderTraining(hidden=32, steps=150, batch=32, rate=5e-3)
    return sum_readers.train_readers(sum_readers.stack_parts(replicas, seeds), np.array(sums), seeds, 10, training)


def test_readers_name_digits_by_their_labels_and_each_replica_is_its_own():
    found = images.load_digits()
    shuffled = np.random.default_rng(1).permutation(found.labels)
    train, test = sums.build_digit_parts(found.images, found.labels, 0, 60)["digit + digit"]
    wrong, _ = sums.build_digit_parts(found.images, shuffled, 0, 60)["digit + digit"]
    readers = trained([train, train, wrong], [0, 0, 0], [False, True, True])
    both = [np.mean(sum_readers.rank_pairs(one, test).max(1) <= 2) for one in readers]
    assert both[1] > both[0] + 0.05 > 0.2 and both[2] < 0.1
    alone = trained([train, train, train], [0, 0, 1], [False, True, True])
    for a, b in zip(jax.tree.leaves(readers[1]), jax.tree.leaves(alone[1]), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_pattern_is_read_by_correlation():
    codes = sums.draw_patterns(64, 4096, 0)
    pictures = RANDOM.uniform(0, 255, (64, 4096))
    np.testing.assert_array_equal(sum_readers.match_patterns(0.8 * pictures + 20 * codes, codes), np.arange(64))


def test_a_reader_is_tested_on_even_sums(monkeypatch):
    """As it was trained: half of each part, and the ranks of both true classes."""
    shown = []

    def give_logits(reader, x):
        shown.append(x)
        return np.eye(5)[[1, 3]] + 0.5 * np.eye(5)[[4, 0]]

    monkeypatch.setattr(sum_readers, "compute_logits", give_logits)
    parts = sums.Parts(
        first=np.array([[1.0, 2.0], [3.0, 4.0]]), second=np.array([[10.0, 20.0], [30.0, 40.0]]),
        first_labels=np.array([1, 2]), second_labels=np.array([4, 3]), pairs=np.array([[0, 0], [1, 1]]),
    )  # fmt: skip
    ranks = sum_readers.rank_pairs(None, parts)
    np.testing.assert_array_equal(shown[0], [[5.5, 11.0], [16.5, 22.0]])
    np.testing.assert_array_equal(ranks, [[1, 2], [5, 1]])


def test_chance_is_one_of_all_pairs_of_classes():
    """Of ten classes there are 45 pairs."""
    for name, classes in sums.CLASSES.items():
        assert sum_readers.compute_chance(name) == 1 / (classes * (classes - 1) / 2)
