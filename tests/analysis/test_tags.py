"""Positions as tags: piles of sums sorted again, and swapped tags compared with swapped words."""

import numpy as np
import pytest

from jaxpe.analysis import tags
from jaxpe.analysis.sums import Tables

RANDOM = np.random.default_rng(0)


def test_verses_are_rebuilt_from_the_pile_unless_two_sums_coincide():
    verses = [RANDOM.integers(0, 100, n) for n in (1, 7, 20)]
    known = tags.build_tables(100, 20, 64, 0)
    for verse, found in zip(verses, tags.rebuild_sentences(verses, known, 0.0, 0), strict=True):
        np.testing.assert_array_equal(verse, found)
    noisy = tags.rebuild_sentences(verses, known, 3.0, 0)
    assert any((verse != found).any() for verse, found in zip(verses, noisy, strict=True))
    tokens, positions = np.round(4 * known.tokens), np.round(4 * known.positions)  # exact sums
    tokens[1] = tokens[0] + positions[0] - positions[1]  # e[0] + p[0] = e[1] + p[1]
    (found,) = tags.rebuild_sentences([np.array([0, 1])], Tables(tokens, positions), 0.0, 0)
    assert found.tolist() != [0, 1]


@pytest.mark.parametrize(("encoding", "size"), [("sinusoidal", 1.0), ("learned_bert", 0.02)])
def test_the_tables_have_the_sizes_of_an_untrained_model(encoding, size):
    sizes = [float(np.sqrt((table**2).mean())) for table in tags.build_tables(100, 100, 64, 0, encoding)]
    assert sizes == pytest.approx([size, size], rel=0.05)


@pytest.mark.parametrize("encoding", ["sinusoidal", "learned"])
def test_moving_the_tag_is_moving_the_word(encoding):
    found = tags.compare_swaps(encoding, 0)
    assert found.tags_against_words < 1e-5 < 0.1 < found.words_against_original


def test_without_an_encoding_moving_words_changes_nothing():
    assert tags.compare_swaps("none", 0).words_against_original < 1e-5
