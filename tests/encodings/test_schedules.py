"""Encodings that act in some blocks or for a part of training only: drop and interleaved."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.encodings import Context, View, build_encoding
from jaxpe.encodings.base import DECLARATIONS
from jaxpe.errors import UserError


def build(name, **options):
    return build_encoding(name, Context(8, 2, 50, "bidirectional"), key=jax.random.key(3), **options)


@pytest.mark.parametrize("base", ["rotary", "pope", "alibi", "sinusoidal"])
def test_drop_acts_for_its_share_of_training_and_then_not_at_all(base):
    q, k = jnp.asarray(np.random.default_rng(0).normal(size=(2, 6, 2, 4)), jnp.float32)
    x, positions = jnp.ones((6, 8)), jnp.arange(6)
    drop, plain = build("drop", base=base, after=0.5), build(base)
    before, after = (drop.at(1, jnp.float32(progress)) for progress in (0.49, 0.5))
    assert type(drop.at(1, 1.0)).__name__ == "NoEncoding" and drop.at(1, 0.0) is drop.base
    np.testing.assert_array_equal(before.embed(x, positions), plain.embed(x, positions))
    np.testing.assert_array_equal(after.embed(x, positions), x)
    expected = plain.rotate(q, k, View(positions, positions))[1]
    np.testing.assert_array_equal(before.rotate(q, k, View(positions, positions))[1], expected)
    logits = [np.einsum("thk,shk->hts", *pair) for pair in (after.rotate(q, k, View(positions, positions)), (q, k))]
    np.testing.assert_allclose(*logits, rtol=1e-5)
    bias = after.bias(q, k, View(positions, positions))
    assert bias is None or not bias.any()


@pytest.mark.parametrize(
    ("name", "base", "own"),
    [("drop", "learned_bert", ["changes_at"]), ("interleaved", "rotary", []), ("dape", "alibi", [])],
)
def test_a_wrapper_declares_what_its_base_declares(name, base, own):
    wrapper, plain = build(name, base=base), build(base)
    assert [name for name in DECLARATIONS if getattr(wrapper, name) != getattr(plain, name)] == own
    assert plain.token_std == (0.02 if base == "learned_bert" else 1)


@pytest.mark.parametrize(("after", "changes"), [(0.5, (0.5,)), (0.9, (0.7, 0.9))])
def test_drop_declares_its_change_and_the_earlier_ones_of_its_base(after, changes):
    assert build("drop", base="drop", after=after).changes_at == changes


def test_interleaved_leaves_every_second_block_without_an_encoding():
    interleaved = build("interleaved", base="alibi", blocks=2)
    q = jnp.ones((3, 2, 4))
    biases = [interleaved.at(block, 1.0).bias(q, q, View(jnp.arange(3), jnp.arange(3))) for block in range(4)]
    assert [bias is None for bias in biases] == [False, True, False, True]
    with pytest.raises(UserError, match="acts inside blocks, such as rotary or alibi, got sinusoidal"):
        build("interleaved", base="sinusoidal")
