"""Does a pretrained encoder use word order? The change of its sentence embedding when words or positions are moved.

Words are moved by the rules of `jaxpe.positions`: shuffled, shuffled within windows of w words (which destroys local order), or
permuted in windows of w (which keeps it). The pieces of a word stay together; [CLS] and [SEP] stay at the ends. Positions are
shifted by c, or all set to one position. A change is 1 − cosine of the two embeddings of a verse, 0 … 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from tokenizers import Tokenizer

from jaxpe import positions, streams
from jaxpe.pretrained import minilm
from jaxpe.pretrained.models import Pretrained
from jaxpe.records.statistics import Estimate, estimate_by_jackknife

MAX_LENGTH, MIN_WORDS = 64, 16  # tokens and words of a verse; sixteen words are two windows of eight
WINDOWS, SHIFTS = (2, 4, 8), (1, 8, 32, 128)
SHUFFLED, WITHIN, PERMUTED = "words shuffled", "shuffled in windows", "windows permuted"
SHIFTED, CONSTANT, REMOVED, ANOTHER = "positions shifted", "one position for all", "table zeroed", "another verse"
MIDDLE = 16  # the second position, after 0, that all tokens are set to; 0 is that of [CLS]
WITHOUT = "without positions"


class Change(NamedTuple):
    """One change of all verses, and how much each verse's embedding changes."""

    kind: str
    size: int  # window, shift, or the one position
    has_positions: bool  # False: the position table is zeros
    values: Float[ndarray, "N"]


class Verse(NamedTuple):
    """The token ids of each word, and those before and after them."""

    start: list[int]
    words: list[list[int]]
    end: list[int]

    @property
    def length(self) -> int:
        return len(self.start) + sum(map(len, self.words)) + len(self.end)


# ── verses ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def select_verses(model: Pretrained, texts: Sequence[str], count: int, max_length: int = MAX_LENGTH) -> list[Verse]:
    """At most `count` texts of at least sixteen words that fit, evenly spaced, as the model's tokenizer splits them.

    Raises UserError without a tokenizer that can be read.
    """
    tokenizer = minilm.load_tokenizer(model)
    special = list(tokenizer.encode("").ids)
    spaced = texts[:: max(1, len(texts) // (4 * count))]
    word_lists = [text.split() for text in spaced]
    verses = [encode_verse(tokenizer, words, special) for words in word_lists if len(words) >= MIN_WORDS]
    return [verse for verse in verses if verse.length <= max_length][:count]


def encode_verse(tokenizer: Tokenizer, words: list[str], special: list[int]) -> Verse:
    """The ids of each word, between the special tokens of start and end."""
    pieces = [list(encoding.ids) for encoding in tokenizer.encode_batch(words, add_special_tokens=False)]
    return Verse(special[:1], pieces, special[1:])


def sample_order(kind: str, window: int, words: int, seed: int) -> Int[ndarray, "W"]:
    """A random order of the words: which word is at each place."""
    sampler = (
        positions.Permuted(window) if kind == PERMUTED else positions.Shuffled(window if kind == WITHIN else MAX_LENGTH)
    )
    unused = jnp.zeros(MAX_LENGTH, jnp.int32)
    places = sampler(jax.random.fold_in(streams.make_key("evaluation", seed), window), unused, words)
    return np.argsort(np.asarray(places)[:words])


def pad_verses(
    verses: Sequence[Verse], orders: Sequence[Int[ndarray, "W"]] | None, length: int
) -> tuple[Int[ndarray, "N T"], Bool[ndarray, "N T"]]:
    """Ids padded to one length, and a mask that is False at padding. `orders` None: words stay in order."""
    ids, mask = np.zeros((len(verses), length), np.int32), np.zeros((len(verses), length), bool)
    for i, verse in enumerate(verses):
        order = range(len(verse.words)) if orders is None else orders[i]
        row = [*verse.start, *(piece for word in order for piece in verse.words[word]), *verse.end]
        ids[i, : len(row)], mask[i, : len(row)] = row, True
    return ids, mask


# ── changes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def measure_changes(model: Pretrained, texts: Sequence[str], count: int, heads: int = minilm.HEADS) -> list[Change]:
    """All changes of `count` verses: with positions, and shuffled words also without. Empty for fewer than two verses."""
    weights = minilm.load_weights(model)
    rows = len(weights["positions"])
    length = min(MAX_LENGTH, rows)
    verses = select_verses(model, texts, count, length)
    if len(verses) < 2:
        return []
    zeroed = {**weights, "positions": jnp.zeros_like(weights["positions"])}
    arange = np.arange(length, dtype=np.int32)

    def embed(
        kind: str = "", window: int = 0, places: Int[ndarray, "T"] = arange, has_positions: bool = True
    ) -> Float[ndarray, "N D"]:
        orders = [sample_order(kind, window, len(verse.words), i) for i, verse in enumerate(verses)] if kind else None
        ids, mask = pad_verses(verses, orders, length)
        used = weights if has_positions else zeroed
        return np.asarray(minilm.embed_sentences(used, ids, places, mask, heads), np.float64)

    plain, without = embed(), embed(has_positions=False)

    def compare(kind: str, size: int, embeddings: Float[ndarray, "N D"], has_positions: bool = True) -> Change:
        return Change(kind, size, has_positions, compute_change(plain if has_positions else without, embeddings))

    return [
        compare(SHUFFLED, 0, embed(SHUFFLED)),
        compare(SHUFFLED, 0, embed(SHUFFLED, has_positions=False), has_positions=False),
        *[compare(kind, window, embed(kind, window)) for kind in (WITHIN, PERMUTED) for window in WINDOWS],
        *[compare(SHIFTED, shift, embed(places=arange + shift)) for shift in SHIFTS if length + shift <= rows],
        *[compare(CONSTANT, place, embed(places=np.full_like(arange, place))) for place in (0, MIDDLE)],
        compare(REMOVED, 0, without),
        compare(ANOTHER, 0, np.roll(plain, 1, axis=0)),
        compare(ANOTHER, 0, np.roll(without, 1, axis=0), has_positions=False),
    ]


def compute_change(before: Float[ndarray, "N D"], after: Float[ndarray, "N D"]) -> Float[ndarray, "N"]:
    """1 − cosine, computed as half the squared distance of unit vectors, which is precise for small changes."""
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (before, after))
    return np.asarray(((a - b) ** 2).sum(1) / 2)


def estimate_share(part: Float[ndarray, "N"], whole: Float[ndarray, "N"]) -> Estimate:
    """Ratio of means, with a jackknife t-interval over verses."""
    without = (part.sum() - part) / (whole.sum() - whole)
    return estimate_by_jackknife(float(part.mean() / whole.mean()), without)
