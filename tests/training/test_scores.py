"""Scores of one example against a slow loop."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.data.examples import EOS, PAD, Example
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


def draw_case(seed):
    """Logits of nine tokens over eleven ids, and an example of which some answers are right, some wrong and some ends.

    The last trained place is the end, which is not counted; answers need not be neighbours.
    """
    generator = np.random.default_rng(seed)
    places = sorted(generator.choice(9, size=generator.integers(2, 7), replace=False))
    targets = np.full(9, PAD)
    targets[places] = [*generator.integers(5, 11, len(places) - 1), EOS]
    trained, counted = np.isin(np.arange(9), places), np.isin(np.arange(9), places[:-1])
    logits = generator.normal(size=(9, 11)).astype(np.float32)
    kind = seed % 4  # all right, ends instead of answers above right ones, a wrong end, anything
    for place in places:
        logits[place, targets[place]] = 6.0
    if kind == 1:
        logits[places[0], EOS] = 9.0
    elif kind == 2:
        logits[places[-1], 7] = 9.0
    elif kind == 3:
        logits[generator.choice(places), generator.integers(5, 11)] = 9.0
    example = Example(
        jnp.zeros(9, jnp.int32), jnp.int32(9), jnp.asarray(targets), jnp.asarray(trained), jnp.asarray(counted),
        jnp.zeros(0, jnp.int32), jnp.int32(0),
    )  # fmt: skip
    return logits, example, places


def score_slowly(logits, targets, places, characters):
    """The scores place by place. `places`: the answers in order, then the end."""
    answers, end = places[:-1], places[-1]
    best = [max(range(11), key=lambda token, row=row: row[token]) for row in logits]
    without_end = [max((t for t in range(11) if t != EOS), key=lambda token, row=row: row[token]) for row in logits]
    right = [best[place] == targets[place] for place in answers]
    nats = [math.log(sum(math.exp(value) for value in logits[p])) - float(logits[p, targets[p]]) for p in answers]
    return {
        "examples": 1,
        "answers": len(answers),
        "correct": sum(right),
        "exact": all(right) and best[end] == EOS,
        "exact_given_length": all(without_end[place] == targets[place] for place in answers),
        "nats": sum(nats),
        "characters": sum(characters[targets[place]] for place in answers),
        "index_answers": [1] * len(answers),
        "index_correct": right,
        "index_nats": nats,
        "index_characters": [characters[targets[place]] for place in answers],
    }


measure = jax.jit(measure_scores)


@pytest.mark.parametrize("seed", range(24))
def test_scores_equal_a_slow_loop(seed):
    logits, example, places = draw_case(seed)
    characters = np.arange(11.0)
    scores = measure(jnp.asarray(logits), example, {"characters": jnp.asarray(characters)})
    expected = score_slowly(logits, np.asarray(example.targets), places, characters)
    assert list(expected) == list(scores._fields)
    for name, value in expected.items():
        value = np.pad(value, (0, 9 - len(value))) if isinstance(value, list) else value
        np.testing.assert_allclose(getattr(scores, name), value, rtol=1e-5, atol=2e-6, err_msg=name)
    losses = measure_token_losses(jnp.asarray(logits), example, {"characters": jnp.asarray(characters)})
    np.testing.assert_allclose(np.asarray(losses.nats)[places], [*expected["index_nats"], 0], atol=2e-6)
    np.testing.assert_array_equal(np.asarray(losses.characters)[places], [*expected["index_characters"], 0])
    assert losses.answers.sum() == losses.answers[np.asarray(places[:-1])].sum() == len(places) - 1


def test_the_drawn_cases_tell_the_three_kinds_of_correctness_apart():
    results = [measure(jnp.asarray(logits), example, {}) for logits, example, _ in map(draw_case, range(24))]
    kinds = {(float(s.correct / s.answers) == 1, bool(s.exact), bool(s.exact_given_length)) for s in results}
    assert kinds >= {(True, True, True), (False, False, True), (True, False, True), (False, False, False)}


def test_without_characters_a_text_has_none():
    logits, example, _ = draw_case(0)
    assert measure(jnp.asarray(logits), example, {}).characters == 0
