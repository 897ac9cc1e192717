"""Tasks with one fault each, which the suite must name."""

import functools
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.tasks import Sample, Task
from jaxpe.tasks.base import draw_symbols


@dataclass(frozen=True)
class Plain(Task):
    """y is x, of two symbols; without a fault."""

    summary = "y is x"
    order_needed = True
    symbols = 2

    def sample(self, key, length, max_length):
        x = draw_symbols(key, max_length, 2, length)
        return Sample(x, jnp.asarray(length), x, jnp.asarray(length))

    def length_baseline(self, length, metric):
        return 0.5 if metric == "token_accuracy" else 0.5**length

    def order_blind_baseline(self, length, metric, architecture):
        return self.length_baseline(length, metric) if architecture == "decoder" else self.blind(length, metric)

    architectures = ("decoder",)

    def reference(self, x):
        return x


class NotHashable(Plain):
    def __init__(self):
        object.__setattr__(self, "words", [1, 2])

    def __hash__(self):
        return hash(self.words)


@dataclass(frozen=True)
class ListAsOption(Plain):
    words: list = field(default_factory=list)


class NeverEqual(Plain):
    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__


class NoSummary(Task):
    order_needed = True


class OtherArchitecture(Plain):
    architectures = ("decodr",)


class TextAsOrder(Plain):
    order_needed = "yes"


class CountingNeedsOrder(Plain):
    counting = True


class LengthsBeyond(Plain):
    def lengths(self, low, high):
        return [*range(low, high + 2)]


class LengthsFromOne(Plain):
    def lengths(self, low, high):
        return [*range(1, high + 1)]


class FractionAsSize(Plain):
    def y_size(self, length):
        return length / 1


class ShrinkingSize(Plain):
    def y_size(self, length):
        return 30 - length


class WrongShape(Plain):
    def y_size(self, length):
        return length + 1


class FloatSymbols(Plain):
    def sample(self, key, length, max_length):
        sample = super().sample(key, length, max_length)
        return sample._replace(x=1.0 * sample.x)


class PairAsSample(Plain):
    def sample(self, key, length, max_length):
        return super().sample(key, length, max_length)[::2]


class BranchesOnLength(Plain):
    def sample(self, key, length, max_length):
        return super().sample(key, length if length > 3 else 3, max_length)


class Raises(Plain):
    def sample(self, key, length, max_length):
        raise KeyError("no such thing")


class OtherActualLength(Plain):
    def sample(self, key, length, max_length):
        return super().sample(key, length, max_length)._replace(y_length=jnp.asarray(length) // 2)


class OutOfRange(Plain):
    symbols = 1


class NegativeSymbol(Plain):
    def sample(self, key, length, max_length):
        sample = super().sample(key, length, max_length)
        return sample._replace(y=-sample.y)


class NoPadding(Plain):
    def sample(self, key, length, max_length):
        x = draw_symbols(key, max_length, 2, max_length)
        return Sample(x, jnp.asarray(length), x, jnp.asarray(length))


class DependsOnArrays(Plain):
    def sample(self, key, length, max_length):
        return super().sample(jax.random.fold_in(key, max_length), length, max_length)


class IgnoresKey(Plain):
    def sample(self, key, length, max_length):
        return super().sample(jax.random.key(0), length, max_length)


class DrawsElsewhere(Plain):
    def sample(self, key, length, max_length):
        return super().sample(jax.random.fold_in(key, np.random.default_rng().integers(2**31)), length, max_length)


class OrderNotDeclared(Plain):
    order_needed = False


class OrderDeclared(Plain):
    def sample(self, key, length, max_length):
        sample = super().sample(key, length, max_length)
        return sample._replace(y=jnp.where(jnp.arange(max_length) < length, sample.x.sum() % 2, 0))


class LengthTooHigh(Plain):
    def length_baseline(self, length, metric):
        return 0.6 if metric == "token_accuracy" else 0.5**length


class LengthTooLow(Plain):
    def length_baseline(self, length, metric):
        return 0.5 if metric == "token_accuracy" else 0.4**length


class LengthAboveOne(Plain):
    def length_baseline(self, length, metric):
        return 1.5 if length > 9 else super().length_baseline(length, metric)


class LengthRaises(Plain):
    def length_baseline(self, length, metric):
        return {"token_accuracy": 0.5}[metric]


class Blind(Plain):
    """Its order-blind baseline is right: an encoder gives the commoner symbol at every slot."""

    architectures = ("encoder",)

    @staticmethod
    @functools.cache
    def blind(length, metric):
        ones = np.array([bin(word).count("1") for word in range(2**length)])
        if metric == "token_accuracy":
            return float(np.maximum(ones, length - ones).mean() / length)
        return 2.0 ** (1 - length)


class BlindTooHigh(Blind):
    def blind(self, length, metric):
        return 1.0


class BlindTooLow(Blind):
    def blind(self, length, metric):
        return 0.9 * super().blind(length, metric)


class BlindIsNone(Blind):
    def length_baseline(self, length, metric):
        return None


class WrongReference(Plain):
    def reference(self, x):
        return x[::-1]


class OtherTask:
    """No task at all."""


class NoBlindBaseline(Plain):
    architectures = ("encoder",)

    def order_blind_baseline(self, length, metric, architecture):
        return None
