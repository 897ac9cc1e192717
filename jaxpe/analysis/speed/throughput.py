"""How fast a machine trains and evaluates."""

from __future__ import annotations

import time
from typing import NamedTuple

import jax
import numpy as np

from jaxpe.analysis.speed.roofline import Work, count_forward_work, count_step_work
from jaxpe.training import evaluate, population
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluated_lengths import choose_padded_lengths
from jaxpe.training.mesh import make_mesh, shard_replicas
from jaxpe.training.parameters import init_model
from jaxpe.training.population import Program, ReplicaSpec
from jaxpe.training.scores import measure_scores
from jaxpe.training.sources import Source, load_source


class TrainingSpeed(NamedTuple):
    """The speed of one training program."""

    work: Work  # of all replicas per second
    compile_seconds: float
    replica_seconds: float  # per step and replica
    memory: float  # bytes of arguments and temporaries; 0 where the backend does not say


def measure_training(config: RunConfig, devices: int, steps: int) -> TrainingSpeed:
    """The speed of training on some devices, compilation left out."""
    source = load_source(config)
    program = population.compile_program(config, source, make_mesh(jax.devices()[:devices]))
    return time_training(config, source, program, steps)


def time_training(config: RunConfig, source: Source, program: Program, steps: int) -> TrainingSpeed:
    """The speed of a compiled program: the fastest of three times `steps` steps, at most 100.

    The drawing of batches is left out, which comes once in 100 steps.
    """
    steps = min(steps, population.CHUNK)
    specs = [ReplicaSpec(seed, 1e-3) for seed in range(program.replicas)]
    replicas = population.init_replicas(config, source, program, specs)
    batches = jax.device_put(program.draw(replicas.seed, 0), shard_replicas(program.mesh))
    replicas = program.compiled(replicas, batches, np.int32(0), np.int32(0), np.int32(1))
    times = []
    for _ in range(3):
        jax.block_until_ready(replicas)
        began = time.perf_counter()
        replicas = program.compiled(replicas, batches, np.int32(0), np.int32(0), np.int32(steps))
        jax.block_until_ready(replicas)
        times.append(time.perf_counter() - began)
    seconds = min(times) / steps
    work = count_step_work(config, source.stream).scale(program.replicas / seconds)
    memory = program.compiled.memory_analysis()
    peak = float(memory.temp_size_in_bytes + memory.argument_size_in_bytes) if memory else 0.0
    return TrainingSpeed(work, program.compile_seconds, seconds / program.replicas, peak)


def measure_evaluation(config: RunConfig, examples: int, longest: int) -> tuple[Work, int]:
    """Work per second of tests at all lengths up to `longest`, compilation left out; the number of programs."""
    source, mesh = load_source(config), make_mesh()
    lengths = list(range(1, longest + 1))
    top_of = choose_padded_lengths(lengths, shortest=0, programs=6)
    compiled = {
        top: evaluate.compile_evaluator(config, source.stream, {}, mesh, top, examples, measure_scores)
        for top in sorted(set(top_of.values()))
    }
    options = evaluate.make_forward_options(config)
    models = [init_model(config, source.stream, seed) for seed in range(mesh.size)]
    began = time.perf_counter()
    for length in lengths:
        evaluate.evaluate(compiled[top_of[length]], models, {}, config.task, length, options)
    seconds = time.perf_counter() - began
    of_lengths = [count_forward_work(config, source.stream.sizes(length)[0]) for length in lengths]
    total = Work(*np.sum(of_lengths, axis=0)).scale(examples * len(models))
    return total.scale(1 / seconds), len(compiled)
