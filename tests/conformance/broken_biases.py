"""Encodings that bias the logits, each with one fault that the conformance suite must find and name."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxpe.encodings.alibi import Alibi
from jaxpe.encodings.alibi import reference_bias as alibi_reference
from jaxpe.encodings.base import Encoding
from jaxpe.encodings.cope import CoPE
from jaxpe.encodings.cope import reference_bias as cope_reference
from jaxpe.encodings.fire import Fire
from jaxpe.encodings.fire import reference_bias as fire_reference
from jaxpe.encodings.t5 import T5
from jaxpe.encodings.t5 import reference_bias as t5_reference


class SwappedSign(Alibi):
    """Attention grows with distance."""

    reference_bias = staticmethod(alibi_reference)

    def compute_penalty(self, r):
        return -super().compute_penalty(r)


class SwappedDistance(T5):
    """r = j − i."""

    reference_bias = staticmethod(t5_reference)

    def bias(self, q, k, view):
        return super().bias(q, k, view._replace(q_positions=-view.q_positions, k_positions=-view.k_positions))


class BeforeScaling(Alibi):
    """Divided by √K like the logits."""

    reference_bias = staticmethod(alibi_reference)

    def bias(self, q, k, view):
        return super().bias(q, k, view) / math.sqrt(q.shape[-1])


class DividedTable(CoPE):
    """CoPE's q·e divided by √K. Its table starts at zero, where that has no effect."""

    reference_bias = staticmethod(cope_reference)

    def bias(self, q, k, view):
        return super().bias(q, k, view) / self.root


class MinForMax(Fire):
    """FIRE normalised by min(L, i)."""

    reference_bias = staticmethod(fire_reference)

    def bias(self, q, k, view):
        r = view.distances
        visible = jnp.abs(r) if view.mask is None else jnp.where(view.mask, jnp.abs(r), 0.0)
        largest = view.q_positions.astype(jnp.float32)[:, None] if self.causal else visible.max(-1, keepdims=True)
        length = jnp.minimum(jnp.abs(self.multiplier[...]) * self.length, jnp.maximum(largest, 1.0))
        argument = self.compress(jnp.abs(r)) / self.compress(length) * (1.0 if self.causal else jnp.sign(r))
        hidden = jax.nn.relu(argument[..., None] * self.weight[...] + self.offset[...])
        return jnp.einsum("tsn,nh->hts", hidden, self.out[...])


class BiasAhead(Alibi):
    """Depends on the mean over all keys, also those that the mask hides."""

    def bias(self, q, k, view):
        logits = jnp.einsum("thk,shk->hts", q, k)
        return super().bias(q, k, view) * (1.0 + 0.1 * logits.mean(-1, keepdims=True))


class SeesPadding(Alibi):
    """Distances relative to the number of keys."""

    def bias(self, q, k, view):
        return super().bias(q, k, view) / len(k)


class NarrowDistances(Alibi):
    """Positions in 16 bits."""

    reference_bias = staticmethod(
        lambda q, k, i, j, mask=None: -0.01 * np.broadcast_to(i[:, None] - j, (q.shape[1], len(q), len(k)))
    )

    def bias(self, q, k, view):
        i, j = (p.astype(jnp.bfloat16).astype(jnp.float32) for p in (view.q_positions, view.k_positions))
        return jnp.broadcast_to(-0.01 * (i[:, None] - j), (q.shape[1], len(q), len(k)))


class DeclaredAbsolute(Alibi):
    invariance = "absolute"


class DeclaredDirected(Alibi):
    directed = True


class DeadParameter(Alibi):
    """Adds a number for each head, the same for all keys."""

    def __init__(self, context, *, key):
        super().__init__(context, key=key)
        self.constant = nnx.Param(jnp.ones(context.heads))

    def bias(self, q, k, view):
        return super().bias(q, k, view) + self.constant[...][:, None, None]


class NanGradient(Alibi):
    """√|r| has no derivative at 0."""

    directed = False

    def __init__(self, context, *, key):
        super().__init__(context, key=key)
        self.power = nnx.Param(jnp.ones(context.heads))

    def bias(self, q, k, view):
        r = jnp.abs(view.distances)
        return -jnp.sqrt(self.power[...][:, None, None] * r)


class MixedTypes(Encoding):
    """Multiplies integers by a float."""

    invariance = "relative"

    def bias(self, q, k, view):
        return -jnp.abs(view.q_positions[:, None] - view.k_positions)[None] * 0.5


class WrongNumberOfHeads(Encoding):
    def bias(self, q, k, view):
        return jnp.zeros((q.shape[1] + 1, len(q), len(k)))


class CountsCalls(Alibi):
    """Keeps state outside of the instance, so that the second call differs from the first."""

    calls = [0]  # noqa: RUF012

    def bias(self, q, k, view):
        self.calls[0] += 1
        return super().bias(q, k, view) * float(self.calls[0])


class ReferenceAsksTooMuch(Alibi):
    """The reference has an argument that the class does not provide."""

    @staticmethod
    def reference_bias(q, k, q_positions, k_positions, mask=None, *, slope):
        return np.zeros((q.shape[1], len(q), len(k)))


class WithoutReference(Alibi):
    """A correct encoding that also supports cross-attention, without a reference."""

    cross = True
    reference_bias = None

    def bias(self, q, k, view):
        return super().bias(q, k, view)


class ComparesQueries(Encoding):
    """The bias of a query depends on the other queries of the call."""

    def bias(self, q, k, view):
        return jnp.einsum("thw,shw->hts", q - q.mean(0), k)


class ShortBiasTable(Encoding):
    """A number for each key position, from a table of 40 rows without a limit: indexing clamps silently."""

    def __init__(self, context, *, key):
        self.table = nnx.Param(jax.random.normal(key, (40, context.heads)))

    def bias(self, q, k, view):
        return self.table[...][view.k_positions.astype(jnp.int32)].T[:, None, :]


class ActsFarAway(Alibi):
    """Adds 3 at the keys from 100 to 299, beyond training."""

    def bias(self, q, k, view):
        far = (view.k_positions >= 100) & (view.k_positions < 300)
        return super().bias(q, k, view) + jnp.where(far, 3.0, 0.0)


class ChunksOf64(Encoding):
    """Tokens of another 64 positions get less attention. Training is shorter than one chunk."""

    invariance = "content"

    def bias(self, q, k, view):
        same = view.q_positions[:, None] // 64 == view.k_positions // 64
        return jnp.where(same, 0.0, -4.0)


class AbsoluteChunks(ChunksOf64):
    """A valid one: the same, declared as it is."""

    invariance = "absolute"
