"""A task: y is x with its halves exchanged."""

from dataclasses import dataclass

import jax.numpy as jnp

from jaxpe.tasks.copying import Copy


@dataclass(frozen=True)
class Swap(Copy):
    """y is the second half of x and then the first; the symbol in the middle of an odd number stays.

    Example: x = 3 1 4 1 5, y = 1 5 4 3 1.
    """

    summary = "y is the second half of x, then the first"

    def find_sources(self, place, length):
        half, rest = length // 2, length - length // 2
        return jnp.where(place < half, place + rest, jnp.where(place < rest, place, place - rest))

    def reference(self, x):
        half, rest = len(x) // 2, len(x) - len(x) // 2
        return x[rest:] + x[half:rest] + x[:half]
