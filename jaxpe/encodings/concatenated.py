"""Control: the position code is concatenated to the token embedding instead of added.

The last D_p = share·D coordinates of the embedding are replaced by a sinusoidal code of width D_p and RMS `scale` for
each coordinate; the token keeps the first D − D_p. The width and the number of parameters are those of the other
encodings.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from jaxpe.encodings.base import Context, Encoding
from jaxpe.encodings.sinusoidal import compute_sinusoids
from jaxpe.encodings.sinusoidal import reference_embed as sinusoidal_reference
from jaxpe.errors import UserError


class Concatenated(Encoding):
    """[x_1 … x_(D − D_p), scale·√2·PE(p)], with D_p = share·D."""

    directed = True

    def __init__(
        self, context: Context, *, key: Key[Array, ""], share: float = 0.25, base: float = 10_000.0, scale: float = 1.0
    ) -> None:
        self.width = round(share * context.model_width)
        if self.width % 2 or not 0 < self.width < context.model_width:
            raise UserError(
                f"concatenated needs an even number of position coordinates below the model width {context.model_width}, but "
                f"share={share} gives {self.width}: choose another width or another share."
            )
        self.base = base
        self.amplitude = scale * math.sqrt(2)

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
        code = self.amplitude * compute_sinusoids(positions, self.width, self.base)
        return jnp.concatenate([x[:, : -self.width], code], axis=-1)


def reference_embed(
    x: np.ndarray, positions: np.ndarray, *, share: float = 0.25, base: float = 10_000.0, scale: float = 1.0
) -> np.ndarray:
    """`embed` as a slow loop, written from the formula."""
    width = round(share * x.shape[1])
    out = np.array(x, np.float64)
    out[:, -width:] = sinusoidal_reference(np.zeros((len(positions), width)), positions, base=base, scale=scale)
    return out
