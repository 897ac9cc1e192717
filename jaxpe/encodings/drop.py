"""DroPE (Gelberg et al. 2025, arXiv:2512.12167): the encoding is removed after a part of training, which then goes on.

The idea: positions help a model to learn, and a model without them generalizes to longer inputs. `base` is the encoding
(rotary by default); `after` is the fraction of the training steps during which it acts. A trained model has no
encoding; a snapshot has the one of its step. Compare it with other encodings at an equal number of steps.

When the encoding is removed, the learning rate warms up again and falls to zero over the steps that are left, as in the
paper (App. C.1, Table 4): it removes rotary from a model trained on 14 of 16 billion tokens (§5.1) and goes on for 2
billion, with 70 steps of warm-up (520 in the first part) and a cosine decay. The paper's second peak is 3.3 times the
first; here both are equal. Its experiments remove the encoding at 0.875 of training, and at 0.5 with less success
(App. D.1); the default is 0.7, since trainings here have hundreds of steps.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Context, Encoding, NoEncoding, View, Wrapper
from jaxpe.encodings.registry import build_encoding
from jaxpe.encodings.rotary import reference_rotate
from jaxpe.errors import UserError

__all__ = ["Drop", "reference_rotate"]  # its own hooks are those of the base: rotary, as at the start of training


class Drop(Wrapper):
    """The hooks of `base` while progress < after, then none."""

    invariance = "relative"
    directed: bool | None = True

    def __init__(self, context: Context, *, key: Key[Array, ""], base: str = "rotary", after: float = 0.7) -> None:
        if not 0 < after < 1:
            raise UserError(
                f"drop removes the encoding after a fraction of training: after must be between 0 and 1, got {after}."
            )
        super().__init__(build_encoding(base, context, key=key))
        self.after = after
        self.changes_at = (*(share for share in self.base.changes_at if share < after), after)

    def at(self, block: int, progress: float | Float[Array, ""]) -> Any:
        if isinstance(progress, float):
            acts = progress < self.after
            return self.base.at(block, progress) if acts else NoEncoding()
        return GatedEncoding(self.base.at(block, progress), progress < self.after)


class GatedEncoding(Encoding):
    """The hooks of an encoding where `on` is true, else no hooks. `on` may be traced."""

    def __init__(self, encoding: Encoding, on: bool | Bool[Array, ""]) -> None:
        self.encoding, self.on = encoding, on

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
        return jnp.where(self.on, self.encoding.embed(x, positions), x)

    def observe(self, h: Float[Array, "T D"]) -> Any:
        return self.encoding.observe(h)

    def rotate(self, q: Any, k: Any, view: View) -> tuple[Any, Any]:
        rotated_q, rotated_k = self.encoding.rotate(q, k, view)
        plain_q, plain_k = (pad_width(x, rotated_q.shape[-1]) for x in (q, k))
        return jnp.where(self.on, rotated_q, plain_q), jnp.where(self.on, rotated_k, plain_k)

    def bias(self, q: Any, k: Any, view: View) -> Any:
        bias = self.encoding.bias(q, k, view)
        return None if bias is None else jnp.where(self.on, bias, 0.0)

    def weights(self, logits: Float[Array, "H T S"], view: View) -> Float[Array, "H T S"]:
        return jnp.where(self.on, self.encoding.weights(logits, view), super().weights(logits, view))


def pad_width(x: Float[Array, "T H K"], width: int) -> Float[Array, "T H {width}"]:
    """x with zeros appended, which change no logit."""
    return jnp.pad(x, ((0, 0), (0, 0), (0, width - x.shape[-1])))
