"""One replica: stopping early, and its history."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import draw_compiled

from jaxpe.training import train
from jaxpe.training.batches import make_length_buckets
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.sources import load_source


@pytest.fixture(scope="module")
def replicas():
    """An easy task, `first` over two symbols, trained with and without stopping early."""
    training = Training(steps=120, batch=8, length_buckets=1, warmup=0, decay="linear", stop_every=30)
    config = RunConfig("first", "encoder", "sinusoidal", 2, 20, width=16, layers=1, training=training)
    config = replace(config, task_options=(("alphabet", 2),))
    stream = load_source(config).stream
    buckets = make_length_buckets(stream, 2, training)
    batches = draw_compiled(0, jnp.arange(120), {}, stream=stream, sampler=config.sampler, length_buckets=buckets)

    def train_whole(config):
        run = jax.jit(lambda replica, batches: train.train_steps(replica, batches, 0, 0, 120, config, buckets))
        return run(train.init_replica(config, stream, 0, 1e-2), batches)

    return train_whole(config), train_whole(replace(config, training=replace(training, stop_every=0)))


def test_training_stops_at_a_multiple_of_stop_every_and_then_changes_nothing(replicas):
    stopped, whole = replicas
    steps = train.average_history(stopped)["step"][-1]
    assert bool(stopped.stopped) and bool(stopped.alive) and steps in (30, 60, 90)
    assert train.average_history(stopped)["exact_match"][-1] == 1.0
    # two programs: they may round differently
    np.testing.assert_allclose(stopped.history[: steps // 10], whole.history[: steps // 10], rtol=1e-5)
    assert np.abs(stopped.model.unembedding[...] - whole.model.unembedding[...]).max() > 0


def test_without_stop_every_all_steps_are_trained(replicas):
    whole = replicas[1]
    assert whole.stopped is None and train.average_history(whole)["step"] == list(range(10, 121, 10))


def test_the_first_step_at_a_threshold_is_found():
    history = {"step": [10, 20, 30], "token_accuracy": [0.2, 0.9, 0.8]}
    assert train.find_first_step(history, "token_accuracy", 0.8) == 20
    assert train.find_first_step(history, "token_accuracy", 0.9) == 20  # reached, not exceeded
    assert train.find_first_step(history, "token_accuracy", 0.95) is None


@pytest.mark.slow
def test_until_its_encoding_is_dropped_a_replica_trains_as_with_that_encoding():
    """The same parameters after the last step with the encoding, and others after the first one without it."""
    training = Training(steps=20, batch=4, length_buckets=1, warmup=4)
    config = RunConfig("reverse", "decoder", "rotary", 4, 40, width=8, layers=1, training=training)
    stream = load_source(config).stream
    buckets = make_length_buckets(stream, 4, training)
    batches = draw_compiled(0, jnp.arange(20), {}, stream=stream, sampler=config.sampler, length_buckets=buckets)

    def train_until(config, stops):
        replica = train.init_replica(config, stream, 0, 1e-2)
        run = jax.jit(lambda stop: train.train_steps(replica, batches, 0, 0, stop, config, buckets).model)
        return [jax.tree.leaves(run(stop)) for stop in stops]

    kept, dropped = (train_until(replace(config, encoding=name), (14, 15)) for name in ("rotary", "drop"))
    # two programs: they may round differently
    equal = [
        [np.allclose(a, b, rtol=1e-5, atol=1e-7) for a, b in zip(*pair, strict=True)]
        for pair in zip(kept, dropped, strict=True)
    ]
    assert all(equal[0]) and not any(equal[1])
