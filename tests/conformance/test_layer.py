"""The layer that the suite measures is the attention that is trained."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.conformance import layer
from jaxpe.conformance.subject import make_subject
from jaxpe.encodings import View
from jaxpe.model import MultiHeadAttention


def test_the_layer_is_the_models_attention():
    attention = MultiHeadAttention(32, 4, key=jax.random.key(0))
    encoding = make_subject("sinusoidal", "causal", 32, 4).encoding
    weights = {name: getattr(attention, name)[...] for name in ("query", "key", "value")}
    inputs = layer.make_inputs(32, 4)._replace(**weights)
    mask, positions = layer.make_mask("causal"), jnp.asarray(layer.POSITIONS)
    trace = layer.apply_layer(encoding, inputs, positions, mask)
    view = View(positions, positions, jnp.asarray(mask))
    out, record = attention(trace.embedded, *attention.project_keys_values(trace.embedded), encoding, view)
    np.testing.assert_allclose(trace.logits, record.logits, atol=1e-5)
    np.testing.assert_allclose(jnp.einsum("thk,hkd->td", trace.out, attention.out[...]), out, atol=1e-5)


def test_a_difference_at_a_value_that_is_not_finite_is_infinite():
    a, b = np.zeros((2, 3)), np.zeros((2, 3))
    b[1, 2] = np.nan
    assert layer.find_largest_difference(a, b) == (np.inf, (1, 2))
