"""Probes of a table against a slow ridge regression, and on tables whose readings are known."""

import numpy as np
import pytest

from jaxpe.analysis import position_table, table_probes

RANDOM = np.random.default_rng(3)


def slow_ridge(x, y, test):
    """Columns standardized on the training rows; the penalty by fitting without each training row in turn."""
    mean, deviation = x.mean(0), x.std(0)
    x, test = (x - mean) / deviation, (test - mean) / deviation

    def fit(rows, targets, penalty):
        centred = rows - rows.mean(0)
        gram = centred.T @ centred + penalty * np.eye(x.shape[1])
        weights = np.linalg.solve(gram, centred.T @ (targets - targets.mean()))
        return lambda row: (row - rows.mean(0)) @ weights + targets.mean()

    def leave_one_out_error(penalty):
        total = 0.0
        for i in range(len(x)):
            others = [j for j in range(len(x)) if j != i]
            total += (fit(x[others], y[others], penalty)(x[i]) - y[i]) ** 2
        return total

    predict = fit(x, y, min((10.0**e for e in range(-6, 9)), key=leave_one_out_error))
    return [predict(row) for row in test]


@pytest.mark.parametrize("blocks", [False, True])
def test_errors_and_order_are_those_of_a_ridge_fit_without_the_held_out_rows(blocks):
    table = RANDOM.normal(size=(40, 5)).cumsum(0)
    folds, position = table_probes.assign_folds(40, blocks), np.arange(40.0)
    if blocks:  # sixteen positions stay together
        assert all(len(set(folds[first : first + 16])) == 1 for first in (0, 16, 32))
    else:
        assert np.bincount(folds).tolist() == [5] * 8
    error, chance, correct, pairs = 0.0, 0.0, {"near": 0.0, "far": 0.0}, {"near": 0, "far": 0}
    for fold in sorted(set(folds)):
        train, test = folds != fold, np.flatnonzero(folds == fold)
        predicted = slow_ridge(table[train], position[train], table[test])
        error += sum(abs(guess - p) for guess, p in zip(predicted, test, strict=True))
        chance += sum(abs(19.5 - p) for p in test)
        for i in range(len(test)):
            for j in range(i):
                kind = "near" if test[i] - test[j] <= 8 else "far"
                pairs[kind] += 1
                correct[kind] += predicted[i] > predicted[j]
    values = {name: float(value[0]) for name, value in table_probes.measure_probes(table[None]).items()}
    assert values["position_error_share_block" if blocks else "position_error_share"] == pytest.approx(
        error / chance, rel=1e-6
    )
    if not blocks:
        assert values["order_accuracy_near"] == pytest.approx(correct["near"] / pairs["near"])
        assert values["order_accuracy_far"] == pytest.approx(correct["far"] / pairs["far"])
        assert values["order_accuracy"] == pytest.approx(sum(correct.values()) / sum(pairs.values()))


@pytest.mark.parametrize("width", [32, 128, 512])
def test_positions_are_read_from_sinusoids_and_not_from_gaussian_rows(width):
    controls, splits = position_table.make_control_tables(128, width, [0]), table_probes.make_splits(128, blocks=False)
    stack = np.concatenate([controls["control:sinusoidal"], controls["control:gaussian"]])
    sinusoids, gaussian = table_probes.compute_position_error(table_probes.read_positions(stack, splits), splits)
    assert sinusoids < 0.01 and abs(gaussian - 1) < 0.08
