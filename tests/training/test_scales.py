"""Token and position scales: in the forward pass, and as replicas of one program."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_models import forward
from small_runs import compile_program

from jaxpe.model import ForwardOptions
from jaxpe.training import parameters, population
from jaxpe.training.batches import make_inputs
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.identity import compute_run_id
from jaxpe.training.population import ReplicaSpec
from jaxpe.training.sources import load_source

CONFIG = RunConfig("index", "encoder", "sinusoidal", 6, 60, width=16, layers=1, training=Training(steps=10, batch=16))
SCALES = [(1.0, 0.0), (0.5, 2.0)]


def compute_logits(scales, config=CONFIG):
    source = load_source(config)
    model = parameters.init_model(config, source.stream)
    example = source.stream.example(jax.random.key(0), 6, 6, {})
    return forward(model, make_inputs(example, config.sampler, jax.random.key(0)), ForwardOptions(scales))


def train(config, specs):
    program = compile_program(config.program_key)
    replicas = population.train_round(config, load_source(config), program, specs)
    return [replica.snapshots["100"] for replica in replicas]


@pytest.fixture(scope="module")
def scaled_pair():
    """Two replicas of one program, with different scales."""
    return train(replace(CONFIG, scales=SCALES[0]), [ReplicaSpec(0, 3e-3, scales) for scales in SCALES])


def test_scales_of_one_change_nothing_and_a_position_scale_of_zero_is_no_position():
    plain, blind = compute_logits(None), compute_logits(None, replace(CONFIG, encoding="none"))
    np.testing.assert_allclose(compute_logits(jnp.asarray([1.0, 1.0])), plain, atol=1e-5)
    np.testing.assert_allclose(compute_logits(jnp.asarray([1.0, 0.0])), blind, atol=1e-5)
    assert np.abs(compute_logits(jnp.asarray([1.0, 3.0])) - plain).max() > 1e-2


def test_configs_that_differ_in_scales_share_a_program_and_are_different_runs():
    configs = [replace(CONFIG, scales=scales) for scales in SCALES]
    assert configs[0].program_key == configs[1].program_key != CONFIG.program_key
    assert len({compute_run_id(config, 0, load_source(CONFIG)) for config in [*configs, CONFIG]}) == 3


def test_a_replica_does_not_depend_on_the_scales_of_another(scaled_pair):
    [alone] = train(replace(CONFIG, scales=SCALES[1]), [ReplicaSpec(0, 3e-3, SCALES[1])])
    jax.tree.map(np.testing.assert_array_equal, scaled_pair[1], alone)


def test_training_with_a_position_scale_of_zero_is_training_without_an_encoding(scaled_pair):
    [none] = train(replace(CONFIG, encoding="none"), [ReplicaSpec(0, 3e-3)])
    for a, b in zip(jax.tree.leaves(none), jax.tree.leaves(scaled_pair[0]), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)
