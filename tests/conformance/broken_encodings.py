"""Encodings with one fault each, for `tests/conformance/test_suite.py`: what the suite must find, and name."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxpe.encodings.alibi import Alibi
from jaxpe.encodings.alibi import reference_bias as alibi_reference
from jaxpe.encodings.base import Encoding, compute_distances
from jaxpe.encodings.cope import CoPE
from jaxpe.encodings.cope import reference_bias as cope_reference
from jaxpe.encodings.fire import Fire
from jaxpe.encodings.fire import reference_bias as fire_reference
from jaxpe.encodings.learned import Learned
from jaxpe.encodings.rotary import Rotary, compute_frequencies, rotate_pairs
from jaxpe.encodings.rotary import reference_rotate as rotary_reference
from jaxpe.encodings.sinusoidal import Sinusoidal, compute_sinusoids
from jaxpe.encodings.sinusoidal import reference_embed as sinusoidal_reference
from jaxpe.encodings.t5 import T5
from jaxpe.encodings.t5 import reference_bias as t5_reference
from jaxpe.errors import UserError


class ClampedTable(Learned):
    """40 rows, and no limit declared: indexing clamps without a word."""

    integer_positions = False
    position_limit = None

    def __init__(self, model_width, heads, max_length, attention, *, key, scale=1.0):
        super().__init__(model_width, heads, 40, attention, key=key, scale=scale)

    def embed(self, x, positions):
        return x + self.table[...][positions.astype(jnp.int32)]


class WrongLimit(Learned):
    """Says that it has twice as many positions as rows."""

    @property
    def position_limit(self):
        return 2 * self.limit

    def embed(self, x, positions):
        return x + self.table[...][jnp.minimum(positions, 99)]


class SwappedSign(Alibi):
    """The bias grows with the distance."""

    reference_bias = staticmethod(alibi_reference)

    def compute_penalty(self, r):
        return -super().compute_penalty(r)


class SwappedDistance(T5):
    """r = j − i."""

    reference_bias = staticmethod(t5_reference)

    def bias(self, q, k, q_positions, k_positions, mask=None):
        return super().bias(q, k, -q_positions, -k_positions, mask)


class BeforeScaling(Alibi):
    """Added before the logits are divided by √K."""

    reference_bias = staticmethod(alibi_reference)

    def bias(self, q, k, q_positions, k_positions, mask=None):
        return super().bias(q, k, q_positions, k_positions, mask) / math.sqrt(q.shape[-1])


class DividedTable(CoPE):
    """CoPE's q·e divided by √K; the table starts at zero, where nothing shows."""

    reference_bias = staticmethod(cope_reference)

    def bias(self, q, k, q_positions, k_positions, mask=None):
        return super().bias(q, k, q_positions, k_positions, mask) / self.root


class MinForMax(Fire):
    """FIRE normalised by min(L, i)."""

    reference_bias = staticmethod(fire_reference)

    def bias(self, q, k, q_positions, k_positions, mask=None):
        r = compute_distances(q_positions, k_positions)
        visible = jnp.abs(r) if mask is None else jnp.where(mask, jnp.abs(r), 0.0)
        largest = q_positions.astype(jnp.float32)[:, None] if self.causal else visible.max(-1, keepdims=True)
        length = jnp.minimum(jnp.abs(self.multiplier[...]) * self.length, jnp.maximum(largest, 1.0))
        argument = self.compress(jnp.abs(r)) / self.compress(length) * (1.0 if self.causal else jnp.sign(r))
        hidden = jax.nn.relu(argument[..., None] * self.weight[...] + self.offset[...])
        return jnp.einsum("tsn,nh->hts", hidden, self.out[...])


class BaseNotPassedOn(Rotary):
    """`base` is taken and forgotten."""

    def rotate(self, q, k, q_positions, k_positions):
        frequency = compute_frequencies(self.width, 10_000.0)
        return rotate_pairs(q, q_positions, frequency), rotate_pairs(k, k_positions, frequency)


class OtherPairs(Rotary):
    """Pairs (c, c + K/2) beside a reference with (2c, 2c + 1)."""

    reference_rotate = staticmethod(rotary_reference)

    def rotate(self, q, k, q_positions, k_positions):
        def half(x, positions):
            angle = positions.astype(jnp.float32)[:, None, None] * compute_frequencies(self.width, self.base)
            a, b = jnp.split(x, 2, axis=-1)
            sine, cosine = jnp.sin(angle), jnp.cos(angle)
            return jnp.concatenate([a * cosine - b * sine, a * sine + b * cosine], axis=-1)

        return half(q, q_positions), half(k, k_positions)


class LooksAhead(Sinusoidal):
    """Adds the mean of all tokens."""

    def embed(self, x, positions):
        return super().embed(x, positions) + x.mean(0)


class PositionsAhead(Sinusoidal):
    """Counts from the last position."""

    def embed(self, x, positions):
        return super().embed(x, positions.max() - positions)


class ArrayConstant(Encoding):
    """Frequencies as an attribute: a leaf that the optimiser would train."""

    directed = True

    def __init__(self, model_width, heads, max_length, attention, *, key):
        self.frequencies = jnp.asarray(compute_frequencies(model_width, 10_000.0))

    def embed(self, x, positions):
        angle = positions.astype(jnp.float32)[:, None] * self.frequencies
        return x + jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)


class NotFinite(Sinusoidal):
    """log(300 − p): NaN from 301 on."""

    def embed(self, x, positions):
        return x + jnp.log(300.0 - positions.astype(jnp.float32))[:, None]


class NarrowCode(Encoding):
    def embed(self, x, positions):
        return x[:, :-1]


class WrongNumberOfHeads(Encoding):
    def bias(self, q, k, q_positions, k_positions, mask=None):
        return jnp.zeros((q.shape[1] + 1, len(q), len(k)))


class HalfPrecision(Encoding):
    def embed(self, x, positions):
        return x.astype(jnp.bfloat16)


class MixedTypes(Encoding):
    invariance = "relative"

    def bias(self, q, k, q_positions, k_positions, mask=None):
        return -jnp.abs(q_positions[:, None] - k_positions)[None] * 0.5


class DeadParameter(Alibi):
    """A number for each head, the same for all keys."""

    def __init__(self, model_width, heads, max_length, attention, *, key):
        super().__init__(model_width, heads, max_length, attention, key=key)
        self.constant = nnx.Param(jnp.ones(heads))

    def bias(self, q, k, q_positions, k_positions, mask=None):
        return super().bias(q, k, q_positions, k_positions, mask) + self.constant[...][:, None, None]


class NanGradient(Alibi):
    """√|r| has no derivative at 0."""

    directed = False

    def __init__(self, model_width, heads, max_length, attention, *, key):
        super().__init__(model_width, heads, max_length, attention, key=key)
        self.power = nnx.Param(jnp.ones(heads))

    def bias(self, q, k, q_positions, k_positions, mask=None):
        r = jnp.abs(compute_distances(q_positions, k_positions))
        return -jnp.sqrt(self.power[...][:, None, None] * r)


class GlobalDraw(Learned):
    """Draws from NumPy's global state."""

    def __init__(self, model_width, heads, max_length, attention, *, key):
        self.limit = max_length
        self.table = nnx.Param(jnp.asarray(np.random.normal(size=(max_length, model_width)), jnp.float32))


class CallsArange(Sinusoidal):
    """Does not look at the positions it is given."""

    def embed(self, x, positions):
        return super().embed(x, jnp.arange(len(x)))


class DeclaredRelative(Sinusoidal):
    invariance = "relative"


class DeclaredDirected(Alibi):
    directed = True


class DeclaredNorms(Rotary):
    def rotate(self, q, k, q_positions, k_positions):
        q, k = super().rotate(q, k, q_positions, k_positions)
        return 2 * q, k


class SeesPadding(Alibi):
    """Distances relative to the number of keys."""

    def bias(self, q, k, q_positions, k_positions, mask=None):
        return super().bias(q, k, q_positions, k_positions, mask) / len(k)


class NeighbourCode(Sinusoidal):
    """Adds the token before: not there when one token is embedded at a time."""

    def embed(self, x, positions):
        return super().embed(x, positions) + jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1]])


class NarrowAngles(Sinusoidal):
    """Positions in bfloat16."""

    def embed(self, x, positions):
        return x + compute_sinusoids(positions.astype(jnp.bfloat16).astype(jnp.float32), x.shape[-1], self.base)


class Rounds(Sinusoidal):
    """Takes fractional positions, and rounds them."""

    def embed(self, x, positions):
        return super().embed(x, positions.astype(jnp.int32))


class OnlyOnCPU(Sinusoidal):
    """A call that no accelerator has."""

    def embed(self, x, positions):
        largest = jnp.linalg.eigvals(jnp.eye(2)).real.max()
        return super().embed(x, positions) * jax.lax.stop_gradient(largest)


class CallsBack(Sinusoidal):
    """A callback to the host."""

    def embed(self, x, positions):
        return (
            x
            + jax.pure_callback(lambda p: np.zeros(p.shape, np.float32), positions.astype(jnp.float32), positions)[
                :, None
            ]
        )


class CannotBeMapped(Sinusoidal):
    """Asks the key for a Python number, which a replica of a population has not."""

    def __init__(self, model_width, heads, max_length, attention, *, key):
        base = 9000.0 + int(jax.random.randint(key, (), 0, 9))
        super().__init__(model_width, heads, max_length, attention, key=key, base=base)


class ReferenceAsksTooMuch(Alibi):
    @staticmethod
    def reference_bias(q, k, q_positions, k_positions, mask=None, *, slope):
        return np.zeros((q.shape[1], len(q), len(k)))


class HangsInConstructor(Encoding):
    def __init__(self, *sizes, key):
        while True:
            pass


class FailsInConstructor(Encoding):
    def __init__(self, *sizes, key):
        raise RuntimeError("no such thing")


class WrongSignature(Encoding):
    def embed(self, x):
        return x


class RaisesInHook(Encoding):
    def bias(self, q, k, q_positions, k_positions, mask=None):
        return undefined_name  # noqa: F821


class WrongConstructor(Encoding):
    def __init__(self, model_width):
        pass


class NoPositions(Learned):
    """A table that is too short for the training inputs, and says so."""

    def __init__(self, model_width, heads, max_length, attention, *, key):
        super().__init__(model_width, heads, 10, attention, key=key)


class CountsFromOne(Sinusoidal):
    reference_embed = staticmethod(sinusoidal_reference)

    def embed(self, x, positions):
        return super().embed(x, positions + 1)


class HalfTheCode(Sinusoidal):
    reference_embed = staticmethod(sinusoidal_reference)

    def embed(self, x, positions):
        return 0.5 * x + 0.5 * super().embed(x, positions)


class BiasAhead(Alibi):
    """A mean over all keys, hidden ones too."""

    def bias(self, q, k, q_positions, k_positions, mask=None):
        logits = jnp.einsum("thk,shk->hts", q, k)
        return super().bias(q, k, q_positions, k_positions, mask) * (1.0 + 0.1 * logits.mean(-1, keepdims=True))


class DeclaredAbsolute(Alibi):
    invariance = "absolute"


class NarrowDistances(Alibi):
    """Positions in 16 bits."""

    reference_bias = staticmethod(
        lambda q, k, i, j, mask=None: -0.01 * np.broadcast_to(i[:, None] - j, (q.shape[1], len(q), len(k)))
    )

    def bias(self, q, k, q_positions, k_positions, mask=None):
        i, j = (
            q_positions.astype(jnp.bfloat16).astype(jnp.float32),
            k_positions.astype(jnp.bfloat16).astype(jnp.float32),
        )
        return jnp.broadcast_to(-0.01 * (i[:, None] - j), (q.shape[1], len(q), len(k)))


class CountsCalls(Alibi):
    """Keeps state outside: the second call is not the first."""

    calls = [0]  # noqa: RUF012

    def bias(self, q, k, q_positions, k_positions, mask=None):
        self.calls[0] += 1
        return super().bias(q, k, q_positions, k_positions, mask) * float(self.calls[0])


class CausalOnly(Alibi):
    def __init__(self, model_width, heads, max_length, attention, *, key):
        if attention != "causal":
            raise UserError("This one is causal: take another.")
        super().__init__(model_width, heads, max_length, attention, key=key)


class AlsoAcross(Alibi):
    cross = True
    reference_bias = None

    def bias(self, q, k, q_positions, k_positions, mask=None):
        return super().bias(q, k, q_positions, k_positions, mask)


class FailsBidirectional(Alibi):
    def __init__(self, model_width, heads, max_length, attention, *, key):
        super().__init__(model_width, heads, max_length, attention, key=key)
        self.sign = {"causal": 1}[attention]
