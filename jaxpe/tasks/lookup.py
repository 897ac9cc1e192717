"""Tasks that look up a symbol of x: by its place, by its distance from a marker, by the symbol before it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from jaxpe.tasks.base import Sample, Task, draw_symbols
from jaxpe.tasks.rules import compute_commonest_share, score_equal_ends


@dataclass(frozen=True)
class First(Task):
    """y is the first symbol of x.

    Example: x = 3 1 4 1, y = 3.
    """

    summary: ClassVar[str] = "y is the first symbol"
    order_needed: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = True
    alphabet: int = 10

    @property
    def symbols(self) -> int:
        return self.alphabet

    def y_size(self, length: int) -> int:
        return 1

    def find_place(self, length: int | Int[Array, ""]) -> int | Int[Array, ""]:
        """The place in x of the answer."""
        return 0

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(key, max_length, self.alphabet, length)
        return Sample(x, jnp.asarray(length), x[self.find_place(length)][None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return 1 / self.alphabet

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """The most frequent symbol."""
        return None if architecture == "decoder" else compute_commonest_share(length, self.alphabet)


@dataclass(frozen=True)
class Last(First):
    """y is the last symbol of x.

    Example: x = 3 1 4 1, y = 1.
    """

    summary: ClassVar[str] = "y is the last symbol"

    def find_place(self, length: int | Int[Array, ""]) -> int | Int[Array, ""]:
        return length - 1


@dataclass(frozen=True)
class EvenPairs(Task):
    """x is binary; y is 1 if its first symbol equals its last, else 0.

    y = 1 is also where the pairs 01 and 10 together occur an even number of times.     Example: x = 1 0 0 1, y = 1.
    """

    summary: ClassVar[str] = "y is whether the first symbol equals the last"
    order_needed: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = True  # both ends can be located: nothing comes before the first

    @property
    def symbols(self) -> int:
        return 2

    def lengths(self, low: int, high: int) -> list[int]:
        return super().lengths(max(low, 3), high)

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(key, max_length, 2, length)
        return Sample(x, jnp.asarray(length), (x[0] == x[length - 1]).astype(x.dtype)[None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return 0.5

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """The likelier answer given the counts: the two ends are two random symbols of x."""
        return None if architecture == "decoder" else score_equal_ends(length)


@dataclass(frozen=True)
class Index(First):
    """x is symbols and then a place k, counted from 0; y is the symbol at that place. Shapes are those of `count`.

    With A = 10 symbols, the place k is the symbol A + k. k is uniform below min(length, train_length).
    Example: x = 3 1 4 1 12, y = 4.
    """

    summary: ClassVar[str] = "x ends with a place k, y is the symbol there"
    extrapolates: ClassVar[bool | None] = False
    train_length: int = 10

    @property
    def symbols(self) -> int:
        return self.alphabet + self.train_length

    def x_size(self, length: int) -> int:
        return length + 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(jax.random.fold_in(key, 0), max_length + 1, self.alphabet, length)
        k = jax.random.randint(jax.random.fold_in(key, 1), (), 0, jnp.minimum(length, self.train_length))
        with_place = jnp.where(jnp.arange(max_length + 1) == length, self.alphabet + k, x)
        return Sample(with_place, jnp.asarray(length) + 1, x[k][None], jnp.asarray(1))


@dataclass(frozen=True)
class RelativeIndex(First):
    """x contains one marker, the symbol A = 10; y is the symbol k = 3 places before it.

    Example: x = 3 1 4 1 10 5, y = 1.
    """

    summary: ClassVar[str] = "y is the symbol 3 places before the marker"
    extrapolates: ClassVar[bool | None] = True
    k: int = 3

    @property
    def symbols(self) -> int:
        return self.alphabet + 1

    def lengths(self, low: int, high: int) -> list[int]:
        return super().lengths(max(low, self.k + 2), high)

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(jax.random.fold_in(key, 0), max_length, self.alphabet, length)
        marker = jax.random.randint(jax.random.fold_in(key, 1), (), self.k, length)
        with_marker = jnp.where(jnp.arange(max_length) == marker, self.alphabet, x)
        return Sample(with_marker, jnp.asarray(length), x[marker - self.k][None], jnp.asarray(1))

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        return super().order_blind_baseline(length - 1, metric, architecture)


@dataclass(frozen=True)
class Induction(Task):
    """y is the symbol that follows the earlier occurrence of the last symbol of x.

    The last symbol occurs exactly once before, not directly before the end.     Example: x = 3 1 4 5 1, y = 4.
    """

    summary: ClassVar[str] = "y is what followed the earlier occurrence of the last symbol"
    order_needed: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = True
    alphabet: int = 16

    @property
    def symbols(self) -> int:
        return self.alphabet

    def lengths(self, low: int, high: int) -> list[int]:
        return super().lengths(max(low, 3), high)

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        last = jax.random.randint(jax.random.fold_in(key, 0), (), 0, self.alphabet)
        earlier = jax.random.randint(jax.random.fold_in(key, 1), (), 0, length - 2)
        others = jax.random.randint(jax.random.fold_in(key, 2), (max_length,), 0, self.alphabet - 1)
        place = jnp.arange(max_length)
        x = jnp.where((place == earlier) | (place == length - 1), last, others + (others >= last))
        x = jnp.where(place < length, x, 0)
        return Sample(x, jnp.asarray(length), x[earlier + 1][None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        return 1 / self.alphabet

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """Given the counts, each symbol that occurs twice may be the last. Simulated with a fixed seed."""
        return None if architecture == "decoder" else simulate_induction_baseline(length, self.alphabet)


@cache
def simulate_induction_baseline(length: int, alphabet: int, draws: int = 40_000) -> float:
    """Score of answering the symbol v with the largest (count of v)·(number of other symbols that occur twice)."""
    generator = np.random.default_rng(0)
    others = generator.integers(0, alphabet - 1, (draws, length - 2))  # the repeated symbol is `alphabet − 1`
    counts = np.stack([(others == v).sum(1) for v in range(alphabet)], axis=1)
    counts[:, alphabet - 1] = 2
    twice = (counts == 2).astype(int)
    weight = counts * (twice.sum(1, keepdims=True) - twice) + 1e-6 * generator.random(counts.shape)
    return float((weight.argmax(1) == others[:, 0]).mean())
