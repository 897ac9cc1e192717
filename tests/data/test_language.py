"""Windows of text and what objectives ask of them, and pairs of sentences."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.data.examples import BLANK, BOS, EOS, SPECIALS
from jaxpe.data.language import TextStream, TranslationStream

DATA = {
    "tokens": jnp.asarray(SPECIALS + np.random.default_rng(0).integers(0, 50, 3000), jnp.int32),
    "starts": jnp.asarray([0, 100, 2000], jnp.int32),
}
MASKED, CAUSAL = TextStream("masked_lm", 50), TextStream("causal_lm", 50)
CAUSAL_MASKED, SAMPLED = TextStream("causal_masked_lm", 50), TextStream("sampled_causal_lm", 50)


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def draw(stream, length=12, longest=20, count=400):
    """Examples of the seeds 0, 1, 2, …"""
    return jax.vmap(lambda seed: stream.example(jax.random.key(seed), length, longest, DATA))(jnp.arange(count))


def test_masked_and_causal_lm_draw_the_same_windows_and_ask_for_their_tokens():
    masked, causal = draw(MASKED), draw(CAUSAL)
    assert (causal.tokens[:, 0] == BOS).all() and (causal.length == 13).all()
    np.testing.assert_array_equal(causal.targets[:, :12], causal.tokens[:, 1:13])
    original = jnp.where(masked.metric_mask, masked.targets, masked.tokens)
    np.testing.assert_array_equal(original[:, 1:13], causal.tokens[:, 1:13])
    text = np.asarray(DATA["tokens"])
    for row in np.asarray(causal.tokens)[:20, 1:13]:
        assert any((text[i : i + 12] == row).all() for i in range(len(text) - 12))


def test_mask_objective_and_number_of_predictions_change_one_at_a_time():
    masked, causal_masked, sampled, causal = (draw(stream) for stream in (MASKED, CAUSAL_MASKED, SAMPLED, CAUSAL))
    jax.tree.map(np.testing.assert_array_equal, masked, causal_masked)
    assert (CAUSAL_MASKED.architecture, SAMPLED.architecture) == ("decoder", "decoder")
    np.testing.assert_array_equal(sampled.tokens, causal.tokens)
    np.testing.assert_array_equal(sampled.loss_mask[:, :-1], masked.loss_mask[:, 1:])
    np.testing.assert_array_equal(sampled.targets[:, :-1], masked.targets[:, 1:])
    assert (sampled.loss_mask <= causal.loss_mask).all() and sampled.loss_mask.any(1).all()


def test_15_percent_of_the_tokens_are_selected_of_which_80_percent_become_the_mask():
    examples = draw(MASKED, 20, 20, 3000)
    selected, shown = np.asarray(examples.metric_mask), np.asarray(examples.tokens)
    assert selected.sum(1).min() >= 1 and not selected[:, 0].any()
    assert selected.sum() / (3000 * 20) == pytest.approx(0.15, abs=0.01)
    assert (shown[selected] == BLANK).mean() == pytest.approx(0.8, abs=0.01)
    assert (shown[selected] == np.asarray(examples.targets)[selected]).mean() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("stream", [MASKED, CAUSAL, SAMPLED])
def test_a_larger_array_adds_padding_only(stream):
    small, large = draw(stream, 12, 12, 50), draw(stream, 12, 30, 50)
    np.testing.assert_array_equal(small.tokens, large.tokens[:, :13])
    np.testing.assert_array_equal(small.targets, large.targets[:, :13])
    assert not np.asarray(large.tokens[:, 13:]).any()


def test_windows_may_start_at_documents_only():
    examples = draw(TextStream("causal_lm", 50, "document"))
    heads = {tuple(np.asarray(DATA["tokens"][start : start + 12])) for start in (0, 100, 2000)}
    assert {tuple(row) for row in np.asarray(examples.tokens)[:, 1:13]} == heads


def test_pairs_of_sentences_fit_the_length_and_end_with_eos():
    sizes = np.array([[3, 2], [5, 6], [9, 9]])
    data = {
        "source": jnp.asarray([[7] * n + [0] * (12 - n) for n in sizes[:, 0]]),
        "target": jnp.asarray([[8] * n + [0] * (12 - n) for n in sizes[:, 1]]),
        "source_length": jnp.asarray(sizes[:, 0]),
        "target_length": jnp.asarray(sizes[:, 1]),
        "fitting": jnp.asarray(np.searchsorted(sizes.max(1), np.arange(13), side="right")),
    }
    stream = TranslationStream(20)
    examples = jax.jit(jax.vmap(lambda seed: stream.example(jax.random.key(seed), 8, 10, data)))(jnp.arange(50))
    assert set(np.asarray(examples.source_length)) == {3, 5}
    for tokens, n in zip(np.asarray(examples.tokens), np.asarray(examples.length), strict=True):
        assert tokens[0] == BOS and tokens[n - 1] == EOS
        assert (tokens[1 : n - 1] == 8).all() and not tokens[n:].any()
