"""Encodings that add to the embeddings: values against slow loops, and their scales."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.encodings import Context, build_encoding, concatenated, learned, random_fixed, sinusoidal

REFERENCES = {
    "sinusoidal": sinusoidal.reference_embed,
    "concatenated": concatenated.reference_embed,
    "random_fixed": random_fixed.reference_embed,
}


def build(name, width=8, max_length=50):
    return build_encoding(name, Context(width, 2, max_length, "bidirectional"), key=jax.random.key(3))


@pytest.mark.parametrize("name", REFERENCES)
def test_embed_equals_a_slow_loop(name):
    x = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    positions = np.array([0, 1, 7, 7, 30, 49])
    result = build(name).embed(jnp.asarray(x), jnp.asarray(positions))
    np.testing.assert_allclose(result, REFERENCES[name](x, positions), atol=2e-6)


def test_learned_equals_a_slow_loop_over_its_table():
    encoding, x, positions = build("learned"), np.ones((3, 8), np.float32), np.array([0, 5, 49])
    expected = learned.reference_embed(x, positions, table=np.asarray(encoding.table[...]))
    np.testing.assert_allclose(encoding.embed(jnp.asarray(x), jnp.asarray(positions)), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["sinusoidal", "learned", "random_fixed"])
def test_additive_codes_have_unit_scale(name):
    codes = build(name, 64, 200).embed(jnp.zeros((200, 64)), jnp.arange(200))
    assert np.sqrt(np.square(codes).mean()) == pytest.approx(1, abs=0.02)


def test_published_scales():
    paper = build("sinusoidal_paper").embed(jnp.ones((1, 8)), jnp.zeros((1,), int))
    np.testing.assert_allclose(paper[0, :2], [8**0.5, 8**0.5 + 1], rtol=1e-6)
    assert np.asarray(build("learned_bert").table[...]).std() == pytest.approx(0.02, rel=0.1)
    names = "sinusoidal_paper", "learned_bert", "sinusoidal", "learned", "rotary"
    assert [build(name, 64).token_std for name in names] == [1 / 8, 0.02, 1, 1, 1]


def test_a_learned_row_does_not_depend_on_the_size_of_the_table():
    small, large = (np.asarray(build("learned", max_length=n).table[...]) for n in (5, 9))
    np.testing.assert_array_equal(small, large[:5])
