"""DroPE (2025, arXiv:2512.12167): an encoding that is removed after a share of the training; the rest is trained without.

The idea: positions help to learn, and their absence helps to carry on to longer inputs. `base` is the encoding (rotary
unless given), `after` the share of the steps that it acts for. A trained model has none, a checkpoint has what its share of
the training had. Compare at equal steps.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding, NoEncoding
from jaxpe.encodings.rotary import reference_rotate
from jaxpe.errors import UserError

__all__ = ["Drop", "reference_rotate"]  # by itself it acts as at the start of training, on rotary unless given


class Drop(Encoding):
    """`base` while progress < after, then nothing."""

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
        from jaxpe import encodings

        if not 0 < after < 1:
            raise UserError(f"drop removes the encoding after a share of the training between 0 and 1, got {after}.")
        sizes = {"model_width": model_width, "heads": heads, "max_length": max_length}
        self.base = encodings.build(
            base, **sizes, attention=attention, key=key, **encodings.told(base, trained_positions)
        )
        self.after = after
        self.shared, self.invariance, self.directed = self.base.shared, self.base.invariance, self.base.directed
        self.integer_positions, self.keeps_norms = self.base.integer_positions, self.base.keeps_norms

    def at(self, block: int, progress: float | Float[Array, ""]) -> Any:
        if isinstance(progress, float):
            there = progress < self.after
            return self.base.at(block, progress) if there else NoEncoding(0, 0, 0, "causal", key=jax.random.key(0))
        return Switched(self.base.at(block, progress), progress < self.after)

    @property
    def position_limit(self) -> int | None:
        return self.base.position_limit

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, T]) -> Float[Array, "T D"]:
        return self.base.embed(x, positions)

    def rotate(
        self,
        q: Float[Array, "T H K"],
        k: Float[Array, "S H K"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
    ) -> tuple[Float[Array, "T H W"], Float[Array, "S H W"]]:
        return self.base.rotate(q, k, q_positions, k_positions)

    def bias(
        self,
        q: Float[Array, "T H W"],
        k: Float[Array, "S H W"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Any:
        return self.base.bias(q, k, q_positions, k_positions, mask)


class Switched:
    """The hooks of an encoding where `on` (may be traced) is true, else none."""

    def __init__(self, encoding: Encoding, on: bool | Bool[Array, ""]) -> None:
        self.encoding, self.on = encoding, on

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, T]) -> Float[Array, "T D"]:
        return jnp.where(self.on, self.encoding.embed(x, positions), x)

    def rotate(self, q: Any, k: Any, q_positions: Any, k_positions: Any) -> tuple[Any, Any]:
        turned = self.encoding.rotate(q, k, q_positions, k_positions)
        plain = [widened(x, turned[0].shape[-1]) for x in (q, k)]
        return jnp.where(self.on, turned[0], plain[0]), jnp.where(self.on, turned[1], plain[1])

    def bias(self, q: Any, k: Any, q_positions: Any, k_positions: Any, mask: Any = None) -> Any:
        bias = self.encoding.bias(q, k, q_positions, k_positions, mask)
        return None if bias is None else jnp.where(self.on, bias, 0.0)


def widened(x: Float[Array, "T H K"], width: int) -> Float[Array, "T H {width}"]:
    """x with zeros behind, which change no logit."""
    return jnp.pad(x, ((0, 0), (0, 0), (0, width - x.shape[-1])))
