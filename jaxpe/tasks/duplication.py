"""Duplicate string: y is x, twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from jaxpe.tasks.base import Sample, draw_symbols, gather, zero_beyond
from jaxpe.tasks.copying import Copy


@dataclass(frozen=True)
class DuplicateString(Copy):
    """y is x and then x again (Delétang et al. 2023, arXiv:2207.02098, "duplicate string").

    Example: x = 3 1 4, y = 3 1 4 3 1 4.
    """

    summary: ClassVar[str] = "y is x, twice"

    def y_size(self, length: int) -> int:
        return 2 * length

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        x = draw_symbols(key, max_length, self.alphabet, length)
        y = zero_beyond(gather(x, jnp.arange(2 * max_length) % length), 2 * jnp.asarray(length))
        return Sample(x, jnp.asarray(length), y, 2 * jnp.asarray(length))

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """As in `Copy`; but once x is given, an encoder-decoder repeats what it gave."""
        first = super().order_blind_baseline(length, metric, architecture)
        if first is None or architecture == "encoder" or metric == "exact_match":
            return first
        return (first + 1) / 2
