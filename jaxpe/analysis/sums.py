"""Sums of two signals: what is added to what, and how much the subspaces of the two kinds overlap.

A signal is a row of D numbers with a class: a picture of 8×8 pixels, a token embedding, the code of a position. A sum of two
is (1 − w)·a + w·b, with equal weights unless stated. Every signal has mean square 1, so that neither is louder.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from jaxpe import encodings, streams
from jaxpe.analysis.attention import acts_additively, compute_code
from jaxpe.analysis.geometry import compute_overlap, find_directions
from jaxpe.encodings import Context, Encoding

WIDTH = 64  # numbers of a signal
KINDS = 10  # classes of digits, and how many fixed digits or patterns there are
WORDS = 64  # tokens, and as many positions
TRAINED = 1200  # digits of the training part; the rest, by other hands, are for tests
TOKENS = "token + position"
CLASSES = {  # of the reader, by what is added to what
    "digit + digit": KINDS,
    "digit + fixed digit": KINDS,
    "digit + fixed pattern": 2 * KINDS,
    TOKENS: 2 * WORDS,
}


class Parts(NamedTuple):
    """What is added to what: rows of two kinds, their classes, and the pairs that may be drawn."""

    first: Float[Any, "N D"]
    first_labels: Int[Any, "N"]
    second: Float[Any, "M D"]
    second_labels: Int[Any, "M"]
    pairs: Int[Any, "P 2"]


class Tables(NamedTuple):
    """Token embeddings, and what is added to them at each position."""

    tokens: Float[ndarray, "V D"]
    positions: Float[ndarray, "P D"]


def standardize_rows(rows: Any) -> Float[ndarray, "N D"]:
    """Rows with mean 0 and mean square 1: equal energy, and plain grey is 0."""
    flat = np.asarray(rows, np.float32).reshape(len(rows), -1)
    centred = flat - flat.mean(1, keepdims=True)
    scaled: ndarray = centred / np.sqrt((centred**2).mean(1, keepdims=True))
    return scaled


def draw_patterns(count: int, width: int, seed: int) -> Float[ndarray, "{count} {width}"]:
    """Random signs: fixed codes without meaning, like the code of a position."""
    signs = np.random.default_rng((seed, count, width)).integers(0, 2, (count, width), np.int8)
    return (2 * signs - 1).astype(np.float32)


def list_pairs(first: ndarray, second: ndarray) -> Int[ndarray, "P 2"]:
    """All pairs of different classes, one index of each kind; each pair once where both kinds are the same rows."""
    allowed = first[:, None] != second[None]
    if first is second:
        allowed &= np.tri(len(first), dtype=bool).T
    return np.argwhere(allowed)


def pair_parts(first: ndarray, first_labels: ndarray, second: ndarray, second_labels: ndarray) -> Parts:
    return Parts(first, first_labels, second, second_labels, list_pairs(first_labels, second_labels))


def build_digit_parts(images: ndarray, labels: ndarray, seed: int, examples: int) -> dict[str, tuple[Parts, Parts]]:
    """Parts of training and of testing, by what is added to what. Fixed second parts are drawn by `seed`.

    The first `examples` images after the training images are tested.
    """
    generator = np.random.default_rng((seed, 7))
    rows, names = standardize_rows(images), np.asarray(labels)
    train, train_names = rows[:TRAINED], names[:TRAINED]
    test, test_names = rows[TRAINED:][:examples], names[TRAINED:][:examples]
    fixed_rows = np.array([generator.choice(np.flatnonzero(train_names == kind)) for kind in range(KINDS)])
    numbers = np.arange(KINDS)
    fixed = {
        "digit + fixed digit": (train[fixed_rows], numbers),
        "digit + fixed pattern": (draw_patterns(KINDS, WIDTH, seed), numbers + KINDS),
    }
    parts = {
        "digit + digit": (
            pair_parts(train, train_names, train, train_names),
            pair_parts(test, test_names, test, test_names),
        )
    }
    for name, (second, kinds) in fixed.items():
        parts[name] = pair_parts(train, train_names, second, kinds), pair_parts(test, test_names, second, kinds)
    return parts


def build_token_parts(encoding: str, seed: int) -> tuple[Parts, Parts]:
    """Tokens and the rows that an encoding adds: parts of training, and the 30 % of the pairs held out for testing.

    Both are divided by the standard deviation with which the encoding's tokens start.
    """
    generator, words = np.random.default_rng((seed, 7)), np.arange(WORDS)
    tokens = generator.normal(size=(WORDS, WIDTH)).astype(np.float32)
    rows = compute_added_rows(encoding, WORDS, WIDTH, seed)
    rows = rows / np.float32(build_untrained_encoding(encoding, WORDS, WIDTH, seed).token_std)
    both = pair_parts(tokens, words, rows, words + WORDS)
    held_out = np.isin(np.arange(WORDS**2), generator.permutation(WORDS**2)[: 3 * WORDS**2 // 10])
    train, test = (both._replace(pairs=both.pairs[which]) for which in (~held_out, held_out))
    return train, test


def build_untrained_encoding(encoding: str, count: int, width: int, seed: int) -> Encoding:
    """An encoding for `count` positions in an encoder, before training."""
    key = streams.make_key("encoding", seed)
    return encodings.build_encoding(encoding, Context(width, 2, count, "bidirectional"), key=key)


def compute_added_rows(encoding: str, count: int, width: int, seed: int) -> Float[ndarray, "{count} {width}"]:
    """What an encoding adds to a token at positions 0 … count − 1; zeros for one that acts in the attention only."""
    return np.asarray(compute_code(build_untrained_encoding(encoding, count, width, seed), jnp.arange(count), width))


def is_additive(encoding: str) -> bool:
    """Whether the embedding is token + row for every token; measured, not declared."""
    return acts_additively(build_untrained_encoding(encoding, WORDS, WIDTH, 0), jnp.arange(WORDS), WIDTH)


def measure_overlap(given: Parts) -> float:
    """The overlap of the two kinds of parts. Where both kinds are the same rows, one half is compared with the other."""
    if not given.second.any():
        return 0.0  # nothing is added
    same = given.first is given.second
    return (
        compute_subspace_overlap(given.first[::2], given.second[1::2])
        if same
        else compute_subspace_overlap(*given[:3:2])
    )


def compute_subspace_overlap(first: Float[ndarray, "N D"], second: Float[ndarray, "M D"], count: int = 8) -> float:
    """Overlap of the leading principal directions: 1 for the same subspace, count / D for unrelated ones."""
    return compute_overlap(find_directions(first, count=count), find_directions(second, count=count))
