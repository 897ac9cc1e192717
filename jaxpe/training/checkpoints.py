"""Checkpoints of a population in training, from which a run that was killed resumes with the same bits.

Orbax writes the arrays. A SHA-256 of them, of the step and of what the round is, is stored next to them, since no checkpoint
format detects a flipped bit. A checkpoint is only used for the same runs, number of devices and versions. A round belongs to the
process that holds its lease (`jaxpe.records.leases`); one that lost it must write none.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import PyTree

from jaxpe.records.files import disk_errors, make_temporary_folder, remove, write_durably
from jaxpe.records.results import hash_arrays

log = logging.getLogger("jaxpe")
State = TypeVar("State")  # a pytree of arrays


class Checkpoint(NamedTuple, Generic[State]):
    """A training state after some steps."""

    step: int
    state: State


class CheckpointFolder:
    """The checkpoints of one round of training: `path/00000300/` holds step 300. Only the newest is kept.

    Other processes that write here too at worst make a checkpoint superfluous.
    """

    def __init__(
        self,
        path: Path,
        identity: str,
        every: float = 30.0,
        require: Callable[[], None] = lambda: None,
        runs: Sequence[str] = (),
    ) -> None:
        """`every`: seconds between two checkpoints. `identity`: what a round must share with a checkpoint to use it.

        `runs`: the ids of the runs of the round, by which `sweep_checkpoints` knows that it is over. `require` is called before anything is written or deleted: it raises LeaseLost where the round is another process's.
        """
        self.path, self.identity, self.every, self.require, self.runs = path, identity, every, require, list(runs)
        self.saved = time.monotonic()

    def is_due(self) -> bool:
        """Whether enough time has passed since the last checkpoint."""
        return time.monotonic() - self.saved >= self.every

    def save(self, step: int, state: PyTree) -> None:
        """Writes a checkpoint under a temporary name, renames it, and removes the older one.

        Raises UserError if the disk is full.
        """
        import orbax.checkpoint as ocp

        self.require()
        leaves = name_leaves(state)
        with disk_errors():
            temporary = make_temporary_folder(self.path)
        try:
            with disk_errors():
                with ocp.PyTreeCheckpointer() as checkpointer:
                    checkpointer.save((temporary / "state").resolve(), leaves)
                meta = {"step": step, "identity": self.identity, "runs": self.runs}
                text = json.dumps(meta | {"digest": self.compute_digest(step, leaves)})
                write_durably(temporary / "meta.json", text.encode())
                self.require()
                replace_folder(temporary, self.path / f"{step:08d}")
        finally:
            remove(temporary)
        for other in self.list_steps():
            if int(other.name) < step:
                remove(other)
        self.saved = time.monotonic()

    def compute_digest(self, step: int, leaves: dict[str, np.ndarray]) -> str:
        """SHA-256 over the step, what the round is, and its arrays."""
        return hashlib.sha256(f"{step} {self.identity} {hash_arrays(leaves)}".encode()).hexdigest()

    def list_steps(self) -> list[Path]:
        """The folders of the checkpoints, oldest first."""
        with suppress(FileNotFoundError):
            return sorted(path for path in self.path.iterdir() if path.name.isdigit())
        return []

    def load_newest(self, make_template: Callable[[int], State]) -> Checkpoint[State] | None:
        """The newest usable checkpoint, None if there is none. `make_template(step)` is a state of the same structure."""
        for path in reversed(self.list_steps()):
            try:
                return self.load(path, make_template)
            except Exception as error:
                log.warning(
                    "The checkpoint at step %d cannot be used (%s).", int(path.name), error or type(error).__name__
                )
        return None

    def load(self, path: Path, make_template: Callable[[int], State]) -> Checkpoint[State]:
        """Reads one checkpoint. Raises an exception if it is damaged or belongs to other runs, devices or versions."""
        import orbax.checkpoint as ocp

        meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
        if meta["identity"] != self.identity:
            raise ValueError("it was written under other versions or devices, so training starts again")
        with ocp.PyTreeCheckpointer() as checkpointer:
            leaves = {name: np.asarray(leaf) for name, leaf in checkpointer.restore((path / "state").resolve()).items()}
        if meta["step"] != int(path.name) or self.compute_digest(meta["step"], leaves) != meta["digest"]:
            raise ValueError("it was altered")
        template = make_template(meta["step"])
        expected = name_leaves(template)
        if {n: (v.shape, v.dtype) for n, v in expected.items()} != {n: (v.shape, v.dtype) for n, v in leaves.items()}:
            raise ValueError("it holds other arrays")
        state = jax.tree.unflatten(jax.tree.structure(template), [leaves[name] for name in expected])
        return Checkpoint(meta["step"], state)

    def clear(self) -> None:
        """Deletes all checkpoints of the round, whose runs are stored."""
        self.require()
        remove(self.path)
        with suppress(OSError):
            self.path.parent.rmdir()


def name_leaves(tree: PyTree) -> dict[str, np.ndarray]:
    """The leaves of a tree as NumPy arrays, named by their number."""
    return {f"{i:05d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


def replace_folder(temporary: Path, target: Path) -> None:
    """Renames a folder to one that may exist, and that another process may write at the same time."""
    for _ in range(10):
        remove(target)
        try:
            temporary.rename(target)
            return
        except OSError:
            if not target.exists():
                raise


def sweep_checkpoints(folder: Path, is_stored: Callable[[str], bool]) -> None:
    """Deletes the checkpoints of rounds whose runs are all stored. Processes that were killed leave some."""
    for path in folder.glob("*/[0-9]*/meta.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
            if runs and all(map(is_stored, runs)):
                remove(path.parents[1])
    for empty in [*folder.glob("*"), folder]:
        with suppress(OSError):
            empty.rmdir()
