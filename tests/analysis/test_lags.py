"""Measures over lags against slow loops."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from jaxpe.analysis import geometry, lags

RANDOM = np.random.default_rng(3)
TABLE = RANDOM.normal(size=(24, 6)).cumsum(0)  # neighbours are similar, as in a learned table
TABLES = {"smooth": TABLE, "gaussian": RANDOM.normal(size=(24, 6)), "sinusoids": geometry.make_sinusoids(24, 6)}


def measure_one(measure, table, *more):
    return float(np.asarray(measure(table[None], *more))[0])


def slow_gram(table):
    centred = table - table.mean(0)
    return [[float(sum(a * b for a, b in zip(p, q, strict=True))) for q in centred] for p in centred]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_toeplitz_share_is_what_the_means_of_the_diagonals_explain(table):
    gram, positions = slow_gram(table), range(len(table))
    entries = [(q - p, gram[p][q]) for p in positions for q in positions]
    mean = sum(value for _, value in entries) / len(entries)
    total = sum((value - mean) ** 2 for _, value in entries)
    within = 0.0
    for lag in range(-len(table) + 1, len(table)):
        diagonal = [value for at, value in entries if at == lag]
        within += sum((value - sum(diagonal) / len(diagonal)) ** 2 for value in diagonal)
    assert measure_one(lags.compute_toeplitz_share, table) == pytest.approx(1 - within / total, abs=1e-9)


def test_the_share_of_the_lag_leaves_out_the_pairs_of_a_position_with_itself():
    gram = TABLE @ TABLE.T
    pairs = [(q - p, gram[p, q]) for p in range(24) for q in range(p + 1, 24)]
    means = {lag: np.mean([value for at, value in pairs if at == lag]) for lag in range(1, 24)}
    within = sum((value - means[lag]) ** 2 for lag, value in pairs)
    total = sum((value - np.mean([v for _, v in pairs])) ** 2 for _, value in pairs)
    assert measure_one(lags.compute_lag_share, gram) == pytest.approx(1 - within / total)


def test_similarity_by_lag_is_a_mean_of_cosines():
    for centre in (False, True):
        rows = TABLE - TABLE.mean(0) if centre else TABLE
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        slow = [np.mean([unit[p] @ unit[p + k] for p in range(24 - k)]) for k in range(13)]
        np.testing.assert_allclose(lags.compute_similarity_by_lag(TABLE[None], centre)[0], slow, atol=1e-9)


def test_symmetry_compares_both_sides_of_every_position():
    cosines = geometry.compute_similarity(TABLE, centre=False)
    pairs = [(cosines[p, p + k], cosines[p, p - k]) for p in range(24) for k in range(1, 12) if k <= p < 24 - k]
    mean = np.mean(pairs)
    slow = 1 - sum((a - b) ** 2 for a, b in pairs) / sum((a - mean) ** 2 + (b - mean) ** 2 for a, b in pairs)
    assert measure_one(lags.correlate_sides, cosines) == pytest.approx(slow)


def test_monotonicity_is_kendalls_tau_and_a_wave_has_its_period():
    curve = RANDOM.normal(size=30).round(1)  # with ties
    assert measure_one(lags.compute_monotonicity, curve) == pytest.approx(-kendalltau(curve, np.arange(30)).statistic)
    strength, period = lags.find_period(np.cos(2 * np.pi * np.arange(96) / 12)[None])
    assert strength[0] == pytest.approx(1, abs=0.01) and period[0] == 12
    strength, period = lags.find_period(np.exp(-np.arange(64) / 9)[None])
    assert strength[0] == pytest.approx(0, abs=1e-6) and np.isnan(period[0])
