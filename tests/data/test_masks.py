"""Which places of a text are trained and counted: for every objective, against the window written out."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.data.examples import BOS, EOS, PAD, SPECIALS
from jaxpe.data.language import OBJECTIVES, TextStream, TranslationStream

TEXT = SPECIALS + np.arange(3000) % 613  # a window is found by its first token
DATA = {"tokens": jnp.asarray(TEXT, jnp.int32), "starts": jnp.asarray([0, 613, 1226], jnp.int32)}
SENTENCES = [([7, 8, 9], [10, 11]), ([12], [13, 14, 15, 16]), ([5, 6], [7])]
LENGTH, LONGEST = 12, 20


@partial(jax.jit, static_argnums=0)
def draw(stream, data, length=LENGTH):
    """200 examples in arrays with room for LONGEST."""
    return jax.vmap(lambda seed: stream.example(jax.random.key(seed), length, LONGEST, data))(jnp.arange(200))


@pytest.mark.parametrize("objective", [name for name in OBJECTIVES if name != "translation"])
def test_what_is_trained_is_counted_and_lies_in_the_text(objective):
    """No token beyond the window, no padding and never <bos>; targets are the tokens of the text at those places."""
    examples = jax.tree.map(np.asarray, draw(TextStream(objective, 613), DATA))
    np.testing.assert_array_equal(examples.loss_mask, examples.metric_mask)
    assert (examples.length == LENGTH + 1).all() and (examples.tokens[:, 0] == BOS).all()
    causal = draw(TextStream("causal_lm", 613), DATA)
    for i in range(200):
        window = np.asarray(causal.tokens[i])
        places = np.flatnonzero(examples.loss_mask[i])
        answered = places if objective.endswith("masked_lm") else places + 1
        np.testing.assert_array_equal(examples.targets[i, places], window[answered])
        assert (answered >= 1).all() and (answered <= LENGTH).all() and len(places)
        assert (examples.targets[i][~examples.loss_mask[i]] == PAD).all()
        assert (np.diff(window[1 : LENGTH + 1]) % 613 == 1).all()  # a piece of the text
        if objective == "causal_lm":
            np.testing.assert_array_equal(places, np.arange(LENGTH))
    assert not examples.tokens[:, LENGTH + 1 :].any() and not examples.loss_mask[:, LENGTH + 1 :].any()


def test_packed_windows_start_anywhere():
    """At every token that has more than a window after it."""
    short = {"tokens": jnp.asarray(SPECIALS + np.arange(LENGTH + 4), jnp.int32)}
    firsts = np.asarray(draw(TextStream("causal_lm", 50), short).tokens[:, 1]) - SPECIALS
    assert set(firsts.tolist()) == {0, 1, 2, 3}


def test_a_translation_is_trained_with_its_end_and_counted_without_it():
    rows = {
        name: jnp.asarray([row + [PAD] * (12 - len(row)) for row in sides])
        for name, sides in zip(("source", "target"), zip(*SENTENCES, strict=True), strict=True)
    }
    data = rows | {
        "source_length": jnp.asarray([len(source) for source, _ in SENTENCES]),
        "target_length": jnp.asarray([len(target) for _, target in SENTENCES]),
        "fitting": jnp.full(13, 3),
    }
    examples = jax.tree.map(np.asarray, draw(TranslationStream(20), data))
    seen = set()
    for i in range(200):
        source = examples.source[i, : examples.source_length[i]].tolist()
        target = examples.targets[i][examples.metric_mask[i]].tolist()
        assert (source, target) in SENTENCES
        seen.add(len(target))
        n = len(target)
        assert examples.tokens[i].tolist() == [BOS, *target, EOS] + [PAD] * (LONGEST + 2 - n - 2)
        assert examples.targets[i].tolist() == [*target, EOS] + [PAD] * (LONGEST + 2 - n - 1)
        assert np.flatnonzero(examples.loss_mask[i]).tolist() == list(range(n + 1))
        assert np.flatnonzero(examples.metric_mask[i]).tolist() == list(range(n))
        assert examples.length[i] == n + 2 and not examples.source[i, len(source) :].any()
    assert seen == {1, 2, 4}
