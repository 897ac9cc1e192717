"""A position as a tag on a word: a shuffled pile of tagged words can be sorted, and moving a tag moves the word.

The pile holds the sums e[token] + p[position] of a sentence in random order. A reader that knows both tables finds the
nearest e[v] + p[t] of each sum and orders the tokens by t. This fails only if noise exceeds half the distance between two
sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy import ndarray

from jaxpe import model as models
from jaxpe import streams
from jaxpe.analysis.sums import Tables, build_untrained_encoding, compute_added_rows
from jaxpe.model import Inputs, ModelConfig, Transformer

# ── the shuffled pile ───────────────────────────────────────────────────────────────────────────────────────────────


def build_tables(vocabulary: int, positions: int, width: int, seed: int, encoding: str = "sinusoidal") -> Tables:
    """The tables of an untrained model: normal token embeddings, and the rows of the encoding."""
    tokens = jax.random.normal(streams.make_key("initialisation", seed), (vocabulary, width))
    std = build_untrained_encoding(encoding, positions, width, seed).token_std
    return Tables(np.asarray(std * tokens), compute_added_rows(encoding, positions, width, seed))


@jax.jit
def find_nearest_pairs(
    sums: Float[Array, "N D"], tokens: Float[Array, "V D"], positions: Float[Array, "P D"]
) -> Int[Array, "N 2"]:
    """For every sum the token v and position t of the nearest e[v] + p[t]: largest x·e + x·p − ½‖e + p‖²."""
    token_part, position_part = (tokens**2).sum(1) / 2, (positions**2).sum(1) / 2
    half_norms = token_part[:, None] + position_part + tokens @ positions.T

    def one(x: Float[Array, "D"]) -> Int[Array, 2]:
        token_scores, position_scores = tokens @ x, positions @ x
        best = (
            jnp.max(token_scores[:, None] - half_norms, axis=0) + position_scores
        )  # a maximum is faster than its place
        t = jnp.argmax(best)
        return jnp.stack([jnp.argmax(token_scores - half_norms[:, t]), t])

    pairs: Array = jax.lax.map(one, sums)
    return pairs


def shuffle_into_pile(
    sentence: Int[ndarray, "T"], tables: Tables, noise: float, seed: int
) -> tuple[ndarray, Int[ndarray, "T"]]:
    """The pile of a sentence and its order. `noise`: standard deviation as a multiple of the tokens' root mean square."""
    generator = np.random.default_rng((seed, len(sentence)))
    order = generator.permutation(len(sentence))
    sums = (tables.tokens[sentence] + tables.positions[: len(sentence)])[order]
    size = noise * np.sqrt((tables.tokens[sentence] ** 2).mean())
    return (sums + size * generator.normal(size=sums.shape)).astype(np.float32), order


def rebuild_sentences(sentences: Sequence[ndarray], tables: Tables, noise: float, seed: int) -> list[ndarray]:
    """Every sentence as read from its own pile. One call matches the sums of all piles; each pile is ordered by itself."""
    piles = [shuffle_into_pile(sentence, tables, noise, seed + i)[0] for i, sentence in enumerate(sentences)]
    matches = np.asarray(find_nearest_pairs(np.concatenate(piles), tables.tokens, tables.positions))
    ends = np.cumsum([len(pile) for pile in piles])[:-1]
    return [part[np.argsort(part[:, 1], kind="stable"), 0] for part in np.split(matches, ends)]


# ── moving the tag ──────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = ("the", "dog", "bites", "man")
SENTENCE, SWAPPED = ["the", "dog", "bites", "the", "man"], ["the", "man", "bites", "the", "dog"]


def build_encoder(encoding: str, seed: int) -> Transformer:
    """An untrained encoder over the words of the sentence."""
    config = ModelConfig("encoder", len(WORDS), width=64, layers=2, heads=2)
    return models.build_model(config, encoding, {}, len(SENTENCE), seed, trained_positions=len(SENTENCE))


def compute_outputs(model: Transformer, words: Sequence[str], positions: Sequence[int]) -> Float[Array, "T D"]:
    """The last hidden states, one a word, in the order of `words`."""
    none = jnp.zeros(0, jnp.int32)
    tokens, places = (jnp.asarray(row, jnp.int32) for row in ([WORDS.index(word) for word in words], positions))
    inputs = Inputs(tokens, places, jnp.asarray(len(words)), none, none, jnp.asarray(0))
    record = model(inputs, record=True).record
    assert record is not None
    return record.hidden[-1]


class Swap(NamedTuple):
    """Largest absolute difference of any output: tags swapped against words swapped, words swapped against the original."""

    tags_against_words: float
    words_against_original: float


def compare_swaps(encoding: str, seed: int) -> Swap:
    """'The dog bites the man' with the positions of dog and man swapped, compared with 'the man bites the dog'.

    Outputs are compared word by word: dog with dog, wherever it stands.
    """
    dog, man = SENTENCE.index("dog"), SENTENCE.index("man")
    places = np.arange(len(SENTENCE))
    moved = places.copy()
    moved[[dog, man]] = man, dog
    model = build_encoder(encoding, seed)
    original = compute_outputs(model, SENTENCE, places.tolist())
    tags = compute_outputs(model, SENTENCE, moved.tolist())
    words = compute_outputs(model, SWAPPED, places.tolist())[moved]
    return Swap(float(jnp.abs(tags - words).max()), float(jnp.abs(words - original).max()))
