"""The interface of every task: a rule that draws one example (x, y) of a given length, and two baselines.

A task knows nothing of architectures, batches or special tokens. `jaxpe.tasks.formatting` turns a `Sample` into what an
encoder, a decoder or an encoder-decoder sees.
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
    """One example. Symbols are 0 … task.symbols − 1; entries at or beyond the length are 0 and have no meaning."""

    x: Int[Array, "X"]
    x_length: Int[Array, ""]
    y: Int[Array, "Y"]
    y_length: Int[Array, ""]


@dataclass(frozen=True)
class Task:
    """Base class of all tasks. The fields of a subclass are the options of the task, and part of a run's identity.

    A subclass declares, as class attributes without an annotation of their type:

    * `summary`, one line that says what x and y are, and `order_needed`, whether the answer depends on the order of x; both
      must be there;
    * `architectures`: those in which the task makes sense, by default all three; `in_place`: True where an encoder answers at
      the tokens of x, not at blank slots; `counting`: True where the answer is a function of how often each symbol occurs;
    * `version`: to be increased when the examples change; `extrapolates`: whether theory (C-RASP) predicts that solutions
      generalize to longer inputs, None where it is silent.

    It may have a slow solver, the method `reference(x)` from the list x to the list y: `jaxpe check` compares it.
    """

    version: ClassVar[int] = 1  # increase it when the examples change
    summary: ClassVar[str]  # one line: what x and y are
    architectures: ClassVar[tuple[str, ...]] = ARCHITECTURES  # those in which the task makes sense
    in_place: ClassVar[bool] = False  # True: an encoder answers at the tokens of x, not at blank slots
    order_needed: ClassVar[bool]  # does the answer depend on the order of x?
    counting: ClassVar[bool] = False  # True: the answer is a function of how often each symbol occurs
    extrapolates: ClassVar[bool | None] = (
        None  # does theory (C-RASP) predict that solutions generalize to longer inputs?
    )

    @property
    def symbols(self) -> int:
        """Size of the alphabet of x and y together, with markers and index symbols."""
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
        """Score of the best rule that knows nothing but the length."""
        raise NotImplementedError

    def order_blind_baseline(self, length: int, metric: str, architecture: str) -> float | None:
        """Score of the best rule whose answer does not depend on the order of x, in the format of this architecture.

        None for a decoder: its causal mask lets it infer the order.
        """
        raise NotImplementedError


def draw_symbols(key: Key[Array, ""], size: int, alphabet: int, length: int | Int[Array, ""]) -> Int[Array, "{size}"]:  # noqa: F821
    """Uniform symbols 0 … alphabet − 1 below `length`, then zeros. The first ones do not depend on `size`."""
    return zero_beyond(jax.random.randint(key, (size,), 0, alphabet), length)


def draw_distinct(key: Key[Array, ""], alphabet: int, size: int) -> Int[Array, "{size}"]:  # noqa: F821
    """The symbols 0 … alphabet − 1 in random order, cut or padded with zeros to `size`; no symbol depends on `size`."""
    symbols = jax.random.permutation(key, alphabet)[:size]
    return jnp.pad(symbols, (0, size - symbols.shape[0]))


def zero_beyond(values: Int[Array, "N"], length: int | Int[Array, ""]) -> Int[Array, "N"]:
    """The values below `length`, and zeros at or beyond it."""
    return jnp.where(jnp.arange(values.shape[0]) < length, values, 0)


def gather(values: Int[Array, "N"], places: Int[Array, "M"]) -> Int[Array, "M"]:
    """values[places], with places clipped to the array. The caller masks those that lie outside."""
    return jnp.take(values, places, mode="clip")
