"""Sequences whose second half repeats the first."""

import numpy as np
from probed_models import open_heads

from jaxpe.analysis import repeated_tokens as repeated
from jaxpe.data.examples import SPECIALS


def test_sequences_repeat_and_the_control_differs_in_the_first_half_only():
    inputs = open_heads()[1].batch[1]
    halves = repeated.draw_random_halves(inputs, 5)
    again, other = (repeated.repeat_tokens(inputs, halves, which) for which in (True, False))
    assert (again.tokens[:, 1:6] == again.tokens[:, 6:11]).all() and (again.length == 11).all()
    assert (again.tokens[:, 6:11] == other.tokens[:, 6:11]).all()
    assert (again.tokens != other.tokens)[:, 1:6].any(1).all()
    assert all(len(set(row)) == 5 for row in again.tokens[:, 1:6].tolist())
    assert set(np.unique(halves)) <= set(np.unique(inputs.tokens)) - set(range(SPECIALS))


def test_the_loss_is_on_the_second_half_except_its_first_token():
    inputs = open_heads()[1].batch[1]
    halves = repeated.draw_random_halves(inputs, 5)
    example, _ = repeated.make_repeated_batch(inputs, halves)
    assert np.flatnonzero(example.loss_mask[0]).tolist() == [6, 7, 8, 9]
    assert example.targets[0, 6:10].tolist() == halves.words[0, 1:].tolist()


def test_halves_of_text_are_the_beginnings_of_the_sequences():
    inputs = open_heads()[1].batch[1]
    text = repeated.take_text_halves(inputs, 5)
    assert (text.words == inputs.tokens[:, 1:6]).all() and (text.others[1:] == text.words[:-1]).all()
