"""Properties of the three architectures: causality, padding, permutation, decoding step by step, replicas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe import model
from jaxpe.data.examples import EOS
from jaxpe.model import ForwardOptions, Inputs, ModelConfig
from jaxpe.training.batches import draw_batches, make_length_buckets

ARCHITECTURES = ("encoder", "decoder", "encoder_decoder")
# One of each kind of hook; tests/conformance/test_suite.py goes over the whole catalogue.
ENCODINGS = ("none", "sinusoidal", "learned", "concatenated", "rotary", "pope", "t5", "fire", "interleaved_scaled")
CASES = [(a, e) for a in ARCHITECTURES for e in ENCODINGS]


def make(architecture, encoding, seed=0):
    return model.build_model(ModelConfig(architecture, 12, width=16), encoding, {}, 40, seed)


def inputs(tokens, length=None, source=(6, 7, 8, 9, 10)):
    tokens = jnp.asarray(tokens)
    length = tokens.shape[0] if length is None else length
    source = jnp.asarray(source)
    return Inputs(
        tokens, jnp.arange(tokens.shape[0]), jnp.asarray(length), source, jnp.arange(len(source)), jnp.asarray(5)
    )


@pytest.mark.parametrize(("architecture", "encoding"), [case for case in CASES if case[0] != "encoder"])
def test_no_logit_depends_on_a_later_token(architecture, encoding):
    built, given = make(architecture, encoding), inputs([1, 5, 6, 7, 8, 9])
    gradient_of = jax.jit(jax.grad(lambda model, place: model(given).logits[place].sum()))
    for place in range(6):
        gradient = gradient_of(built, place).stack.embedding[...]
        touched = np.abs(np.asarray(gradient))[np.asarray(given.tokens)].sum(-1) > 0
        assert touched[: place + 1].all() and not touched[place + 1 :].any()


@pytest.mark.parametrize(("architecture", "encoding"), CASES)
def test_padding_changes_nothing(architecture, encoding):
    built, tokens = make(architecture, encoding), [1, 5, 6, 7]
    plain = built(inputs(tokens)).logits
    padded = built(inputs([*tokens, 11, 10, 9], 4, source=(6, 7, 8, 9, 10, 3, 2))).logits
    np.testing.assert_allclose(plain, padded[:4], atol=1e-5)


def test_without_an_encoding_an_encoder_is_blind_to_order():
    built, order = make("encoder", "none"), np.array([3, 1, 0, 5, 4, 2])
    tokens = np.array([5, 6, 7, 8, 9, 5])
    np.testing.assert_allclose(built(inputs(tokens)).logits[order], built(inputs(tokens[order])).logits, atol=1e-5)
    seeing = make("encoder", "sinusoidal")
    assert np.abs(seeing(inputs(tokens)).logits[order] - seeing(inputs(tokens[order])).logits).max() > 1e-2


@pytest.mark.parametrize(("architecture", "encoding"), [case for case in CASES if case[0] != "encoder"])
def test_step_by_step_equals_the_full_forward_pass(architecture, encoding):
    built = make(architecture, encoding)
    given = inputs([1, 5, 6, 0, 0, 0, 0, 0], 3)
    generated = model.generate(built, given, EOS)
    full = built(given._replace(tokens=generated, length=jnp.asarray(8))).logits.argmax(-1)
    end = next((i for i in range(3, 8) if generated[i] == EOS), 7)
    np.testing.assert_array_equal(generated[3 : end + 1], full[2:end])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_same_seed_gives_every_encoding_the_same_blocks(encoding):
    one, other = make("encoder_decoder", encoding), make("encoder_decoder", "none")
    for side in ("stack", "source"):
        pair = (getattr(one, side), getattr(other, side))
        jax.tree.map(np.testing.assert_array_equal, *(stack.blocks for stack in pair))
        np.testing.assert_array_equal(*(stack.embedding[...] for stack in pair))


def test_a_lane_of_a_vmap_equals_a_model_alone():
    given = inputs([1, 5, 6, 7, 8, 9])
    replicas = jax.vmap(lambda seed: make("decoder", "learned", seed)(given).logits)(jnp.arange(3))
    for seed in range(3):
        np.testing.assert_allclose(replicas[seed], make("decoder", "learned", seed)(given).logits, atol=1e-5)


def test_attention_equals_a_slow_loop():
    built, given = make("encoder", "sinusoidal"), inputs([5, 6, 7])
    record = built(given, record=True).record
    block = built.stack.blocks[0]
    x = np.asarray(record.hidden[0], np.float64)
    h = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
    for head in range(2):
        q, k = (h @ np.asarray(w[...], np.float64)[:, head] for w in (block.attention.query, block.attention.key))
        for i in range(3):
            logits = [float(q[i] @ k[j]) / np.sqrt(8) for j in range(3)]
            weights = np.exp(logits) / np.exp(logits).sum()
            np.testing.assert_allclose(record.attention[0].weights[head, i], weights, atol=1e-5)


def test_length_scaling_acts_beyond_the_trained_keys_only():
    built, given = make("encoder", "none"), inputs([5, 6, 7, 8])
    plain, wide, narrow = (built(given, ForwardOptions(scaling_length=n)).logits for n in (None, jnp.float32(4), jnp.float32(2)))
    np.testing.assert_allclose(plain, wide, atol=1e-6)
    assert np.abs(plain - narrow).max() > 1e-3


def test_positions_beyond_a_learned_table_are_refused():
    from jaxpe.errors import UserError

    with pytest.raises(UserError, match=r"0 … 39.*asked for 44"):
        make("encoder", "learned")(inputs([5] * 3)._replace(positions=jnp.arange(42, 45)))


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_training_step_lowers_for_accelerators(architecture, platform):
    from jaxpe.training import train
    from jaxpe.training.config import RunConfig, Training
    from jaxpe.training.sources import load_source

    config = RunConfig("reverse", architecture, "learned", 5, 60, width=16, training=Training(steps=4, batch=4))
    stream = load_source(config).stream

    length_buckets = make_length_buckets(stream, 5, config.training)

    def steps(seed):
        drawn = draw_batches(
            seed, jnp.arange(4), {}, stream=stream, sampler=config.sampler, length_buckets=length_buckets
        )
        return train.train_steps(train.init_replica(config, stream, seed, 1e-3), drawn, 0, 0, 2, config, length_buckets)

    exported = jax.export.export(jax.jit(steps), platforms=[platform])(jax.ShapeDtypeStruct((), jnp.int32))
    assert "while" in exported.mlir_module()
