"""The format of examples: what models are trained and tested on, and what draws it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Array, Bool, Int, Key

PAD, BOS, SEP, EOS, BLANK = range(5)  # BLANK: an answer of an encoder, and the mask of masked_lm
SPECIALS = 5  # ids 0 … 4; the symbols of a task or a tokenizer follow
FORMAT_VERSION = 1  # part of a run's identity: raise it when the format changes
Data = dict[str, Array | np.ndarray]  # arrays that a stream draws from; empty for synthetic tasks


class Example(NamedTuple):
    """One example, padded on the right with PAD. Only an encoder-decoder has a source."""

    tokens: Int[Array, "T"]  # of an encoder-decoder: the decoder's side
    length: Int[Array, ""]  # real tokens in `tokens`
    targets: Int[Array, "T"]  # the answer at each token
    loss_mask: Bool[Array, "T"]  # tokens with a loss
    metric_mask: Bool[Array, "T"]  # tokens that count as answers in metrics: those with a loss, without <eos>
    source: Int[Array, "S"]
    source_length: Int[Array, ""]


class ExampleStream(Protocol):
    """Draws examples of one architecture. Implementations are frozen dataclasses, so that compiled programs can use them."""

    @property
    def architecture(self) -> str: ...

    @property
    def vocabulary(self) -> int:
        """How many token ids there are, with the special ones."""

    def lengths(self, low: int, high: int, /) -> list[int]:
        """The lengths from `low` to `high` for which there are examples."""

    def sizes(self, length: int, /) -> tuple[int, int]:
        """The most tokens and source tokens of an example of this length."""

    def example(self, key: Key[Array, ""], length: int | Int[Array, ""], longest: int, data: Data, /) -> Example:
        """An example of a length (which may be traced) in arrays for length `longest`, which adds padding only."""
