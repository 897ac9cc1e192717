"""Checkpoints of a population in training: enough to go on after any kill, bit for bit.

Orbax writes the arrays; a SHA-256 over them is kept beside, since no checkpoint format notices a flipped bit. A checkpoint
belongs to one round of runs on one number of devices under the same versions; found under others it is not used.
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
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxpe.records.files import disk_errors

log = logging.getLogger("jaxpe")


class Found(NamedTuple):
    step: int
    state: Any


class Folder:
    """Where one round keeps its checkpoints: `path/00000300/` holds step 300; the newest whole one counts."""

    def __init__(self, path: Path, identity: str, every: float = 30.0) -> None:
        """`every`: seconds between two checkpoints. `identity`: what the round must share with a checkpoint."""
        self.path, self.identity, self.every = path, identity, every
        self.saved = time.monotonic()

    def due(self) -> bool:
        return time.monotonic() - self.saved >= self.every

    def save(self, step: int, state: Any) -> None:
        """Writes a checkpoint beside the older one, then removes that. Raises UserError on a full disk."""
        import orbax.checkpoint as ocp

        leaves = named_leaves(state)
        with disk_errors():
            temporary = self.path / f"writing-{os.getpid()}"
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            with ocp.PyTreeCheckpointer() as checkpointer:
                checkpointer.save((temporary / "state").resolve(), leaves)
            meta = {"step": step, "identity": self.identity, "digest": digest(leaves)}
            (temporary / "meta.json").write_text(json.dumps(meta))
            target = self.path / f"{step:08d}"
            shutil.rmtree(target, ignore_errors=True)
            temporary.rename(target)
        for other in self.path.iterdir():
            if other != target:
                shutil.rmtree(other, ignore_errors=True)
        self.saved = time.monotonic()

    def load(self, shape_at: Callable[[int], Any]) -> Found | None:
        """The newest checkpoint that is whole and belongs here; `shape_at(step)` is a state of the same structure."""
        if not self.path.is_dir():
            return None
        for path in sorted((p for p in self.path.iterdir() if p.name.isdigit()), reverse=True):
            try:
                return self.read(path, shape_at)
            except Exception as error:
                log.warning("The checkpoint at step %d cannot be used (%s): it is left out.", int(path.name), error)
        return None

    def read(self, path: Path, shape_at: Callable[[int], Any]) -> Found:
        import orbax.checkpoint as ocp

        meta = json.loads((path / "meta.json").read_text())
        if meta["identity"] != self.identity:
            raise ValueError("it was written under other versions or devices, so training starts again")
        with ocp.PyTreeCheckpointer() as checkpointer:
            leaves = {name: np.asarray(leaf) for name, leaf in checkpointer.restore((path / "state").resolve()).items()}
        if digest(leaves) != meta["digest"]:
            raise ValueError("it was altered")
        shape = shape_at(meta["step"])
        wanted = named_leaves(shape)
        if {n: (v.shape, v.dtype) for n, v in wanted.items()} != {n: (v.shape, v.dtype) for n, v in leaves.items()}:
            raise ValueError("it holds other arrays")
        return Found(meta["step"], jax.tree.unflatten(jax.tree.structure(shape), [leaves[name] for name in wanted]))

    def clear(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def named_leaves(tree: Any) -> dict[str, np.ndarray]:
    return {f"{i:05d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


def digest(leaves: dict[str, np.ndarray]) -> str:
    """SHA-256 over names, types, shapes and bytes."""
    total = hashlib.sha256()
    for name, leaf in sorted(leaves.items()):
        total.update(f"{name} {leaf.dtype.str} {leaf.shape}\n".encode())
        total.update(np.ascontiguousarray(leaf).tobytes())
    return total.hexdigest()
