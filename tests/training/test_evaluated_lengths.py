"""Test lengths, and the lengths that they are padded to."""

from small_runs import CONFIG

from jaxpe.training.evaluated_lengths import choose_padded_lengths, choose_test_lengths, pad_lengths
from jaxpe.training.sources import load_source


def test_lengths_are_padded_as_little_as_two_programs_allow():
    padded = choose_padded_lengths([1, 2, 8, 9, 16, 20, 40, 80], 8)
    assert padded == {1: 8, 2: 8, 8: 8, 9: 20, 16: 20, 20: 20, 40: 80, 80: 80}


def test_at_most_so_many_programs_are_used():
    padded = choose_padded_lengths(range(1, 101), shortest=0, programs=6)
    assert len(set(padded.values())) == 6 and all(top >= length for length, top in padded.items())


def test_lengths_that_share_a_program_are_padded_to_the_same_length_whatever_is_tested():
    stream = load_source(CONFIG).stream
    assert pad_lengths([1, 6], stream, 6, 4.0) == {1: 24, 6: 24} and pad_lengths([12], stream, 6, 4.0) == {12: 24}
    assert pad_lengths([1, 30], stream, 6, 4.0) == {1: 30, 30: 30} and pad_lengths([2, 9], stream, 6, 0.0)[2] == 9


def test_test_lengths_reach_the_ratio_and_include_the_training_length():
    lengths = choose_test_lengths(load_source(CONFIG).stream, 6, 4.0, 5)
    assert lengths[0] == 1 and lengths[-1] == 24 and {6, 7, 12} <= set(lengths)
    assert choose_test_lengths(load_source(CONFIG).stream, 6, 1.0, 3) == [1, 2, 6]
