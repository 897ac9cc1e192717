"""Tasks whose answer depends on counts only, as controls without order: count, histogram, majority, parity, cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key
from scipy.stats import binom

from jaxpe.tasks.base import Sample, Task, draw_symbols, zero_beyond
from jaxpe.tasks.rules import compute_counts_probability, compute_majority_probability


class OrderFree(Task):
    """Base of tasks in which a rule that ignores the order of x can always be right."""

    order_needed: ClassVar[bool] = False
    counting: ClassVar[bool] = True

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        return None if architecture == "decoder" else 1.0


def compute_capped_binomial(n: int, probability: float, cap: int, offset: int = 0) -> np.ndarray:
    """P(min(offset + Binomial(n, probability), cap) = c) for c = 0 … cap."""
    total = np.zeros(cap + 1)
    np.add.at(total, np.minimum(np.arange(n + 1) + offset, cap), binom.pmf(np.arange(n + 1), n, probability))
    return total


@dataclass(frozen=True)
class Count(OrderFree):
    """x is symbols and then a query s; y is how often s occurs, at most `cap`. Shapes are those of `index`.

    With A = 8 symbols, the query s is the symbol A + s, and the answer c is the symbol 2A + c.
    Example: x = 3 1 3 7 11, y = 18.
    """

    summary: ClassVar[str] = "x ends with a query s, y is how often s occurs (at most 8)"
    extrapolates: ClassVar[bool | None] = True
    alphabet: int = 8
    cap: int = 8

    @property
    def symbols(self) -> int:
        return 2 * self.alphabet + self.cap + 1  # symbols, queries, answers

    def x_size(self, length: int) -> int:
        return length + 1

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(jax.random.fold_in(key, 0), max_length + 1, self.alphabet, length)
        place = jnp.arange(max_length + 1)
        query = jax.random.randint(jax.random.fold_in(key, 1), (), 0, self.alphabet)
        count = ((x == query) & (place < length)).sum()
        y = 2 * self.alphabet + jnp.minimum(count, self.cap)
        x = jnp.where(place == length, self.alphabet + query, x)
        return Sample(x, jnp.asarray(length) + 1, y[None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return float(compute_capped_binomial(length, 1 / self.alphabet, self.cap).max())


@dataclass(frozen=True)
class Histogram(OrderFree):
    """y_i is how often x_i occurs in x, at most `cap`. With A = 8 symbols, the answer c is the symbol A + c.

    An encoder answers in place and needs no order. A decoder needs it, to match y_i with x_i.
    Example: x = 3 1 3 7, y = 10 9 10 9.
    """

    summary: ClassVar[str] = "y_i is how often x_i occurs in x (at most 8)"
    architectures: ClassVar[tuple[str, ...]] = ("encoder", "decoder")
    in_place: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = True
    alphabet: int = 8
    cap: int = 8

    @property
    def symbols(self) -> int:
        return self.alphabet + self.cap + 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(key, max_length, self.alphabet, length)
        real = jnp.arange(max_length) < length
        counts = ((x[:, None] == x) & real).sum(-1)
        y = zero_beyond(self.alphabet + jnp.minimum(counts, self.cap), length)
        return Sample(x, jnp.asarray(length), y, jnp.asarray(length))

    def length_baseline(self, length: int, metric: str) -> float:
        """The same count at every place."""
        if metric == "token_accuracy":
            return float(compute_capped_binomial(length - 1, 1 / self.alphabet, self.cap, offset=1).max())
        return max(self.compute_equal_probability(length, count) for count in range(1, self.cap + 1))

    def compute_equal_probability(self, length: int, count: int) -> float:
        """P(every symbol that occurs does so exactly `count` times; where that is the cap, at least as often)."""
        if count == self.cap:
            return compute_counts_probability(length, self.alphabet, lambda c: (c == 0) | (c >= count))
        return compute_counts_probability(length, self.alphabet, lambda c: (c == 0) | (c == count))


@dataclass(frozen=True)
class Majority(OrderFree):
    """y is the most frequent symbol of x, the smallest of them if there are several.

    Example: x = 1 0 1 1 0, y = 1.
    """

    summary: ClassVar[str] = "y is the most frequent symbol, the smallest if there are several"
    extrapolates: ClassVar[bool | None] = True
    alphabet: int = 2

    @property
    def symbols(self) -> int:
        return self.alphabet

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(key, max_length, self.alphabet, length)
        real = jnp.arange(max_length) < length
        counts = ((x == jnp.arange(self.alphabet)[:, None]) & real).sum(-1)
        return Sample(x, jnp.asarray(length), jnp.argmax(counts)[None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return compute_majority_probability(length, self.alphabet)


@dataclass(frozen=True)
class Parity(OrderFree):
    """y is the number of ones in x modulo 2.

    Example: x = 1 0 1 1 0, y = 1.
    """

    summary: ClassVar[str] = "y is the number of ones mod 2"
    extrapolates: ClassVar[bool | None] = False

    @property
    def symbols(self) -> int:
        return 2

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(key, max_length, 2, length)
        return Sample(x, jnp.asarray(length), (x.sum() % 2)[None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return 0.5


@dataclass(frozen=True)
class Cycle(OrderFree):
    """x is moves on a circle of 5 places (0, 1, 2 for −1, 0, +1); y is the final place, their sum modulo 5.

    Example: x = 2 2 1 0 2, y = 2.
    """

    summary: ClassVar[str] = "x is moves of -1, 0 or +1, y their sum mod 5"
    extrapolates: ClassVar[bool | None] = False  # C-RASP cannot count modulo 5

    @property
    def symbols(self) -> int:
        return 5

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(key, max_length, 3, length)
        return Sample(x, jnp.asarray(length), ((x.sum() - length) % 5)[None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        """The likeliest place after `length` moves."""
        places = np.eye(5)[0]
        for _ in range(length):
            places = (np.roll(places, -1) + places + np.roll(places, 1)) / 3
        return float(places.max())
