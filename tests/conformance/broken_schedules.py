"""Encodings that say wrongly when they change during training."""

import jax
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


class FutureInLaterBlocks(Alibi):
    """Nothing is wrong in the first block; in all others the mask is ignored."""

    def at(self, block, progress):
        return self if block == 0 else WithoutMask()


class FutureLate(Alibi):
    """The mask is ignored from half of training on."""

    changes_at = (0.5,)

    def at(self, block, progress):
        return MaskUntil(self, progress < 0.5)


class NanInTheSecondBlock(Alibi):
    """Its bias is NaN in block 1."""

    def at(self, block, progress):
        return Faded(self, jnp.nan) if block == 1 else self


class NarrowInTheSecondBlock(Alibi):
    """Its weights lack a key in block 1."""

    def at(self, block, progress):
        return LastKeyMissing() if block == 1 else self


class PaddingAtTheEnd(Alibi):
    """When it is trained, its bias depends on how many tokens there are."""

    def at(self, block, progress):
        return CountsTokens(self) if isinstance(progress, float) and progress == 1 else self


class WithoutEncoding(Alibi):
    """It forgets to return what acts in block 2."""

    def at(self, block, progress):
        return None if block == 2 else self


class WithoutMask(Encoding):
    """A softmax over all keys."""

    def __init__(self):
        pass

    def weights(self, logits, view):
        return jax.nn.softmax(logits, axis=-1)


class MaskUntil(GatedEncoding):
    """An encoding which ignores the mask where `on` is false."""

    def weights(self, logits, view):
        return jnp.where(self.on, self.encoding.weights(logits, view), jax.nn.softmax(logits, axis=-1))


class LastKeyMissing(Encoding):
    """Weights of all keys but the last."""

    def __init__(self):
        pass

    def weights(self, logits, view):
        return super().weights(logits, view)[..., :-1]


class CountsTokens(Faded):
    """The bias of an encoding times the number of keys."""

    def __init__(self, encoding):
        super().__init__(encoding, 1.0)

    def bias(self, q, k, view):
        return super().bias(q, k, view) * len(k)
