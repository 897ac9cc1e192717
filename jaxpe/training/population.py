"""Many models trained in one program: replicas that differ in seed, learning rate or scales.

The number of replicas in a program is fixed; unused places repeat a replica. The last bits of a CPU result depend on that
number and on how replicas are mapped, but not on the other replicas.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Int

from jaxpe.data.examples import Data, ExampleStream
from jaxpe.devices import use_precision
from jaxpe.model import Transformer
from jaxpe.positions import Sampler
from jaxpe.records.leases import LeaseLost
from jaxpe.training.batches import Batch, LengthBucket, draw_batches, make_length_buckets
from jaxpe.training.checkpoints import CheckpointFolder
from jaxpe.training.checks import call_run_code
from jaxpe.training.config import RunConfig
from jaxpe.training.mesh import make_sharded_shape, map_replicas, shard_replicas
from jaxpe.training.sources import Source
from jaxpe.training.train import Replica, average_history, init_replica, train_steps

SNAPSHOTS = {"25": 0.25, "50": 0.5, "100": 1.0}  # whose parameters a run keeps: their names, and share of the steps
CHUNK = 100  # steps between two calls of `report`


class ReplicaSpec(NamedTuple):
    """What distinguishes the replicas of one program."""

    seed: int
    learning_rate: float
    scales: tuple[float, float] | None = None


class TrainedReplica(NamedTuple):
    """A replica after its last step."""

    spec: ReplicaSpec
    snapshots: dict[str, Transformer]  # by the names in SNAPSHOTS
    history: dict[str, list[float]]
    diverged: bool
    seconds: float  # of its round per replica, without compilation


class Program(NamedTuple):
    """A compiled training program."""

    compiled: jax.stages.Compiled  # `train_steps` for all replicas: replicas, batches, begin, first, stop -> replicas
    draw: Callable[[Int[Array, "R"], int], list[Batch]]  # seeds, first step -> batches of CHUNK steps
    mesh: Mesh
    replicas: int  # over all devices
    compile_seconds: float


class RoundProgress(NamedTuple):
    """How far a round is."""

    advanced: int  # steps since the report before; of a resumed round, those of its checkpoint
    done: int  # steps
    seconds: float  # of training, since the round began or resumed
    replicas: Replica  # only to be read while it is reported: the next steps reuse their memory


class RoundState(NamedTuple):
    """The state of a round: all replicas on a first axis, and the models kept so far."""

    replicas: Replica
    snapshots: dict[str, Transformer]
    seconds: np.ndarray  # of training so far, also before it was resumed


@partial(jax.jit, static_argnames=("mesh", "batching", "stream", "sampler", "length_buckets"))
def draw_chunk(
    seeds: Int[Array, "R"],
    steps: Int[Array, "N"],
    data: Data,
    *,
    mesh: Mesh,
    batching: str,
    stream: ExampleStream,
    sampler: Sampler,
    length_buckets: tuple[LengthBucket, ...],
) -> list[Batch]:
    """The batches of some steps for every replica. All encodings of a task share this program."""
    draw = partial(draw_batches, stream=stream, sampler=sampler, length_buckets=length_buckets)
    batches: list[Batch] = map_replicas(draw, mesh, batching, 2)(seeds, steps, data)
    return batches


def count_replicas(config: RunConfig, mesh: Mesh) -> int:
    """How many replicas a program trains, over all devices."""
    return config.replicas_per_device * mesh.size


def compile_program(config: RunConfig, source: Source, mesh: Mesh) -> Program:
    """Compiles the training of a population, and what it draws: batches, and parameters before the first step.

    Raises UserError if an encoding or a task of the user's own fails.
    """
    started = time.perf_counter()
    replicas = count_replicas(config, mesh)
    buckets = make_length_buckets(source.stream, config.train_length, config.training)
    draw = make_draw(config, source, mesh)

    def build() -> jax.stages.Compiled:
        compiled = compile_steps(config, source.stream, mesh, buckets, draw)
        jax.block_until_ready(draw(place_seeds([0] * replicas, mesh), 0))
        init_replica(config, source.stream, 0, 1.0, config.scales)
        return compiled

    compiled = call_run_code(config, build)
    return Program(compiled, draw, mesh, replicas, time.perf_counter() - started)


def make_draw(config: RunConfig, source: Source, mesh: Mesh) -> Callable[[Int[Array, "R"], int], list[Batch]]:
    """What draws the batches of CHUNK steps for seeds as `place_seeds` places them."""
    buckets = make_length_buckets(source.stream, config.train_length, config.training)
    data = jax.device_put(source.train)

    def draw(seeds: Int[Array, "R"], begin: int) -> list[Batch]:
        batches: list[Batch] = draw_chunk(
            seeds,
            jnp.arange(CHUNK) + begin,
            data,
            mesh=mesh,
            batching=config.batching,
            stream=source.stream,
            sampler=config.sampler,
            length_buckets=buckets,
        )
        return batches

    return draw


def place_seeds(seeds: Sequence[int], mesh: Mesh) -> Int[Array, "R"]:
    """The seeds of all replicas, each on its device, as those of replicas in training are."""
    placed: Int[Array, "R"] = jax.device_put(np.asarray(seeds, np.int32), shard_replicas(mesh))
    return placed


def compile_steps(
    config: RunConfig,
    stream: ExampleStream,
    mesh: Mesh,
    length_buckets: tuple[LengthBucket, ...],
    draw: Callable[[Int[Array, "R"], int], list[Batch]],
) -> jax.stages.Compiled:
    """`train_steps` for all replicas at once, compiled. It reuses the memory of the replicas."""
    count = config.replicas_per_device * mesh.size

    def advance(
        pair: tuple[Replica, list[Batch]], begin: Int[Array, ""], first: Int[Array, ""], stop: Int[Array, ""]
    ) -> Replica:
        replica, batches = pair
        return train_steps(replica, batches, begin, first, stop, config, length_buckets)

    replica = jax.eval_shape(lambda: init_replica(config, stream, 0, 1.0, config.scales))
    replicas = jax.tree.map(lambda leaf: make_sharded_shape((count, *leaf.shape), leaf.dtype, mesh), replica)
    batches = jax.eval_shape(lambda: draw(jnp.zeros(count, jnp.int32), 0))
    batches = jax.tree.map(lambda leaf: make_sharded_shape(leaf.shape, leaf.dtype, mesh), batches)
    number = jax.ShapeDtypeStruct((), jnp.int32)
    mapped = map_replicas(advance, mesh, config.batching, 3)
    with use_precision(config.precision):
        whole = jax.jit(lambda replicas, batches, *steps: mapped((replicas, batches), *steps), donate_argnums=0)
        return whole.lower(replicas, batches, number, number, number).compile()


def init_replicas(config: RunConfig, source: Source, program: Program, specs: Sequence[ReplicaSpec]) -> Replica:
    """All replicas of a program before the first step, stacked on a first axis.

    They are not drawn in a compiled program, since compiling it would take longer than drawing.
    """
    replicas = [init_replica(config, source.stream, *spec) for spec in specs]
    padded = [replicas[i % len(replicas)] for i in range(program.replicas)]
    stacked: Replica = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *padded)
    placed: Replica = jax.device_put(stacked, shard_replicas(program.mesh))
    return placed


def advance_replicas(program: Program, replicas: Replica, first: int, stop: int) -> Replica:
    """The replicas after the steps first … stop − 1."""
    for begin in range(first - first % CHUNK, stop, CHUNK):
        # Leaves without elements lose their sharding in a program.
        batches = jax.device_put(program.draw(replicas.seed, begin), shard_replicas(program.mesh))
        steps = np.int32(begin), np.int32(max(first, begin)), np.int32(min(stop, begin + CHUNK))
        replicas = program.compiled(replicas, batches, *steps)
    jax.block_until_ready(replicas)
    return replicas


def list_snapshot_steps(steps: int) -> dict[int, str]:
    """The steps after which parameters are kept, and their names."""
    return {max(1, round(share * steps)): name for name, share in SNAPSHOTS.items()}


def list_stops(steps: int) -> list[int]:
    """The steps after which `train_round` pauses: every CHUNK, and where parameters are kept."""
    return sorted(set(list_snapshot_steps(steps)) | set(range(CHUNK, steps, CHUNK)))


def train_round(
    config: RunConfig,
    source: Source,
    program: Program,
    specs: Sequence[ReplicaSpec],
    folder: CheckpointFolder | None = None,
    report: Callable[[RoundProgress], None] = lambda progress: None,
) -> list[TrainedReplica]:
    """Trains up to `program.replicas` replicas together, from the start or from the newest checkpoint in the folder.

    `report` is called after every chunk, and after a checkpoint was loaded. If it raises KeyboardInterrupt (Ctrl-C), a
    checkpoint is saved first. Raises LeaseLost where another process took the round over.
    """
    steps, keep_at = config.training.steps, list_snapshot_steps(config.training.steps)
    state, done = RoundState(init_replicas(config, source, program, specs), {}, np.zeros(())), 0
    if folder is not None and (checkpoint := folder.load_newest(partial(make_template, state.replicas, keep_at))):
        done, state = checkpoint
        state = state._replace(replicas=jax.device_put(state.replicas, shard_replicas(program.mesh)))
        report(RoundProgress(done, done, 0.0, state.replicas))
    before = float(state.seconds)
    for stop in [stop for stop in list_stops(steps) if stop > done]:
        started = time.perf_counter()
        replicas = advance_replicas(program, state.replicas, done, stop)
        state = state._replace(replicas=replicas, seconds=np.asarray(state.seconds + time.perf_counter() - started))
        advanced, done = stop - done, stop
        if done in keep_at:
            model = jax.tree.map(np.asarray, state.replicas.model)
            state = state._replace(snapshots=state.snapshots | {keep_at[done]: model})
        if folder is not None and folder.is_due() and done < steps:
            folder.save(done, state)
        try:
            report(RoundProgress(advanced, done, float(state.seconds) - before, state.replicas))
        except KeyboardInterrupt:
            if folder is not None:
                with suppress(LeaseLost):
                    folder.save(done, state)
            raise
    state = jax.tree.map(np.asarray, state)
    return [extract_replica(state, i, spec, float(state.seconds) / len(specs)) for i, spec in enumerate(specs)]


def make_template(replicas: Replica, keep_at: dict[int, str], step: int) -> RoundState:
    """A state with the structure that a checkpoint at `step` has."""
    return RoundState(replicas, {name: replicas.model for at, name in keep_at.items() if at <= step}, np.zeros(()))


def extract_replica(state: RoundState, i: int, spec: ReplicaSpec, seconds: float) -> TrainedReplica:
    """Replica `i` of a finished round whose state is in NumPy arrays.

    To index an array that is spread over devices, they would wait for each other: for ever, where one of them is busy with
    another program.
    """
    replica = jax.tree.map(lambda leaf: leaf[i], state.replicas)
    models = {name: jax.tree.map(lambda leaf: leaf[i], model) for name, model in state.snapshots.items()}
    return TrainedReplica(spec, models, average_history(replica), not bool(replica.alive), seconds)
