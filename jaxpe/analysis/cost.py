"""What an encoding costs: parameters, floating-point operations, memory, and the time of a training step.

Operations and memory are what XLA counts for a compiled program. It includes elementwise operations, leaves out
transcendental functions, and counts the body of a loop once. Times are compared within one process, with the programs in
turn, so that whatever slows the machine slows all of them.
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

from jaxpe.devices import use_precision
from jaxpe.training import parameters, population
from jaxpe.training.batches import make_inputs
from jaxpe.training.config import RunConfig
from jaxpe.training.mesh import shard_replicas
from jaxpe.training.population import ReplicaSpec
from jaxpe.training.sources import Source

ROUNDS = 15  # of timing
STEPS = 20  # training steps in one timed call


def count_flops(function: Callable[..., Any], *arguments: Any) -> float:
    """Floating-point operations of a function of arrays, or of their shapes; NaN where XLA does not say."""
    analysis = jax.jit(function).lower(*arguments).compile().cost_analysis()
    return float((analysis or {}).get("flops", math.nan))


def count_forward_flops(config: RunConfig, source: Source, length: int) -> tuple[float, int]:
    """Operations of the forward pass of one example, and its number of tokens, encoder and decoder together."""

    def make_arguments() -> Any:
        key = jax.random.key(0)
        example = source.stream.example(key, length, length, source.validation)
        model = parameters.init_model(config, source.stream)
        return model, make_inputs(example, config.sampler, key)

    model, inputs = jax.eval_shape(make_arguments)
    with use_precision(config.precision):
        return count_flops(lambda model, inputs: model(inputs).logits, model, inputs), sum(source.stream.sizes(length))


def prepare_training(config: RunConfig, source: Source, mesh: Mesh) -> tuple[Callable[[], Any], int]:
    """A function that makes STEPS training steps of a model on every device, and the bytes of its temporaries.

    It has been called once, so that nothing is left to compile.
    """
    program = population.compile_program(config, source, mesh)
    spec = ReplicaSpec(0, config.training.learning_rate, config.scales)
    replicas = population.init_replicas(config, source, program, [spec])
    batches = jax.device_put(program.draw(replicas.seed, 0), shard_replicas(mesh))
    edges = np.int32(0), np.int32(0), np.int32(STEPS)

    def call() -> Any:
        nonlocal replicas  # the program reuses the memory of its arguments
        replicas = jax.block_until_ready(program.compiled(replicas, batches, *edges))
        return replicas

    call()
    memory = program.compiled.memory_analysis()
    return call, int(memory.temp_size_in_bytes) if memory else 0


def time_in_turn(
    calls: Sequence[Callable[[], Any]], rounds: int = ROUNDS, clock: Callable[[], float] = time.perf_counter
) -> Float[ndarray, "R C"]:
    """Seconds of every call in every round. Every second round goes through the calls in reverse order."""
    seconds = np.zeros((rounds, len(calls)))
    for i in range(rounds):
        for j in range(len(calls))[:: -1 if i % 2 else 1]:
            began = clock()
            calls[j]()
            seconds[i, j] = clock() - began
    return seconds


def compute_time_ratios(seconds: Float[ndarray, "R C"]) -> Float[ndarray, "C"]:
    """The time of the first call over that of each call: the median over rounds of the ratios within a round."""
    return np.asarray(np.median(seconds[:, :1] / seconds, axis=0))
