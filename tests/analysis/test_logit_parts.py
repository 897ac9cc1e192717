"""Shares of the parts of logits, and what is removed from them."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from probed_models import open_model

from jaxpe.analysis import attention, logit_parts


def test_shares_sum_to_one_and_a_constant_may_move_between_token_and_position():
    model, probe_data = open_model("learned")
    moved = jax.tree.map(lambda leaf: leaf, model)
    constant = jnp.arange(16.0) / 8
    moved.stack.embedding[...] = model.stack.embedding[...] + constant
    moved.stack.encodings[0].table[...] = model.stack.encodings[0].table[...] - constant
    inputs = probe_data.sample.inputs
    shares = [
        logit_parts.compute_part_shares(each, inputs, attention.compute_centre(each, inputs))[0]
        for each in (model, moved)
    ]
    assert np.abs(shares[0] - shares[1]).max() < 1e-4
    masks = np.array(list(attention.PARTS.values()), float)
    assert masks.sum(0).tolist() == np.ones((3, 3)).tolist()
    assert np.einsum("nab,abh->h", masks, shares[0]) == pytest.approx(1, abs=1e-4)


def test_parts_are_removed_in_all_heads_and_in_single_ones():
    removals = logit_parts.list_removals(2)
    assert len({json.dumps(columns) for columns, _ in removals}) == len(removals)
    both, first, second = (mask for columns, mask in removals if columns["part"] == "position-position")
    assert np.array_equal(both, first + second)
    assert all("head" not in columns for columns, _ in logit_parts.list_removals(1))


def test_of_a_split_that_misses_the_logits_only_the_error_is_kept(monkeypatch):
    model, probe_data = open_model("learned")
    monkeypatch.setattr(logit_parts, "SPLIT_EXACT", 0.0)
    results = logit_parts.measure_attention(model, model, probe_data)
    assert [columns["metric"] for columns, _ in results] == ["split_error"]
