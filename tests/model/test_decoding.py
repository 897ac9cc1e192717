"""Greedy decoding with a cache against the full forward pass."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_models import CAUSAL_CASES, forward, make_inputs, make_model

from jaxpe.data.examples import EOS
from jaxpe.encodings import View
from jaxpe.errors import UserError
from jaxpe.model import generate, make_padding_mask

complete = jax.jit(lambda model, inputs: generate(model, inputs, EOS))


@pytest.mark.parametrize(("architecture", "encoding"), CAUSAL_CASES)
def test_decoding_step_by_step_equals_the_full_forward_pass(architecture, encoding):
    model, prompt = make_model(architecture, encoding), make_inputs([1, 5, 6, 0, 0, 0, 0, 0], 3)
    generated = complete(model, prompt)
    best = forward(model, prompt._replace(tokens=generated, length=jnp.asarray(8))).argmax(-1)
    end = next((i for i in range(3, 8) if generated[i] == EOS), 7)
    np.testing.assert_array_equal(generated[:3], [1, 5, 6])
    np.testing.assert_array_equal(generated[3 : end + 1], best[2:end])
    assert not generated[end + 1 :].any()


@pytest.mark.parametrize("encoding", ["rotary", "learned", "t5"])
def test_decoding_uses_the_positions_of_the_inputs(encoding):
    """With gaps, as those of a sampler; each token keeps its own."""
    model, places = make_model("decoder", encoding), jnp.asarray([2, 3, 7, 8, 15, 16, 30, 39])
    prompt = make_inputs([1, 5, 6, 0, 0, 0, 0, 0], 3)._replace(positions=places)
    generated = complete(model, prompt)
    best = forward(model, prompt._replace(tokens=generated, length=jnp.asarray(8))).argmax(-1)
    end = next((i for i in range(3, 8) if generated[i] == EOS), 7)
    np.testing.assert_array_equal(generated[3 : end + 1], best[2:end])
    assert end > 4


@pytest.mark.parametrize("encoding", ["forgetting", "stick_breaking", "t5", "rotary", "interleaved_scaled"])
def test_states_of_decoding_equal_those_of_the_full_pass(encoding):
    """Not only the likeliest tokens: what the caches hold of earlier tokens and of the newest one is all there is."""
    model, inputs = make_model("decoder", encoding), make_inputs([1, 5, 6, 7, 8, 9, 10, 11])
    stack, caches = model.stack, model.stack.make_caches(8)
    full, _, _ = stack(stack.embed(inputs.tokens, inputs.positions), model.make_view(inputs))
    for t in range(8):
        token, position = inputs.tokens[t : t + 1], inputs.positions[t : t + 1]
        view = View(position, inputs.positions, make_padding_mask(8, t + 1)[None])
        x, caches, _ = stack(stack.embed(token, position), view, caches=caches, start=t)
        np.testing.assert_allclose(x[0], full[t], atol=2e-5)


def test_positions_that_a_table_does_not_have_are_refused_before_decoding():
    """Inside the loop they are traced, and an index beyond a table would be clamped without a word."""
    prompt = make_inputs([1, 5, 6, 0, 0, 0, 0, 0], 3)
    with pytest.raises(UserError, match=r"has the positions 0 … 39, but the input uses position 41"):
        generate(make_model("decoder", "learned"), prompt._replace(positions=jnp.arange(34, 42)), EOS)
