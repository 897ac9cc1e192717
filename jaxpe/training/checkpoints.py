"""Checkpoints of a population in training, from which a run that was killed resumes with the same bits.

Orbax writes the arrays, and a SHA-256 of them is stored next to them, since no checkpoint format detects a flipped bit. A
checkpoint is only used for the same runs, number of devices and versions.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import PyTree

from jaxpe.records.files import disk_errors

log = logging.getLogger("jaxpe")
State = TypeVar("State")  # a pytree of arrays


class Checkpoint(NamedTuple, Generic[State]):
    """A training state after some steps."""

    step: int
    state: State


class CheckpointFolder:
    """The checkpoints of one round of training: `path/00000300/` holds step 300. Only the newest is kept."""

    def __init__(self, path: Path, identity: str, every: float = 30.0) -> None:
        """`every`: seconds between two checkpoints. `identity`: what a round must share with a checkpoint to use it."""
        self.path, self.identity, self.every = path, identity, every
        self.saved = time.monotonic()

    def is_due(self) -> bool:
        """Whether enough time has passed since the last checkpoint."""
        return time.monotonic() - self.saved >= self.every

    def save(self, step: int, state: PyTree) -> None:
        """Writes a checkpoint under a temporary name, renames it, and removes the older one.

        Raises UserError if the disk is full.
        """
        import orbax.checkpoint as ocp

        leaves = name_leaves(state)
        with disk_errors():
            temporary = self.path / f"writing-{os.getpid()}"
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            with ocp.PyTreeCheckpointer() as checkpointer:
                checkpointer.save((temporary / "state").resolve(), leaves)
            meta = {"step": step, "identity": self.identity, "digest": hash_leaves(leaves)}
            (temporary / "meta.json").write_text(json.dumps(meta))
            target = self.path / f"{step:08d}"
            shutil.rmtree(target, ignore_errors=True)
            temporary.rename(target)
        for other in self.path.iterdir():
            if other != target:
                shutil.rmtree(other, ignore_errors=True)
        self.saved = time.monotonic()

    def load_newest(self, make_template: Callable[[int], State]) -> Checkpoint[State] | None:
        """The newest usable checkpoint, None if there is none. `make_template(step)` is a state of the same structure."""
        if not self.path.is_dir():
            return None
        for path in sorted((p for p in self.path.iterdir() if p.name.isdigit()), reverse=True):
            try:
                return self.load(path, make_template)
            except Exception as error:
                log.warning("The checkpoint at step %d cannot be used (%s).", int(path.name), error)
        return None

    def load(self, path: Path, make_template: Callable[[int], State]) -> Checkpoint[State]:
        """Reads one checkpoint. Raises an exception if it is damaged or belongs to other runs, devices or versions."""
        import orbax.checkpoint as ocp

        meta = json.loads((path / "meta.json").read_text())
        if meta["identity"] != self.identity:
            raise ValueError("it was written under other versions or devices, so training starts again")
        with ocp.PyTreeCheckpointer() as checkpointer:
            leaves = {name: np.asarray(leaf) for name, leaf in checkpointer.restore((path / "state").resolve()).items()}
        if hash_leaves(leaves) != meta["digest"]:
            raise ValueError("it was altered")
        template = make_template(meta["step"])
        expected = name_leaves(template)
        if {n: (v.shape, v.dtype) for n, v in expected.items()} != {n: (v.shape, v.dtype) for n, v in leaves.items()}:
            raise ValueError("it holds other arrays")
        state = jax.tree.unflatten(jax.tree.structure(template), [leaves[name] for name in expected])
        return Checkpoint(meta["step"], state)

    def clear(self) -> None:
        """Deletes all checkpoints."""
        shutil.rmtree(self.path, ignore_errors=True)


def name_leaves(tree: PyTree) -> dict[str, np.ndarray]:
    """The leaves of a tree as NumPy arrays, named by their number."""
    return {f"{i:05d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


def hash_leaves(leaves: dict[str, np.ndarray]) -> str:
    """SHA-256 over names, types, shapes and bytes."""
    total = hashlib.sha256()
    for name, leaf in sorted(leaves.items()):
        total.update(f"{name} {leaf.dtype.str} {leaf.shape}\n".encode())
        total.update(np.ascontiguousarray(leaf).tobytes())
    return total.hexdigest()
