"""Does a real encoder see the order of words? Its sentence embedding of a verse with the words, or the positions, moved.

Words are moved (their pieces stay together, [CLS] and [SEP] stay at the ends) by the rules of `jaxpe.positions`: in any order,
shuffled inside windows of w words (local order is lost), or windows of w permuted whole (local order is kept). Positions are
moved by giving every token p + c, or one position to all. A change is 1 − cosine of the two embeddings of a verse: 0 … 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import stats

from jaxpe import positions, streams
from jaxpe.pretrained import minilm
from jaxpe.pretrained.models import Pretrained
from jaxpe.records.statistics import Estimate

LONGEST, FEWEST_WORDS = 64, 16  # of the verses: tokens at most, words at least (two windows of eight)
WINDOWS, SHIFTS = (2, 4, 8), (1, 8, 32, 128)
SHUFFLED, WITHIN, PERMUTED = "words shuffled", "shuffled in windows", "windows permuted"
SHIFTED, CONSTANT, REMOVED, ANOTHER = "positions shifted", "one position for all", "table zeroed", "another verse"
MIDDLE = 16  # beside 0, the position that all tokens get; 0 is [CLS]'s own
WITHOUT = "without positions"


class Change(NamedTuple):
    """One way to change all verses: what is done, how far, the change of every verse's embedding."""

    kind: str
    by: int  # window, shift, or the one position
    positions: bool  # False: the position table is zeroed
    values: Float[ndarray, N]


class Verse(NamedTuple):
    """Token numbers of every word, and those before and behind them."""

    start: list[int]
    words: list[list[int]]
    end: list[int]

    @property
    def length(self) -> int:
        return len(self.start) + sum(map(len, self.words)) + len(self.end)


def verses(model: Pretrained, texts: Sequence[str], count: int, longest: int = LONGEST) -> list[Verse]:
    """Texts of at least sixteen words that fit, as the model's own tokenizer has them, evenly spaced over `texts`."""
    from tokenizers import Tokenizer

    assert model.tokenizer is not None  # `minilm.tokenize` says what to do where it is lacking
    tokenizer = Tokenizer.from_str(model.tokenizer)
    tokenizer.no_padding()  # a published tokenizer may fill every text up to one length
    tokenizer.no_truncation()
    around = list(tokenizer.encode("").ids)
    spread = texts[:: max(1, len(texts) // (4 * count))]
    split = [text.split() for text in spread]
    found = [verse_of(tokenizer, words, around) for words in split if len(words) >= FEWEST_WORDS]
    return [verse for verse in found if verse.length <= longest][:count]


def verse_of(tokenizer: Any, words: list[str], around: list[int]) -> Verse:
    pieces = [list(one.ids) for one in tokenizer.encode_batch(words, add_special_tokens=False)]
    return Verse(around[:1], pieces, around[1:])


def order_of(kind: str, window: int, words: int, seed: int) -> Int[ndarray, W]:
    """Which word stands at each place."""
    sampler = (
        positions.Permuted(window) if kind == PERMUTED else positions.Shuffled(window if kind == WITHIN else LONGEST)
    )
    none = jnp.zeros(LONGEST, jnp.int32)
    placed = sampler(jax.random.fold_in(streams.stream("evaluation", seed), window), none, words)
    return np.argsort(np.asarray(placed)[:words])


def laid_out(
    found: Sequence[Verse], orders: Sequence[Int[ndarray, W]] | None, longest: int
) -> tuple[Int[ndarray, "N T"], Bool[ndarray, "N T"]]:
    """Ids padded to one length, and a mask that is False at padding."""
    ids, mask = np.zeros((len(found), longest), np.int32), np.zeros((len(found), longest), bool)
    for i, verse in enumerate(found):
        order = range(len(verse.words)) if orders is None else orders[i]
        row = [*verse.start, *(piece for word in order for piece in verse.words[word]), *verse.end]
        ids[i, : len(row)], mask[i, : len(row)] = row, True
    return ids, mask


def changes(model: Pretrained, texts: Sequence[str], count: int, heads: int = minilm.HEADS) -> list[Change]:
    """Every change of `count` verses' embeddings, with positions and (words shuffled) without; empty without such verses."""
    weights = minilm.load_weights(model)
    rows = len(weights["positions"])
    longest = min(LONGEST, rows)
    found = verses(model, texts, count, longest)
    if len(found) < 2:
        return []
    blind = {**weights, "positions": jnp.zeros_like(weights["positions"])}
    arange = np.arange(longest, dtype=np.int32)

    def embedded(
        kind: str = "", window: int = 0, places: ndarray = arange, seeing: bool = True
    ) -> Float[ndarray, "N D"]:
        orders = [order_of(kind, window, len(verse.words), i) for i, verse in enumerate(found)] if kind else None
        ids, mask = laid_out(found, orders, longest)
        return np.asarray(minilm.embed_sentences(weights if seeing else blind, ids, places, mask, heads), np.float64)

    plain, without = embedded(), embedded(seeing=False)
    made = [Change(SHUFFLED, 0, True, change(plain, embedded(SHUFFLED)))]
    made.append(Change(SHUFFLED, 0, False, change(without, embedded(SHUFFLED, seeing=False))))
    for kind in (WITHIN, PERMUTED):
        made += [Change(kind, window, True, change(plain, embedded(kind, window))) for window in WINDOWS]
    for shift in (shift for shift in SHIFTS if longest + shift <= rows):
        made.append(Change(SHIFTED, shift, True, change(plain, embedded(places=arange + shift))))
    for place in (0, MIDDLE):
        made.append(Change(CONSTANT, place, True, change(plain, embedded(places=np.full_like(arange, place)))))
    made.append(Change(REMOVED, 0, True, change(plain, without)))
    made.append(Change(ANOTHER, 0, True, change(plain, np.roll(plain, 1, axis=0))))
    return [*made, Change(ANOTHER, 0, False, change(without, np.roll(without, 1, axis=0)))]


def change(before: Float[ndarray, "N D"], after: Float[ndarray, "N D"]) -> Float[ndarray, N]:
    """1 − cosine, as half the squared distance of unit vectors, which keeps small changes."""
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (before, after))
    return ((a - b) ** 2).sum(1) / 2


def share_of(part: Float[ndarray, N], whole: Float[ndarray, N]) -> Estimate:
    """Mean over mean, with a t-interval from leaving out one verse after the other."""
    n, share = len(part), float(part.mean() / whole.mean())
    if n < 4:
        return Estimate(share, None, None, n)
    without = (part.sum() - part) / (whole.sum() - whole)
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    half = float(stats.t.ppf(0.975, n - 1) * error)
    return Estimate(share, share - half, share + half, n)
