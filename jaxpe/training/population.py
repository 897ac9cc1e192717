"""Many models trained in one program: seeds are lanes, mapped inside a device and laid out over a mesh of devices.

There are no collectives: every device trains its own lanes. On a CPU the devices are virtual, on an accelerator or on
many hosts they are real; the code is the same. Lanes per device are fixed and padded with repeats, since the last bits of
a CPU result depend on that number and on how lanes are mapped (not on the neighbours).
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
from jaxpe.training.config import Setting, Source

CHECKPOINTS = {"25": 0.25, "50": 0.5, "100": 1.0}  # names of the kept parameters: percent of the steps
CHUNK = 100  # steps between two looks at the clock
# Models per device, how they are mapped and the working set, by backend: filled by hand from experiments/throughput.py,
# never chosen at run time, since they decide the last bits of a result. A CPU's working set stays in a core's cache.
LANES = {"cpu": (1, "map", 2**16), "gpu": (16, "vmap", 2**26), "tpu": (16, "vmap", 2**26)}


def lanes_for() -> tuple[int, str, int]:
    """The committed row of this machine's backend."""
    return LANES.get(jax.default_backend(), LANES["gpu"])


def runs_mesh(devices: Sequence[Any] | None = None) -> Mesh:
    """A mesh with the one axis "runs" over all devices (of all hosts)."""
    devices = jax.devices() if devices is None else devices
    return Mesh(np.array(devices), ("runs",), axis_types=(AxisType.Auto,))


def over_lanes(function: Callable[..., Any], mesh: Mesh, mapping: str, shared: int) -> Callable[..., Any]:
    """`function(lane, *shared)` -> the same for lanes stacked on a first axis, spread over the mesh.

    `shared` is how many further arguments every lane gets whole.
    """

    def local(lanes: Any, *rest: Any) -> Any:
        one = lambda lane: function(lane, *rest)  # noqa: E731
        return jax.vmap(one)(lanes) if mapping == "vmap" else jax.lax.map(one, lanes)

    specs = (PartitionSpec("runs"), *[PartitionSpec()] * shared)
    return jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("runs"), check_vma=False)


class Member(NamedTuple):
    """One lane of a population: what the cell is made of beside its setting."""

    seed: int
    learning_rate: float
    mix: tuple[float, float] | None = None


class Trained(NamedTuple):
    """One finished lane."""

    member: Member
    checkpoints: dict[str, Any]  # "25", "50", "100" -> the model
    history: dict[str, list[float]]
    diverged: bool
    seconds: float  # of the round it was trained in, without compilation, per lane


class Program(NamedTuple):
    """A compiled training program and what belongs to it."""

    run: Any
    draw: Callable[[Any, int], Any]  # (seeds of the lanes, first step) -> the batches of CHUNK steps
    mesh: Mesh
    lanes: int  # over all devices
    compile_seconds: float


@partial(jax.jit, static_argnames=("mesh", "mapping", "stream", "sampler", "strata"))
def draw_chunk(seeds: Any, steps: Any, data: Any, *, mesh: Mesh, mapping: str, **source: Any) -> Any:
    """The batches of some steps for every lane: one compiled program for all encodings of a task."""
    return over_lanes(partial(train.batches_of, **source), mesh, mapping, 2)(seeds, steps, data)


def compile_program(setting: Setting, source: Source, mesh: Mesh) -> Program:
    """Compiles the steps of a population. Raises UserError where an encoding of the user's own fails."""
    began = time.perf_counter()
    lanes = setting.lanes * mesh.size
    strata = train.strata_of(source.stream, setting.train_length, setting.training)
    options: Any = {"mapping": setting.mapping, "stream": source.stream, "sampler": setting.sampler, "strata": strata}
    data = jax.device_put(source.train)

    def draw(seeds: Any, begin: int) -> Any:
        return draw_chunk(seeds, jnp.arange(CHUNK) + begin, data, mesh=mesh, **options)

    def advance(lane: tuple[train.Lane, Any], begin: Any, first: Any, stop: Any) -> train.Lane:
        return train.run(*lane, begin, first, stop, setting, strata)

    def build() -> Any:
        one = jax.eval_shape(lambda: train.start(setting, source.stream, 0, 1.0, setting.mix))
        shapes = jax.tree.map(lambda leaf: spread_shape((lanes, *leaf.shape), leaf.dtype, mesh), one)
        drawn = jax.eval_shape(lambda: draw(jnp.zeros(lanes, jnp.int32), 0))
        batches = jax.tree.map(lambda leaf: spread_shape(leaf.shape, leaf.dtype, mesh), drawn)
        number = jax.ShapeDtypeStruct((), jnp.int32)
        steps = over_lanes(advance, mesh, setting.mapping, 3)
        with jax.default_matmul_precision(setting.precision):
            whole = jax.jit(lambda lanes, *rest: steps((lanes, rest[0]), *rest[1:]), donate_argnums=0)
            return whole.lower(shapes, batches, number, number, number).compile()

    run = call_user_code(build, f"encoding {encodings.label(setting.encoding)!r}") if user_code(setting) else build()
    return Program(run, draw, mesh, lanes, time.perf_counter() - began)


def advance(program: Program, lanes: train.Lane, first: int, stop: int) -> train.Lane:
    """Lanes after the steps first … stop − 1."""
    for begin in range(first - first % CHUNK, stop, CHUNK):
        batches = jax.device_put(program.draw(lanes.seed, begin), spread_over(program.mesh))  # empty leaves lose it
        edges = np.int32(begin), np.int32(max(first, begin)), np.int32(min(stop, begin + CHUNK))
        lanes = program.run(lanes, batches, *edges)
    return jax.block_until_ready(lanes)


def spread_shape(shape: tuple[int, ...], dtype: Any, mesh: Mesh) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype, sharding=spread_over(mesh))


def start(setting: Setting, source: Source, program: Program, members: Sequence[Member]) -> train.Lane:
    """All lanes before the first step; those beyond the members repeat them.

    Drawn call by call rather than in a program of its own, whose compilation would take longer than the draws.
    """
    drawn = [train.start(setting, source.stream, *member) for member in members]
    padded = [drawn[i % len(drawn)] for i in range(program.lanes)]
    lanes = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *padded)
    return jax.device_put(lanes, spread_over(program.mesh))


def user_code(setting: Setting) -> bool:
    return setting.encoding not in encodings.CATALOGUE


def boundaries(steps: int) -> list[int]:
    """Steps at which a chunk ends: every CHUNK, and where parameters are kept."""
    kept = {max(1, round(share * steps)) for share in CHECKPOINTS.values()}
    return sorted(kept | set(range(CHUNK, steps, CHUNK)))


def train_round(
    setting: Setting,
    source: Source,
    program: Program,
    members: Sequence[Member],
    resume: checkpoints.Folder | None = None,
    progress: Callable[[int], None] = lambda steps: None,
) -> list[Trained]:
    """Trains at most `program.lanes` members together, from the start or from their checkpoint.

    `progress` is called after every chunk with its number of steps. When it raises KeyboardInterrupt (Ctrl-C), a
    checkpoint is left behind.
    """
    steps = setting.training.steps
    keep_at = {max(1, round(share * steps)): name for name, share in CHECKPOINTS.items()}
    lanes, kept, done, seconds = start(setting, source, program, members), dict[str, Any](), 0, 0.0
    if resume is not None and (found := resume.load(lambda step: state_at(step, lanes, keep_at))):
        done, (lanes, kept) = found.step, found.state
        lanes = jax.device_put(lanes, spread_over(program.mesh))
        progress(done)
    for stop in [end for end in boundaries(steps) if end > done]:
        began = time.perf_counter()
        lanes = advance(program, lanes, done, stop)
        seconds += time.perf_counter() - began
        advanced, done = stop - done, stop
        if done in keep_at:
            kept = kept | {keep_at[done]: jax.tree.map(np.asarray, lanes.model)}
        if resume is not None and resume.due() and done < steps:
            resume.save(done, (lanes, kept))
        try:
            progress(advanced)
        except KeyboardInterrupt:
            if resume is not None:
                resume.save(done, (lanes, kept))
            raise
    return [finished(member, i, lanes, kept, seconds / len(members)) for i, member in enumerate(members)]


def spread_over(mesh: Mesh) -> NamedSharding:
    return NamedSharding(mesh, PartitionSpec("runs"))


def state_at(step: int, lanes: train.Lane, keep_at: dict[int, str]) -> tuple[train.Lane, dict[str, Any]]:
    """A state of the structure that a checkpoint at `step` has."""
    return lanes, {name: lanes.model for at, name in keep_at.items() if at <= step}


def finished(member: Member, i: int, lanes: train.Lane, kept: dict[str, Any], seconds: float) -> Trained:
    lane = jax.tree.map(lambda leaf: np.asarray(leaf[i]), lanes)
    models = {name: jax.tree.map(lambda leaf: leaf[i], model) for name, model in kept.items()}
    return Trained(member, models, train.history_of(lane), not bool(lane.alive), seconds)
