"""Measures of a position table against slow loops, and what they do not depend on."""

import numpy as np
import pytest

from jaxpe.analysis import geometry, position_table

RANDOM = np.random.default_rng(3)
TABLE = RANDOM.normal(size=(24, 6)).cumsum(0)  # neighbours are similar, as in a learned table
TABLES = {"smooth": TABLE, "gaussian": RANDOM.normal(size=(24, 6)), "sinusoids": geometry.make_sinusoids(24, 6)}
STACK = np.stack(list(TABLES.values()))
PER_COLUMN = ("position_error", "order_accuracy")  # their columns are standardized one by one
SEES_THE_ORIGIN = {"translation_invariance", "symmetry"}  # as a dot product does, and those with "raw" in the name


def measure_one(measure, table, *more):
    return float(np.asarray(measure(table[None], *more))[0])


# ── slow loops ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_adjacency_counts_positions_whose_nearest_other_is_a_neighbour(table):
    hits = 0
    for p in range(len(table)):
        others = [(np.linalg.norm(table[p] - table[q]), q) for q in range(len(table)) if q != p]
        hits += abs(min(others)[1] - p) == 1
    distances = geometry.compute_squared_distances(table)
    assert measure_one(position_table.compute_adjacency, distances) == pytest.approx(hits / len(table))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_effective_rank_is_the_exponential_of_an_entropy(table):
    centred = table - table.mean(0)
    values = np.sqrt(np.clip(np.linalg.eigvalsh(centred.T @ centred), 0, None))
    shares = [value / values.sum() for value in values if value > 1e-12]
    entropy = -sum(share * np.log(share) for share in shares)
    assert measure_one(position_table.compute_effective_rank, table) == pytest.approx(np.exp(entropy), rel=1e-6)
    ratio = (values**2).sum() ** 2 / (values**4).sum()
    assert measure_one(position_table.compute_participation_ratio, table) == pytest.approx(ratio, rel=1e-6)


def test_procrustes_is_the_residual_of_the_best_rotation():
    sinusoids = geometry.make_sinusoids(24, 6)
    a, b = TABLE - TABLE.mean(0), sinusoids - sinusoids.mean(0)
    u, s, v = np.linalg.svd(a.T @ b)
    residual = ((s.sum() / (a**2).sum() * a @ (u @ v) - b) ** 2).sum() / (b**2).sum()
    assert measure_one(position_table.compute_procrustes, TABLE, b) == pytest.approx(residual)
    for _ in range(20):  # no other rotation is better
        rotated = a @ np.linalg.qr(RANDOM.normal(size=(6, 6)))[0]
        factor = (rotated * b).sum() / (rotated**2).sum()
        assert ((factor * rotated - b) ** 2).sum() / (b**2).sum() > residual


def test_tokens_of_the_same_directions_overlap_and_others_do_not():
    positions = np.concatenate([RANDOM.normal(size=(24, 3)), np.zeros((24, 3))], axis=1)
    tokens = np.concatenate([RANDOM.normal(size=(50, 3)), np.zeros((50, 3))], axis=1)
    same = position_table.measure_token_overlap(positions[None], tokens[None])
    other = position_table.measure_token_overlap(positions[None], tokens[None, :, ::-1])
    assert same["token_overlap"][0] == pytest.approx(1) and other["token_overlap"][0] == pytest.approx(0, abs=1e-9)
    assert same["token_overlap_random"][0] == pytest.approx(0.5)


# ── properties ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_seeds_measured_together_are_as_measured_alone():
    together = position_table.measure_tables(STACK)
    for i, table in enumerate(STACK):
        for name, value in position_table.measure_tables(table[None]).items():
            np.testing.assert_allclose(together[name][i], value[0], rtol=1e-6, atol=1e-9, err_msg=name)
    curves = position_table.compute_curves(STACK)
    for name, curve in position_table.compute_curves(TABLE[None]).items():
        np.testing.assert_allclose(curves[name][0], curve[0], atol=1e-9)


def test_a_factor_changes_nothing():
    before, after = (position_table.measure_tables(table[None]) for table in (TABLE, 1000 * TABLE))
    for name in before:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-5, atol=1e-7, err_msg=name)


def test_a_rotation_changes_only_what_is_standardized_by_column():
    rotation = np.linalg.qr(RANDOM.normal(size=(6, 6)))[0]
    before, after = (position_table.measure_tables(table[None]) for table in (TABLE, TABLE @ rotation))
    for name in before:
        if not name.startswith(PER_COLUMN):
            np.testing.assert_allclose(after[name], before[name], rtol=1e-5, atol=1e-7, err_msg=name)


def test_the_same_row_added_to_all_changes_only_what_a_dot_product_sees():
    before, after = (position_table.measure_tables(table[None]) for table in (TABLE, TABLE + 7))
    for name in before:
        if name not in SEES_THE_ORIGIN and not name.endswith("_raw"):
            np.testing.assert_allclose(after[name], before[name], rtol=1e-4, atol=1e-6, err_msg=name)
    assert abs(after["symmetry"] - before["symmetry"])[0] > 1e-3


def test_constant_infinite_and_short_tables_are_nan_and_do_not_affect_others():
    infinite = TABLE.copy()
    infinite[3, 2] = np.inf
    together = position_table.measure_tables(np.stack([TABLE, np.ones_like(TABLE), np.zeros_like(TABLE), infinite]))
    alone = position_table.measure_tables(TABLE[None])
    for name, value in together.items():
        assert np.isnan(value[1:]).all(), name
        np.testing.assert_allclose(value[0], alone[name][0], rtol=1e-6, atol=1e-9)
    assert all(np.isnan(value).all() for value in position_table.measure_tables(TABLE[None, :7]).values())


def test_controls_have_the_properties_of_their_names():
    controls = position_table.make_control_tables(128, 16, range(2))
    assert set(controls) == {"control:sinusoidal", "control:gaussian", "control:smooth"}
    assert {stack.shape for stack in controls.values()} == {(2, 128, 16)}
    values = {name: position_table.measure_tables(stack) for name, stack in controls.items()}
    sinusoids, gaussian = values["control:sinusoidal"], values["control:gaussian"]
    assert (sinusoids["translation_invariance"] > 0.9999).all()
    assert (sinusoids["adjacency"] == 1).all() and (gaussian["adjacency"] < 0.1).all()
    assert (values["control:smooth"]["shift_residual_1"] < 0.1).all()
    assert (gaussian["shift_residual_1"] > 0.8).all()
    assert not np.array_equal(controls["control:gaussian"][0], controls["control:gaussian"][1])
