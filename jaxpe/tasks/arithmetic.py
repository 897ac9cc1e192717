"""Addition of two numbers of equally many digits, lowest digit first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from jaxpe.tasks.base import Sample, Task, masked, symbols

PLUS = 10


@dataclass(frozen=True)
class Addition(Task):
    """x = a + b in little-endian digits with a plus between; y = the sum, one digit longer. `length` counts digits of a."""

    summary: ClassVar[str] = "x is two numbers, y their sum, lowest digit first"
    order_needed: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = False

    @property
    def symbols(self) -> int:
        return 11

    def x_size(self, length: int) -> int:
        return 2 * length + 1

    def y_size(self, length: int) -> int:
        return length + 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        a, b = (symbols(jax.random.fold_in(key, i), max_length + 1, 10, length) for i in range(2))

        def add(carry: Int[Array, ""], digits: Int[Array, 2]) -> tuple[Int[Array, ""], Int[Array, ""]]:
            total = digits.sum() + carry
            return total // 10, total % 10

        _, y = jax.lax.scan(add, jnp.asarray(0, a.dtype), jnp.stack([a, b], axis=1))
        place = jnp.arange(2 * max_length + 1)
        second = jnp.take(b, place - length - 1, mode="clip")
        x = jnp.where(place < length, jnp.take(a, place, mode="clip"), jnp.where(place == length, PLUS, second))
        return Sample(masked(x, 2 * length + 1), jnp.asarray(2 * length + 1), y, jnp.asarray(length) + 1)

    def carry(self, place: int) -> float:
        """P(a carry comes into a place)."""
        return (1 - 10.0**-place) / 2

    def length_baseline(self, length: int, metric: str) -> float:
        """Any digit at each place and no last carry; as a whole the likeliest sum, 10ⁿ − 1."""
        if metric == "exact_match":
            return 10.0**-length
        return (0.1 * length + 1 - self.carry(length)) / (length + 1)

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """The rule used is the floor's (0 at every slot): the counts say little more, so this bounds it from below."""
        return None if architecture == "decoder" else self.length_baseline(length, metric)

    def shortcut(self, length: int, metric: str) -> float:
        """Score of the place-wise sum without carries, a shortcut that looks like half a solution."""
        last = 1 - 0.1 * self.carry(length - 1)
        if metric == "exact_match":
            return 0.55 ** (length - 1)  # no place but the highest passes a carry on
        return (sum(1 - self.carry(place) for place in range(length)) + last) / (length + 1)
