"""Measures of a position table against slow loops, what they must not depend on, and rows that were never trained."""

import numpy as np
import pytest

from jaxpe.analysis import geometry, lags, position_table, table_probes, trained_rows

RANDOM = np.random.default_rng(3)
TABLE = RANDOM.normal(size=(24, 6)).cumsum(0)  # neighbours alike, as in a learned table
STACK = np.stack([TABLE, RANDOM.normal(size=(24, 6)), geometry.sinusoids(24, 6)])


def only(measure, table, *more):
    return float(np.asarray(measure(table[None], *more))[0])


def slow_dots(table):
    centred = table - table.mean(0)
    return [[float(sum(a * b for a, b in zip(p, q, strict=True))) for q in centred] for p in centred]


# ── against slow loops ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("table", STACK, ids=["smooth", "gaussian", "sinusoids"])
def test_the_toeplitz_share_is_what_the_means_of_the_diagonals_explain(table):
    gram, positions = slow_dots(table), range(len(table))
    entries = [(q - p, gram[p][q]) for p in positions for q in positions]
    mean = sum(value for _, value in entries) / len(entries)
    total = sum((value - mean) ** 2 for _, value in entries)
    within = 0.0
    for lag in range(-len(table) + 1, len(table)):
        own = [value for at, value in entries if at == lag]
        within += sum((value - sum(own) / len(own)) ** 2 for value in own)
    assert only(lags.toeplitz_share, table) == pytest.approx(1 - within / total, abs=1e-9)


def test_the_share_of_the_lag_leaves_out_the_pairs_of_a_position_with_itself():
    likeness = TABLE @ TABLE.T
    pairs = [(q - p, likeness[p, q]) for p in range(24) for q in range(p + 1, 24)]
    means = {lag: np.mean([value for at, value in pairs if at == lag]) for lag in range(1, 24)}
    within = sum((value - means[lag]) ** 2 for lag, value in pairs)
    total = sum((value - np.mean([v for _, v in pairs])) ** 2 for _, value in pairs)
    assert only(lags.lag_share, likeness) == pytest.approx(1 - within / total)


@pytest.mark.parametrize("table", STACK, ids=["smooth", "gaussian", "sinusoids"])
def test_adjacency_counts_positions_whose_nearest_other_is_a_neighbour(table):
    hits = 0
    for p in range(len(table)):
        others = [(np.linalg.norm(table[p] - table[q]), q) for q in range(len(table)) if q != p]
        hits += abs(min(others)[1] - p) == 1
    assert only(position_table.adjacency, geometry.squared_distances(table)) == pytest.approx(hits / len(table))


@pytest.mark.parametrize("table", STACK, ids=["smooth", "gaussian", "sinusoids"])
def test_the_effective_rank_is_the_exponential_of_an_entropy(table):
    centred = table - table.mean(0)
    values = np.sqrt(np.clip(np.linalg.eigvalsh(centred.T @ centred), 0, None))
    shares = [value / values.sum() for value in values if value > 1e-12]
    entropy = -sum(share * np.log(share) for share in shares)
    assert only(position_table.effective_rank, table) == pytest.approx(np.exp(entropy), rel=1e-6)
    ratio = (values**2).sum() ** 2 / (values**4).sum()
    assert only(position_table.participation_ratio, table) == pytest.approx(ratio, rel=1e-6)


def slow_ridge(x, y, test):
    """Columns standardised on the training rows, penalty by fitting without each training row in turn."""
    mean, deviation = x.mean(0), x.std(0)
    x, test = (x - mean) / deviation, (test - mean) / deviation

    def fit(rows, targets, penalty):
        centred = rows - rows.mean(0)
        weights = np.linalg.solve(
            centred.T @ centred + penalty * np.eye(x.shape[1]), centred.T @ (targets - targets.mean())
        )
        return lambda row: (row - rows.mean(0)) @ weights + targets.mean()

    def left_out(penalty):
        total = 0.0
        for i in range(len(x)):
            others = [j for j in range(len(x)) if j != i]
            total += (fit(x[others], y[others], penalty)(x[i]) - y[i]) ** 2
        return total

    read = fit(x, y, min((10.0**e for e in range(-6, 9)), key=left_out))
    return [read(row) for row in test]


@pytest.mark.parametrize("blocks", [False, True])
def test_the_position_error_is_that_of_a_ridge_fit_with_rows_held_out(blocks):
    table = RANDOM.normal(size=(40, 5)).cumsum(0)
    folds, place = table_probes.folds_of(40, blocks), np.arange(40.0)
    if blocks:  # runs of sixteen stay together
        assert all(len(set(folds[run : run + 16])) == 1 for run in (0, 16, 32))
    else:
        assert np.bincount(folds).tolist() == [5] * 8
    error, chance, right, asked = 0.0, 0.0, {"near": 0.0, "far": 0.0}, {"near": 0, "far": 0}
    for fold in sorted(set(folds)):
        train, held = folds != fold, np.flatnonzero(folds == fold)
        read = slow_ridge(table[train], place[train], table[held])
        error += sum(abs(guess - p) for guess, p in zip(read, held, strict=True))
        chance += sum(abs(19.5 - p) for p in held)
        for i in range(len(held)):
            for j in range(i):
                kind = "near" if held[i] - held[j] <= 8 else "far"
                asked[kind] += 1
                right[kind] += read[i] > read[j]
    found = {name: float(value[0]) for name, value in table_probes.probe_measures(table[None]).items()}
    name = "position_error_share_block" if blocks else "position_error_share"
    assert found[name] == pytest.approx(error / chance, rel=1e-6)
    if not blocks:
        assert found["order_accuracy_near"] == pytest.approx(right["near"] / asked["near"])
        assert found["order_accuracy_far"] == pytest.approx(right["far"] / asked["far"])
        assert found["order_accuracy"] == pytest.approx(sum(right.values()) / sum(asked.values()))


def test_similarity_by_lag_is_a_mean_of_cosines():
    for centre in (False, True):
        rows = TABLE - TABLE.mean(0) if centre else TABLE
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        slow = [np.mean([unit[p] @ unit[p + k] for p in range(24 - k)]) for k in range(13)]
        np.testing.assert_allclose(lags.similarity_by_lag(TABLE[None], centre)[0], slow, atol=1e-9)


def test_symmetry_compares_both_sides_of_every_position():
    likeness = geometry.similarity(TABLE, centre=False)
    pairs = [(likeness[p, p + k], likeness[p, p - k]) for p in range(24) for k in range(1, 12) if k <= p < 24 - k]
    mean = np.mean(pairs)
    slow = 1 - sum((a - b) ** 2 for a, b in pairs) / sum((a - mean) ** 2 + (b - mean) ** 2 for a, b in pairs)
    assert only(lags.both_sides, likeness) == pytest.approx(slow)


def test_monotonicity_is_kendalls_tau_and_periodicity_finds_a_wave():
    from scipy.stats import kendalltau

    curve = RANDOM.normal(size=30).round(1)  # with ties
    assert only(lags.monotonicity, curve) == pytest.approx(-kendalltau(curve, np.arange(30)).statistic)
    strength, period = lags.periodicity(np.cos(2 * np.pi * np.arange(96) / 12)[None])
    assert strength[0] == pytest.approx(1, abs=0.01) and period[0] == 12
    strength, period = lags.periodicity(np.exp(-np.arange(64) / 9)[None])
    assert strength[0] == pytest.approx(0, abs=1e-6) and np.isnan(period[0])


def test_procrustes_is_the_best_rotation():
    a, b = TABLE - TABLE.mean(0), geometry.sinusoids(24, 6) - geometry.sinusoids(24, 6).mean(0)
    u, s, v = np.linalg.svd(a.T @ b)
    residual = ((s.sum() / (a**2).sum() * a @ (u @ v) - b) ** 2).sum() / (b**2).sum()
    assert only(position_table.procrustes, TABLE, b) == pytest.approx(residual)
    for _ in range(20):  # no other rotation is better
        turn = np.linalg.qr(RANDOM.normal(size=(6, 6)))[0]
        turned = a @ turn
        factor = (turned * b).sum() / (turned**2).sum()
        assert ((factor * turned - b) ** 2).sum() / (b**2).sum() > residual


def test_overlap_with_tokens_of_the_same_directions_and_of_others():
    positions = np.concatenate([RANDOM.normal(size=(24, 3)), np.zeros((24, 3))], axis=1)
    tokens = np.concatenate([RANDOM.normal(size=(50, 3)), np.zeros((50, 3))], axis=1)
    same = position_table.token_overlap(positions[None], tokens[None])
    other = position_table.token_overlap(positions[None], tokens[None, :, ::-1])
    assert same["token_overlap"][0] == pytest.approx(1) and other["token_overlap"][0] == pytest.approx(0, abs=1e-9)
    assert same["token_overlap_random"][0] == pytest.approx(0.5)


# ── properties ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_seeds_together_are_seeds_one_by_one():
    together = position_table.measured(STACK)
    for i, table in enumerate(STACK):
        for name, value in position_table.measured(table[None]).items():
            np.testing.assert_allclose(together[name][i], value[0], rtol=1e-6, atol=1e-9, err_msg=name)
    curves = position_table.curves(STACK)
    for name, curve in position_table.curves(TABLE[None]).items():
        np.testing.assert_allclose(curves[name][0], curve[0], atol=1e-9)


def test_a_factor_changes_nothing():
    before, after = (position_table.measured(table[None]) for table in (TABLE, 1000 * TABLE))
    for name in before:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-5, atol=1e-7, err_msg=name)


PER_COLUMN = ("position_error", "order_accuracy")  # their columns are standardised one by one


def test_a_rotation_changes_only_what_is_standardised_by_column():
    turn = np.linalg.qr(RANDOM.normal(size=(6, 6)))[0]
    before, after = (position_table.measured(table[None]) for table in (TABLE, TABLE @ turn))
    for name in before:
        if not name.startswith(PER_COLUMN):
            np.testing.assert_allclose(after[name], before[name], rtol=1e-5, atol=1e-7, err_msg=name)


SEES_THE_ORIGIN = {"translation_invariance", "symmetry"}  # as a dot product does; and those that say "raw"


def test_the_same_row_added_to_all_changes_only_what_a_dot_product_sees():
    before, after = (position_table.measured(table[None]) for table in (TABLE, TABLE + 7))
    for name in before:
        if name not in SEES_THE_ORIGIN and not name.endswith("_raw"):
            np.testing.assert_allclose(after[name], before[name], rtol=1e-4, atol=1e-6, err_msg=name)
    assert abs(after["symmetry"] - before["symmetry"])[0] > 1e-3


def test_constant_broken_and_short_tables_are_nan_and_leave_the_others_alone():
    broken = TABLE.copy()
    broken[3, 2] = np.inf
    found = position_table.measured(np.stack([TABLE, np.ones_like(TABLE), np.zeros_like(TABLE), broken]))
    alone = position_table.measured(TABLE[None])
    for name, value in found.items():
        assert np.isnan(value[1:]).all(), name
        np.testing.assert_allclose(value[0], alone[name][0], rtol=1e-6, atol=1e-9)
    assert all(np.isnan(value).all() for value in position_table.measured(TABLE[None, :7]).values())


def test_controls_are_what_they_are_called():
    drawn = position_table.control_tables(128, 16, range(2))
    assert set(drawn) == {"control:sinusoidal", "control:gaussian", "control:smooth"}
    assert {stack.shape for stack in drawn.values()} == {(2, 128, 16)}
    found = {name: position_table.measured(stack) for name, stack in drawn.items()}
    assert (found["control:sinusoidal"]["translation_invariance"] > 0.9999).all()
    assert (found["control:sinusoidal"]["adjacency"] == 1).all() and (
        found["control:gaussian"]["adjacency"] < 0.1
    ).all()
    assert (found["control:smooth"]["shift_residual_1"] < 0.1).all()
    assert (found["control:gaussian"]["shift_residual_1"] > 0.8).all()
    assert not np.array_equal(drawn["control:gaussian"][0], drawn["control:gaussian"][1])


# ── rows that were never trained ────────────────────────────────────────────────────────────────────────────────────


def test_rows_that_training_moved():
    before = RANDOM.normal(size=(2, 6, 4)).astype(np.float32)
    after = before.copy()
    after[:, :3] += 1e-3
    after[0, 4, 1] += 1  # one seed only
    found = trained_rows.by_change(before, after)
    assert found.kept.tolist() == [0, 1, 2] and "4 moved in some seeds only" in found.sentence
    assert "None of the 6 rows" in trained_rows.by_change(before, before).sentence
    with pytest.raises(ValueError, match="give the same tables, unrounded"):
        trained_rows.by_change(before, after.astype(np.float64))


def test_the_last_rows_that_look_like_draws_are_guessed_at_and_it_is_said():
    table = np.concatenate([RANDOM.normal(size=(60, 64)), 0.02 * RANDOM.normal(size=(10, 64))])
    found = trained_rows.by_size(table)
    assert found.kept.tolist() == list(range(60)) and "60-69 look like draws" in found.sentence
    assert "A guess from the size" in found.sentence
    middle = np.concatenate([table[60:], table[:60]])  # only rows at the end are guessed at
    assert len(trained_rows.by_size(middle).kept) == 70
    assert len(trained_rows.by_size(RANDOM.normal(size=(70, 64))).kept) == 70
