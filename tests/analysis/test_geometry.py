"""Geometry of a table by its algebra: shifts, ridge fits, spectrum, components, overlap of subspaces."""

import numpy as np
import pytest

from jaxpe.analysis import geometry


def test_a_shift_of_sinusoids_is_linear_and_of_gaussian_rows_is_not():
    controls = geometry.make_controls(64, 16, seed=0)
    assert geometry.measure_rotation_residual(64, 16, 3) < 1e-20
    assert geometry.measure_shift_residuals(controls["control:sinusoidal"][None])[0] < 0.01
    assert 0.8 < geometry.measure_shift_residuals(controls["control:gaussian"][None])[0] < 1.3


def test_the_leave_one_out_error_of_a_ridge_map_equals_fits_without_each_row():
    """The chosen penalty is the one that a slow loop over left-out rows chooses."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(20, 6))
    y = x @ generator.normal(size=(6, 3)) + 2 * generator.normal(size=(20, 3))
    x, y = x - x.mean(0), y - y.mean(0)
    scale = (np.linalg.svd(x, compute_uv=False) ** 2).mean()

    def fit(penalty, rows):
        a, b = x[rows] - x[rows].mean(0), y[rows] - y[rows].mean(0)
        return np.linalg.solve(a.T @ a + penalty * np.eye(6), a.T @ b)

    def slow_error(penalty):
        total = 0.0
        for i in range(20):
            rows = np.arange(20) != i
            guess = (x[i] - x[rows].mean(0)) @ fit(penalty, rows) + y[rows].mean(0)
            total += ((y[i] - guess) ** 2).sum()
        return total

    best = min(geometry.PENALTIES * scale, key=slow_error)
    np.testing.assert_allclose(geometry.fit_ridge_map(x, y), fit(best, np.arange(20)), atol=1e-9)


def measure_shift_slowly(table, offset):
    """Row by row: the map is fitted on the rows that are not held out, with the penalty of the least leave-one-out error."""
    x, y = table[:-offset] - table.mean(0), table[offset:] - table.mean(0)
    kept = [p for p in range(len(x)) if p % 5 != 2]
    a, b = x[kept] - x[kept].mean(0), y[kept] - y[kept].mean(0)
    scale = (np.linalg.svd(a, compute_uv=False) ** 2).mean()

    def fit(penalty, rows):
        c, d = a[rows] - a[rows].mean(0), b[rows] - b[rows].mean(0)
        return np.linalg.solve(c.T @ c + penalty * np.eye(a.shape[1]), c.T @ d), a[rows].mean(0), b[rows].mean(0)

    def error(penalty):
        total = 0.0
        for i in range(len(a)):
            weights, at, mean = fit(penalty, [j for j in range(len(a)) if j != i])
            total += (((a[i] - at) @ weights + mean - b[i]) ** 2).sum()
        return total

    weights, _, _ = fit(min(geometry.PENALTIES * scale, key=error), list(range(len(a))))
    held = [p for p in range(len(x)) if p % 5 == 2]
    rest = (x[held] - x[kept].mean(0)) @ weights - (y[held] - y[kept].mean(0))
    return (rest**2).sum() / ((y[held] - y[kept].mean(0)) ** 2).sum()


@pytest.mark.parametrize("seed", range(12))
def test_a_shift_residual_is_that_of_a_slow_fit_on_other_rows(seed):
    """Of random walks, which a map explains in part: rows of the fit would be explained better."""
    generator = np.random.default_rng(seed)
    table = generator.normal(size=(24, 5)).cumsum(0) + generator.normal(size=(24, 5))
    for offset in (1, 2):
        residual = geometry.measure_shift_residuals(table[None], offset)[0]
        assert residual == pytest.approx(measure_shift_slowly(table, offset), rel=1e-6)


def test_one_wave_has_one_frequency_and_one_component():
    wave = np.outer(np.cos(2 * np.pi * 5 * np.arange(40) / 40), np.ones(3))
    assert geometry.compute_spectrum(wave)[4] == pytest.approx(1)
    assert geometry.compute_principal_components(wave, 2)[1][0] == pytest.approx(1)
    assert geometry.compute_similarity(wave)[0, 0] == pytest.approx(1)


def test_overlap_is_1_inside_0_outside_and_as_expected_for_random_subspaces():
    generator = np.random.default_rng(0)
    basis = np.linalg.qr(generator.normal(size=(24, 24)))[0]
    assert geometry.compute_overlap(basis[:, :3], basis[:, :5]) == pytest.approx(1)
    assert geometry.compute_overlap(basis[:, :3], basis[:, 3:9]) == pytest.approx(0)
    subspaces = [np.linalg.qr(generator.normal(size=(24, k)))[0] for k in [3, 7] * 300]
    overlaps = [geometry.compute_overlap(a, b) for a, b in zip(subspaces[::2], subspaces[1::2], strict=True)]
    assert np.mean(overlaps) == pytest.approx(geometry.expect_random_overlap(*subspaces[:2]), abs=0.01)
    flat = generator.normal(size=(50, 2)) @ generator.normal(size=(2, 24))
    assert geometry.find_directions(flat, 0.999).shape == (24, 2)
