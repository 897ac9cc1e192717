"""The interface of every encoding: five hooks where position can enter a Transformer. By default they change nothing.

The base class is also the baseline without any encoding (NoPE: Haviv et al. 2022, arXiv:2203.16634; Kazemnejad et al.
2023, arXiv:2305.19466). An encoding overrides one or more of `embed`, `observe`, `rotate`, `bias` and `weights`.

Hooks work on one example; batches come from `jax.vmap`. T is the number of queries, S of keys, D the model width, H the
number of heads, K = D / H the head width, W the width of rotated queries and keys, and r = i − j the position of a
query minus the position of a key.

The file of an encoding may also define `reference_embed`, `reference_observe`, `reference_rotate`, `reference_bias` or
`reference_weights`: the same hook as a slow NumPy loop, written from the formula in the paper. `jaxpe.conformance.suite`
compares the two. A reference takes the arrays of the hook (`q_positions`, `k_positions` and `mask` in place of a view),
and by keyword what it names: parameters of the encoding (as arrays), options, `q_seen`, `k_seen`, and the fields of
`Context`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int, Key, Num

from jaxpe.errors import UserError

Attention = Literal["causal", "bidirectional", "cross"]


@dataclass(frozen=True)
class Context:
    """What an encoding is built for: D (`model_width`), H (`heads`) and K (`head_width`) of the model, and what is known of positions.

    `max_length`: 1 + the largest position that any sampler of the run can give, in tests too; `trained_positions`: the same of
    training alone, None where that is not known. `attention`: "bidirectional", "causal" or "cross".
    """

    model_width: int
    heads: int
    max_length: int  # 1 + the largest position that any sampler of the run can give
    attention: Attention
    trained_positions: int | None = None  # 1 + the largest position of training; None where that is not known

    @property
    def head_width(self) -> int:
        """K, the width of a query of one head."""
        return self.model_width // self.heads


class View(NamedTuple):
    """What queries and keys are to each other. During incremental decoding there is one query, and all keys so far.

    `q_positions` [T] and `k_positions` [S]; `mask` [T, S], True where a query sees a key, or None where each sees all;
    `q_seen` and `k_seen`, what `observe` gave for the inputs of the queries and of the keys; `distances` [T, S], i − j.
    Keys stand in the order of their tokens, also where positions do not. `scaling_length` belongs to the model, which
    scales logits by it before `weights` is called.
    """

    q_positions: Num[Array, "T"]
    k_positions: Num[Array, "S"]
    mask: Bool[Array, "T S"] | None = None  # True where a query sees a key; None: each sees all
    q_seen: Any = None  # what `observe` gave for the inputs that the queries come from, and for those of the keys
    k_seen: Any = None
    scaling_length: Float[Array, ""] | None = None  # of `jaxpe.model.attention.scale_for_length`

    @property
    def distances(self) -> Float[Array, "T S"]:
        """r = i − j, the position of each query minus the position of each key, in float32."""
        return (self.q_positions[:, None] - self.k_positions).astype(jnp.float32)


class Encoding(nnx.Module):
    """Base class of all encodings.

    Positions are arguments that a sampler of `jaxpe.positions` makes; a hook never calls `arange`. The attention logits
    are q·k / √K + bias, where K is the head width of the model; `weights` then applies the mask. During incremental decoding
    the same hooks are called with one query (T = 1) and all keys so far; what `observe` gave is kept with keys and values.

    A class may declare:

    * `shared`: True where all blocks use one instance; False: one for each block, and `embed` is called on the first;
    * `causal_only`: True where other attention is refused; `cross`: True where cross-attention gets an instance of its own;
    * `invariance`: "absolute", "relative" (no shift of all positions changes a logit), "relative below a length", or
      "content" (positions change nothing); `directed`: whether logits tell left from right without a causal mask;
    * `keeps_norms`: whether `rotate` keeps the norms of queries and keys; `integer_positions`: True where fractional
      positions are refused; `token_std`: the standard deviation of token embeddings before training; `changes_at`: the
      shares of training at which `at` gives other hooks.

    `jaxpe check` compares what is declared with measurements. A `reference_HOOK` below the class, a slow loop from the
    formula, is compared with the hook.
    """

    shared: bool = True  # True: all blocks use one instance; False: one instance per block, `embed` called on the first
    cross: bool = False  # True: cross-attention gets its own instance, built with attention="cross"
    causal_only: bool = False  # True: `build_encoding` refuses other attention
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

    def __init__(self, context: Context, *, key: Key[Array, ""]) -> None:
        """`key` draws parameters. Options follow it by keyword."""

    def at(self, block: int, progress: float | Float[Array, ""]) -> Encoding:
        """The encoding that acts in block number `block` after the fraction `progress` of training (1 when trained).

        Override it for schedules over blocks or steps. Only the hooks of the returned object are used.
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

    def observe(self, h: Float[Array, "T D"]) -> Any:
        """What the other hooks may know of the inputs that queries and keys are projected from, in every block.

        Any arrays, in any structure, each with a first axis T: the entry of a token depends on that token alone. The hooks
        find them in their view as `q_seen` and `k_seen`. None for nothing.
        """
        return None

    def rotate(
        self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View
    ) -> tuple[Float[Array, "T H W"], Float[Array, "S H W"]]:
        """Queries and keys with positions, in every block. W may differ from K."""
        return q, k

    def bias(
        self, q: Float[Array, "T H W"], k: Float[Array, "S H W"], view: View
    ) -> Float[Array, "#H #T #S"] | Float[Array, ""] | Int[Array, ""] | None:
        """What is added to the logits q·k / √K; None for nothing."""
        return None

    def weights(self, logits: Float[Array, "H T S"], view: View) -> Float[Array, "H T S"]:
        """The weights of the keys for each query: by default the softmax of the logits under the mask.

        Keys that the mask hides have the weight 0. The rows need not sum to 1.
        """
        if view.mask is not None:
            logits = jnp.where(view.mask, logits, jnp.finfo(logits.dtype).min)
        return jax.nn.softmax(logits, axis=-1)


class NoEncoding(Encoding):
    """No encoding (NoPE): nothing is added, rotated or biased.

    Without a causal mask the model is permutation-equivariant. With a causal mask it can infer positions, by counting
    the tokens that it sees; for that it needs a `<bos>` token.
    """

    invariance = "content"
    directed = False

    def __init__(self, context: Context | None = None, *, key: Key[Array, ""] | None = None) -> None:
        """It has neither parameters nor options."""


def require_trained_positions(trained_positions: int | None, encoding: str) -> int:
    """`trained_positions`. Raises UserError where it is None; `encoding` says in the message what needs it."""
    if trained_positions is None:
        raise UserError(f"{encoding} needs trained_positions: pass the number of positions that training uses.")
    return trained_positions


HOOKS = ("embed", "observe", "rotate", "bias", "weights")
DECLARATIONS = ("shared", "invariance", "directed", "integer_positions", "keeps_norms", "token_std", "changes_at")


class Wrapper(Encoding):
    """An encoding around another one, `base`, whose declarations and hooks it has until it overrides them."""

    def __init__(self, base: Encoding) -> None:
        self.base = base
        for name in DECLARATIONS:
            setattr(self, name, getattr(base, name))

    @property
    def position_limit(self) -> int | None:
        return self.base.position_limit

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
        return self.base.embed(x, positions)

    def observe(self, h: Float[Array, "T D"]) -> Any:
        return self.base.observe(h)

    def rotate(self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View) -> Any:
        return self.base.rotate(q, k, view)

    def bias(self, q: Float[Array, "T H W"], k: Float[Array, "S H W"], view: View) -> Any:
        return self.base.bias(q, k, view)

    def weights(self, logits: Float[Array, "H T S"], view: View) -> Float[Array, "H T S"]:
        return self.base.weights(logits, view)
