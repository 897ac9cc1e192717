"""Matrix products with factors in bfloat16."""

import jax.numpy as jnp
import numpy as np
import pytest
from small_models import make_inputs

from jaxpe.model import ModelConfig, build_model
from jaxpe.model.products import contract


def test_factors_are_rounded_and_their_products_added_in_float32():
    generator = np.random.default_rng(0)
    a, b = (jnp.asarray(generator.normal(size=shape), jnp.float32) for shape in ((5, 300), (300, 4)))
    rounded = [np.asarray(part.astype(jnp.bfloat16), np.float64) for part in (a, b)]
    product = contract("td,de->te", a, b, "bfloat16")
    assert product.dtype == jnp.float32
    np.testing.assert_allclose(product, rounded[0] @ rounded[1], atol=1e-4)
    assert np.abs(product - np.asarray(a, np.float64) @ np.asarray(b, np.float64)).max() > 1e-3
    np.testing.assert_array_equal(contract("td,de->te", a, b), a @ b)


@pytest.mark.parametrize("architecture", ["encoder", "encoder_decoder"])
def test_a_model_in_bfloat16_rounds_its_products_and_nothing_that_comes_from_positions(architecture):
    """The same parameters; the code of a position in the hundreds is added at full precision."""
    plain, rounded = (
        build_model(ModelConfig(architecture, 12, width=16, product_dtype=dtype), "sinusoidal", {}, 600, 0)
        for dtype in ("float32", "bfloat16")
    )
    inputs = make_inputs([5, 6, 7])
    inputs = inputs._replace(positions=inputs.positions + 513, source=inputs.tokens, source_length=inputs.length)
    inputs = inputs._replace(source_positions=inputs.positions)
    outputs = [model(inputs, record=True) for model in (plain, rounded)]
    hidden = [output.record.hidden for output in outputs]
    np.testing.assert_array_equal(hidden[0][0], hidden[1][0])
    assert all(output.logits.dtype == jnp.float32 for output in outputs)
    gap = np.abs(outputs[0].logits - outputs[1].logits).max()
    assert 1e-3 < gap < 0.3
