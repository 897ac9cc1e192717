"""The share of rows, buckets or angles of a test that training never used."""

import jax
import jax.numpy as jnp
import pytest

from jaxpe import encodings


def build(name):
    sizes = {"model_width": 16, "heads": 4, "max_length": 200, "attention": "causal"}
    return encodings.build_encoding(name, **sizes, key=jax.random.key(0))


def test_rows_of_shaw_are_counted_by_distance():
    assert build("shaw").compute_untrained_share(9, 100) == pytest.approx(8 / 17)  # distances 9 … 16 of 0 … 16


def test_buckets_of_t5_are_counted():
    t5 = build("t5")
    used = {int(t5.find_bucket(jnp.float32([[r]]))[0, 0]) for r in range(20)}
    assert t5.compute_untrained_share(20, 200) == pytest.approx(1 - len(used) / 32)


def test_angles_of_rotary_are_those_that_did_not_go_round():
    assert build("rotary").compute_untrained_share(20, 200) == 0.5  # of two pairs the slow one turns by .2 radians
