"""A position is a tag on a word: a shuffled pile of tagged words can be sorted again, and a tag moved is a word moved.

The pile: the sums e[token] + p[position] of a sentence, in any order. Who knows both tables finds for each sum the nearest
e[v] + p[t] and lays the words out by t. That fails only where noise reaches half the distance between two sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy import ndarray

from jaxpe import encodings, streams
from jaxpe import model as models
from jaxpe.analysis.superposition import added_rows
from jaxpe.model import Inputs, ModelConfig, Transformer

# ── the shuffled pile ───────────────────────────────────────────────────────────────────────────────────────────────


class Tables(NamedTuple):
    """Token embeddings and what is added to them at each position."""

    tokens: Float[ndarray, "V D"]
    positions: Float[ndarray, "P D"]


def tables_of(vocabulary: int, positions: int, width: int, seed: int, encoding: str = "sinusoidal") -> Tables:
    """As a model starts with them: N(0, 1) token embeddings, and the encoding's rows."""
    tokens = jax.random.normal(streams.stream("initialisation", seed), (vocabulary, width))
    return Tables(np.asarray(tokens), added_rows(encoding, positions, width, seed))


@jax.jit
def nearest(
    sums: Float[Array, "N D"], tokens: Float[Array, "V D"], positions: Float[Array, "P D"]
) -> Int[Array, "N 2"]:
    """For every sum the token v and position t of the nearest e[v] + p[t]: largest x·e + x·p − ½‖e + p‖²."""
    token_part, position_part = (tokens**2).sum(1) / 2, (positions**2).sum(1) / 2
    half_norms = token_part[:, None] + position_part + tokens @ positions.T

    def one(x: Float[Array, D]) -> Int[Array, 2]:
        token_scores, position_scores = tokens @ x, positions @ x
        best = (
            jnp.max(token_scores[:, None] - half_norms, axis=0) + position_scores
        )  # a maximum is faster than its place
        t = jnp.argmax(best)
        return jnp.stack([jnp.argmax(token_scores - half_norms[:, t]), t])

    return jax.lax.map(one, sums)


def shuffled(sentence: Int[ndarray, T], known: Tables, noise: float, seed: int) -> tuple[ndarray, Int[ndarray, T]]:
    """The pile of a sentence, with noise of that many times the root mean square of a token, and how it is ordered."""
    generator = np.random.default_rng((seed, len(sentence)))
    order = generator.permutation(len(sentence))
    sums = (known.tokens[sentence] + known.positions[: len(sentence)])[order]
    size = noise * np.sqrt((known.tokens[sentence] ** 2).mean())
    return (sums + size * generator.normal(size=sums.shape)).astype(np.float32), order


def rebuilt(sentences: Sequence[ndarray], known: Tables, noise: float, seed: int) -> list[ndarray]:
    """Every sentence as it is read from its own pile. All piles are read in one call, each laid out by itself."""
    piles = [shuffled(sentence, known, noise, seed + i)[0] for i, sentence in enumerate(sentences)]
    found = np.asarray(nearest(np.concatenate(piles), known.tokens, known.positions))
    ends = np.cumsum([len(pile) for pile in piles])[:-1]
    return [part[np.argsort(part[:, 1], kind="stable"), 0] for part in np.split(found, ends)]


# ── moving the tag ──────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = ("the", "dog", "bites", "man")
SENTENCE, SWAPPED = ["the", "dog", "bites", "the", "man"], ["the", "man", "bites", "the", "dog"]


def encoder(encoding: str, seed: int) -> Transformer:
    """An encoder with fresh weights that knows the sentence's words."""
    config = ModelConfig("encoder", len(WORDS), width=64, layers=2, heads=2)
    options = encodings.told(encoding, len(SENTENCE))
    return models.build(config, encoding, options, max_length=len(SENTENCE), seed=seed)


def outputs(model: Transformer, words: Sequence[str], positions: Sequence[int]) -> Float[Array, "T D"]:
    """The last hidden states, one a word, in the order in which the words were given."""
    none = jnp.zeros(0, jnp.int32)
    tokens, places = (jnp.asarray(row, jnp.int32) for row in ([WORDS.index(word) for word in words], positions))
    inputs = Inputs(tokens, places, jnp.asarray(len(words)), none, none, jnp.asarray(0))
    record = model(inputs, record=True).record
    assert record is not None
    return record.hidden[-1]


class Swap(NamedTuple):
    """Largest differences of any output: of tags moved from words moved, and of words moved from the original."""

    tags_against_words: float
    words_against_original: float


def swap(encoding: str, seed: int) -> Swap:
    """'The dog bites the man' with the position rows of dog and man swapped, beside 'the man bites the dog'.

    Outputs are compared word by word: that of dog with that of dog, wherever it was given.
    """
    dog, man = SENTENCE.index("dog"), SENTENCE.index("man")
    places = np.arange(len(SENTENCE))
    moved = places.copy()
    moved[[dog, man]] = man, dog
    model = encoder(encoding, seed)
    original = outputs(model, SENTENCE, places.tolist())
    tags = outputs(model, SENTENCE, moved.tolist())
    words = outputs(model, SWAPPED, places.tolist())[moved]
    return Swap(float(jnp.abs(tags - words).max()), float(jnp.abs(words - original).max()))
