"""Tasks whose answer is x rearranged: copy, unique_copy, reverse, sort, odds_first, missing_duplicate."""

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

from jaxpe.tasks.base import Sample, Task, distinct, masked, pick, symbols
from jaxpe.tasks.rules import arrangements_chance, commonest_share, one_of_distinct


@dataclass(frozen=True)
class Copy(Task):
    """y = x."""

    summary: ClassVar[str] = "y is x"
    order_needed: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = False  # repeated symbols: no solution by content alone
    alphabet: int = 10

    @property
    def symbols(self) -> int:
        return self.alphabet

    def order(self, place: Int[Array, Y], length: int | Int[Array, ""]) -> Int[Array, Y]:
        """Which symbol of x is answered at each place."""
        return place

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = symbols(key, max_length, self.alphabet, length)
        y = masked(pick(x, self.order(jnp.arange(max_length), length)), length)
        return Sample(x, jnp.asarray(length), y, jnp.asarray(length))

    def length_baseline(self, length: int, metric: str) -> float:
        return 1 / self.alphabet if metric == "token_accuracy" else float(self.alphabet) ** -length

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """Encoder: one symbol at every slot. Encoder-decoder: the multiset minus what was emitted."""
        if architecture == "decoder":
            return None
        if architecture == "encoder":
            exact = float(self.alphabet) ** (1 - length)
            return commonest_share(length, self.alphabet) if metric == "token_accuracy" else exact
        if metric == "exact_match":
            return arrangements_chance(length, self.alphabet)
        return sum(commonest_share(left, self.alphabet) for left in range(1, length + 1)) / length


@dataclass(frozen=True)
class Reverse(Copy):
    """y = x backwards."""

    summary: ClassVar[str] = "y is x backwards"

    def order(self, place: Int[Array, Y], length: int | Int[Array, ""]) -> Int[Array, Y]:
        return length - 1 - place


@dataclass(frozen=True)
class OddsFirst(Copy):
    """y = the symbols at odd places (the 1st, 3rd, …), then those at even places."""

    summary: ClassVar[str] = "y is the 1st, 3rd, 5th … symbol, then the 2nd, 4th …"
    alphabet: int = 2

    def order(self, place: Int[Array, Y], length: int | Int[Array, ""]) -> Int[Array, Y]:
        odds = (length + 1) // 2
        return jnp.where(place < odds, 2 * place, 2 * (place - odds) + 1)


@dataclass(frozen=True)
class UniqueCopy(Copy):
    """y = x, a draw of distinct symbols: each says by itself what comes next, so that content alone can solve it."""

    summary: ClassVar[str] = "y is x, whose symbols are all different"
    extrapolates: ClassVar[bool | None] = True
    alphabet: int = 150

    def lengths(self, low: int, high: int) -> list[int]:
        return super().lengths(low, min(high, self.alphabet))

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = masked(distinct(key, self.alphabet, max_length), length)
        return Sample(x, jnp.asarray(length), x, jnp.asarray(length))

    def length_baseline(self, length: int, metric: str) -> float:
        exact = math.exp(math.lgamma(self.alphabet - length + 1) - math.lgamma(self.alphabet + 1))
        return 1 / self.alphabet if metric == "token_accuracy" else exact

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """Encoder: one of the symbols at every slot. Encoder-decoder: one that was not yet emitted."""
        return None if architecture == "decoder" else one_of_distinct(length, metric, architecture)


@dataclass(frozen=True)
class Sort(Copy):
    """y = x sorted. Order does not matter, but the place of the answer does; an encoder answers at slots."""

    summary: ClassVar[str] = "y is x sorted"
    order_needed: ClassVar[bool] = False

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = symbols(key, max_length, self.alphabet, length)
        y = masked(jnp.sort(jnp.where(jnp.arange(max_length) < length, x, self.alphabet)), length)
        return Sample(x, jnp.asarray(length), y, jnp.asarray(length))

    def length_baseline(self, length: int, metric: str) -> float:
        """The quantile rule: at each place the likeliest order statistic; all together the likeliest sorted sequence."""
        return sort_baseline(length, self.alphabet, metric)

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """An encoder-decoder needs the multiset and the emitted prefix only."""
        return 1.0 if architecture == "encoder_decoder" else super().order_blind_baseline(length, metric, architecture)


@cache
def sort_baseline(length: int, alphabet: int, metric: str) -> float:
    if metric == "token_accuracy":
        at_most = [binom.sf(np.arange(length), length, (v + 1) / alphabet) for v in range(alphabet)]
        return float(np.diff(np.stack(at_most), axis=0, prepend=0).max(axis=0).mean())
    counts = [length // alphabet + (v < length % alphabet) for v in range(alphabet)]
    left, chance = length, 1.0
    for i, count in enumerate(counts):  # the multinomial of the most even counts, one binomial at a time
        chance *= binom.pmf(count, left, 1 / (alphabet - i))
        left -= count
    return float(chance)


@dataclass(frozen=True)
class MissingDuplicate(Task):
    """x = ww with one symbol replaced by a hole (binary, even lengths); y = the missing symbol.

    The parity of the counts gives it away, so it is no order-needing task; the cheap solution looks length / 2 away.
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
        word = symbols(jax.random.fold_in(key, 0), max_length, 2, half)
        place = jnp.arange(max_length)
        hole = jax.random.randint(jax.random.fold_in(key, 1), (), 0, length)
        x = masked(pick(word, jnp.where(place < half, place, place - half)), length)
        return Sample(jnp.where(place == hole, 2, x), jnp.asarray(length), x[hole][None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return 0.5

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        return None if architecture == "decoder" else 1.0
