"""Modular arithmetic without brackets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from jaxpe.tasks.base import Sample, Task, zero_beyond

MODULUS = 5
PLUS, MINUS, TIMES = 5, 6, 7  # the symbols of the operators


@dataclass(frozen=True)
class ModularArithmetic(Task):
    """x is a sum of products of the numbers 0 … 4, with the symbols 5, 6, 7 for +, − and ×; y is its value modulo 5.

    Numbers and operators are uniform, and × binds before + and − (Delétang et al. 2023, arXiv:2207.02098, "modular
    arithmetic" without brackets). Example (2 + 3 × 4 = 14): x = 2 5 3 7 4, y = 4.
    """

    summary: ClassVar[str] = "x is numbers with +, - and × between them, y its value mod 5"
    order_needed: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = False  # C-RASP cannot count modulo 5

    @property
    def symbols(self) -> int:
        return 8

    def lengths(self, low: int, high: int) -> list[int]:
        return [length for length in super().lengths(low, high) if length % 2]

    def y_size(self, length: int) -> int:
        return 1

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        place = jnp.arange(max_length)
        numbers = jax.random.randint(jax.random.fold_in(key, 0), (max_length,), 0, MODULUS)
        operators = jax.random.randint(jax.random.fold_in(key, 1), (max_length,), PLUS, TIMES + 1)
        x = zero_beyond(jnp.where(place % 2 == 0, numbers, operators), length)

        def read(state: Int[Array, 2], i: Int[Array, ""]) -> tuple[Int[Array, 2], None]:
            """One operator and the number after it: the sum of the terms so far, and the last term."""
            total, term = state
            operator, number = x[2 * i + 1], x[2 * i + 2]
            signed = jnp.where(operator == MINUS, -number, number)
            after = jnp.where(operator == TIMES, jnp.stack([total, term * number]), jnp.stack([total + term, signed]))
            return jnp.where(2 * i + 2 < length, after % MODULUS, state), None

        value, _ = jax.lax.scan(read, jnp.stack([jnp.zeros_like(x[0]), x[0]]), jnp.arange((max_length - 1) // 2))
        return Sample(x, jnp.asarray(length), (value.sum() % MODULUS)[None], jnp.asarray(1))

    def length_baseline(self, length: int, metric: str) -> float:
        """The likeliest value, which is 0: products are."""
        return compute_likeliest_value(length)

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """The length-only baseline, a lower bound: the symbols without their order say more where zeros and × are many."""
        return None if architecture == "decoder" else self.length_baseline(length, metric)


@cache
def compute_likeliest_value(length: int) -> float:
    """The probability of the likeliest value of an expression: sum and last term are a Markov chain."""
    values = np.arange(MODULUS)
    states = np.zeros((MODULUS, MODULUS))  # by the sum of the terms before, and by the last term
    states[0] = 1 / MODULUS
    for _ in range(length // 2):
        after = np.zeros_like(states)
        for total, term in np.ndindex(*states.shape):
            share = states[total, term] / (3 * MODULUS)
            np.add.at(after, ((total + term) % MODULUS, values), 2 * share)  # + and −: a uniform new term
            np.add.at(after, (total, term * values % MODULUS), share)
        states = after
    sums = (values[:, None] + values) % MODULUS
    return float(np.bincount(sums.ravel(), states.ravel()).max())
