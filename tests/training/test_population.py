"""Populations: the same bits whatever the other replicas are, a plain loop, and divergence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import CONFIG, draw_compiled, have_equal_bits, list_leaves, train_replicas

from jaxpe.training import population, train
from jaxpe.training.batches import make_length_buckets
from jaxpe.training.sources import load_source


def test_the_same_seed_gives_the_same_bits_whatever_the_other_replica_is(pair):
    swapped = train_replicas(seeds=(1, 0))
    assert have_equal_bits(pair[0], swapped[1]) and have_equal_bits(pair[1], swapped[0])
    assert not have_equal_bits(pair[0], pair[1])


def test_replicas_leave_their_devices_without_a_program(pair, monkeypatch):
    """A program over several devices waits for all of them, and one may be busy with what a thread compiles or draws."""
    extract = population.extract_replica

    def extract_from_memory(state, *rest):
        assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(state))
        return extract(state, *rest)

    monkeypatch.setattr(population, "extract_replica", extract_from_memory)
    assert have_equal_bits(train_replicas()[1], pair[1])


@pytest.mark.slow
def test_a_replica_equals_a_plain_loop(pair):
    stream = load_source(CONFIG).stream
    replica, buckets = train.init_replica(CONFIG, stream, 0, 3e-3), make_length_buckets(stream, 6, CONFIG.training)
    batches = draw_compiled(0, jnp.arange(40), {}, stream=stream, sampler=CONFIG.sampler, length_buckets=buckets)
    step = jax.jit(lambda number, replica, batches: train.train_step(number, replica, batches, CONFIG, buckets))
    for number in range(40):
        replica = step(jnp.int32(number), replica, jax.tree.map(lambda leaf, number=number: leaf[number], batches))
    for a, b in zip(jax.tree.leaves(replica.model), list_leaves(pair[0]), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


def test_a_replica_that_diverges_is_frozen_and_changes_no_bit_of_the_other(pair):
    other, diverged = train_replicas(learning_rates=(3e-3, 1e30))
    assert diverged.diverged and not other.diverged and have_equal_bits(other, pair[0])
    assert all(np.isfinite(leaf).all() for leaf in list_leaves(diverged))
    assert len(diverged.history["step"]) < len(other.history["step"])


def test_reading_a_round_while_it_runs_changes_no_bit_of_it(pair):
    seen = []

    def report(progress):
        seen.append((progress.advanced, progress.done, np.asarray(progress.replicas.history).copy(), progress.seconds))

    watched = train_replicas(report=report)
    assert all(
        have_equal_bits(*both) and both[0].history == both[1].history for both in zip(watched, pair, strict=True)
    )
    assert [(advanced, done) for advanced, done, *_ in seen] == [(10, 10), (10, 20), (20, 40)]
    taken = [history[..., -1].sum(axis=1).tolist() for *_, history, _ in seen]
    assert taken == [[10, 10], [20, 20], [40, 40]] and 0 < seen[0][-1] < seen[1][-1] < seen[2][-1]
