"""How each architecture sees a task's (x, y).

* encoder: x followed by one blank slot per answer symbol, answered at the slots; or, in place, at the tokens of x;
* decoder: `<bos> x <sep> y <eos>`, with y and `<eos>` as the targets;
* encoder-decoder: source x; target side `<bos> y <eos>`.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from jaxpe.data.examples import BLANK, BOS, EOS, PAD, SEP, SPECIALS, Data, Example
from jaxpe.tasks.base import ARCHITECTURES, Sample, Task, gather


@dataclass(frozen=True)
class TaskStream:
    """The examples of a synthetic task in the format of one architecture: a `jaxpe.data.examples.Stream`."""

    task: Task
    architecture: str

    def __post_init__(self) -> None:
        assert self.architecture in ARCHITECTURES

    @property
    def vocabulary(self) -> int:
        """Special tokens and symbols."""
        return SPECIALS + self.task.symbols

    def lengths(self, low: int, high: int) -> list[int]:
        """The lengths in low … high for which the task is defined."""
        return self.task.lengths(low, high)

    def sizes(self, length: int) -> tuple[int, int]:
        """Numbers of tokens and of source tokens of an example of this length."""
        x, y = self.task.x_size(length), self.task.y_size(length)
        if self.architecture == "encoder":
            return (x, 0) if self.task.in_place else (x + y, 0)
        if self.architecture == "decoder":
            return x + y + 3, 0
        return y + 2, x

    def example(self, key: Key[Array, ""], length: int | Int[Array, ""], top: int, data: Data) -> Example:
        """One example of `length` (may be traced), in arrays that have room for the length `top`."""
        return format_sample(self.task.sample(key, length, top), self.architecture, self.task.in_place, self.sizes(top))


def format_sample(sample: Sample, architecture: str, in_place: bool, sizes: tuple[int, int]) -> Example:
    """(x, y) as an Example with these numbers of tokens and source tokens, padded on the right with PAD."""
    x, y = sample.x + SPECIALS, sample.y + SPECIALS
    n, m = sample.x_length, sample.y_length
    place = jnp.arange(sizes[0])
    source, source_length = jnp.zeros((0,), jnp.int32), jnp.zeros((), jnp.int32)
    if architecture == "encoder" and in_place:
        tokens, targets, length = gather(x, place), gather(y, place), n
        loss_mask = metric_mask = place < m
    elif architecture == "encoder":
        tokens, targets, length = jnp.where(place < n, gather(x, place), BLANK), gather(y, place - n), n + m
        loss_mask = metric_mask = (place >= n) & (place < length)
    elif architecture == "decoder":
        length = n + m + 3
        tokens = jnp.where(place <= n, gather(x, place - 1), jnp.where(place == n + 1, SEP, gather(y, place - n - 2)))
        tokens = jnp.where(place == 0, BOS, jnp.where(place == length - 1, EOS, tokens))
        target = place - n - 1  # the place in y of the symbol that comes next
        metric_mask, loss_mask = (target >= 0) & (target < m), (target >= 0) & (target <= m)
        targets = jnp.where(target == m, EOS, gather(y, target))
    else:
        length = m + 2
        tokens = jnp.where(place == 0, BOS, jnp.where(place == length - 1, EOS, gather(y, place - 1)))
        metric_mask, loss_mask = place < m, place <= m
        targets = jnp.where(place == m, EOS, gather(y, place))
        source_place = jnp.arange(sizes[1])
        source = jnp.where(source_place < n, gather(x, source_place), PAD).astype(jnp.int32)
        source_length = jnp.asarray(n, jnp.int32)
    tokens = jnp.where(place < length, tokens, PAD).astype(jnp.int32)
    targets = jnp.where(loss_mask, targets, PAD).astype(jnp.int32)
    return Example(tokens, jnp.asarray(length, jnp.int32), targets, loss_mask, metric_mask, source, source_length)
