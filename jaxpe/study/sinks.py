"""Where the metrics of running trainings go: a file of JSON lines, and what --log-to names.

A sink of your own is a class derived from `MetricSink`, given as path/to/file.py:Class, or by a package through the entry-point
group `jaxpe.study.sinks`. Options follow a name after colons: wandb:project=mine:mode=offline.
"""

from __future__ import annotations

import json
import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from jaxpe.errors import UserError
from jaxpe.plugins.registry import Registry
from jaxpe.records.files import hash_host
from jaxpe.records.json_values import to_json_value
from jaxpe.training.config import RunConfig

FOLDER = "metrics"  # in a results folder
SECONDS_TO_CONNECT = 30.0  # training waits so long for a service, once


class ReplicaMetrics(NamedTuple):
    """What one training of a round says.

    `values`: means of loss (nats per answer), token_accuracy and exact_match over the steps since the line before, and the
    learning rate of the last of them; {} where no step was taken.
    """

    run: str  # the name of its folder among the results
    seed: int
    config: RunConfig
    state: str  # "training", "stopped" early, or "diverged"
    values: dict[str, float]


class RoundMetrics(NamedTuple):
    """What the trainings of a round say after a chunk."""

    program: str  # what it trains, in words
    step: int  # steps that are done, of `steps`
    steps: int
    steps_per_second: float  # of each replica; the first chunk also compiles the drawing of batches
    replicas: tuple[ReplicaMetrics, ...]


class MetricSink(ABC):
    """Takes the metrics of running trainings. `folder`: where it may write files; it makes the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def write(self, metrics: RoundMetrics) -> None:
        """Takes what a round says after a chunk. Any exception ends this sink, and nothing else."""


class JsonLines(MetricSink):
    """A file of this process, with a line for every chunk of a round: no other process writes to it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        started = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        self.path = folder / f"{started}-{hash_host()}-{os.getpid()}.jsonl"

    def write(self, metrics: RoundMetrics) -> None:
        line: dict[str, Any] = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())} | metrics._asdict()
        line |= shorten({"steps_per_second": metrics.steps_per_second})
        line["replicas"] = [
            {"run": replica.run, "seed": replica.seed, "state": replica.state, **shorten(replica.values)}
            for replica in metrics.replicas
        ]
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(to_json_value(line), ensure_ascii=False) + "\n")


class RunSink(MetricSink):
    """A sink that shows every training as a run of its own: opened at its first metrics, closed after the last step."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.open_runs: dict[str, Any] = {}

    def write(self, metrics: RoundMetrics) -> None:
        for replica in metrics.replicas:
            if replica.run not in self.open_runs:
                self.folder.mkdir(parents=True, exist_ok=True)
                self.open_runs[replica.run] = self.open(metrics.program, replica)
            run = self.open_runs[replica.run]
            if replica.values:
                self.log(run, replica.values | {"steps_per_second": metrics.steps_per_second}, metrics.step)
            if metrics.step == metrics.steps:
                self.close(self.open_runs.pop(replica.run))

    @abstractmethod
    def open(self, program: str, replica: ReplicaMetrics) -> Any:
        """A run of the foreign library for a training."""

    @abstractmethod
    def log(self, run: Any, values: dict[str, float], step: int) -> None:
        """Adds values after a step."""

    @abstractmethod
    def close(self, run: Any) -> None:
        """Ends a run."""


class TensorBoard(RunSink):
    """Files for `tensorboard --logdir RESULTS/metrics/tensorboard`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "tensorboard")
        self.library = load_library("tensorboardX", "tensorboard")

    def open(self, program: str, replica: ReplicaMetrics) -> Any:
        name = re.sub(r"[^\w.=-]+", "_", name_replica(program, replica))
        return self.library.SummaryWriter(str(self.folder / name))

    def log(self, run: Any, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            run.add_scalar(name, value, step)
        run.flush()

    def close(self, run: Any) -> None:
        run.close()


class Trackio(RunSink):
    """Trackio: its local database, for `trackio show`; with `space`, a Hugging Face space."""

    def __init__(self, folder: Path, *, project: str = "jaxpe", space: str = "") -> None:
        super().__init__(folder)
        self.library, self.project, self.space = load_library("trackio", "trackio"), project, space

    def open(self, program: str, replica: ReplicaMetrics) -> Any:
        return self.library.init(
            project=self.project, name=name_replica(program, replica), group=program, space_id=self.space or None,
            config=describe_replica(replica), resume="allow", embed=False, auto_log_cpu=False, auto_log_gpu=False,
        )  # fmt: skip

    def log(self, run: Any, values: dict[str, float], step: int) -> None:
        run.log(values, step=step)

    def close(self, run: Any) -> None:
        run.finish()


class WeightsAndBiases(RunSink):
    """Weights & Biases. Without `mode` ("online", "offline"), what WANDB_MODE says."""

    def __init__(self, folder: Path, *, project: str = "jaxpe", entity: str = "", mode: str = "") -> None:
        super().__init__(folder)
        self.library = load_library("wandb", "wandb")
        self.project, self.entity, self.mode = project, entity, mode

    def open(self, program: str, replica: ReplicaMetrics) -> Any:
        return self.library.init(
            project=self.project, entity=self.entity or None, mode=self.mode or None, dir=str(self.folder),
            id=replica.run, name=name_replica(program, replica), group=program, config=describe_replica(replica),
            resume="allow", reinit="create_new", **{"settings": {"silent": True, "console": "off", "init_timeout": SECONDS_TO_CONNECT}},
        )  # fmt: skip

    def log(self, run: Any, values: dict[str, float], step: int) -> None:
        run.log(values, step=step)

    def close(self, run: Any) -> None:
        run.finish()


SINKS: Registry[MetricSink] = Registry(
    "sink",
    "jaxpe.study.sinks",
    MetricSink,  # type: ignore[type-abstract]
    {"tensorboard": TensorBoard, "trackio": Trackio, "wandb": WeightsAndBiases},
)


def open_sinks(names: Sequence[str], folder: Path) -> list[MetricSink]:
    """The sinks of a results folder: the file, and those that are named. They write and send nothing yet.

    Raises UserError for a name that there is not, for options that it does not take, and where its package is missing.
    """
    sinks: list[MetricSink] = [JsonLines(folder / FOLDER)]
    for name in names:
        make = partial(SINKS.resolve(name), folder / FOLDER)
        sinks.append(SINKS.call(name, make, f"sink {name!r} could not be opened"))
    return sinks


def shorten(values: dict[str, float]) -> dict[str, float]:
    """Numbers with six digits, as many as people read."""
    return {name: float(f"{value:.6g}") for name, value in values.items()}


def load_library(package: str, extra: str) -> Any:
    """The package of an adapter. Raises UserError where it is not installed."""
    try:
        return import_module(package)
    except ImportError:
        raise UserError(
            f"--log-to {extra} needs the package {package}: install it with `pip install 'jaxpe[{extra}]'`."
        ) from None


def name_replica(program: str, replica: ReplicaMetrics) -> str:
    """'reverse, encoder, none, seed 0, 1f2e3d4c', of its program, its seed and its run."""
    return f"{program}, seed {replica.seed}, {replica.run[:8]}"


def describe_replica(replica: ReplicaMetrics) -> dict[str, Any]:
    """Its config as JSON, its seed, and the name of its run."""
    config: dict[str, Any] = to_json_value(asdict(replica.config))
    return config | {"seed": replica.seed, "run": replica.run}
