"""What an encoding costs: parameters, floating-point operations, memory, and the time of a training step.

Operations and memory are XLA's own counts for a compiled program (elementwise operations included, transcendental functions
not; the body of a loop is counted once). Times are compared within one run, the programs in turn, so that what slows the machine slows all of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float
from numpy import ndarray

from jaxpe.training import parameters, population, train
from jaxpe.training.config import RunConfig, Source
from jaxpe.training.population import ReplicaSpec

ROUNDS = 15  # of interleaved timing
STEPS = 20  # of training in one timed call


def count(config: RunConfig, source: Source) -> int:
    """How many numbers the model holds."""
    shapes = jax.eval_shape(lambda: parameters.fresh(config, source.stream))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def operations(function: Callable[..., Any], *arguments: Any) -> float:
    """Floating-point operations of a function of arrays (or of their shapes), as XLA counts them."""
    counted = jax.jit(function).lower(*arguments).compile().cost_analysis()
    return float((counted or {}).get("flops", math.nan))


def forward_operations(config: RunConfig, source: Source, length: int) -> tuple[float, int]:
    """Operations of the forward pass of one example of a length, and its number of tokens T (of both sides)."""

    def given() -> Any:
        key = jax.random.key(0)
        example = source.stream.example(key, length, length, source.validation)
        model = parameters.fresh(config, source.stream)
        return model, train.inputs_of(example, config.sampler, key)

    model, inputs = jax.eval_shape(given)
    with jax.default_matmul_precision(config.precision):
        return operations(lambda model, inputs: model(inputs).logits, model, inputs), sum(source.stream.sizes(length))


def training(config: RunConfig, source: Source, mesh: Mesh) -> tuple[Callable[[], Any], int]:
    """A call that makes STEPS training steps of a model on every device, called once; the bytes of its temporaries."""
    program = population.compile_program(config, source, mesh)
    spec = ReplicaSpec(0, config.training.learning_rate, config.scales)
    replicas = population.start(config, source, program, [spec])
    batches = jax.device_put(program.draw(replicas.seed, 0), population.spread_over(mesh))
    edges = np.int32(0), np.int32(0), np.int32(STEPS)

    def call() -> Any:
        nonlocal replicas  # the program takes over the memory of those it is given
        replicas = jax.block_until_ready(program.run(replicas, batches, *edges))
        return replicas

    call()
    memory = program.run.memory_analysis()
    return call, int(memory.temp_size_in_bytes) if memory else 0


def interleaved(
    calls: Sequence[Callable[[], Any]], rounds: int = ROUNDS, clock: Callable[[], float] = time.perf_counter
) -> Float[ndarray, "R C"]:
    """Seconds of every call in every round: one after the other, every second round in reverse order."""
    seconds = np.zeros((rounds, len(calls)))
    for one in range(rounds):
        for place in range(len(calls))[:: -1 if one % 2 else 1]:
            began = clock()
            calls[place]()
            seconds[one, place] = clock() - began
    return seconds


def ratios(seconds: Float[ndarray, "R C"]) -> Float[ndarray, C]:
    """Time of the first call over that of each: the median of the ratios within a round."""
    return np.median(seconds[:, :1] / seconds, axis=0)
