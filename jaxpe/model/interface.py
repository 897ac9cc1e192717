"""What a Transformer is built from, reads and returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, Num

from jaxpe.errors import UserError


@dataclass(frozen=True)
class ModelConfig:
    """The sizes of a model. `architecture` is "encoder", "decoder" or "encoder_decoder"; `width` is D.

    `product_dtype`: "float32", or "bfloat16" for the factors of matrix products (see `jaxpe.model.products`).

    Raises UserError if the heads do not divide the width.
    """

    architecture: str
    vocabulary: int
    width: int = 32
    layers: int = 2
    heads: int = 2
    product_dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise UserError(f"The width {self.width} is not divisible by {self.heads} heads: change one of the two.")


class Inputs(NamedTuple):
    """One example as the model reads it. Only an encoder-decoder has a source; tokens at or after a length are padding."""

    tokens: Int[Array, "T"]
    positions: Num[Array, "T"]
    length: Int[Array, ""]
    source: Int[Array, "S"]
    source_positions: Num[Array, "S"]
    source_length: Int[Array, ""]


Scales = Float[Array, "2"]  # factors of token and position


class Dropout(NamedTuple):
    """Sets each number to 0 with probability `rate` and divides the others by 1 − rate (Srivastava et al. 2014, JMLR 15).

    It acts where Vaswani et al. 2017 (§5.4) have it: on the sum of token and position, and on the output of each part of a
    block before it is added. `key` differs between examples and steps.
    """

    rate: float
    key: Key[Array, ""]

    def select(self, index: int | Int[Array, ""]) -> Dropout:
        """The same rate with a key of its own."""
        return self._replace(key=jax.random.fold_in(self.key, index))


def drop_out(x: Float[Array, "T D"], dropout: Dropout | None, place: int) -> Float[Array, "T D"]:
    """x after dropout, with the random numbers of this place; x itself where there is no dropout."""
    if dropout is None:
        return x
    kept = jax.random.bernoulli(dropout.select(place).key, 1 - dropout.rate, x.shape)
    return jnp.where(kept, x / (1 - dropout.rate), 0.0)


class ForwardOptions(NamedTuple):
    """What can change a forward pass besides parameters and inputs. The defaults change nothing.

    Leaves that are None are absent from a compiled program; all others are data to it.
    """

    # (a, b): the first block reads a · token + b · position, where position is what the encoding adds to the embeddings.
    scales: Scales | None = None
    # N: attention logits are multiplied by log n / log N for queries that see n > N keys (see `scale_for_length`).
    scaling_length: Float[Array, ""] | None = None
    # The share of training that is done, for encodings with a schedule (`Encoding.at`). 1: training has ended.
    progress: float | Float[Array, ""] = 1.0
    dropout: Dropout | None = None  # in training


DEFAULT_OPTIONS = ForwardOptions()


class AttentionRecord(NamedTuple):
    """Attention logits with their bias, before the mask, and the weights: after the softmax, unless the encoding says otherwise."""

    logits: Float[Array, "H T S"]
    weights: Float[Array, "H T S"]


class Record(NamedTuple):
    """Intermediate results: the residual stream before each block and after the last, and attention block by block."""

    hidden: list[Float[Array, "T D"]]
    attention: list[AttentionRecord]
    cross: list[AttentionRecord]
    source: Record | None = None  # of the encoder side of an encoder-decoder


class Output(NamedTuple):
    """Logits for every token, and the record if it was requested."""

    logits: Float[Array, "T V"]
    record: Record | None


def make_padding_mask(size: int, length: Int[Array, ""] | int) -> Bool[Array, "T"]:
    """True for the first `length` of `size` tokens, the real ones."""
    return jnp.arange(size) < length
