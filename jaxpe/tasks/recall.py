"""Multi-query associative recall: values are looked up by their keys."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from jaxpe.tasks.base import Sample, Task, draw_distinct, gather, zero_beyond
from jaxpe.tasks.rules import score_distinct_answers


@dataclass(frozen=True)
class Recall(Task):
    """x is pairs k₁ v₁ k₂ v₂ … of keys and values, all different, then the keys in random order; y is their values.

    Multi-query associative recall (Arora et al. 2023, arXiv:2312.04927). `length` counts pairs. Keys are the symbols
    below alphabet / 2 = 32, values those from 32 on. Example: x = 5 40 2 61 2 5, y = 61 40.
    """

    summary: ClassVar[str] = "x is pairs of key and value, then the keys in random order, y their values"
    order_needed: ClassVar[bool] = True
    extrapolates: ClassVar[bool | None] = True  # keys are distinct: content locates a key, its value is next to it
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
        keys, values = (draw_distinct(jax.random.fold_in(key, i), half, max_length) for i in range(2))
        pair = jnp.arange(max_length)
        rank = jnp.take(jax.random.uniform(jax.random.fold_in(key, 2), (half,)), pair, mode="clip")
        order = jnp.argsort(jnp.where(pair < length, rank, 2.0))
        place = jnp.arange(3 * max_length)
        pairs = jnp.where(place % 2 == 0, gather(keys, place // 2), half + gather(values, place // 2))
        x = jnp.where(place < 2 * length, pairs, gather(keys[order], place - 2 * length))
        y = zero_beyond(half + values[order], length)
        return Sample(zero_beyond(x, 3 * length), jnp.asarray(3 * length), y, jnp.asarray(length))

    def length_baseline(self, length: int, metric: str) -> float:
        values = self.alphabet // 2
        exact = math.exp(math.lgamma(values - length + 1) - math.lgamma(values + 1))
        return 1 / values if metric == "token_accuracy" else exact

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """Without order nothing says which value belongs to which key.

        Encoder: the same value at every slot. Encoder-decoder: a value that is not yet emitted.
        """
        return None if architecture == "decoder" else score_distinct_answers(length, metric, architecture)
