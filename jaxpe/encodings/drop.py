"""DroPE (Gelberg et al. 2025, arXiv:2512.12167): the encoding is removed after a part of training, which then goes on.

The idea: positions help a model to learn, and a model without them generalizes to longer inputs. `base` is the encoding
(rotary by default); `after` is the fraction of the training steps during which it acts. A trained model has no
encoding; a checkpoint has the one of its step. Compare it with other encodings at an equal number of steps.

When the encoding is removed, the learning rate warms up again and falls to zero over the steps that are left, as in the
paper (App. C.1, Table 4): it removes rotary from a model trained on 14 of 16 billion tokens (§5.1) and goes on for 2
billion, with 70 steps of warm-up (520 in the first part) and a cosine decay. The paper's second peak is 3.3 times the
first; here both are equal. Its experiments remove the encoding at 0.875 of training, and at 0.5 with less success
(App. D.1); the default is 0.7, since trainings here have hundreds of steps.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding, NoEncoding, copy_declarations
from jaxpe.encodings.registry import build_encoding, fill_trained_positions
from jaxpe.encodings.rotary import reference_rotate
from jaxpe.errors import UserError

__all__ = ["Drop", "reference_rotate"]  # its own hooks are those of the base: rotary, as at the start of training


class Drop(Encoding):
    """The hooks of `base` while progress < after, then none."""

    invariance = "relative"
    directed: bool | None = True

    def __init__(
        self,
        model_width: int,
        heads: int,
        max_length: int,
        attention: Attention,
        *,
        key: Key[Array, ""],
        base: str = "rotary",
        after: float = 0.7,
        trained_positions: int | None = None,
    ) -> None:
        if not 0 < after < 1:
            raise UserError(
                f"drop removes the encoding after a fraction of training: after must be between 0 and 1, got {after}."
            )
        sizes = {"model_width": model_width, "heads": heads, "max_length": max_length}
        options = fill_trained_positions(base, trained_positions)
        self.base = build_encoding(base, **sizes, attention=attention, key=key, **options)
        self.after = after
        copy_declarations(self, self.base)
        self.changes_at = (*(share for share in self.base.changes_at if share < after), after)

    def at(self, block: int, progress: float | Float[Array, ""]) -> Any:
        if isinstance(progress, float):
            acts = progress < self.after
            return self.base.at(block, progress) if acts else NoEncoding(0, 0, 0, "causal", key=jax.random.key(0))
        return GatedEncoding(self.base.at(block, progress), progress < self.after)

    @property
    def position_limit(self) -> int | None:
        return self.base.position_limit

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
        return self.base.embed(x, positions)

    def rotate(
        self,
        q: Float[Array, "T H K"],
        k: Float[Array, "S H K"],
        q_positions: Num[Array, "T"],
        k_positions: Num[Array, "S"],
    ) -> tuple[Float[Array, "T H W"], Float[Array, "S H W"]]:
        return self.base.rotate(q, k, q_positions, k_positions)

    def bias(
        self,
        q: Float[Array, "T H W"],
        k: Float[Array, "S H W"],
        q_positions: Num[Array, "T"],
        k_positions: Num[Array, "S"],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Any:
        return self.base.bias(q, k, q_positions, k_positions, mask)


class GatedEncoding(Encoding):
    """The hooks of an encoding where `on` is true, else no hooks. `on` may be traced."""

    def __init__(self, encoding: Encoding, on: bool | Bool[Array, ""]) -> None:
        self.encoding, self.on = encoding, on

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
        return jnp.where(self.on, self.encoding.embed(x, positions), x)

    def rotate(self, q: Any, k: Any, q_positions: Any, k_positions: Any) -> tuple[Any, Any]:
        rotated_q, rotated_k = self.encoding.rotate(q, k, q_positions, k_positions)
        plain_q, plain_k = (pad_width(x, rotated_q.shape[-1]) for x in (q, k))
        return jnp.where(self.on, rotated_q, plain_q), jnp.where(self.on, rotated_k, plain_k)

    def bias(self, q: Any, k: Any, q_positions: Any, k_positions: Any, mask: Any = None) -> Any:
        bias = self.encoding.bias(q, k, q_positions, k_positions, mask)
        return None if bias is None else jnp.where(self.on, bias, 0.0)


def pad_width(x: Float[Array, "T H K"], width: int) -> Float[Array, "T H {width}"]:
    """x with zeros appended, which change no logit."""
    return jnp.pad(x, ((0, 0), (0, 0), (0, width - x.shape[-1])))
