"""Checkpoints of a population in training, from which a run that was killed resumes with the same bits.

Orbax writes the arrays. A SHA-256 of them, of the step and of what the round is, is stored next to them, since no checkpoint
format detects a flipped bit. A checkpoint is only used for the same runs, number of devices and versions.

Two processes may work on one results folder: a round belongs to the one that holds its lock, and the lock ends with its
process.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Generic, NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import PyTree

from jaxpe.records.files import disk_errors, make_temporary_name, remove, write_durably
from jaxpe.records.results import hash_arrays
from jaxpe.surroundings import STOP

log = logging.getLogger("jaxpe")
SECONDS_BETWEEN_LOOKS = 0.2  # at a lock that another process holds
State = TypeVar("State")  # a pytree of arrays


class Checkpoint(NamedTuple, Generic[State]):
    """A training state after some steps."""

    step: int
    state: State


class CheckpointFolder:
    """The checkpoints of one round of training: `path/00000300/` holds step 300. Only the newest is kept.

    Other processes that write here too at worst make a checkpoint superfluous.
    """

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
        temporary, target = self.path / make_temporary_name(), self.path / f"{step:08d}"
        try:
            with disk_errors():
                temporary.mkdir(parents=True)
                with ocp.PyTreeCheckpointer() as checkpointer:
                    checkpointer.save((temporary / "state").resolve(), leaves)
                meta = {"step": step, "identity": self.identity}
                text = json.dumps(meta | {"digest": self.compute_digest(step, leaves)})
                write_durably(temporary / "meta.json", text.encode())
                replace_folder(temporary, target)
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

    @contextmanager
    def hold(self, wait: bool) -> Iterator[bool]:
        """Holds the lock of the round, and yields whether it is held; with `wait`, once no other process holds it.

        Where the file system has no locks, every process holds it.
        """
        with disk_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.lock_path.open("wb")
        with file:
            yield lock_file(file, wait)

    @property
    def lock_path(self) -> Path:
        return self.path.with_name(f"{self.path.name}.lock")

    def clear(self) -> None:
        """Deletes all checkpoints."""
        remove(self.path)

    def forget(self) -> None:
        """Deletes the lock of a round whose runs are all stored. Whoever waits for it finds nothing left to train."""
        remove(self.lock_path)
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


def lock_file(file: IO[bytes], wait: bool) -> bool:
    """Locks an open file for this process, until it is closed; with `wait`, once no other process has locked it.

    Returns whether it is locked. Raises KeyboardInterrupt after a signal.
    """
    try:
        import fcntl
    except ImportError:
        return True
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if not wait:
                return False
            STOP.check()
            time.sleep(SECONDS_BETWEEN_LOOKS)
        except OSError:
            return True
