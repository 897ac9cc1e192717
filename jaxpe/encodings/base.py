"""The interface of every encoding: three hooks where position can enter a Transformer. By default they do nothing.

The base class is also the baseline without any encoding (NoPE: Haviv et al. 2022, arXiv:2203.16634; Kazemnejad et al.
2023, arXiv:2305.19466). An encoding overrides one or more of `embed`, `rotate` and `bias`.

Hooks work on one example; batches come from `jax.vmap`. T is the number of queries, S of keys, D the model width, H the
number of heads, K = D / H the head width, W the width of rotated queries and keys, and r = i − j the position of a
query minus the position of a key.

The file of an encoding may also define `reference_embed`, `reference_rotate` or `reference_bias`: the same hook as a
slow NumPy loop, written from the formula in the paper. `jaxpe.conformance.suite` compares the two. A reference takes
the arguments of the hook, and by keyword what it names: parameters of the encoding (as arrays), options, `heads`,
`model_width`, `max_length`, `attention`.
"""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Key, Num

from jaxpe.errors import UserError

Attention = Literal["causal", "bidirectional", "cross"]


class Encoding(nnx.Module):
    """Base class of all encodings.

    Positions are arguments that a sampler of `jaxpe.positions` makes; a hook never calls `arange`. The attention logits
    are q·k / √K + bias, where K is the head width of the model; then the mask is applied. During incremental decoding
    the same hooks are called with one query (T = 1) and all keys so far. An encoding with the option
    `trained_positions` receives the number of positions that training uses: 1 + the largest position of the sampler.
    """

    shared: bool = True  # True: all blocks use one instance; False: one instance per block, `embed` called on the first
    cross: bool = False  # True: cross-attention gets its own instance, built with attention="cross"
    causal_only: bool = False  # True: the constructor raises UserError for other attention and suggests an alternative
    integer_positions: bool = False  # True: fractional positions are refused
    # Standard deviation of the model's token embeddings before training. The model draws the same normal numbers for every
    # encoding and multiplies them. A constructor may set it, as where a paper states scales for tokens and positions.
    token_std: float = 1.0
    # The shares of training, between 0 and 1, from which on `at` gives hooks of another kind. The learning rate warms up
    # again there, and falls over what is left. An encoding that changes little by little needs none.
    changes_at: tuple[float, ...] = ()

    # Declarations, which `jaxpe check` compares with measurements. `invariance` is "relative" where no shift of all
    # positions changes a logit; "relative below a length" where that holds while positions are below a length;
    # "content" where logits depend on tokens and the mask only; else "absolute".
    invariance: str = "absolute"
    directed: bool | None = None  # do logits distinguish left from right without a causal mask? None: not declared
    keeps_norms: bool = True  # does `rotate` keep the norms of queries and keys?

    def __init__(
        self, model_width: int, heads: int, max_length: int, attention: Attention, *, key: Key[Array, ""]
    ) -> None:
        """`max_length` is 1 + the largest position that any sampler of the run can give; `key` draws parameters."""

    def at(self, block: int, progress: float | Float[Array, ""]) -> Encoding:
        """The encoding that acts in block number `block` after the fraction `progress` of training (1 when trained).

        Override it for schedules over blocks or steps. Only the three hooks of the returned object are used.
        """
        return self

    @property
    def position_limit(self) -> int | None:
        """The number of positions that are defined, 0 … limit − 1; None where every position is."""
        return None

    def compute_untrained_share(self, trained: int, tested: int) -> float | None:
        """Share of the table rows (or buckets) used by `tested` positions that `trained` positions never used.

        For rotations: the share of pairs that make less than one full turn in training. None where neither applies.
        """
        return None

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
        """Token embeddings with positions, before the first block."""
        return x

    def rotate(
        self,
        q: Float[Array, "T H K"],
        k: Float[Array, "S H K"],
        q_positions: Num[Array, "T"],
        k_positions: Num[Array, "S"],
    ) -> tuple[Float[Array, "T H W"], Float[Array, "S H W"]]:
        """Queries and keys with positions, in every block. W may differ from K."""
        return q, k

    def bias(
        self,
        q: Float[Array, "T H W"],
        k: Float[Array, "S H W"],
        q_positions: Num[Array, "T"],
        k_positions: Num[Array, "S"],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Float[Array, "#H #T #S"] | Float[Array, ""] | Int[Array, ""] | None:
        """What is added to the logits q·k / √K; None for nothing. `mask` is True where a query sees a key."""
        return None


def compute_distances(q_positions: Num[Array, "T"], k_positions: Num[Array, "S"]) -> Float[Array, "T S"]:
    """r = i − j, the position of each query minus the position of each key, in float32."""
    return (q_positions[:, None] - k_positions).astype(jnp.float32)


class NoEncoding(Encoding):
    """No encoding (NoPE): nothing is added, rotated or biased.

    Without a causal mask the model is permutation-equivariant. With a causal mask it can infer positions, by counting
    the tokens that it sees; for that it needs a `<bos>` token.
    """

    invariance = "content"
    directed = False


def require_trained_positions(trained_positions: int | None, encoding: str) -> int:
    """`trained_positions`. Raises UserError where it is None; `encoding` says in the message what needs it."""
    if trained_positions is None:
        raise UserError(f"{encoding} needs trained_positions: pass the number of positions that training uses.")
    return trained_positions


DECLARATIONS = ("shared", "invariance", "directed", "integer_positions", "keeps_norms", "token_std", "changes_at")


def copy_declarations(wrapper: Encoding, base: Encoding) -> None:
    """Gives an encoding that wraps another one the declarations of that one."""
    for name in DECLARATIONS:
        setattr(wrapper, name, getattr(base, name))
