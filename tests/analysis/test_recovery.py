"""Position that is projected out, read beyond training, and invisible order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from language_runs import open_language_model
from probed_models import get_first
from small_models import forward

from jaxpe.analysis import hidden, recovery
from jaxpe.training import parameters

forward_projected = jax.jit(recovery.forward_projected)


@pytest.mark.parametrize("task", ["masked_lm", "causal_lm"])
@pytest.mark.parametrize("encoding", ["none", "learned"])
def test_projecting_out_nothing_is_the_model_and_projecting_out_everything_leaves_the_mean(task, encoding):
    model, config, source = open_language_model(task, encoding)
    inputs = get_first(hidden.draw_probe_data(config, source, 24).sample.inputs)
    nothing, centre = jnp.zeros((16, 16)), jnp.linspace(-1, 1, 16)
    plain = forward(model, inputs)
    for layer in range(3):
        logits = forward_projected(model, inputs, jnp.int32(layer), nothing, centre)
        np.testing.assert_allclose(logits, plain, atol=1e-5)
    empty = forward_projected(model, inputs, jnp.int32(2), jnp.eye(16), centre)
    expected = model.stack.norm(centre[None]) @ model.unembedding[...]
    np.testing.assert_allclose(empty, np.broadcast_to(expected, empty.shape), atol=1e-5)


def test_only_an_encoder_without_positions_is_blind_to_order():
    gaps = {}
    for task in ("masked_lm", "causal_lm"):
        for encoding in ("none", "learned"):
            model, config, source = open_language_model(task, encoding)
            window = get_first(hidden.draw_probe_data(config, source, 24).batch[1])
            gaps[task, encoding] = float(recovery.measure_order_gap(model, window))
    blind = gaps.pop(("masked_lm", "none"))
    assert blind < 1e-5 and min(gaps.values()) > 0.01


def test_the_directions_of_position_hold_it_and_a_probe_beyond_training_extrapolates():
    _, config, source = open_language_model("causal_lm", "none")
    sample = hidden.draw_longer_sequences(config, source, 24)
    assert sample.position.max() == 16 and (sample.sequence < 24).all()
    random = np.random.default_rng(0)
    x = random.normal(size=(len(sample.position), 16))
    x[:, 5] = sample.position
    basis = recovery.find_position_directions(x, sample)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-9)
    assert np.linalg.norm(basis[5]) > 0.99
    states = np.zeros((2, 24, 17, 16))
    states[0][sample.real] = x
    states[1][sample.real] = random.normal(size=x.shape)
    line, noise = (value for _, value in recovery.probe_beyond(states, sample, trained=8))
    assert line < 0.01 and noise > 1


def test_a_probe_beyond_training_is_not_fitted_there():
    """States that run backwards beyond the training length: the line that fits within it errs by more than guessing."""
    _, config, source = open_language_model("causal_lm", "none")
    sample = hidden.draw_longer_sequences(config, source, 24)
    x = np.random.default_rng(1).normal(size=(len(sample.position), 4))
    x[:, 0] = np.where(sample.position <= 8, sample.position, 16 - sample.position)
    states = np.zeros((1, 24, 17, 4))
    states[0][sample.real] = x
    [(_, error)] = recovery.probe_beyond(states, sample, trained=8)
    later = np.arange(9, 17)
    expected = np.abs((16 - later) - later).sum() / np.abs(later - np.median(later)).sum()
    assert error == pytest.approx(expected, rel=0.02)


@jax.jit
def read_out(model, inputs, directions, centre):
    """Logits after directions of the last states are set to their mean."""
    x = model(inputs, record=True).record.hidden[-1]
    return model.stack.norm(x - (x - centre) @ directions @ directions.T) @ model.unembedding[...]


def test_losses_without_directions_are_those_of_one_example_after_the_other():
    model, config, source = open_language_model("causal_lm", "learned")
    untrained = parameters.init_model(config, source.stream, 4)
    probe_data, longer = hidden.draw_probe_data(config, source, 24), hidden.draw_longer_sequences(config, source, 8)
    results = recovery.measure_recovery(model, untrained, probe_data, longer, config.train_length, 0)
    losses = {(c["part"], c["layer"]): v for c, v in results if c["metric"] == "projected_out"}
    assert set(losses) == {(part, layer) for part in ("position", "random") for layer in (1, 2)}
    gaps = {c["network"]: v for c, v in results if c["metric"] == "order_gap"}
    gap = recovery.measure_order_gap(model, get_first(probe_data.batch[1]))
    assert gaps["trained"] == pytest.approx(float(gap), rel=1e-5)
    states = np.asarray(hidden.record_hidden_states(model, probe_data.sample.inputs))
    x = states[2].astype(np.float64)[probe_data.sample.real]
    basis, centre = recovery.find_position_directions(x, probe_data.sample), x.mean(0)
    bits = []
    for directions in (np.zeros_like(basis), basis):
        nats, characters = 0.0, 0.0
        for number in range(len(probe_data.batch[0].tokens)):
            example, inputs = jax.tree.map(lambda leaf, number=number: leaf[number], probe_data.batch)
            logits = np.asarray(read_out(model, inputs, directions, centre), np.float64)
            for t in np.flatnonzero(example.metric_mask):
                nats += np.log(np.exp(logits[t]).sum()) - logits[t, example.targets[t]]
                characters += float(source.validation["characters"][example.targets[t]])
        bits.append(nats / characters / np.log(2))
    assert losses["position", 2] == pytest.approx(bits[1] - bits[0], abs=1e-4)
    assert abs(losses["random", 2] - losses["position", 2]) > 1e-3
