"""Random streams: every use of randomness in a run has a key of its own, made from the seed.

Keys come from `fold_in` with the constants below and never from a chain of `split`, so that a new use of one stream changes no
other stream. No stream depends on the encoding: with the same seed, all encodings get the same blocks and batches.
"""

from __future__ import annotations

import jax
from jaxtyping import Array, Int, Key

STREAMS = {"initialisation": 0, "encoding": 1, "data": 2, "length": 3, "positions": 4, "evaluation": 5, "dropout": 6}


def make_key(stream: str, seed: int | Int[Array, ""]) -> Key[Array, ""]:
    """The key of a stream in STREAMS for a seed (which may be traced)."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(0), STREAMS[stream]), seed)
