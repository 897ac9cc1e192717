"""The three architectures: causality, padding, blindness to order, initialisation, replicas, lowering."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_models import ALL_CASES, ARCHITECTURES, CAUSAL_CASES, ENCODINGS, forward, make_inputs, make_model

from jaxpe.errors import UserError
from jaxpe.model import ForwardOptions, ModelConfig, build_model
from jaxpe.training import train
from jaxpe.training.batches import draw_batches, make_length_buckets
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.sources import load_source

TOKEN_STDS = {"sinusoidal_paper": 0.25, "learned_bert": 0.02}  # of the token embeddings at width 16; 1 elsewhere


@jax.jit
def compute_embedding_gradients(model, inputs):
    """For each token of the input, the gradient of its logits with respect to all token embeddings."""

    def gradient(place):
        return jax.grad(lambda model: model(inputs).logits[place].sum())(model).stack.embedding[...]

    return jax.lax.map(gradient, jnp.arange(inputs.tokens.shape[0]))


@pytest.mark.parametrize(("architecture", "encoding"), CAUSAL_CASES)
def test_no_logit_depends_on_a_later_token(architecture, encoding):
    inputs = make_inputs([1, 5, 6, 7, 8, 9])
    gradients = compute_embedding_gradients(make_model(architecture, encoding), inputs)
    depends = np.abs(np.asarray(gradients))[:, np.asarray(inputs.tokens)].sum(-1) > 0
    np.testing.assert_array_equal(depends, np.tri(6, dtype=bool))


@pytest.mark.parametrize(("architecture", "encoding"), ALL_CASES)
def test_padding_changes_nothing(architecture, encoding):
    model, tokens = make_model(architecture, encoding), [1, 5, 6, 7]
    plain = forward(model, make_inputs(tokens))
    padded = forward(model, make_inputs([*tokens, 11, 10, 9], 4, source=(6, 7, 8, 9, 10, 3, 2)))
    np.testing.assert_allclose(plain, padded[:4], atol=1e-5)


def test_without_an_encoding_an_encoder_is_blind_to_order():
    tokens, order = np.array([5, 6, 7, 8, 9, 5]), np.array([3, 1, 0, 5, 4, 2])
    straight, reordered = make_inputs(tokens), make_inputs(tokens[order])
    blind, seeing = make_model("encoder", "none"), make_model("encoder", "sinusoidal")
    np.testing.assert_allclose(forward(blind, straight)[order], forward(blind, reordered), atol=1e-5)
    assert np.abs(forward(seeing, straight)[order] - forward(seeing, reordered)).max() > 1e-2


@pytest.mark.parametrize("encoding", (*ENCODINGS, *TOKEN_STDS))
def test_the_same_seed_gives_every_encoding_the_same_blocks_and_token_embeddings_up_to_a_factor(encoding):
    models = make_model("encoder_decoder", encoding), make_model("encoder_decoder", "none")
    np.testing.assert_array_equal(*(model.unembedding[...] for model in models))
    for side in ("stack", "source"):
        stacks = [getattr(model, side) for model in models]
        jax.tree.map(np.testing.assert_array_equal, *(stack.blocks for stack in stacks))
        tokens, plain = (np.asarray(stack.embedding[...]) for stack in stacks)
        np.testing.assert_array_equal(tokens, TOKEN_STDS.get(encoding, 1.0) * plain)


@pytest.mark.parametrize("width", [16, 32, 128])
@pytest.mark.parametrize(
    ("encoding", "token", "position"),
    [("sinusoidal_paper", 1, 0.5**0.5), ("learned_bert", 0.02, 0.02), ("sinusoidal", 1, 1), ("learned", 1, 1)],
)
def test_tokens_and_positions_start_at_their_documented_sizes(encoding, token, position, width):
    """What the first block reads, on both sides: the RMS of the position's part and of the rest."""
    model = build_model(ModelConfig("encoder_decoder", 400, width, layers=1), encoding, {}, 400, 0)
    for stack in (model.stack, model.source):
        places = jnp.arange(400)
        code = stack.encodings[0].embed(jnp.zeros((400, width)), places)
        parts = stack.embed(places, places) - code, code
        assert [float(jnp.sqrt((part**2).mean())) for part in parts] == pytest.approx([token, position], rel=0.05)


@pytest.mark.slow
def test_a_model_in_a_vmap_equals_the_model_alone():
    inputs = make_inputs([1, 5, 6, 7, 8, 9])
    build = make_model.__wrapped__
    mapped = jax.vmap(lambda seed: build("decoder", "learned", seed)(inputs).logits)(jnp.arange(3))
    for seed in range(3):
        np.testing.assert_allclose(mapped[seed], forward(make_model("decoder", "learned", seed), inputs), atol=1e-5)


def test_scales_weigh_token_and_position():
    """a · token + b · position, where position is what the encoding adds."""
    stack, inputs = make_model("encoder", "sinusoidal").stack, make_inputs([5, 6, 7])
    tokens = stack.embedding[...][inputs.tokens]
    position = stack.embed(inputs.tokens, inputs.positions) - tokens
    scaled = stack.embed(inputs.tokens, inputs.positions, ForwardOptions(scales=jnp.array([2.0, 3.0])))
    np.testing.assert_allclose(scaled, 2 * tokens + 3 * position, atol=1e-5)


def test_positions_beyond_a_learned_table_are_refused():
    inputs = make_inputs([5] * 3)._replace(positions=jnp.arange(42, 45))
    with pytest.raises(UserError, match=r"0 … 39.*uses position 44"):
        make_model("encoder", "learned")(inputs)


def test_a_width_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(UserError, match="width 16 is not divisible by 3 heads"):
        ModelConfig("encoder", 12, width=16, heads=3)


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_training_lowers_for_accelerators(architecture, platform):
    training = Training(steps=4, batch=4, length_buckets=1)
    config = RunConfig("reverse", architecture, "learned", 5, 60, width=8, layers=1, training=training)
    stream = load_source(config).stream
    buckets = make_length_buckets(stream, 5, config.training)

    def train_two_steps(seed):
        batches = draw_batches(seed, jnp.arange(2), {}, stream=stream, sampler=config.sampler, length_buckets=buckets)
        replica = train.init_replica(config, stream, seed, 1e-3)
        return train.train_steps(replica, batches, 0, 0, 2, config, buckets)

    exported = jax.export.export(jax.jit(train_two_steps), platforms=[platform])(jax.ShapeDtypeStruct((), jnp.int32))
    assert "while" in exported.mlir_module()
