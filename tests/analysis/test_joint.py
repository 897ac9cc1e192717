"""Token and position recovered from their sum, against a slow search."""

import numpy as np
import pytest

from jaxpe.analysis import joint

RANDOM = np.random.default_rng(5)


def test_the_nearest_sum_and_the_second_are_those_of_a_slow_search():
    tables = joint.thin_tables(RANDOM.normal(size=(30, 5)), RANDOM.normal(size=(11, 5)))
    observed = RANDOM.normal(size=(40, 5))
    best, gap = joint.find_nearest_two(tables, observed)
    for x, pair, distance in zip(observed, best.tolist(), gap, strict=True):
        sums = {(v, t): tables.tokens[v] + tables.positions[t] for v in range(30) for t in range(11)}
        first, second = sorted(sums, key=lambda at: np.linalg.norm(x - sums[at]))[:2]
        assert tuple(pair) == first and distance == pytest.approx(np.linalg.norm(sums[first] - sums[second]))


def test_tokens_that_hardly_differ_are_distinguished():
    """Like untrained tokens of a vocabulary, which float32 dot products cannot rank."""
    tokens = RANDOM.normal(size=(300, 16)).astype(np.float32)
    tokens[50:] = tokens[50] + 1e-6 * RANDOM.normal(size=(250, 16)).astype(np.float32)
    reading = joint.recover_pairs(joint.thin_tables(tokens, RANDOM.normal(size=(20, 16))), "float32", 200)
    assert reading.token.all() and reading.position.all() and reading.gap.min() < 1e-5


def test_sums_are_read_exactly_unless_two_coincide_or_noise_is_large():
    tokens, rows = RANDOM.normal(size=(50, 16)), RANDOM.normal(size=(20, 16))
    tables = joint.thin_tables(tokens, rows)
    for signal in ("float32", "bfloat16"):
        reading = joint.recover_pairs(tables, signal, 100)
        assert reading.token.all() and reading.position.all() and reading.gap.min() > 0.1
    assert 0.05 < joint.recover_pairs(tables, "noise 1", 300).position.mean() < 0.95
    assert joint.recover_pairs(tables, "float32", 300).position_alone.mean() < 1  # without the token table it is noise
    tokens[7] = tokens[8]
    reading = joint.recover_pairs(joint.thin_tables(tokens, rows), "float32", 400)
    assert reading.position.all() and not reading.token.all() and reading.gap.min() == 0


def test_of_a_large_vocabulary_an_evenly_spaced_part_is_used(monkeypatch):
    monkeypatch.setattr(joint, "MAX_SUMS", 1000)
    assert len(joint.thin_tables(np.zeros((500, 2)), np.zeros((10, 2))).tokens) == 100
    assert len(joint.thin_tables(np.zeros((501, 2)), np.zeros((10, 2))).tokens) <= 100


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_noise_is_measured_in_the_size_of_positions(factor):
    """Also where tokens are ten times as large."""
    tables = joint.thin_tables(10 * RANDOM.normal(size=(30, 16)), 0.3 * RANDOM.normal(size=(20, 16)))
    token, position = RANDOM.integers(0, 30, 400), RANDOM.integers(0, 20, 400)
    observed = joint.observe_pairs(tables, token, position, f"noise {factor}", np.random.default_rng(1))
    noise = observed - tables.tokens[token] - tables.positions[position]
    assert noise.std() == pytest.approx(factor * np.sqrt((tables.positions**2).mean()), rel=0.05)
