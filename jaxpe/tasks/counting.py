"""Order-free tasks: the answer is a function of the counts alone. They are the matched controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key
from scipy.stats import binom

from jaxpe.tasks.base import Sample, Task, masked, symbols
from jaxpe.tasks.rules import counts_chance, smallest_majority


class OrderFree(Task):
    """The best rule that no permutation of x changes is always right."""

    order_needed: ClassVar[bool] = False
    counting: ClassVar[bool] = True

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        return None if architecture == "decoder" else 1.0


def capped_binomial(n: int, chance: float, cap: int, add: int = 0) -> np.ndarray:
    """P(min(add + Binomial(n, chance), cap) = c) for c = 0 … cap."""
    total = np.zeros(cap + 1)
    np.add.at(total, np.minimum(np.arange(n + 1) + add, cap), binom.pmf(np.arange(n + 1), n, chance))
    return total


@dataclass(frozen=True)
class Count(OrderFree):
    """x = symbols, then a query s; y = how often s occurs, at most `cap`. Twin of `index`: same shapes."""

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
        x = symbols(jax.random.fold_in(key, 0), max_length + 1, self.alphabet, length)
        place = jnp.arange(max_length + 1)
        query = jax.random.randint(jax.random.fold_in(key, 1), (), 0, self.alphabet)
        count = ((x == query) & (place < length)).sum()
        y = 2 * self.alphabet + jnp.minimum(count, self.cap)
        x = jnp.where(place == length, self.alphabet + query, x)
        return Sample(x, jnp.asarray(length) + 1, y[None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return float(capped_binomial(length, 1 / self.alphabet, self.cap).max())


@dataclass(frozen=True)
class Histogram(OrderFree):
    """y_i = how often x_i occurs in x, at most `cap`. An encoder answers in place, and needs no order.

    A decoder's y_i has to be aligned with x_i, so there order is needed.
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
        x = symbols(key, max_length, self.alphabet, length)
        real = jnp.arange(max_length) < length
        counts = ((x[:, None] == x) & real).sum(-1)
        y = masked(self.alphabet + jnp.minimum(counts, self.cap), length)
        return Sample(x, jnp.asarray(length), y, jnp.asarray(length))

    def length_baseline(self, length: int, metric: str) -> float:
        """The rule: one and the same count at every place."""
        if metric == "token_accuracy":
            return float(capped_binomial(length - 1, 1 / self.alphabet, self.cap, add=1).max())
        return max(self.all_equal(length, count) for count in range(1, self.cap + 1))

    def all_equal(self, length: int, count: int) -> float:
        """P(every symbol that occurs does so `count` times, or at least that often for the cap)."""
        if count == self.cap:
            return float(counts_chance(length, self.alphabet, lambda c: (c == 0) | (c >= count)))
        return float(counts_chance(length, self.alphabet, lambda c: (c == 0) | (c == count)))


@dataclass(frozen=True)
class Majority(OrderFree):
    """y = the most frequent symbol, ties to the smallest."""

    summary: ClassVar[str] = "y is the most frequent symbol, ties to the smallest"
    extrapolates: ClassVar[bool | None] = True
    alphabet: int = 2

    @property
    def symbols(self) -> int:
        return self.alphabet

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = symbols(key, max_length, self.alphabet, length)
        real = jnp.arange(max_length) < length
        counts = ((x == jnp.arange(self.alphabet)[:, None]) & real).sum(-1)
        return Sample(x, jnp.asarray(length), jnp.argmax(counts)[None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return smallest_majority(length, self.alphabet)


@dataclass(frozen=True)
class Parity(OrderFree):
    """y = number of ones mod 2."""

    summary: ClassVar[str] = "y is the number of ones mod 2"
    extrapolates: ClassVar[bool | None] = False

    @property
    def symbols(self) -> int:
        return 2

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = symbols(key, max_length, 2, length)
        return Sample(x, jnp.asarray(length), (x.sum() % 2)[None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return 0.5


@dataclass(frozen=True)
class Cycle(OrderFree):
    """x = moves (0, 1, 2 for −1, 0, +1); y = their sum mod 5."""

    summary: ClassVar[str] = "x is moves of -1, 0, +1, y their sum mod 5"
    extrapolates: ClassVar[bool | None] = False  # counts modulo 5 are not in C-RASP

    @property
    def symbols(self) -> int:
        return 5

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = symbols(key, max_length, 3, length)
        return Sample(x, jnp.asarray(length), ((x.sum() - length) % 5)[None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        """The likeliest place after that many moves."""
        chance = np.eye(5)[0]
        for _ in range(length):
            chance = (np.roll(chance, -1) + chance + np.roll(chance, 1)) / 3
        return float(chance.max())
