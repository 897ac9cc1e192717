"""Positions of every condition, and costs in bits."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from jaxpe.analysis import use
from jaxpe.training.config import RunConfig
from jaxpe.training.scores import TokenLosses

TESTED = [condition for condition in use.CONDITIONS if condition.size in (0, 4, 8)]


@pytest.mark.parametrize("condition", TESTED, ids=lambda condition: condition.name)
def test_positions_of_a_condition_follow_its_definition(condition):
    place, size = np.arange(33), max(condition.size, 1)
    sampled = use.sample_positions(jax.random.key(0), jnp.arange(40), condition=condition, length=32, size=33)
    sampled = np.asarray(sampled)
    if condition.kind in ("as trained", "shift"):
        np.testing.assert_array_equal(sampled, np.broadcast_to(place + condition.size, sampled.shape))
    elif condition.kind == "one id":
        assert (sampled == 16).all()
    else:
        assert len({tuple(row) for row in sampled}) > 1
    if condition.kind == "shuffle":
        assert (np.sort(sampled, 1) == place).all() and (sampled // size == place // size).all()
    elif condition.kind == "permute":
        whole = 33 - 33 % size
        starts = sampled[:, :whole:size]
        for i in range(size):  # every window stays whole
            np.testing.assert_array_equal(sampled[:, i:whole:size], starts + i)


def make_losses(nats):
    return TokenLosses(np.array([2.0, 2.0]), np.array([nats, nats]), np.array([5.0, 3.0]))


def test_a_cost_is_the_rise_of_the_loss_in_bits_per_character():
    losses = {"as trained": make_losses(4.0), "shift 8": make_losses(6.0), "one id": make_losses(3.0)}
    costs = {condition.name: cost for condition, cost in use.compute_position_costs(losses).items()}
    assert costs == {"shift 8": pytest.approx(4 / 8 / np.log(2)), "one id": pytest.approx(-2 / 8 / np.log(2))}


def test_losses_are_stored_and_read_again():
    losses = {"as trained": make_losses(4.0), "shift 8": make_losses(6.0)}
    again = use.unpack_losses(use.pack_losses(losses))
    assert list(again) == list(losses)
    assert all(np.array_equal(a, b) for name in losses for a, b in zip(again[name], losses[name], strict=True))


def test_shares_are_costs_over_that_of_one_id_and_models_without_position_have_none():
    base = dict.fromkeys(use.MODEL_COLUMNS, "x") | {"metric": "cost"}
    rows = [
        base | {"seed": seed, "condition": kind, "size": 8, "value": value}
        for seed, whole in ((0, 0.5), (1, use.LEAST_BITS / 2))
        for kind, value in (("shift", 0.1), ("one id", whole))
    ]
    shares = use.compute_shares(pd.DataFrame(rows))
    assert shares[["seed", "condition", "share"]].to_dict("records") == [
        {"seed": 0, "condition": "shift", "share": 0.2}
    ]


def test_deciding_sizes_leave_out_the_shift_by_32():
    rows = pd.DataFrame(
        [("shift", 1), ("shift", 8), ("shift", 32), ("shuffle", 4), ("permute", 8), ("one id", 0)],
        columns=["condition", "size"],
    )
    kept = use.select_deciding_sizes(rows)
    assert list(zip(kept["condition"], kept["size"], strict=True)) == [
        ("shift", 1), ("shift", 8), ("shuffle", 4), ("permute", 8),
    ]  # fmt: skip


def test_costs_are_averaged_by_seed_in_shares_and_in_bits():
    base = dict.fromkeys(use.MODEL_COLUMNS, "x") | {"metric": "cost", "task": "causal_lm"}
    rows = [
        base | {"seed": seed, "condition": kind, "size": size, "value": value}
        for seed, whole in ((0, 0.5), (1, use.LEAST_BITS / 2))
        for kind, size, value in (("shift", 1, 0.1), ("shift", 8, 0.3), ("shift", 32, 9.0), ("one id", 0, whole))
    ]
    costs = use.read_costs(pd.DataFrame(rows))
    assert costs.average("causal_lm", "shift").to_dict() == {0: pytest.approx(0.4)}
    assert costs.average("causal_lm", "shift", "bits").to_dict() == {0: pytest.approx(0.2), 1: pytest.approx(0.2)}
    assert costs.average("causal_lm", "shift", "bits", (8,)).tolist() == [0.3, 0.3]
    assert costs.describe_dropped("causal_lm").startswith("1 of 2 models have no share and are left out")
    assert costs.describe_dropped("masked_lm") == "" and costs.select(seed=0).describe_dropped("causal_lm") == ""


@pytest.mark.parametrize(
    ("train_length", "shifts", "windows"),
    [
        (64, [1, 8, 32], [2, 4, 8]),
        (63, [1, 8, 32], [2, 4, 8]),
        (62, [1, 8], [2, 4, 8]),
        (15, [1, 8], [2]),
        (14, [1], [2]),
    ],
)
def test_positions_stay_among_those_of_training(train_length, shifts, windows):
    """Windows of half the training length are shifted by the other half at most, and hold two windows at least."""
    config = RunConfig("causal_lm", "decoder", "learned", train_length, 200)
    conditions = use.list_position_conditions(config)
    sizes = {kind: [c.size for c in conditions if c.kind == kind] for kind in ("shift", "shuffle", "permute")}
    assert sizes == {"shift": shifts, "shuffle": windows, "permute": windows}
    assert {condition.kind for condition in conditions} == {"as trained", "shift", "shuffle", "permute", "one id"}
