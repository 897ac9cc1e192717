"""Tasks whose answer rearranges x: copy, reverse, odds_first, unique_copy, sort; and missing_duplicate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key
from scipy.stats import binom

from jaxpe.tasks.base import Sample, Task, draw_distinct, draw_symbols, gather, zero_beyond
from jaxpe.tasks.rules import compute_arrangement_probability, compute_commonest_share, score_distinct_answers


@dataclass(frozen=True)
class Copy(Task):
    """y is x, symbol by symbol.

    Example: x = 3 1 4 1, y = 3 1 4 1.
    """

    summary: ClassVar[str] = "y is x"
    order_needed: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = False  # symbols repeat, so content does not say where one is
    alphabet: int = 10

    @property
    def symbols(self) -> int:
        return self.alphabet

    def find_sources(self, place: Int[Array, "Y"], length: int | Int[Array, ""]) -> Int[Array, "Y"]:
        """The place in x of the symbol at each place of y."""
        return place

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(key, max_length, self.alphabet, length)
        y = zero_beyond(gather(x, self.find_sources(jnp.arange(max_length), length)), length)
        return Sample(x, jnp.asarray(length), y, jnp.asarray(length))

    def length_baseline(self, length: int, metric: str) -> float:
        return 1 / self.alphabet if metric == "token_accuracy" else float(self.alphabet) ** -length

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """Encoder: the most frequent symbol at every slot. Encoder-decoder: that of the symbols not yet emitted."""
        if architecture == "decoder":
            return None
        if architecture == "encoder":
            exact = float(self.alphabet) ** (1 - length)
            return compute_commonest_share(length, self.alphabet) if metric == "token_accuracy" else exact
        if metric == "exact_match":
            return compute_arrangement_probability(length, self.alphabet)
        return sum(compute_commonest_share(left, self.alphabet) for left in range(1, length + 1)) / length


@dataclass(frozen=True)
class Reverse(Copy):
    """y is x backwards.

    Example: x = 3 1 4 1, y = 1 4 1 3.
    """

    summary: ClassVar[str] = "y is x backwards"

    def find_sources(self, place: Int[Array, "Y"], length: int | Int[Array, ""]) -> Int[Array, "Y"]:
        return length - 1 - place


@dataclass(frozen=True)
class OddsFirst(Copy):
    """y is the 1st, 3rd, 5th … symbol of x, then the 2nd, 4th …

    Example: x = 1 0 1 1 0, y = 1 1 0 0 1.
    """

    summary: ClassVar[str] = "y is the 1st, 3rd, 5th … symbol, then the 2nd, 4th …"
    alphabet: int = 2

    def find_sources(self, place: Int[Array, "Y"], length: int | Int[Array, ""]) -> Int[Array, "Y"]:
        odds = (length + 1) // 2
        return jnp.where(place < odds, 2 * place, 2 * (place - odds) + 1)


@dataclass(frozen=True)
class UniqueCopy(Copy):
    """y is x, whose symbols are all different. Each symbol determines the next, so content alone can solve the task.

    Example: x = 31 4 15 92, y = 31 4 15 92.
    """

    summary: ClassVar[str] = "y is x, whose symbols are all different"
    extrapolates: ClassVar[bool | None] = True
    alphabet: int = 150

    def lengths(self, low: int, high: int) -> list[int]:
        return super().lengths(low, min(high, self.alphabet))

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = zero_beyond(draw_distinct(key, self.alphabet, max_length), length)
        return Sample(x, jnp.asarray(length), x, jnp.asarray(length))

    def length_baseline(self, length: int, metric: str) -> float:
        exact = math.exp(math.lgamma(self.alphabet - length + 1) - math.lgamma(self.alphabet + 1))
        return 1 / self.alphabet if metric == "token_accuracy" else exact

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """Encoder: one of the symbols at every slot. Encoder-decoder: one that is not yet emitted."""
        return None if architecture == "decoder" else score_distinct_answers(length, metric, architecture)


@dataclass(frozen=True)
class Sort(Copy):
    """y is x sorted. The order of x does not matter, but an encoder needs the positions of its slots.

    Example: x = 3 1 4 1, y = 1 1 3 4.
    """

    summary: ClassVar[str] = "y is x sorted"
    order_needed: ClassVar[bool] = False

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(key, max_length, self.alphabet, length)
        y = zero_beyond(jnp.sort(jnp.where(jnp.arange(max_length) < length, x, self.alphabet)), length)
        return Sample(x, jnp.asarray(length), y, jnp.asarray(length))

    def length_baseline(self, length: int, metric: str) -> float:
        """The likeliest symbol at each place; for the whole answer the likeliest sorted sequence."""
        return compute_sort_baseline(length, self.alphabet, metric)

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """An encoder-decoder needs only the counts of the symbols and what it has emitted."""
        return 1.0 if architecture == "encoder_decoder" else super().order_blind_baseline(length, metric, architecture)


@cache
def compute_sort_baseline(length: int, alphabet: int, metric: str) -> float:
    """The length-only baseline of `Sort`: from the distributions of order statistics, and of the most even counts."""
    if metric == "token_accuracy":
        at_most = [binom.sf(np.arange(length), length, (v + 1) / alphabet) for v in range(alphabet)]
        return float(np.diff(np.stack(at_most), axis=0, prepend=0).max(axis=0).mean())
    counts = [length // alphabet + (v < length % alphabet) for v in range(alphabet)]
    left, probability = length, 1.0
    for i, count in enumerate(counts):  # a multinomial, one binomial at a time
        probability *= binom.pmf(count, left, 1 / (alphabet - i))
        left -= count
    return float(probability)


@dataclass(frozen=True)
class MissingDuplicate(Task):
    """x is a binary word written twice, with one symbol replaced by a hole (the symbol 2); y is the missing symbol.

    Counting ones is enough: their number is odd where a 1 is missing. Looking length / 2 places away is another
    solution. Example: x = 1 0 0 2 0 0, y = 1.
    """

    summary: ClassVar[str] = "x is ww with a hole, y the missing symbol"
    order_needed: ClassVar[bool] = False
    counting: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = False

    @property
    def symbols(self) -> int:
        return 3  # 0, 1 and the hole

    def lengths(self, low: int, high: int) -> list[int]:
        return [length for length in super().lengths(low, high) if length % 2 == 0]

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        half = jnp.asarray(length) // 2
        word = draw_symbols(jax.random.fold_in(key, 0), max_length, 2, half)
        place = jnp.arange(max_length)
        hole = jax.random.randint(jax.random.fold_in(key, 1), (), 0, length)
        x = zero_beyond(gather(word, jnp.where(place < half, place, place - half)), length)
        return Sample(jnp.where(place == hole, 2, x), jnp.asarray(length), x[hole][None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return 0.5

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        return None if architecture == "decoder" else 1.0
