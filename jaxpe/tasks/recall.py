"""Multi-query associative recall: values looked up by their keys."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from jaxpe.tasks.base import Sample, Task, distinct, masked, pick
from jaxpe.tasks.rules import one_of_distinct


@dataclass(frozen=True)
class Recall(Task):
    """x = pairs k₁ v₁ k₂ v₂ … of keys and values, all different, then the keys in a new order; y = their values.

    Multi-query associative recall (Arora et al. 2023, arXiv:2312.04927). `length` counts pairs.
    """

    summary: ClassVar[str] = "x is pairs of key and value, then the keys in a new order, y their values"
    order_needed: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = True  # keys are distinct: each place is found by content and one step
    alphabet: int = 64  # the first half are keys, the second values

    @property
    def symbols(self) -> int:
        return self.alphabet

    def lengths(self, low: int, high: int) -> list[int]:
        return super().lengths(low, min(high, self.alphabet // 2))

    def x_size(self, length: int) -> int:
        return 3 * length

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        half = self.alphabet // 2
        keys, values = (distinct(jax.random.fold_in(key, i), half, max_length) for i in range(2))
        pair = jnp.arange(max_length)
        rank = jnp.take(jax.random.uniform(jax.random.fold_in(key, 2), (half,)), pair, mode="clip")
        order = jnp.argsort(jnp.where(pair < length, rank, 2.0))
        place = jnp.arange(3 * max_length)
        pairs = jnp.where(place % 2 == 0, pick(keys, place // 2), half + pick(values, place // 2))
        x = jnp.where(place < 2 * length, pairs, pick(keys[order], place - 2 * length))
        y = masked(half + values[order], length)
        return Sample(masked(x, 3 * length), jnp.asarray(3 * length), y, jnp.asarray(length))

    def length_baseline(self, length: int, metric: str) -> float:
        values = self.alphabet // 2
        exact = math.exp(math.lgamma(values - length + 1) - math.lgamma(values + 1))
        return 1 / values if metric == "token_accuracy" else exact

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """Only order says which value is whose and which key is asked for next.

        Encoder: the blank slots look alike, so one of the values at every slot. Encoder-decoder: a value not yet emitted.
        """
        return None if architecture == "decoder" else one_of_distinct(length, metric, architecture)
