"""A round of training: at which steps it keeps parameters and pauses, and whose results are whose."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import CONFIG

from jaxpe.training import population, train
from jaxpe.training.config import Training
from jaxpe.training.population import ReplicaSpec, RoundState


@pytest.mark.parametrize(
    ("steps", "kept"),
    [
        (12, {3: "25", 6: "50", 12: "100"}),
        (1000, {250: "25", 500: "50", 1000: "100"}),
        (1, {1: "100"}),
        (2, {1: "50", 2: "100"}),
    ],
)
def test_parameters_are_kept_after_a_quarter_half_and_all_of_the_steps(steps, kept):
    assert population.list_snapshot_steps(steps) == kept


@pytest.mark.parametrize(
    ("steps", "stops"),
    [(12, [3, 6, 12]), (100, [25, 50, 100]), (101, [25, 50, 100, 101]), (250, [62, 100, 125, 200, 250])],
)
def test_a_round_pauses_where_parameters_are_kept_and_at_every_chunk(steps, stops):
    assert population.list_stops(steps) == stops


def make_state(count=3):
    """Replicas that hold their number everywhere; the second one diverged after its first ten steps."""
    numbers = jnp.arange(float(count))
    histories = np.zeros((count, 2, 4), np.float32)
    histories[:, 0] = [[10 * i, 5.0, 0.0, 10.0] for i in range(count)]
    histories[:, 1] = [[10 * i, 9.0, 10.0, 10.0] for i in range(count)]
    histories[1, 1] = 0
    replicas = train.Replica(
        {"weight": numbers}, {"state": numbers}, jnp.asarray([True, False, True]), jnp.arange(count), numbers,
        jnp.asarray(histories),
    )  # fmt: skip
    return RoundState(
        replicas, {name: {"weight": numbers + share} for name, share in (("25", 0.25), ("100", 0.75))}, np.zeros(())
    )


@pytest.mark.parametrize("i", range(3))
def test_every_replica_gets_its_own_results(i):
    spec = ReplicaSpec(10 + i, 0.1)
    result = population.extract_replica(make_state(), i, spec, 2.0)
    assert (result.spec, result.seconds) == (spec, 2.0)
    assert {name: float(model["weight"]) for name, model in result.snapshots.items()} == {
        "25": i + 0.25,
        "100": i + 0.75,
    }
    assert result.diverged == (i == 1)
    assert result.history["step"] == ([10] if i == 1 else [10, 20]) and result.history["loss"][0] == i
    assert result.history["token_accuracy"][0] == 0.5


def test_a_round_returns_its_replicas_in_order(monkeypatch):
    """Trained by a program that only counts: what comes back belongs to the specs in their order."""
    specs = [ReplicaSpec(seed, 0.1) for seed in (4, 7, 9)]
    state = make_state()
    monkeypatch.setattr(population, "init_replicas", lambda *arguments: state.replicas)
    monkeypatch.setattr(population, "advance_replicas", lambda program, replicas, first, stop: replicas)
    config = replace(CONFIG, training=Training(steps=8))
    results = population.train_round(config, None, None, specs)
    assert [result.spec.seed for result in results] == [4, 7, 9]
    assert [float(result.snapshots["100"]["weight"]) for result in results] == [0, 1, 2]
    assert [set(result.snapshots) for result in results] == [{"25", "50", "100"}] * 3
