"""Interleaved: an encoding in most blocks, and none in every `blocks`-th block.

As in models that mix blocks with rotary positions and blocks without any (Yang et al. 2025, "RoPE to NoPE and back
again", arXiv:2501.18795; Llama 4 has no positions in every 4th block). `base` is the encoding of the other blocks. It
must act inside the blocks: one that changes the token embeddings cannot be left out of a block. `interleaved_scaled`
leaves out every 2nd block, for models of two blocks.
"""

from __future__ import annotations

from typing import Any

import jax
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding, NoEncoding, copy_declarations
from jaxpe.encodings.registry import build_encoding, fill_trained_positions
from jaxpe.encodings.rotary import reference_rotate
from jaxpe.errors import UserError

__all__ = ["Interleaved", "reference_rotate"]  # its own hooks are those of the base: rotary, as in the first block


class Interleaved(Encoding):
    """`base` in the blocks 1, 2, 3, 5, 6, 7, 9 … for blocks = 4, counted from 1."""

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
        blocks: int = 4,
        trained_positions: int | None = None,
    ) -> None:
        sizes = {"model_width": model_width, "heads": heads, "max_length": max_length}
        options = fill_trained_positions(base, trained_positions)
        self.base = build_encoding(base, **sizes, attention=attention, key=key, **options)
        if type(self.base).embed is not Encoding.embed or blocks < 2:
            raise UserError(
                f"interleaved needs blocks of at least 2, got {blocks}, and a base that acts inside blocks, such as "
                f"rotary or alibi, got {base}."
            )
        self.blocks = blocks
        copy_declarations(self, self.base)

    def at(self, block: int, progress: float | Float[Array, ""]) -> Encoding:
        if (block + 1) % self.blocks:
            return self.base.at(block, progress)
        return NoEncoding(0, 0, 0, "causal", key=jax.random.key(0))

    @property
    def position_limit(self) -> int | None:
        return self.base.position_limit

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
