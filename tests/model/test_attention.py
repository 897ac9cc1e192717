"""Attention against a slow loop, and length scaling."""

import jax.numpy as jnp
import numpy as np
from small_models import forward, make_inputs, make_model

from jaxpe.model import ForwardOptions
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
