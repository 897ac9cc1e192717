"""Many models trained in one program: seeds are replicas, mapped inside a device and laid out over a mesh of devices.

There are no collectives: every device trains its own replicas. On a CPU the devices are virtual, on an accelerator or on
many hosts they are real; the code is the same. Lanes per device are fixed and padded with repeats, since the last bits of
a CPU result depend on that number and on how replicas are mapped (not on the neighbours).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jaxpe import encodings
from jaxpe.plugins import call_user_code
from jaxpe.training import checkpoints, train
from jaxpe.training.config import RunConfig, Source

CHECKPOINTS = {"25": 0.25, "50": 0.5, "100": 1.0}  # names of the kept parameters: percent of the steps
CHUNK = 100  # steps between two looks at the clock
# Models per device, how they are mapped and the activation budget, by backend: filled by hand from experiments/throughput.py,
# never chosen at run time, since they decide the last bits of a result. A CPU's activation budget stays in a core's cache.
BATCHING = {"cpu": (1, "map", 2**16), "gpu": (16, "vmap", 2**26), "tpu": (16, "vmap", 2**26)}


def batching_for() -> tuple[int, str, int]:
    """The committed row of this machine's backend."""
    return BATCHING.get(jax.default_backend(), BATCHING["gpu"])


def runs_mesh(devices: Sequence[Any] | None = None) -> Mesh:
    """A mesh with the one axis "runs" over all devices (of all hosts)."""
    devices = jax.devices() if devices is None else devices
    return Mesh(np.array(devices), ("runs",), axis_types=(AxisType.Auto,))


def map_replicas(function: Callable[..., Any], mesh: Mesh, batching: str, shared: int) -> Callable[..., Any]:
    """`function(replica, *shared)` -> the same for replicas stacked on a first axis, spread over the mesh.

    `shared` is how many further arguments every replica gets whole.
    """

    def local(replicas: Any, *rest: Any) -> Any:
        one = lambda replica: function(replica, *rest)  # noqa: E731
        return jax.vmap(one)(replicas) if batching == "vmap" else jax.lax.map(one, replicas)

    specs = (PartitionSpec("runs"), *[PartitionSpec()] * shared)
    return jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("runs"), check_vma=False)


class ReplicaSpec(NamedTuple):
    """One replica of a population: what the run is made of beside its config."""

    seed: int
    learning_rate: float
    scales: tuple[float, float] | None = None


class Trained(NamedTuple):
    """One finished replica."""

    spec: ReplicaSpec
    checkpoints: dict[str, Any]  # "25", "50", "100" -> the model
    history: dict[str, list[float]]
    diverged: bool
    seconds: float  # of the round it was trained in, without compilation, per replica


class Program(NamedTuple):
    """A compiled training program and what belongs to it."""

    run: Any
    draw: Callable[[Any, int], Any]  # (seeds of the replicas, first step) -> the batches of CHUNK steps
    mesh: Mesh
    replicas: int  # over all devices
    compile_seconds: float


@partial(jax.jit, static_argnames=("mesh", "batching", "stream", "sampler", "length_buckets"))
def draw_chunk(seeds: Any, steps: Any, data: Any, *, mesh: Mesh, batching: str, **source: Any) -> Any:
    """The batches of some steps for every replica: one compiled program for all encodings of a task."""
    return map_replicas(partial(train.batches_of, **source), mesh, batching, 2)(seeds, steps, data)


def compile_program(config: RunConfig, source: Source, mesh: Mesh) -> Program:
    """Compiles the steps of a population. Raises UserError where an encoding of the user's own fails."""
    began = time.perf_counter()
    replicas = config.replicas_per_device * mesh.size
    length_buckets = train.length_buckets_of(source.stream, config.train_length, config.training)
    options: Any = {
        "batching": config.batching,
        "stream": source.stream,
        "sampler": config.sampler,
        "length_buckets": length_buckets,
    }
    data = jax.device_put(source.train)

    def draw(seeds: Any, begin: int) -> Any:
        return draw_chunk(seeds, jnp.arange(CHUNK) + begin, data, mesh=mesh, **options)

    def advance(replica: tuple[train.Replica, Any], begin: Any, first: Any, stop: Any) -> train.Replica:
        return train.run(*replica, begin, first, stop, config, length_buckets)

    def build() -> Any:
        one = jax.eval_shape(lambda: train.start(config, source.stream, 0, 1.0, config.scales))
        shapes = jax.tree.map(lambda leaf: spread_shape((replicas, *leaf.shape), leaf.dtype, mesh), one)
        drawn = jax.eval_shape(lambda: draw(jnp.zeros(replicas, jnp.int32), 0))
        batches = jax.tree.map(lambda leaf: spread_shape(leaf.shape, leaf.dtype, mesh), drawn)
        number = jax.ShapeDtypeStruct((), jnp.int32)
        steps = map_replicas(advance, mesh, config.batching, 3)
        with jax.default_matmul_precision(config.precision):
            whole = jax.jit(lambda replicas, *rest: steps((replicas, rest[0]), *rest[1:]), donate_argnums=0)
            return whole.lower(shapes, batches, number, number, number).compile()

    run = (
        call_user_code(build, f"encoding {encodings.label_encoding(config.encoding)!r}")
        if user_code(config)
        else build()
    )
    return Program(run, draw, mesh, replicas, time.perf_counter() - began)


def advance(program: Program, replicas: train.Replica, first: int, stop: int) -> train.Replica:
    """Lanes after the steps first … stop − 1."""
    for begin in range(first - first % CHUNK, stop, CHUNK):
        batches = jax.device_put(program.draw(replicas.seed, begin), spread_over(program.mesh))  # empty leaves lose it
        edges = np.int32(begin), np.int32(max(first, begin)), np.int32(min(stop, begin + CHUNK))
        replicas = program.run(replicas, batches, *edges)
    return jax.block_until_ready(replicas)


def spread_shape(shape: tuple[int, ...], dtype: Any, mesh: Mesh) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype, sharding=spread_over(mesh))


def start(config: RunConfig, source: Source, program: Program, specs: Sequence[ReplicaSpec]) -> train.Replica:
    """All replicas before the first step; those beyond the specs repeat them.

    Drawn call by call rather than in a program of its own, whose compilation would take longer than the draws.
    """
    drawn = [train.start(config, source.stream, *spec) for spec in specs]
    padded = [drawn[i % len(drawn)] for i in range(program.replicas)]
    replicas = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *padded)
    return jax.device_put(replicas, spread_over(program.mesh))


def user_code(config: RunConfig) -> bool:
    return config.encoding not in encodings.CATALOGUE


def boundaries(steps: int) -> list[int]:
    """Steps at which a chunk ends: every CHUNK, and where parameters are kept."""
    kept = {max(1, round(share * steps)) for share in CHECKPOINTS.values()}
    return sorted(kept | set(range(CHUNK, steps, CHUNK)))


def train_round(
    config: RunConfig,
    source: Source,
    program: Program,
    specs: Sequence[ReplicaSpec],
    resume: checkpoints.Folder | None = None,
    progress: Callable[[int], None] = lambda steps: None,
) -> list[Trained]:
    """Trains at most `program.replicas` specs together, from the start or from their checkpoint.

    `progress` is called after every chunk with its number of steps. When it raises KeyboardInterrupt (Ctrl-C), a
    checkpoint is left behind.
    """
    steps = config.training.steps
    keep_at = {max(1, round(share * steps)): name for name, share in CHECKPOINTS.items()}
    replicas, kept, done, seconds = start(config, source, program, specs), dict[str, Any](), 0, 0.0
    if resume is not None and (found := resume.load(lambda step: state_at(step, replicas, keep_at))):
        done, (replicas, kept) = found.step, found.state
        replicas = jax.device_put(replicas, spread_over(program.mesh))
        progress(done)
    for stop in [end for end in boundaries(steps) if end > done]:
        began = time.perf_counter()
        replicas = advance(program, replicas, done, stop)
        seconds += time.perf_counter() - began
        advanced, done = stop - done, stop
        if done in keep_at:
            kept = kept | {keep_at[done]: jax.tree.map(np.asarray, replicas.model)}
        if resume is not None and resume.due() and done < steps:
            resume.save(done, (replicas, kept))
        try:
            progress(advanced)
        except KeyboardInterrupt:
            if resume is not None:
                resume.save(done, (replicas, kept))
            raise
    return [finished(spec, i, replicas, kept, seconds / len(specs)) for i, spec in enumerate(specs)]


def spread_over(mesh: Mesh) -> NamedSharding:
    return NamedSharding(mesh, PartitionSpec("runs"))


def state_at(step: int, replicas: train.Replica, keep_at: dict[int, str]) -> tuple[train.Replica, dict[str, Any]]:
    """A state of the structure that a checkpoint at `step` has."""
    return replicas, {name: replicas.model for at, name in keep_at.items() if at <= step}


def finished(spec: ReplicaSpec, i: int, replicas: train.Replica, kept: dict[str, Any], seconds: float) -> Trained:
    replica = jax.tree.map(lambda leaf: np.asarray(leaf[i]), replicas)
    models = {name: jax.tree.map(lambda leaf: leaf[i], model) for name, model in kept.items()}
    return Trained(spec, models, train.history_of(replica), not bool(replica.alive), seconds)
