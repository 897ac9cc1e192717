"""From a task's (x, y) to what an encoder, a decoder or an encoder-decoder sees.

* encoder: `x` followed by one blank slot per answer symbol, read at the slots (or, in place, at the tokens of x);
* decoder: `<bos> x <sep> y <eos>`, read where y and `<eos>` come next;
* encoder-decoder: source `x`, target `<bos> y <eos>`.

`Stream` is what training and evaluation know of data, synthetic or real: it draws one `Example` from a key and a length.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from jaxpe.data.examples import BLANK, BOS, EOS, PAD, SEP, SPECIALS, Data, Example
from jaxpe.tasks.base import ARCHITECTURES, Sample, Task


@dataclass(frozen=True)
class TaskStream:
    """A synthetic task in one architecture's format."""

    task: Task
    architecture: str

    def __post_init__(self) -> None:
        assert self.architecture in ARCHITECTURES

    @property
    def vocabulary(self) -> int:
        return SPECIALS + self.task.symbols

    def lengths(self, low: int, high: int) -> list[int]:
        return self.task.lengths(low, high)

    def sizes(self, length: int) -> tuple[int, int]:
        x, y = self.task.x_size(length), self.task.y_size(length)
        if self.architecture == "encoder":
            return (x, 0) if self.task.in_place else (x + y, 0)
        if self.architecture == "decoder":
            return x + y + 3, 0
        return y + 2, x

    def example(self, key: Key[Array, ""], length: int | Int[Array, ""], top: int, data: Data) -> Example:
        """One example of `length` (may be traced) in arrays sized for `top`."""
        return format_sample(self.task.sample(key, length, top), self.architecture, self.task.in_place, self.sizes(top))


def take(values: Int[Array, N], places: Int[Array, T]) -> Int[Array, T]:
    """values[places], clipped: the caller masks what lies outside."""
    return jnp.take(values, places, mode="clip")


def format_sample(sample: Sample, architecture: str, in_place: bool, sizes: tuple[int, int]) -> Example:
    """(x, y) -> Example of the given sizes (tokens, source tokens), packed to the left, padded with PAD."""
    x, y = sample.x + SPECIALS, sample.y + SPECIALS
    n, m = sample.x_length, sample.y_length
    place = jnp.arange(sizes[0])
    source, source_length = jnp.zeros((0,), jnp.int32), jnp.zeros((), jnp.int32)
    if architecture == "encoder" and in_place:
        tokens, targets, length = take(x, place), take(y, place), n
        loss_mask = metric_mask = place < m
    elif architecture == "encoder":
        tokens, targets, length = jnp.where(place < n, take(x, place), BLANK), take(y, place - n), n + m
        loss_mask = metric_mask = (place >= n) & (place < length)
    elif architecture == "decoder":
        length = n + m + 3
        shown = place - n - 2  # place in y
        tokens = jnp.where(place <= n, take(x, place - 1), jnp.where(place == n + 1, SEP, take(y, shown)))
        tokens = jnp.where(place == 0, BOS, jnp.where(place == length - 1, EOS, tokens))
        metric_mask = (shown + 1 >= 0) & (shown + 1 < m)
        loss_mask = (shown + 1 >= 0) & (shown + 1 <= m)
        targets = jnp.where(shown + 1 == m, EOS, take(y, shown + 1))
    else:
        length = m + 2
        tokens = jnp.where(place == 0, BOS, jnp.where(place == length - 1, EOS, take(y, place - 1)))
        metric_mask, loss_mask = place < m, place <= m
        targets = jnp.where(place == m, EOS, take(y, place))
        inside = jnp.arange(sizes[1])
        source = jnp.where(inside < n, take(x, inside), PAD).astype(jnp.int32)
        source_length = jnp.asarray(n, jnp.int32)
    tokens = jnp.where(place < length, tokens, PAD).astype(jnp.int32)
    targets = jnp.where(loss_mask, targets, PAD).astype(jnp.int32)
    return Example(tokens, jnp.asarray(length, jnp.int32), targets, loss_mask, metric_mask, source, source_length)
