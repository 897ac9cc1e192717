"""Interleaved: an encoding in most blocks, and none in every `blocks`-th block.

As in models that mix blocks with rotary positions and blocks without any (Yang et al. 2025, "RoPE to NoPE and back
again", arXiv:2501.18795; Llama 4 has no positions in every 4th block). `base` is the encoding of the other blocks. It
must act inside the blocks: one that changes the token embeddings cannot be left out of a block. `interleaved_scaled`
leaves out every 2nd block, for models of two blocks.
"""

from __future__ import annotations

from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Context, Encoding, NoEncoding, Wrapper
from jaxpe.encodings.registry import build_encoding
from jaxpe.encodings.rotary import reference_rotate
from jaxpe.errors import UserError

__all__ = ["Interleaved", "reference_rotate"]  # its own hooks are those of the base: rotary, as in the first block


class Interleaved(Wrapper):
    """`base` in the blocks 1, 2, 3, 5, 6, 7, 9 … for blocks = 4, counted from 1."""

    invariance = "relative"
    directed: bool | None = True

    def __init__(self, context: Context, *, key: Key[Array, ""], base: str = "rotary", blocks: int = 4) -> None:
        super().__init__(build_encoding(base, context, key=key))
        if type(self.base).embed is not Encoding.embed or blocks < 2:
            raise UserError(
                f"interleaved needs blocks of at least 2, got {blocks}, and a base that acts inside blocks, such as "
                f"rotary or alibi, got {base}."
            )
        self.blocks = blocks

    def at(self, block: int, progress: float | Float[Array, ""]) -> Encoding:
        if (block + 1) % self.blocks:
            return self.base.at(block, progress)
        return NoEncoding()
