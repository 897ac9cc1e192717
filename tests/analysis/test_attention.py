"""The split of the first layer's logits is exact, and the model without a part is what it should be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from probed_models import open_model

from jaxpe import encodings
from jaxpe.analysis import attention

CASES = [
    ("sinusoidal", "reverse", "encoder", 2),
    ("learned", "copy", "decoder", 1),
    ("learned_bert", "reverse", "encoder_decoder", 1),
]


def get_last(batch):
    return jax.tree.map(lambda leaf: leaf[-1], batch)


def zero_queries(model, factors=0.0):
    """The model with the first layer's queries of each head multiplied by a factor."""
    changed = jax.tree.map(lambda leaf: leaf, model)
    changed.stack.blocks[0].attention.query[...] *= jnp.asarray(factors)
    return changed


@jax.jit
def split(model, inputs, single):
    """The sum of the parts and the recorded logits; and the output as it is, without nothing, all parts, and queries."""
    centre = attention.compute_centre(model, inputs)
    output = model(single, record=True)
    return {
        "parts": attention.split_logits(model, single, centre).sum((0, 1)),
        "recorded": output.record.attention[0].logits,
        "plain": output.logits,
        "without nothing": attention.forward_without(model, single, centre, jnp.zeros((3, 3, 2))),
        "without all parts": attention.forward_without(model, single, centre, jnp.ones((3, 3, 2))),
        "without queries": zero_queries(model)(single).logits,
    }


@pytest.mark.parametrize(("encoding", "task", "architecture", "layers"), CASES)
def test_parts_sum_to_the_recorded_logits_and_removing_nothing_is_the_model(encoding, task, architecture, layers):
    model, probe_data = open_model(encoding, task, architecture, layers)
    with jax.default_matmul_precision("highest"):
        results = split(model, probe_data.sample.inputs, get_last(probe_data.batch[1]))
    results = jax.tree.map(np.asarray, results)
    assert np.abs(results["parts"] - results["recorded"]).max() < 1e-5
    assert np.abs(results["without nothing"] - results["plain"]).max() < 1e-5
    # Without all parts every key gets the same weight, as with queries of zero.
    assert np.abs(results["without all parts"] - results["without queries"]).max() < 1e-4
    assert np.abs(results["without all parts"] - results["plain"]).max() > 1e-3


def test_a_part_is_removed_in_one_head_or_in_all():
    model, probe_data = open_model("learned")
    single = get_last(probe_data.batch[1])
    centre = attention.compute_centre(model, probe_data.sample.inputs)
    everywhere = attention.forward_without(model, single, centre, jnp.ones((3, 3, 2)))
    first = attention.forward_without(model, single, centre, jnp.zeros((3, 3, 2)).at[..., 0].set(1))
    assert np.abs(first - everywhere).max() > 1e-4
    assert np.abs(first - zero_queries(model, [[0.0], [1.0]])(single).logits).max() < 1e-4


def test_a_model_without_an_encoding_has_no_parts_with_position():
    model, probe_data = open_model("none")
    centre = attention.compute_centre(model, probe_data.sample.inputs)
    parts = np.asarray(attention.split_logits(model, get_last(probe_data.batch[1]), centre))
    assert not parts[2].any() and not parts[:, 2].any()


def test_covariances_are_those_of_a_slow_loop():
    generator = np.random.default_rng(0)
    parts = generator.normal(size=(3, 3, 1, 4, 4)).astype(np.float32)
    mask = np.tri(4, dtype=bool)
    covariance, variance = attention.sum_covariances(jnp.asarray(parts), jnp.asarray(mask))
    total, expected = parts.sum((0, 1))[0], [0.0, 0.0]
    for t in range(4):
        a, b = parts[1, 2, 0, t, : t + 1].astype(float), total[t, : t + 1].astype(float)
        expected[0] += np.mean((a - a.mean()) * (b - b.mean()))
        expected[1] += np.mean((b - b.mean()) ** 2)
    assert [float(covariance[1, 2, 0]), float(variance[0])] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "additive"),
    [("sinusoidal", True), ("learned", True), ("none", True), ("sinusoidal_paper", False), ("concatenated", False)],
)
def test_additive_encodings_are_recognised_by_measurement(name, additive):
    context = encodings.Context(16, 2, 8, "bidirectional")
    encoding = encodings.build_encoding(name, context, key=jax.random.key(0))
    assert attention.acts_additively(encoding, jnp.arange(8), 16) == additive


@pytest.mark.parametrize(("name", "factors"), [("sinusoidal_paper", [4] * 16), ("concatenated", [1] * 12 + [0] * 4)])
def test_the_token_part_is_what_embed_makes_of_a_token(name, factors):
    context = encodings.Context(16, 2, 9, "bidirectional")
    encoding = encodings.build_encoding(name, context, key=jax.random.key(0))
    tokens = np.random.default_rng(0).normal(size=(5, 16)).astype(np.float32)
    part = attention.compute_token_part(encoding, jnp.asarray(tokens))
    np.testing.assert_allclose(part, tokens * factors, atol=1e-6)
