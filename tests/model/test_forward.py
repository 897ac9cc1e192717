"""The forward pass of every architecture against slow loops, at parameters and positions of which none is a default."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from slow_models import forward_slowly
from small_models import ARCHITECTURES

from jaxpe.model import ForwardOptions, Inputs, ModelConfig, build_model

# One for each place where position enters, with one instance for all blocks and with one for each.
ENCODINGS = ("none", "sinusoidal", "sinusoidal_paper", "learned", "rotary", "alibi", "shaw", "transformer_xl", "pope")
INPUTS = Inputs(
    tokens=jnp.asarray([1, 5, 6, 7, 8, 9, 10]),
    positions=jnp.asarray([0, 2, 3, 4, 8, 9, 11]),
    length=jnp.asarray(5),
    source=jnp.asarray([6, 7, 8, 9, 10, 11]),
    source_positions=jnp.asarray([1, 2, 4, 5, 7, 8]),
    source_length=jnp.asarray(4),
)
OPTIONS = {"plain": {}, "scales": {"scales": (0.5, 3.0)}, "scaled": {"scaling_length": 2.5}}


@cache
def make_model(architecture, encoding):
    """A model with noise on every parameter, also on those that start at 0 or 1."""
    model = build_model(ModelConfig(architecture, 12, width=8, layers=2), encoding, {}, 40, 0)
    leaves, structure = jax.tree.flatten(model)
    generator = np.random.default_rng(0)
    noisy = [leaf + jnp.asarray(0.3 * generator.normal(size=leaf.shape), leaf.dtype) for leaf in leaves]
    return jax.tree.unflatten(structure, noisy)


@jax.jit
def forward(model, inputs, options):
    return model(inputs, options).logits


CASES = [(name, "plain") for name in ENCODINGS]
CASES += [(name, options) for name in ("none", "sinusoidal", "alibi") for options in ("scales", "scaled")]


@pytest.mark.parametrize(("encoding", "options"), CASES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logits_equal_slow_loops(architecture, encoding, options):
    """Of the real tokens; the others and the padding of the source are never read."""
    model, given = make_model(architecture, encoding), OPTIONS[options]
    arrays = {name: jnp.asarray(value, jnp.float32) for name, value in given.items()}
    logits = forward(model, INPUTS, ForwardOptions(**arrays))
    expected = forward_slowly(model, INPUTS, architecture != "encoder", **given)
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(logits[:5], expected[:5], atol=2e-4)


def test_the_options_change_the_logits():
    model = make_model("decoder", "sinusoidal")
    results = [forward_slowly(model, INPUTS, True, **given)[:5] for given in OPTIONS.values()]
    assert min(np.abs(results[0] - other).max() for other in results[1:]) > 1e-2


def test_blocks_without_an_encoding_are_those_that_it_names():
    """`interleaved` with blocks = 2 leaves out the second of three: the others have the bias of alibi."""
    config, options = ModelConfig("encoder", 12, width=8, layers=3), {"base": "alibi", "blocks": 2}
    models = [build_model(config, name, given, 40, 0) for name, given in (("interleaved", options), ("none", {}))]
    records = [model(INPUTS, record=True).record for model in models]
    model, logits = models[0], [layer.logits for layer in records[0].attention]
    for block, layer, hidden in zip(model.stack.blocks, logits, records[0].hidden[:3], strict=True):
        h = np.asarray(block.norms[0](hidden), np.float64)
        q, k = (np.einsum("td,dhk->thk", h, np.asarray(w[...])) for w in (block.attention.query, block.attention.key))
        plain = np.einsum("thk,shk->hts", q, k) / 2
        has_bias = np.abs(np.asarray(layer) - plain).max() > 1e-3
        assert has_bias == (block is not model.stack.blocks[1])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_parameters_start_with_the_documented_sizes(architecture):
    """Weights with the variance 1 / inputs, token embeddings with 1, gains at 1."""
    model = build_model(ModelConfig(architecture, 400, width=48, layers=2, heads=4), "none", {}, 40, 3)
    stacks = [model.stack] if model.source is None else [model.stack, model.source]

    def check(parameter, std):
        values = np.asarray(parameter[...])
        assert values.std() == pytest.approx(std, rel=0.06) and abs(values.mean()) < 4 * std / values.size**0.5

    check(model.unembedding, 48**-0.5)
    for stack in stacks:
        check(stack.embedding, 1.0)
        for block in stack.blocks:
            for attention in [block.attention] if block.cross is None else [block.attention, block.cross]:
                for weight in (attention.query, attention.key, attention.value, attention.out):
                    check(weight, 48**-0.5)
            check(block.mlp_in, 48**-0.5)
            check(block.mlp_out, (4 * 48) ** -0.5)
            assert block.mlp_in.shape == (48, 192) and all((norm.gain[...] == 1).all() for norm in block.norms)


def test_no_two_weights_start_alike():
    """Each has a key of its own, in every block and on both sides."""
    model = build_model(ModelConfig("encoder_decoder", 16, width=16, layers=2), "shaw", {}, 40, 0)
    first = [np.asarray(leaf).ravel()[:16] for leaf in jax.tree.leaves(model) if np.asarray(leaf).std() > 0]
    standard = [tuple(np.round(values / np.abs(values).max(), 4)) for values in first]
    assert len(set(standard)) == len(standard) > 25
