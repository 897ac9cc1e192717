"""Where the rounds of a study are trained: in this process, or by another engine that follows the same protocol.

Either way rounds are taken under leases, so that several processes share a results folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from jax.sharding import Mesh

from jaxpe.records.leases import LeaseFolder
from jaxpe.records.results import Results
from jaxpe.study.reporter import Reporter


class Work(Protocol):
    """What an engine needs of a workspace. Runs are those of `jaxpe.study.workspace`."""

    results: Results
    leases: LeaseFolder
    reporter: Reporter
    mesh: Mesh
    failures: list[str]

    def select_missing(self, runs: Iterable[Any]) -> list[Any]:
        """The runs that the results folder does not hold."""

    def train_group(self, group: list[Any], join: bool) -> bool:
        """Trains runs of one program; without `join` only where no other process does. Returns whether all are stored."""

    def pick_up(self, group: list[Any], missing: list[Any]) -> None:
        """Reports the runs of a group that were stored meanwhile."""


class Engine(Protocol):
    """Where rounds are trained."""

    def train(self, work: Work, groups: Sequence[list[Any]]) -> None:
        """Sees to it that all runs of some groups, each of one program, are stored."""


class LocalEngine:
    """Trains in this process. What other processes train under a lease is left to them.

    Programs that another process trains come last; then their free rounds are trained here, and the rest is waited for.
    """

    def __init__(self) -> None:
        self.waited_for = ""

    def train(self, work: Work, groups: Sequence[list[Any]]) -> None:
        """Raises KeyboardInterrupt after a signal."""
        groups = [group for group in groups if not work.train_group(group, join=False)]
        while groups:
            missing = [len(work.select_missing(group)) for group in groups]
            groups = [group for group in groups if not work.train_group(group, join=True)]
            if groups and missing == [len(work.select_missing(group)) for group in groups]:
                self.wait(work)

    def wait(self, work: Work) -> None:
        """Waits a moment for other processes, and says for which."""
        text = "; ".join(sorted(f"process {one.pid} on {one.host}: {one.about}" for one in work.leases.list_live()))
        if text and text != self.waited_for:
            work.reporter.note(f"waiting for {text}")
        self.waited_for = text
        work.leases.pause()
