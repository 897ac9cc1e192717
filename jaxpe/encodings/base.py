"""The three places where position can enter a Transformer, as three methods that do nothing by default.

The base class *is* the no-encoding baseline (NoPE: Haviv et al. 2022, arXiv:2203.16634; Kazemnejad et al. 2023,
arXiv:2305.19466). An encoding overrides one or more of `embed`, `rotate` and `bias`. Everything is written for one
example; T is the number of queries, S of keys, D the model width, H the heads, K = D / H the head width, r = i − j the
position of a query minus that of a key.

Beside its class a file may define `reference_embed`, `reference_rotate` or `reference_bias`: the hook again as a slow NumPy
loop written from the formula, which `jaxpe.conformance.suite` compares. After the hook's own arguments it asks by name for what it
needs: parameters (as arrays), options, `heads`, `model_width`, `max_length`, `attention`.
"""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Key, Num

Attention = Literal["causal", "bidirectional", "cross"]


class Encoding(nnx.Module):
    """No encoding, and the interface of all others.

    Positions are arguments, made by a sampler of `jaxpe.positions`: no hook calls `arange`. Logits are
    q·k / sqrt(K) + bias, with K the model's head width; the mask comes last. While decoding step by step the same hooks
    are called with T = 1 on all keys so far. An encoding that takes the option `trained_positions` is told how many
    positions training uses: 1 + the largest that its sampler gives.
    """

    shared: bool = True  # False: one instance per block; `embed` is called on the first only
    cross: bool = False  # True: cross-attention gets an instance of its own, with attention="cross"
    causal_only: bool = False  # True: the constructor refuses other attention, and names what to take there
    integer_positions: bool = False  # True: refuses fractional positions
    # Declared, and measured by `jaxpe check`. "relative below a length": as long as no position is above some length.
    # "content": positions are not looked at, only what is seen and who sees whom.
    invariance: str = "absolute"  # or "relative", "relative below a length", "content"
    directed: bool | None = None  # does it tell left from right without a causal mask? None: not declared
    keeps_norms: bool = True  # of `rotate`

    def __init__(
        self, model_width: int, heads: int, max_length: int, attention: Attention, *, key: Key[Array, ""]
    ) -> None:
        """`max_length` is 1 + the largest position that any sampler of the run can give."""

    def at(self, block: int, progress: float | Float[Array, ""]) -> Encoding:
        """The encoding as it acts in a block when the share `progress` of the training is done (1 afterwards).

        For schedules over blocks or steps; whatever is returned is asked for its three hooks only.
        """
        return self

    @property
    def position_limit(self) -> int | None:
        """None: every position is defined; else positions are 0 … limit − 1."""
        return None

    def unvisited(self, trained: int, tested: int) -> float | None:
        """Share of the rows or buckets asked for by `tested` positions that `trained` positions never asked for.

        None: it has none. For rotations: the share of pairs that finish no full turn in training.
        """
        return None

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, T]) -> Float[Array, "T D"]:
        """Changes the token embeddings, before the first block."""
        return x

    def rotate(
        self,
        q: Float[Array, "T H K"],
        k: Float[Array, "S H K"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
    ) -> tuple[Float[Array, "T H W"], Float[Array, "S H W"]]:
        """Changes queries and keys, in every block. W may differ from K."""
        return q, k

    def bias(
        self,
        q: Float[Array, "T H W"],
        k: Float[Array, "S H W"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Float[Array, "#H #T #S"] | Float[Array, ""] | Int[Array, ""] | None:
        """Is added to the logits, after their scaling by 1 / sqrt(K). None: nothing is added."""
        return None


def distances(q_positions: Num[Array, T], k_positions: Num[Array, S]) -> Float[Array, "T S"]:
    """r = i − j, the position of each query minus that of each key, in float32."""
    return (q_positions[:, None] - k_positions).astype(jnp.float32)


class NoEncoding(Encoding):
    """Nothing is added, rotated or biased.

    Without a causal mask the model is then permutation-equivariant; with one it can count what it sees, and needs a
    `<bos>` token to do so.
    """

    invariance = "content"
    directed = False
