"""Encodings that rotate queries and keys, each with one fault that the conformance suite must find and name."""

import jax
import jax.numpy as jnp
from flax import nnx

from jaxpe.encodings.base import Encoding
from jaxpe.encodings.frequencies import compute_frequencies
from jaxpe.encodings.rotary import Rotary, rotate_pairs
from jaxpe.encodings.rotary import reference_rotate as rotary_reference


class BaseNotPassedOn(Rotary):
    """Accepts `base` and ignores it."""

    def rotate(self, q, k, view):
        frequency = compute_frequencies(self.width, 10_000.0)
        return rotate_pairs(q, view.q_positions, frequency), rotate_pairs(k, view.k_positions, frequency)


class OtherPairs(Rotary):
    """Pairs (c, c + K/2), with a reference for (2c, 2c + 1)."""

    reference_rotate = staticmethod(rotary_reference)

    def rotate(self, q, k, view):
        def rotate_halves(x, positions):
            angle = positions.astype(jnp.float32)[:, None, None] * compute_frequencies(self.width, self.base)
            a, b = jnp.split(x, 2, axis=-1)
            sine, cosine = jnp.sin(angle), jnp.cos(angle)
            return jnp.concatenate([a * cosine - b * sine, a * sine + b * cosine], axis=-1)

        return rotate_halves(q, view.q_positions), rotate_halves(k, view.k_positions)


class DeclaredNorms(Rotary):
    """Doubles queries, although keeps_norms is True."""

    def rotate(self, q, k, view):
        q, k = super().rotate(q, k, view)
        return 2 * q, k


class ShortQueryTable(Encoding):
    """Scales queries by a table of 40 rows without a limit: indexing clamps silently."""

    keeps_norms = False

    def __init__(self, context, *, key):
        self.table = nnx.Param(jax.random.normal(key, (40, context.heads, 1)))

    def rotate(self, q, k, view):
        return q * self.table[...][view.q_positions.astype(jnp.int32)], k
