"""Random streams. A run is a pure function of (config, seed): every use of chance has a stream of its own, named here.

`fold_in` with named constants, never a chain of `split`: adding a consumer to one stream changes no other stream. The
streams do not know which encoding is trained, so the same seed gives every encoding the same blocks and batches.
"""

from __future__ import annotations

import jax
from jaxtyping import Array, Int, Key

STREAMS = {"initialisation": 0, "encoding": 1, "data": 2, "length": 3, "positions": 4, "evaluation": 5}


def stream(name: str, seed: int | Int[Array, ""]) -> Key[Array, ""]:
    """The key of stream `name` for `seed` (may be traced)."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(0), STREAMS[name]), seed)
