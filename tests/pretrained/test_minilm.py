"""BERT against a slow loop and against the independent implementation; positions, padding, tokenizer."""

import math
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file
from tiny_bert import tokenize
from weight_tables import POSITIONS, TOKENS

from jaxpe.data import cache
from jaxpe.errors import UserError
from jaxpe.pretrained import minilm, models

GOLDEN = Path(__file__).parent / "golden" / "minilm.npz"


def slow_norm(x, weights, name):
    scaled = (x - x.mean()) / np.sqrt(x.var() + 1e-12)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def slow_layer(x, weights, name, mask, heads):
    """One token, one head and one key after the other, as the formula says."""
    erf = np.vectorize(math.erf)

    def linear(vector, part):
        return weights[f"{name}.{part}.weight"] @ vector + weights[f"{name}.{part}.bias"]

    outputs, width = [], x.shape[1] // heads
    for token in x:
        mixed = []
        for at in (slice(h * width, (h + 1) * width) for h in range(heads)):
            query = linear(token, "attention.self.query")[at]
            shares = [np.exp(query @ linear(key, "attention.self.key")[at] / np.sqrt(width)) for key in x] * mask
            mixed += list(
                sum(s * linear(key, "attention.self.value")[at] for s, key in zip(shares, x, strict=True))
                / shares.sum()
            )
        attended = slow_norm(
            token + linear(np.array(mixed), "attention.output.dense"), weights, f"{name}.attention.output.LayerNorm"
        )
        inner = linear(attended, "intermediate.dense")
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        outputs.append(slow_norm(attended + linear(inner, "output.dense"), weights, f"{name}.output.LayerNorm"))
    return np.array(outputs)


STATES = jax.jit(minilm.compute_hidden_states, static_argnames="heads")


@pytest.mark.parametrize("positions", [[0, 1, 2, 3, 4], [7, 3, 11, 0, 0], None])
def test_hidden_states_are_those_of_a_slow_loop(fetched_bert, positions):
    arrays, model = fetched_bert
    weights = {name: array.astype(np.float64) for name, array in arrays.items()}
    ids, mask = np.array([1, 4, 5, 2, 0]), np.array([True, True, True, True, False])
    placed = None if positions is None else jnp.array(positions)
    hidden = STATES(minilm.load_weights(model), jnp.array(ids), placed, jnp.array(mask), heads=2)
    x = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.token_type_embeddings.weight"][0]
    if positions is not None:
        x = x + weights["embeddings.position_embeddings.weight"][positions]
    x = np.array([slow_norm(token, weights, "embeddings.LayerNorm") for token in x])
    assert len(hidden) == 3
    for n, states in enumerate(hidden):
        np.testing.assert_allclose(states, x, atol=2e-4)
        x = slow_layer(x, weights, f"encoder.layer.{n}", mask, 2) if n < 2 else x
    mean = np.asarray(hidden[-1])[mask].mean(0)
    np.testing.assert_allclose(
        minilm.pool_sentence(hidden[-1], jnp.array(mask)), mean / np.linalg.norm(mean), atol=1e-5
    )


def test_tokens_move_with_their_positions_and_padding_has_no_effect(fetched_bert):
    weights, mask = minilm.load_weights(fetched_bert[1]), jnp.array([True, True, True, False])

    def last(ids, positions):
        return np.asarray(STATES(weights, jnp.array(ids), positions, mask, heads=2)[-1])[:3]

    order = jnp.array([2, 0, 1, 3])
    np.testing.assert_allclose(last([5, 1, 4, 0], order), last([1, 4, 5, 0], jnp.arange(4))[[2, 0, 1]], atol=1e-5)
    np.testing.assert_allclose(last([5, 1, 4, 0], None), last([1, 4, 5, 0], None)[[2, 0, 1]], atol=1e-5)
    assert np.abs(last([5, 1, 4, 0], jnp.arange(4)) - last([1, 4, 5, 0], jnp.arange(4))[[2, 0, 1]]).max() > 0.1
    np.testing.assert_array_equal(last([1, 4, 5, 0], jnp.arange(4)), last([1, 4, 5, 3], jnp.arange(4)))
    assert np.isnan(last([1, 4, 5, 0], jnp.arange(10, 14))).all()  # beyond the table


def test_sentences_become_ids_and_embeddings_of_length_1(fetched_bert):
    model = fetched_bert[1]
    ids, mask = tokenize(model, ["a dog bit a dog", "dog cat"], 5)
    assert ids.tolist() == [[1, 4, 5, 6, 2], [1, 5, 3, 2, 0]] and mask.sum(1).tolist() == [5, 4]
    embeddings = minilm.embed_sentences(minilm.load_weights(model), ids, np.arange(5), mask, heads=2)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    with pytest.raises(UserError, match="has no tokenizer"):
        minilm.load_tokenizer(model._replace(tokenizer=None))
    with pytest.raises(UserError, match=r"tokenizer\.json of minilm cannot be read"):
        minilm.load_tokenizer(model._replace(tokenizer="{}"))


def test_the_names_of_an_older_bert_are_known_and_other_weights_refused(fetched_bert, tmp_path):
    weights, path = fetched_bert[0], tmp_path / "older.safetensors"
    older = {
        f"bert.{n}".replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): a
        for n, a in weights.items()
    }
    save_file(older, path)
    loaded = minilm.load_weights(models.open_model(path))
    np.testing.assert_array_equal(loaded["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.weight"])
    save_file({"wpe.weight": POSITIONS, "wte.weight": TOKENS}, path)
    with pytest.raises(UserError, match="does not have the weights of a BERT encoder"):
        minilm.load_weights(models.open_model(path))


@pytest.fixture
def published(monkeypatch):
    """The published MiniLM, from the tests' cache or the user's; skips the test if it is in neither."""
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxpe"
    if not cache.is_fetched("minilm"):
        if not (users / "fetched" / "minilm.safetensors").is_file():
            pytest.skip("needs `jaxpe fetch minilm`")
        monkeypatch.setenv("JAXPE_CACHE", str(users))
    return models.open_model("minilm")


def test_minilm_agrees_with_an_independent_implementation(published):
    """The values of golden/make_minilm.py."""
    golden = np.load(GOLDEN)
    assert (published.positions.shape, published.tokens.shape) == ((512, 384), (30522, 384))
    weights, length = minilm.load_weights(published), golden["ids"].shape[1]
    ids, mask = tokenize(published, [str(sentence) for sentence in golden["sentences"]], length)
    np.testing.assert_array_equal(ids, golden["ids"])
    np.testing.assert_array_equal(mask, golden["mask"])

    @jax.jit
    def states(weights, positions):
        return jax.vmap(lambda i, m: jnp.stack(minilm.compute_hidden_states(weights, i, positions, m)), out_axes=1)(
            ids, mask
        )

    places = jnp.arange(length)
    hidden = states(weights, places)
    np.testing.assert_allclose(hidden[..., :8], golden["layers"], atol=1e-4)
    np.testing.assert_allclose(states(weights, places + 3)[-1, ..., :8], golden["shifted"], atol=1e-4)
    without = weights | {"positions": jnp.zeros_like(weights["positions"])}
    np.testing.assert_allclose(states(without, places)[-1, ..., :8], golden["without"], atol=1e-4)
    np.testing.assert_allclose(jax.vmap(minilm.pool_sentence)(hidden[-1], mask), golden["pooled"], atol=1e-4)
