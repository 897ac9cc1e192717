"""What a training says while it runs: loss, accuracy, learning rate and speed, every CHUNK of steps, for people who watch.

No result depends on it: the numbers are read from the history that a replica keeps anyway. A sink that fails is left out from
then on, with one warning.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from typing import Protocol

import jax.numpy as jnp
import numpy as np
from numpy import ndarray

from jaxpe.plugins.calls import get_first_line
from jaxpe.records.files import explain_disk_error
from jaxpe.study.sinks import MetricSink, ReplicaMetrics, RoundMetrics
from jaxpe.training.config import RunConfig
from jaxpe.training.optimizer import compute_learning_rate_factor, list_change_steps
from jaxpe.training.population import CHUNK, RoundProgress
from jaxpe.training.train import HISTORY

log = logging.getLogger("jaxpe")


class WatchedRun(Protocol):
    """A training that is watched: a `jaxpe.study.workspace.Run`."""

    @property
    def config(self) -> RunConfig: ...
    @property
    def seed(self) -> int: ...
    @property
    def id(self) -> str: ...


class Round:
    """A round that is watched. `follow` takes what `train_round` reports."""

    def __init__(self, program: str, runs: Sequence[WatchedRun], metrics: Metrics) -> None:
        self.program, self.runs, self.metrics = program, runs, metrics
        self.done, self.seconds = 0, 0.0
        self.sums = np.zeros((len(runs), len(HISTORY)))  # of the history, up to the last line

    def follow(self, progress: RoundProgress) -> None:
        """Passes metrics on after every CHUNK of steps and after the last one; of a resumed round, those since then."""
        is_resumed = progress.seconds == 0
        is_due = progress.done % CHUNK == 0 or progress.done == self.steps
        if not self.metrics.sinks or not (is_due or is_resumed):
            return
        history = np.asarray(progress.replicas.history)[: len(self.runs)]
        sums = history.astype(np.float64).sum(axis=1)
        if not is_resumed:
            self.metrics.pass_on(self.describe(progress, sums - self.sums))
        self.done, self.seconds, self.sums = progress.done, progress.seconds, sums

    @property
    def steps(self) -> int:
        return self.runs[0].config.training.steps

    def describe(self, progress: RoundProgress, sums: ndarray) -> RoundMetrics:
        """The metrics of a chunk with these sums of the history, (runs, HISTORY)."""
        config = self.runs[0].config
        last = jnp.asarray(progress.done - 1)
        factor = float(compute_learning_rate_factor(last, config.training, list_change_steps(config)))
        alive = np.asarray(progress.replicas.alive)
        stopped = progress.replicas.stopped
        stops = np.zeros(len(alive), bool) if stopped is None else np.asarray(stopped)
        replicas = []
        for i, run in enumerate(self.runs):
            taken = sums[i, HISTORY.index("steps")]
            means = {name: float(sums[i, j] / taken) for j, name in enumerate(HISTORY[:-1]) if taken}
            rate = {"learning_rate": run.config.training.learning_rate * factor} if taken else {}
            state = "diverged" if not alive[i] else "stopped" if stops[i] else "training"
            replicas.append(ReplicaMetrics(run.id, run.seed, run.config, state, means | rate))
        speed = (progress.done - self.done) / (progress.seconds - self.seconds)
        return RoundMetrics(self.program, progress.done, self.steps, speed, tuple(replicas))


class Metrics:
    """The sinks of a workspace."""

    def __init__(self, sinks: Iterable[MetricSink]) -> None:
        self.sinks = list(sinks)

    def watch(self, program: str, runs: Sequence[WatchedRun]) -> Round:
        """A round that trains these runs together."""
        return Round(program, runs, self)

    def pass_on(self, metrics: RoundMetrics) -> None:
        """Gives metrics to every sink. One that fails is left out from then on, with one warning.

        What a sink prints goes to stderr: stdout is for results.
        """
        for sink in list(self.sinks):
            try:
                with redirect_stdout(sys.stderr):
                    sink.write(metrics)
            except (Exception, SystemExit) as error:
                self.sinks.remove(sink)
                reason = explain_disk_error(error) if isinstance(error, Exception) else ""
                log.warning(
                    "%s takes no more metrics, training goes on without them: %s",
                    type(sink).__name__,
                    reason or f"{type(error).__name__}: {get_first_line(error)}.",
                )
