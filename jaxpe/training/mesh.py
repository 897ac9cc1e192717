"""How replicas are laid out over devices.

There are no collectives: each device works on its own replicas. On a CPU the devices are virtual. A process uses the devices of
its own host alone, also where `jax.distributed` has connected several: hosts share rounds of training by leases in the results
folder (`jaxpe.records.leases`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import DTypeLike

R = TypeVar("R")
Result = TypeVar("Result")


class Batching(NamedTuple):
    """How the work of a program is divided: the three fields of the same names in `RunConfig`."""

    replicas_per_device: int
    batching: str
    activation_budget: int


# By backend, measured with experiments/throughput.py. A table and not a choice at run time, since the last bits of a result
# depend on these numbers. On a CPU the budget keeps activations within the cache of a core.
BATCHING = {"cpu": Batching(1, "map", 2**16), "gpu": Batching(16, "vmap", 2**26), "tpu": Batching(16, "vmap", 2**26)}


def get_batching() -> Batching:
    """The batching of this machine's backend."""
    return BATCHING.get(jax.default_backend(), BATCHING["gpu"])


def make_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """A mesh with the single axis "runs" over some devices, all of this process by default."""
    devices = jax.local_devices() if devices is None else devices
    return Mesh(np.array(devices), ("runs",), axis_types=(AxisType.Auto,))


def shard_replicas(mesh: Mesh) -> NamedSharding:
    """The sharding of arrays whose first axis is replicas."""
    return NamedSharding(mesh, PartitionSpec("runs"))


def make_sharded_shape(shape: tuple[int, ...], dtype: DTypeLike, mesh: Mesh) -> jax.ShapeDtypeStruct:
    """The shape and type of such an array, for compiling."""
    return jax.ShapeDtypeStruct(shape, dtype, sharding=shard_replicas(mesh))


def map_replicas(function: Callable[..., Result], mesh: Mesh, batching: str, shared: int) -> Callable[..., Result]:
    """Maps `function(replica, *rest)` over replicas that are stacked on a first axis and spread over the mesh.

    `rest` are `shared` arguments that every replica receives whole. Inside a device replicas are mapped by `jax.vmap` or,
    one after the other, by `jax.lax.map`.
    """

    def map_on_device(replicas: R, *rest: object) -> Result:
        call: Callable[[R], Result] = lambda replica: function(replica, *rest)  # noqa: E731
        return jax.vmap(call)(replicas) if batching == "vmap" else jax.lax.map(call, replicas)

    specs = (PartitionSpec("runs"), *[PartitionSpec()] * shared)
    mapped = jax.shard_map(map_on_device, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("runs"), check_vma=False)
    return mapped
