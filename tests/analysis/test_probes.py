"""Linear probes: planted signals are found on held-out data, noise is at chance, and ridge is scikit-learn's."""

import numpy as np
import pytest

from jaxpe.analysis import probes


def plant(noise, width=16, count=720):
    """Tokens of 30 sequences whose states contain the position in one direction and the token in others."""
    generator = np.random.default_rng(0)
    sequence, position = np.arange(count) // 24, np.arange(count) % 24
    token = generator.integers(0, 4, count)
    x = position[:, None] * generator.normal(size=width) + generator.normal(size=(4, width))[token] * 5
    return x + noise * generator.normal(size=x.shape), sequence, position, token


def test_a_probe_finds_a_planted_signal_also_at_new_positions():
    x, sequence, position, token = plant(noise=1.0)
    assert probes.probe_number(x, position, probes.split_by_sequence(sequence)).error_share < 0.1
    assert probes.probe_class(x, token, probes.split_by_sequence(sequence)).error_share < 0.01
    for blocks in (False, True):
        splits = probes.split_by_position(sequence, position, blocks)
        probe = probes.probe_number(x, position, splits)
        assert probe.error_share < 0.15
    assert probes.measure_order_accuracy(probe.predictions, splits, sequence, position)["near"] > 0.8


@pytest.mark.parametrize("width", [16, 48])
def test_a_probe_of_noise_is_at_chance_at_any_width(width):
    _, sequence, position, token = plant(noise=0.0)
    x = np.random.default_rng(1).normal(size=(len(position), width))
    splits = probes.split_by_sequence(sequence)
    assert probes.probe_number(x, position, splits).error_share == pytest.approx(1, abs=0.1)
    assert probes.probe_class(x, token, splits).error_share == pytest.approx(1, abs=0.1)
    splits = probes.split_by_position(sequence, position, blocks=False)
    probe = probes.probe_number(x, position, splits)
    assert probe.error_share == pytest.approx(1, abs=0.1)
    equal = [np.zeros_like(predicted) for predicted in probe.predictions]  # ties are guesses
    assert set(probes.measure_order_accuracy(equal, splits, sequence, position).values()) == {0.5}
    order = probes.measure_order_accuracy(probe.predictions, splits, sequence, position)
    assert order["far"] == pytest.approx(0.5, abs=0.1)


def test_shuffled_labels_leave_nothing_to_read():
    x, sequence, position, token = plant(noise=0.1)
    splits = probes.split_by_sequence(sequence)
    assert probes.probe_number(x, position, splits, shuffle=0).error_share == pytest.approx(1, abs=0.05)
    assert probes.probe_class(x, token, splits, shuffle=0).error_share > 0.8


def test_sequences_and_positions_that_are_held_out_are_not_fitted_on():
    _, sequence, position, _ = plant(noise=0.0)
    for split in probes.split_by_sequence(sequence):
        assert not set(sequence[split.train]) & set(sequence[split.test])
    for blocks in (False, True):
        splits = probes.split_by_position(sequence, position, blocks)
        for split in splits:
            assert not set(sequence[split.train]) & set(sequence[split.test])
            assert not set(position[split.train]) & set(position[split.test])
            assert not blocks or np.ptp(position[split.test]) == len(set(position[split.test])) - 1
        assert set(np.concatenate([position[split.test] for split in splits])) == set(position)


def test_ridge_is_that_of_scikit_learn():
    from sklearn.linear_model import Ridge

    x, _, position, _ = plant(noise=1.0)
    standard = (x - x.mean(0)) / x.std(0)
    predicted = probes.fit_ridge(x, position[:, None] * 1.0, [0.1])[0](x)[:, 0]
    assert predicted == pytest.approx(Ridge(alpha=0.1 * len(x)).fit(standard, position).predict(standard))


def test_a_sum_of_factors_leaves_no_mixed_variance_and_a_product_does():
    _, sequence, position, token = plant(noise=0.0)
    generator = np.random.default_rng(2)
    rows, tokens = generator.normal(size=(24, 8)), generator.normal(size=(4, 8))
    factors = {"position": position, "token": token}
    of_sum = probes.split_variance(rows[position] + tokens[token], factors, sequence)
    of_product = probes.split_variance(rows[position] * tokens[token], factors, sequence)
    assert sum(of_sum.values()) == pytest.approx(1) and of_sum["mixed"] < 1e-3 and of_product["mixed"] > 0.3


def test_pairs_are_near_up_to_the_distance_and_ties_count_one_half():
    """Against a loop over pairs; the predictions have ties and errors, and distances lie on both sides of the border."""
    generator = np.random.default_rng(4)
    position, sequence = np.tile(np.arange(0, 20, 2), 3), np.repeat(np.arange(3), 10)
    splits = probes.split_by_position(sequence, position, blocks=False)
    predictions = [np.round(position[split.test] / 4 + generator.normal(size=split.test.sum())) for split in splits]
    counts = {"near": [0.0, 0], "far": [0.0, 0]}
    distances = set()
    for predicted, split in zip(predictions, splits, strict=True):
        places, owners = position[split.test], sequence[split.test]
        for i in range(len(places)):
            for j in range(len(places)):
                if owners[i] == owners[j] and places[i] < places[j]:
                    distances.add(places[j] - places[i])
                    kind = "near" if places[j] - places[i] <= 8 else "far"
                    gap = predicted[j] - predicted[i]
                    counts[kind][0] += 0.5 if gap == 0 else float(gap > 0)
                    counts[kind][1] += 1
    assert 8 in distances and min(total for _, total in counts.values()) > 0
    measured = probes.measure_order_accuracy(predictions, splits, sequence, position)
    assert measured == pytest.approx({kind: right / total for kind, (right, total) in counts.items()})


def test_equal_states_are_ordered_by_guessing():
    position, sequence = np.tile(np.arange(12), 4), np.repeat(np.arange(4), 12)
    splits = probes.split_by_position(sequence, position, blocks=False)
    nothing = [np.zeros(split.test.sum()) for split in splits]
    assert set(probes.measure_order_accuracy(nothing, splits, sequence, position).values()) <= {0.5, np.nan}
