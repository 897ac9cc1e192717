"""Addition of two numbers with equally many digits, lowest digit first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from jaxpe.tasks.base import Sample, Task, draw_symbols, gather, zero_beyond

PLUS = 10  # the symbol of the plus sign


@dataclass(frozen=True)
class Addition(Task):
    """x is a plus b, with the lowest digits first and the symbol 10 for the plus; y is the sum, one digit longer.

    `length` counts the digits of a. Example (13 + 27 = 40): x = 3 1 10 7 2, y = 0 4 0.
    """

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
        a, b = (draw_symbols(jax.random.fold_in(key, i), max_length + 1, 10, length) for i in range(2))

        def add(carry: Int[Array, ""], digits: Int[Array, 2]) -> tuple[Int[Array, ""], Int[Array, ""]]:
            total = digits.sum() + carry
            return total // 10, total % 10

        _, y = jax.lax.scan(add, jnp.asarray(0, a.dtype), jnp.stack([a, b], axis=1))
        place = jnp.arange(2 * max_length + 1)
        x = jnp.where(place < length, gather(a, place), jnp.where(place == length, PLUS, gather(b, place - length - 1)))
        return Sample(zero_beyond(x, 2 * length + 1), jnp.asarray(2 * length + 1), y, jnp.asarray(length) + 1)

    def length_baseline(self, length: int, metric: str) -> float:
        """Any digit at each place, and 0 at the last; for the whole answer the likeliest sum, 10ⁿ − 1."""
        if metric == "exact_match":
            return 10.0**-length
        last_carry = (1 - 10.0**-length) / 2
        return (0.1 * length + 1 - last_carry) / (length + 1)

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """The length-only baseline, a lower bound: the digits without their order say little more about the sum."""
        return None if architecture == "decoder" else self.length_baseline(length, metric)
