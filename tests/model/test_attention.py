"""Attention against a slow loop, and length scaling."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_models import forward, make_inputs, make_model

from jaxpe.model import ForwardOptions, attention
from jaxpe.model.attention import scale_for_length


def test_attention_equals_a_slow_loop():
    model, inputs = make_model("encoder", "sinusoidal"), make_inputs([5, 6, 7])
    record = model(inputs, record=True).record
    attention = model.stack.blocks[0].attention
    x = np.asarray(record.hidden[0], np.float64)
    h = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
    for head in range(2):
        q, k = (h @ np.asarray(weight[...], np.float64)[:, head] for weight in (attention.query, attention.key))
        for i in range(3):
            logits = [float(q[i] @ k[j]) / np.sqrt(8) for j in range(3)]
            weights = np.exp(logits) / np.exp(logits).sum()
            np.testing.assert_allclose(record.attention[0].weights[head, i], weights, atol=1e-5)


def test_length_scaling_is_log_n_over_log_n_of_training_for_more_keys_only():
    factors = scale_for_length(jnp.tri(6, dtype=bool), jnp.float32(3))[:, 0]
    np.testing.assert_allclose(factors, [1, 1, 1, np.log(4) / np.log(3), np.log(5) / np.log(3), np.log(6) / np.log(3)])


def test_length_scaling_changes_logits_only_if_there_are_more_keys_than_in_training():
    model, inputs = make_model("encoder", "none"), make_inputs([5, 6, 7, 8])
    plain = forward(model, inputs)
    enough, fewer = (forward(model, inputs, ForwardOptions(scaling_length=jnp.float32(n))) for n in (4, 2))
    np.testing.assert_allclose(plain, enough, atol=1e-6)
    assert np.abs(plain - fewer).max() > 1e-3


@pytest.mark.parametrize(("architecture", "encoding"), [("encoder_decoder", "interleaved_scaled"), ("decoder", "fire")])
def test_tiles_of_queries_give_the_loss_and_the_gradient_of_all_at_once(architecture, encoding, monkeypatch):
    model, inputs = make_model(architecture, encoding), make_inputs([5, 6, 7, 8, 9, 5, 6, 0], length=7)
    options = ForwardOptions(scaling_length=jnp.float32(3))

    def compute(record):
        def loss(model):
            return jax.nn.logsumexp(model(inputs, options, record=record).logits[:7], axis=-1).sum()

        return jax.jit(jax.value_and_grad(loss))(model)

    monkeypatch.setattr(attention, "WHOLE", 3)
    monkeypatch.setattr(attention, "TILE", 3)
    assert attention.choose_tile(8, 8) == 3
    (tiled, tiled_gradient), (whole, gradient) = compute(False), compute(True)  # a record is made of all at once
    np.testing.assert_allclose(tiled, whole, rtol=1e-6)
    for one, other in zip(jax.tree.leaves(tiled_gradient), jax.tree.leaves(gradient), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_a_long_decoder_needs_the_memory_of_one_tile():
    model, size = make_model("decoder", "rotary"), 4096
    inputs = make_inputs(np.full(size, 5), source=np.zeros(0, int))

    def measure(record):
        loss = lambda model: model(inputs, record=record).logits.sum()  # noqa: E731
        compiled = jax.jit(jax.grad(loss)).lower(model).compile({"xla_backend_optimization_level": 0})
        return compiled.memory_analysis().temp_size_in_bytes

    logits = 4 * 2 * size**2  # bytes of one block: two heads
    assert measure(False) < logits < measure(True)
