"""The loss of a batch and its gradient."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import CONFIG

from jaxpe.model import ForwardOptions
from jaxpe.training.batches import draw_batches, make_length_buckets
from jaxpe.training.loss import choose_group_size, compute_gradient
from jaxpe.training.parameters import init_model
from jaxpe.training.sources import load_source


@pytest.mark.slow
def test_the_gradient_over_small_groups_equals_the_gradient_over_whole_buckets():
    stream = load_source(CONFIG).stream
    model, buckets = init_model(CONFIG, stream), make_length_buckets(stream, 6, CONFIG.training)
    batches = draw_batches(0, jnp.arange(1), {}, stream=stream, sampler=CONFIG.sampler, length_buckets=buckets)
    batches, options = jax.tree.map(lambda leaf: leaf[0], batches), ForwardOptions(progress=0.0)
    configs = [replace(CONFIG, activation_budget=budget) for budget in (1, 2**20)]
    gradients = [compute_gradient(model, batches, config, buckets, options) for config in configs]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), *gradients)


def test_a_group_is_a_divisor_of_the_examples_within_the_activation_budget():
    assert choose_group_size(replace(CONFIG, activation_budget=1), 12, 8) == 1
    assert choose_group_size(replace(CONFIG, activation_budget=7 * 12 * 16), 12, 8) == 4
    assert choose_group_size(CONFIG, 12, 8) == 8
