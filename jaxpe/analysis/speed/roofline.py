"""What a machine can do at best, measured, and the least time that a training step or a test takes there: its roofline.

Exponentials, GELUs and copies are measured on all devices of a mesh at once, each in a loop inside one program, so that neither
dispatch nor, for the first two, memory is timed. A matrix product is one call, which takes all cores of a CPU. The work of a model is counted from its sizes, for real tokens only. Everything
elementwise that is neither an exponential of a softmax nor a GELU counts nothing, as if it were fused into its neighbours,
so a share of the roofline is a lower bound of how well a machine is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float

from jaxpe.data.examples import ExampleStream
from jaxpe.devices import use_precision
from jaxpe.training.config import RunConfig
from jaxpe.training.mesh import make_sharded_shape, map_replicas, shard_replicas
from jaxpe.training.parameters import count_parameters

CHAINED = 16  # applications to a number while it is in a register
TIMES = 5  # of which the fastest counts
SECONDS = 0.3  # of each measurement, about
Step = Callable[[Array], Array]


class Rates(NamedTuple):
    """What all devices together do in a second."""

    products: float  # floating-point operations of matrix products
    exponentials: float
    gelus: float
    moved: float  # bytes read and written

    def take_best(self, others: Rates) -> Rates:
        """The higher of two rates of each kind: a machine that other programs slow down for a moment can do more."""
        return Rates(*map(max, self, others))


class Work(NamedTuple):
    """What has to be done, in the units of `Rates`."""

    products: float
    exponentials: float
    gelus: float
    moved: float = 0.0

    def scale(self, factor: float) -> Work:
        """So many times this work."""
        return Work(*(factor * part for part in self))

    def compute_least_seconds(self, rates: Rates) -> float:
        """The time at these rates, one kind of work after the other."""
        return sum(part / rate for part, rate in zip(self, rates, strict=True))


def measure_rates(mesh: Mesh, precision: str = "highest") -> Rates:
    """The rates of a mesh. `precision`: that of matrix products, as in `RunConfig`."""
    device = mesh.devices.flat[0]
    side, cached, large = (2048, 2**17, 2**24) if device.platform == "cpu" else (8192, 2**24, 2**28)

    def chain(step: Step) -> Step:
        def apply(a: Array) -> Array:
            for _ in range(CHAINED):
                a = step(a)
            return a

        return apply

    products = measure_product(device, side, precision, SECONDS) * (1 if device.platform == "cpu" else mesh.size)
    exponentials = measure_loop(chain(lambda a: jnp.exp(-a)), (cached,), mesh, SECONDS)
    gelus = measure_loop(chain(lambda a: jax.nn.gelu(a) + 1.0), (cached,), mesh, SECONDS)
    copies = measure_loop(lambda a: a + 1.0, (large,), mesh, SECONDS)
    return Rates(products, CHAINED * cached * exponentials, CHAINED * cached * gelus, 8 * large * copies)


def measure_product(device: jax.Device, side: int, precision: str, seconds: float) -> float:
    """Operations per second of a square matrix product: the fastest of as many as fit into `seconds`, at least three."""
    dtype = "bfloat16" if precision == "bfloat16" else "float32"
    a = jax.device_put(jax.random.normal(jax.random.key(0), (side, side), dtype), device)
    with use_precision(precision):
        product = jax.jit(lambda a: a @ a).lower(a).compile()
    jax.block_until_ready(product(a))
    times, end = list[float](), time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        jax.block_until_ready(product(a))
        times.append(time.perf_counter() - began)
    return 2 * side**3 / min(times)


def measure_loop(step: Step, shape: tuple[int, ...], mesh: Mesh, seconds: float) -> float:
    """How many times a second the devices together apply `step` to an array of this shape each.

    The loop begins with standard normal numbers.
    """

    def repeat(start: Float[Array, "..."], count: Array) -> Array:
        after: Array = jax.lax.fori_loop(0, count, lambda _, a: step(a), start)
        return after

    stacked = make_sharded_shape((mesh.size, *shape), jnp.float32, mesh)
    program = (
        jax.jit(map_replicas(repeat, mesh, "map", 1)).lower(stacked, jax.ShapeDtypeStruct((), jnp.int32)).compile()
    )
    a = jax.device_put(jax.random.normal(jax.random.key(0), stacked.shape), shard_replicas(mesh))

    def time_it(count: int) -> float:
        began = time.perf_counter()
        jax.block_until_ready(program(a, np.int32(count)))
        return time.perf_counter() - began

    count = 1
    time_it(count)
    while (taken := time_it(count)) < seconds / 4:
        count = max(2 * count, round(count * seconds / max(taken, 1e-6) / 8))
    return float(mesh.size * count / min(taken, *(time_it(count) for _ in range(TIMES))))


def count_forward_work(config: RunConfig, tokens: int) -> Work:
    """The forward pass of one example in an encoder or a decoder, without embedding and unembedding."""
    of_layer = Work(
        products=24 * config.width**2 * tokens + 4 * config.width * tokens**2,
        exponentials=config.heads * tokens**2,
        gelus=4 * config.width * tokens,
    )
    return of_layer.scale(config.layers)


def count_step_work(config: RunConfig, stream: ExampleStream) -> Work:
    """A training step of one model: forward and backward of a mean batch, then the optimizer.

    Products count three times, GELUs twice (value and derivative), exponentials once. Parameters, gradient and the two
    moments of Adam are read and written once.
    """
    lengths = stream.lengths(1, config.train_length)
    of_lengths = [count_forward_work(config, stream.sizes(length)[0]) for length in lengths]
    mean = Work(*np.mean(of_lengths, axis=0)).scale(config.training.batch)
    moved = 2 * 4 * 4 * count_parameters(config, stream)
    return Work(3 * mean.products, mean.exponentials, 2 * mean.gelus, moved)
