"""Dropout: its rate, its places, and what shares its random numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_models import forward, make_inputs, make_model

from jaxpe.model import Dropout, ForwardOptions
from jaxpe.model.interface import drop_out


def test_a_share_of_the_numbers_becomes_zero_and_the_mean_stays():
    x = jnp.full((200, 100), 3.0)
    dropped = drop_out(x, Dropout(0.2, jax.random.key(0)), 0)
    assert np.isclose(dropped, 3.75).mean() == pytest.approx(0.8, abs=0.01) and (dropped == 0).mean() + 0.8 < 1.01
    assert float(dropped.mean()) == pytest.approx(3.0, abs=0.05)
    assert drop_out(x, None, 0) is x


def test_every_place_loses_other_numbers():
    dropout = Dropout(0.5, jax.random.key(0))
    lost = [np.asarray(drop_out(jnp.ones((8, 8)), dropout, place) == 0) for place in range(4)]
    assert len({mask.tobytes() for mask in lost}) == 4


def make_options(seed=0, rate=0.5):
    return ForwardOptions(dropout=Dropout(rate, jax.random.key(seed)))


@pytest.mark.parametrize("architecture", ["encoder", "decoder", "encoder_decoder"])
def test_the_key_decides_what_is_dropped(architecture):
    model, inputs = make_model(architecture, "sinusoidal"), make_inputs([5, 6, 7])
    inputs = inputs._replace(source=inputs.tokens, source_positions=inputs.positions, source_length=inputs.length)
    plain, first, again, other = (
        forward(model, inputs, options)
        for options in (ForwardOptions(), make_options(), make_options(), make_options(1))
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - plain).max() > 0.01 and np.abs(first - other).max() > 0.01
    np.testing.assert_array_equal(plain, forward(model, inputs, make_options(rate=0.0)))


def test_the_sum_of_token_and_position_is_dropped():
    model, inputs = make_model("encoder", "sinusoidal"), make_inputs([5, 6, 7])
    hidden = model(inputs, make_options(), record=True).record.hidden
    assert (np.asarray(hidden[0]) == 0).mean() == pytest.approx(0.5, abs=0.2)
