"""Readers of the raw sum: what each must know, against slow loops, the union bound, and noise."""

import numpy as np
import pytest

from jaxpe.analysis import readers
from jaxpe.analysis.sums import Tables


def test_a_reader_that_knows_both_tables_is_exact_unless_two_sums_coincide():
    tables = readers.sample_tables("random rows", 64, seed=0)
    assert readers.find_smallest_gap(tables) > 1 and readers.score_both_tables(tables) == 1
    # Position 1 is built so that t₀ + p₀ = t₁ + p₁, in numbers that float32 adds without rounding.
    tokens, positions = (np.round(8 * part) / 8 for part in tables)
    positions[1] = tokens[0] + positions[0] - tokens[1]
    coinciding = Tables(tokens[:2], positions[:8])
    assert readers.find_smallest_gap(coinciding) == 0 and readers.score_both_tables(coinciding) == 1 - 1 / 16


def test_the_smallest_gap_and_the_nearest_row_are_those_of_slow_loops():
    tables = Tables(np.random.default_rng(0).normal(size=(5, 3)), np.random.default_rng(1).normal(size=(7, 3)))
    sums = readers.list_sums(tables)
    gaps = [np.linalg.norm(a - b) for i, a in enumerate(sums) for j, b in enumerate(sums) if i != j]
    assert readers.find_smallest_gap(tables) == pytest.approx(min(gaps))
    observed = sums + 0.3
    slow = [np.linalg.norm(sums - row, axis=1).argmin() for row in observed]
    assert readers.find_nearest(observed, sums).tolist() == slow


@pytest.mark.parametrize(("width", "share"), [(2, 0.04), (8, 0.31), (16, 0.79), (32, 0.98), (64, 1.0)])
def test_the_nearest_row_is_right_as_often_as_predicted_and_at_least_as_the_union_bound_says(width, share):
    samples = [readers.sample_tables("random rows", width, seed) for seed in range(4)]
    score = np.mean([readers.score_position_table(tables) for tables in samples])
    bound = np.mean([readers.bound_accuracy(tables.positions) for tables in samples])
    assert score == pytest.approx(share, abs=0.09) and bound <= score + 0.01
    assert bound == pytest.approx({2: 0, 8: 0, 16: 0.25, 32: 0.98, 64: 1}[width], abs=0.2 if width == 16 else 0.01)


def test_the_union_bound_of_two_rows_is_the_accuracy():
    table = np.array([[0.0, 0.0], [3.0, 0.0]])
    tokens = np.random.default_rng(0).normal(size=(20_000, 2))
    accuracy = (readers.find_nearest(tokens + table[1], table) == 1).mean()
    assert readers.bound_accuracy(table) == pytest.approx(accuracy, abs=0.01)


def test_noise_drowns_a_sum_and_a_reader_without_positions_guesses():
    tables = readers.sample_tables("random rows", 32, seed=0)
    by_noise = [readers.score_both_tables(tables, signal) for signal in readers.SIGNALS]
    assert by_noise[:3] == [1, 1, 1] and by_noise[-1] < 0.3
    blind = Tables(tables.tokens, np.zeros_like(tables.positions))
    assert readers.score_position_table(blind) == pytest.approx(1 / readers.POSITIONS, abs=0.01)
    assert readers.score_trained_reader(tables, shuffled=True) < 0.05 < 0.7 < readers.score_trained_reader(tables)
