"""Encodings that observe the input or make the weights, each with one fault that the conformance suite must find and name."""

import jax
import jax.numpy as jnp

from jaxpe.encodings import Encoding
from jaxpe.encodings.forgetting import Forgetting
from jaxpe.encodings.forgetting import reference_bias as forgetting_bias
from jaxpe.encodings.forgetting import reference_observe as forgetting_observe
from jaxpe.encodings.stick_breaking import StickBreaking
from jaxpe.encodings.stick_breaking import reference_weights as stick_breaking_weights


class ObservesTheFuture(Forgetting):
    """Gates of a token depend on the mean of all tokens."""

    def observe(self, h):
        return super().observe(h - h.mean(0))


class SumFromTheWrongSide(Forgetting):
    """The gates before a key discount it, not those after it."""

    reference_observe = staticmethod(forgetting_observe)
    reference_bias = staticmethod(forgetting_bias)

    def bias(self, q, k, view):
        return jnp.cumsum(jnp.where(view.mask, view.k_seen.T[:, None, :], 0.0), -1)


class RemembersTheTokenBefore(Forgetting):
    """Gates depend on the token before, too, which a step of decoding does not have."""

    reference_bias = staticmethod(forgetting_bias)

    def observe(self, h):
        return super().observe(h + jnp.pad(h, ((1, 0), (0, 0)))[:-1])


class WeightsIgnoreTheMask(StickBreaking):
    """A softmax over all keys."""

    def weights(self, logits, view):
        return jax.nn.softmax(logits, axis=-1)


class WeightsOfHalf(StickBreaking):
    """Half of what the formula says."""

    reference_weights = staticmethod(stick_breaking_weights)

    def weights(self, logits, view):
        return 0.5 * super().weights(logits, view)


class WeightsTooFew(StickBreaking):
    """A column short."""

    def weights(self, logits, view):
        return super().weights(logits, view)[..., 1:]


class ObservesOneVector(Encoding):
    """One vector for all tokens."""

    def observe(self, h):
        return h.mean(0)
