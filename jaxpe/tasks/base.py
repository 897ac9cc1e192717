"""What a task is: a rule that draws one example (x, y) of a given length, and two baselines that need no training.

A task knows nothing of architectures, batches or special tokens; `jaxpe.tasks.formatting` turns a `Sample` into the example
that an encoder, a decoder or an encoder-decoder sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key

ARCHITECTURES = ("encoder", "decoder", "encoder_decoder")
METRICS = ("token_accuracy", "exact_match")


class Sample(NamedTuple):
    """One example. Symbols are 0 … task.symbols − 1; entries at or beyond the length are 0 and mean nothing."""

    x: Int[Array, X]
    x_length: Int[Array, ""]
    y: Int[Array, Y]
    y_length: Int[Array, ""]


@dataclass(frozen=True)
class Task:
    """Base of all tasks. The fields of a subclass are the task's options and are part of a run's identity."""

    version: ClassVar[int] = 1
    summary: ClassVar[str]  # one line: what y is
    architectures: ClassVar[tuple[str, ...]] = ARCHITECTURES  # where the task is natural
    in_place: ClassVar[bool] = False  # True: an encoder answers at the tokens of x, not at blank slots
    order_needed: ClassVar[bool]  # does the answer depend on the order of x?
    counting: ClassVar[bool] = False  # True: the answer is a function of the counts of the symbols alone
    extrapolates: ClassVar[bool | None] = None  # is a solution that carries to longer inputs predicted (C-RASP)?

    @property
    def symbols(self) -> int:
        """Size of the alphabet of x and y together, markers and index tokens included."""
        raise NotImplementedError

    def lengths(self, low: int, high: int) -> list[int]:
        """The lengths in low … high for which the task is defined."""
        return list(range(max(low, 1), high + 1))

    def x_size(self, length: int) -> int:
        """Number of input symbols at `length`."""
        return length

    def y_size(self, length: int) -> int:
        """Number of answer symbols at `length`."""
        return length

    def sample(self, key: Key[Array, ""], length: int | Int[Array, ""], max_length: int) -> Sample:
        """One example of `length` (may be traced), in arrays of x_size(max_length) and y_size(max_length).

        The example depends on key and length only: a larger max_length adds padding and changes nothing else.
        """
        raise NotImplementedError

    def length_baseline(self, length: int, metric: str) -> float:
        """Score of the best rule that sees the length only."""
        raise NotImplementedError

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """Score of the best rule that no permutation of x changes, in this architecture's format.

        None for a decoder: its causal mask breaks the symmetry.
        """
        raise NotImplementedError


def symbols(key: Key[Array, ""], size: int, high: int, length: int | Int[Array, ""]) -> Int[Array, {size}]:
    """Uniform symbols 0 … high − 1 up to `length`, then zeros; the first ones do not depend on `size`."""
    return masked(jax.random.randint(key, (size,), 0, high), length)


def distinct(key: Key[Array, ""], high: int, size: int) -> Int[Array, {size}]:
    """Different symbols of 0 … high − 1 in random order, zeros beyond them; the first ones do not depend on `size`."""
    drawn = jax.random.permutation(key, high)[:size]
    return jnp.pad(drawn, (0, size - drawn.shape[0]))


def masked(values: Int[Array, N], length: int | Int[Array, ""]) -> Int[Array, N]:
    """Zeros at or beyond `length`."""
    return jnp.where(jnp.arange(values.shape[0]) < length, values, 0)


def pick(values: Int[Array, N], places: Int[Array, M]) -> Int[Array, M]:
    """values[places], clipped: the caller masks what lies outside."""
    return jnp.take(values, places, mode="clip")
