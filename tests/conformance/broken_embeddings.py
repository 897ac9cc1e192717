"""Encodings that add something to the embeddings, each with one fault that the conformance suite must find and name."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxpe.encodings.base import Encoding
from jaxpe.encodings.frequencies import compute_frequencies
from jaxpe.encodings.learned import Learned
from jaxpe.encodings.sinusoidal import Sinusoidal, compute_sinusoids
from jaxpe.encodings.sinusoidal import reference_embed as sinusoidal_reference


class ClampedTable(Learned):
    """A table of 40 rows without a limit: indexing clamps silently."""

    integer_positions = False
    position_limit = None

    def __init__(self, context, *, key, scale=1.0):
        super().__init__(replace(context, max_length=40), key=key, scale=scale)

    def embed(self, x, positions):
        return x + self.table[...][positions.astype(jnp.int32)]


class WrongLimit(Learned):
    """Claims twice as many positions as there are rows."""

    @property
    def position_limit(self):
        return 2 * self.limit

    def embed(self, x, positions):
        return x + self.table[...][jnp.minimum(positions, 99)]


class TooFewPositions(Learned):
    """A table that is too short for the training inputs, and says so."""

    def __init__(self, context, *, key):
        super().__init__(replace(context, max_length=10), key=key)


class NotFinite(Sinusoidal):
    """log(300 − p), which is NaN from 301 on."""

    def embed(self, x, positions):
        return x + jnp.log(300.0 - positions.astype(jnp.float32))[:, None]


class NarrowAngles(Sinusoidal):
    """Positions in bfloat16."""

    def embed(self, x, positions):
        return x + compute_sinusoids(positions.astype(jnp.bfloat16).astype(jnp.float32), x.shape[-1], self.base)


class Rounds(Sinusoidal):
    """Accepts fractional positions and rounds them."""

    def embed(self, x, positions):
        return super().embed(x, positions.astype(jnp.int32))


class CountsFromOne(Sinusoidal):
    reference_embed = staticmethod(sinusoidal_reference)

    def embed(self, x, positions):
        return super().embed(x, positions + 1)


class HalfTheCode(Sinusoidal):
    reference_embed = staticmethod(sinusoidal_reference)

    def embed(self, x, positions):
        return 0.5 * x + 0.5 * super().embed(x, positions)


class LooksAhead(Sinusoidal):
    """Adds the mean of all tokens."""

    def embed(self, x, positions):
        return super().embed(x, positions) + x.mean(0)


class PositionsAhead(Sinusoidal):
    """Counts from the last position."""

    def embed(self, x, positions):
        return super().embed(x, positions.max() - positions)


class CallsArange(Sinusoidal):
    """Ignores the positions that it is given."""

    def embed(self, x, positions):
        return super().embed(x, jnp.arange(len(x)))


class NeighbourCode(Sinusoidal):
    """Adds the previous token, which is missing when one token is embedded at a time."""

    def embed(self, x, positions):
        return super().embed(x, positions) + jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1]])


class DeclaredRelative(Sinusoidal):
    invariance = "relative"


class ArrayConstant(Encoding):
    """Frequencies as an array attribute, which the optimizer would train."""

    directed = True

    def __init__(self, context, *, key):
        self.frequencies = jnp.asarray(compute_frequencies(context.model_width, 10_000.0))

    def embed(self, x, positions):
        angle = positions.astype(jnp.float32)[:, None] * self.frequencies
        return x + jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)


class NarrowCode(Encoding):
    """Returns one coordinate too few."""

    def embed(self, x, positions):
        return x[:, :-1]


class HalfPrecision(Encoding):
    """Returns bfloat16."""

    def embed(self, x, positions):
        return x.astype(jnp.bfloat16)


class GlobalDraw(Learned):
    """Draws from NumPy's global state."""

    def __init__(self, context, *, key):
        self.limit = context.max_length
        self.table = nnx.Param(
            jnp.asarray(np.random.normal(size=(context.max_length, context.model_width)), jnp.float32)
        )


class CannotBeMapped(Sinusoidal):
    """Converts a draw from the key to a Python number, which is impossible under vmap."""

    def __init__(self, context, *, key):
        base = 9000.0 + int(jax.random.randint(key, (), 0, 9))
        super().__init__(context, key=key, base=base)


class OnlyOnCPU(Sinusoidal):
    """Calls an operation that no accelerator has."""

    def embed(self, x, positions):
        largest = jnp.linalg.eigvals(jnp.eye(2)).real.max()
        return super().embed(x, positions) * jax.lax.stop_gradient(largest)


class CodeAlone(Sinusoidal):
    """Forgets to add the tokens."""

    def embed(self, x, positions):
        return compute_sinusoids(positions.astype(jnp.float32), x.shape[-1], self.base)
