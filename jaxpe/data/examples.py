"""What a model is trained and tested on: one `Example`, and a `Stream` that draws them, synthetic or real."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from jaxtyping import Array, Bool, Int, Key

PAD, BOS, SEP, EOS, BLANK = range(5)  # BLANK is an encoder's answer slot, and masked_lm's mask
SPECIALS = 5  # ids 0 … 4; the task's or tokenizer's symbols follow
VERSION = 1  # part of a run's identity: raise it when an example's format changes
Data = dict[str, Any]  # constant arrays that a stream of real text draws from; empty for synthetic tasks


class Example(NamedTuple):
    """One formatted example, padded. `source` is empty but in an encoder-decoder."""

    tokens: Int[Array, T]  # the stream that is read out; an encoder-decoder's target side
    length: Int[Array, ""]  # real tokens in `tokens`
    targets: Int[Array, T]  # what is asked for at each place
    loss_mask: Bool[Array, T]  # places that have a loss
    metric_mask: Bool[Array, T]  # places whose answer counts as the task's answer: `loss_mask` without <eos>
    source: Int[Array, S]
    source_length: Int[Array, ""]


class Stream(Protocol):
    """A source of examples. Implementations are frozen dataclasses (hashable, so that programs can close over them)."""

    @property
    def architecture(self) -> str: ...
    @property
    def vocabulary(self) -> int: ...
    def lengths(self, low: int, high: int) -> list[int]: ...
    def sizes(self, length: int) -> tuple[int, int]: ...  # tokens and source tokens of an example of this length
    def example(self, key: Key[Array, ""], length: int | Int[Array, ""], top: int, data: Data) -> Example: ...
