"""What a round of training leaves in a results folder: checkpoints while it lasts, then a record and parameters of each run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np
from jax.sharding import Mesh

from jaxpe.devices import describe_device
from jaxpe.records.json_values import compute_digest
from jaxpe.records.provenance import collect_versions
from jaxpe.records.results import Results
from jaxpe.study.origins import remember_plugins
from jaxpe.training import parameters
from jaxpe.training.checkpoints import CheckpointFolder
from jaxpe.training.config import RunConfig
from jaxpe.training.population import TrainedReplica


def open_checkpoint_folder(
    results: Results, ids: Sequence[str], mesh: Mesh, save_every: float, require: Callable[[], None]
) -> CheckpointFolder:
    """Where the round of some runs keeps its checkpoints, which are only valid for the same runs, devices and versions.

    `require` is called before one is written, and raises where the round is no longer this process's.
    """
    path = results.folder / "checkpoints" / hashlib.sha256(" ".join(ids).encode()).hexdigest()[:24]
    bound = {"devices": mesh.size, "device": describe_device(), "versions": collect_versions(), "runs": list(ids)}
    return CheckpointFolder(path, compute_digest(bound), save_every, require, list(ids))


def write_trained_run(
    results: Results, identifier: str, config: RunConfig, trained: TrainedReplica, compile_seconds: float, mesh: Mesh
) -> None:
    """Stores a finished run: its record, and its parameters at every snapshot."""
    record = {
        "config": asdict(config),
        "seed": trained.spec.seed,
        "diverged": trained.diverged,
        "history": trained.history,
        "seconds": trained.seconds,
        "compile_seconds": compile_seconds,
        "devices": mesh.size,
        "device": describe_device(),
        "versions": collect_versions(),
    }
    arrays: dict[str, np.ndarray] = {}
    for name, model in trained.snapshots.items():
        arrays |= parameters.flatten_model(model, f"{name}/")
    results.write_run(identifier, record, arrays)
    remember_plugins([config.task, config.encoding])
