"""Scores of one example against a slow loop."""

import jax.numpy as jnp
import numpy as np

from jaxpe.data.examples import EOS, Example
from jaxpe.training.scores import measure_scores, measure_token_losses

# <bos> and five tokens; answers at places 1 to 3, <eos> at place 4.
LOGITS = np.random.default_rng(0).normal(size=(6, 9)).astype(np.float32)
TARGETS = np.array([0, 5, 6, 7, EOS, 0])
IS_ANSWER = np.isin(np.arange(6), (1, 2, 3))
EXAMPLE = Example(
    tokens=jnp.zeros(6, jnp.int32),
    length=jnp.int32(6),
    targets=jnp.asarray(TARGETS),
    loss_mask=jnp.asarray(np.isin(np.arange(6), (1, 2, 3, 4))),
    metric_mask=jnp.asarray(IS_ANSWER),
    source=jnp.zeros(0, jnp.int32),
    source_length=jnp.int32(0),
)
NATS = -np.log((np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True))[np.arange(6), TARGETS])


def answer(place, token, logits):
    """Logits whose largest entry at a place is a token."""
    logits = logits.copy()
    logits[place, token] = 9.0
    return logits


def test_scores_by_output_index_are_those_of_the_answers_in_order():
    logits = answer(2, 6, LOGITS)
    scores = measure_scores(jnp.asarray(logits), EXAMPLE, {"characters": jnp.arange(9.0)})
    np.testing.assert_array_equal(scores.index_answers, [1, 1, 1, 0, 0, 0])
    right = logits.argmax(-1) == TARGETS
    np.testing.assert_array_equal(scores.index_correct, [*right[1:4], 0, 0, 0])
    np.testing.assert_array_equal(scores.index_characters, [5, 6, 7, 0, 0, 0])
    assert scores.answers == 3 and scores.correct == right[1:4].sum() and scores.characters == 18


def test_a_wrong_end_counts_against_exact_match_but_not_given_the_length():
    logits = LOGITS
    for place in (1, 2, 3):
        logits = answer(place, TARGETS[place], logits)
    wrong_end, early_end = answer(4, 8, logits), answer(4, EOS, answer(1, 5, logits))
    early_end[1, EOS] = 10.0
    results = [
        measure_scores(jnp.asarray(part), EXAMPLE, {}) for part in (answer(4, EOS, logits), wrong_end, early_end)
    ]
    assert [int(scores.exact) for scores in results] == [1, 0, 0]
    assert [int(scores.exact_given_length) for scores in results] == [1, 1, 1]


def test_token_losses_are_the_cross_entropy_of_each_answer():
    losses = measure_token_losses(jnp.asarray(LOGITS), EXAMPLE, {})
    np.testing.assert_allclose(losses.nats, np.where(IS_ANSWER, NATS, 0), rtol=1e-5)
    np.testing.assert_array_equal(losses.answers, IS_ANSWER)
    assert float(measure_scores(jnp.asarray(LOGITS), EXAMPLE, {}).nats) == np.float32(losses.nats.sum())
