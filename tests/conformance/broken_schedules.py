"""Encodings that say wrongly when they change during training."""

import jax.numpy as jnp

from jaxpe.encodings.alibi import Alibi
from jaxpe.encodings.base import Encoding
from jaxpe.encodings.drop import Drop, GatedEncoding


class ChangesSilently(Drop):
    """Drops its base as `drop` does, and does not declare it."""

    def __init__(self, *sizes, key, after: float = 0.7):
        super().__init__(*sizes, key=key, base="alibi", after=after)
        self.changes_at = ()


class ChangesElsewhere(Drop):
    """Declares a share at which nothing happens."""

    def __init__(self, *sizes, key, after: float = 0.7):
        super().__init__(*sizes, key=key, base="alibi", after=after)
        self.changes_at = (after, 0.9)


class NeverChanges(Encoding):
    """Declares a change, and has none."""

    changes_at = (0.5,)


class ChangesTwice(Alibi):
    """A valid one: it is off in the middle of training."""

    changes_at = (0.3, 0.6)

    def at(self, block, progress):
        return GatedEncoding(self, (progress < 0.3) | (progress >= 0.6))


class FadesAway(Alibi):
    """A valid one: its bias falls to zero little by little."""

    def at(self, block, progress):
        return Faded(self, 1 - jnp.asarray(progress, jnp.float32))


class Faded(Encoding):
    """The bias of an encoding times a factor."""

    def __init__(self, encoding, factor):
        self.encoding, self.factor = encoding, factor

    def bias(self, q, k, view):
        return self.factor * self.encoding.bias(q, k, view)
