"""The workspace of an experiment: trains the runs that a results folder does not hold, and measures runs, once each."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from jaxpe.devices import describe_device, use_precision
from jaxpe.encodings import ENCODINGS
from jaxpe.errors import UserError
from jaxpe.model import Transformer
from jaxpe.records.json_values import compute_digest
from jaxpe.records.provenance import collect_versions
from jaxpe.records.results import Results, make_damage_error
from jaxpe.study import evaluators, run_configs, scores
from jaxpe.study.ahead import AheadMaker
from jaxpe.study.evaluators import describe_config
from jaxpe.study.reporter import Reporter, SilentReporter
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.tables import Measurements
from jaxpe.tasks import TASKS
from jaxpe.training import checkpoints, parameters, population
from jaxpe.training.checks import check_config
from jaxpe.training.config import RunConfig
from jaxpe.training.identity import compute_run_id
from jaxpe.training.lengths import choose_padded_lengths, pad_lengths
from jaxpe.training.mesh import make_mesh
from jaxpe.training.population import Program, ReplicaSpec, TrainedReplica
from jaxpe.training.scores import Scores
from jaxpe.training.sources import Source

PLAIN_TEST = EvaluationConfig()


class Run(NamedTuple):
    """One training: a config, a seed, and the name of its folder among the results."""

    config: RunConfig
    seed: int
    id: str


def group_runs(runs: Iterable[Run]) -> dict[RunConfig, list[Run]]:
    """Runs by their config, in the order of the configs."""
    groups: dict[RunConfig, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.config].append(run)
    return dict(groups)


def group_by_program(runs: Iterable[Run]) -> dict[RunConfig, list[Run]]:
    """Runs by the training program that they share, as the config that stands for it."""
    groups: dict[RunConfig, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.config.program_key].append(run)
    return dict(groups)


class Workspace:
    """A results folder, the devices, and what has been opened and compiled so far.

    `save_every`: seconds between two checkpoints of a training.
    """

    def __init__(self, results: Results, reporter: Reporter | None = None, save_every: float = 30.0) -> None:
        self.results, self.reporter, self.save_every = results, reporter or SilentReporter(), save_every
        self.mesh = make_mesh()
        self.sources: run_configs.Sources = {}
        self.evaluators = evaluators.EvaluatorCache(self.mesh, lambda text: self.reporter.note(text))
        self.programs: AheadMaker[RunConfig, Program] = AheadMaker()  # of training, by the config that stands for them
        self.measuring_code: str | None = None  # a digest of the experiment that measures, where it is the user's own
        self.diverged_runs: list[Run] = []  # of the experiments that were run
        self.failures: list[str] = []  # what else went wrong, in sentences: the command ends with exit code 3

    def open_source(self, config: RunConfig) -> Source:
        """The task or text of a config, opened once."""
        return run_configs.open_source(config, self.sources)

    def list_runs(self, config: RunConfig, seeds: Iterable[int]) -> list[Run]:
        """The runs of one config."""
        return [Run(config, seed, compute_run_id(config, seed, self.open_source(config))) for seed in seeds]

    def check_configs(self, configs: Collection[RunConfig]) -> None:
        """Raises UserError for a config that cannot be trained, before anything compiles."""
        ENCODINGS.check_labels({config.encoding for config in configs})
        TASKS.check_labels({config.task for config in configs})
        for config in configs:
            check_config(config, self.open_source(config))

    def select_missing(self, runs: Iterable[Run]) -> list[Run]:
        """The runs that the results folder does not hold."""
        return [run for run in runs if not self.results.has_run(run.id)]

    # ── training ────────────────────────────────────────────────────────────────────────────────────────────────────

    def expecting(self, runs: Iterable[Run]) -> AbstractContextManager[None]:
        """Inside, calls of `train` name these runs, in this order: programs are compiled while others train."""
        groups = group_by_program(self.select_missing(runs))
        return self.programs.expecting(
            {key: partial(self.compile_program, group[0].config) for key, group in groups.items()}
        )

    def train(self, runs: Sequence[Run]) -> None:
        """Trains the runs that the results folder does not hold, those of one program together.

        A run that diverges is stored too. Rounds that another process trains are left to it, as long as there are others.
        """
        missing = self.select_missing(runs)
        self.reporter.begin("training", sum(run.config.training.steps for run in missing))
        groups = list(group_by_program(missing).values())
        with self.expecting(missing):
            busy = [group for group in groups if not self.train_group(group, wait=False)]
            for group in busy:
                self.reporter.note(f"waiting for another process that trains {describe_config(group[0].config)}")
                self.train_group(group, wait=True)
        for group in groups:
            self.programs.forget(group[0].config.program_key)

    def has_diverged(self, run: Run) -> bool:
        """Whether the training of a stored run diverged."""
        return bool(self.read_record(run)["diverged"])

    def read_record(self, run: Run) -> dict[str, Any]:
        """The record of a stored run. Raises UserError where it is not that of the run's seed."""
        record = self.results.read_record(run.id)
        if record["seed"] != run.seed:
            raise make_damage_error(self.results.locate_run(run.id) / "record.json")
        return record

    def train_group(self, group: list[Run], wait: bool) -> bool:
        """Trains runs of one program, as many at a time as it has replicas, and stores them.

        Without `wait` it skips rounds that another process trains. Returns whether all runs are stored.
        """
        size, program, complete = population.count_replicas(group[0].config, self.mesh), None, True
        for first in range(0, len(group), size):
            batch = group[first : first + size]
            folder = self.open_checkpoint_folder(batch)
            with folder.hold(wait) as is_held:
                if is_held and self.select_missing(batch):
                    program = program or self.compile_group(batch)
                    self.train_batch(batch, program, folder)
                elif not is_held:
                    complete = False
                if is_held:
                    folder.forget()
        return complete

    def compile_group(self, group: list[Run]) -> Program:
        """The training program of a group. Raises UserError where its code is no longer that of the planned runs."""
        config = group[0].config
        self.reporter.note(f"compiling {describe_config(config)}")
        self.require_current(group[0])
        program = self.programs.take(config.program_key, partial(self.compile_program, config))
        self.require_current(group[0])
        self.reporter.note(f"training {describe_config(config)} (compiled in {program.compile_seconds:.1f} s)")
        return program

    def compile_program(self, config: RunConfig) -> Program:
        """The training program of a config."""
        return population.compile_program(config, self.open_source(config), self.mesh)

    def train_batch(self, batch: list[Run], program: Program, folder: checkpoints.CheckpointFolder) -> None:
        """Trains and stores the runs of one round."""
        config = batch[0].config
        specs = [ReplicaSpec(run.seed, run.config.training.learning_rate, run.config.scales) for run in batch]
        trained = population.train_round(
            config,
            self.open_source(config),
            program,
            specs,
            folder,
            lambda steps: self.reporter.advance(steps * len(batch)),
        )
        for run, result in zip(batch, trained, strict=True):
            self.write_run(run, result, program)
        folder.clear()

    def require_current(self, run: Run) -> None:
        """Raises UserError where code, text or settings are no longer those that a run was identified by."""
        if compute_run_id(run.config, run.seed, self.open_source(run.config)) != run.id:
            raise UserError(
                f"The code of {describe_config(run.config)} was edited since its runs were planned: run the command again."
            )

    def open_checkpoint_folder(self, batch: list[Run]) -> checkpoints.CheckpointFolder:
        """Where a round keeps its checkpoints, which are only valid for the same runs, devices and versions."""
        name = hashlib.sha256(" ".join(run.id for run in batch).encode()).hexdigest()[:24]
        bound = {"devices": self.mesh.size, "device": describe_device(), "versions": collect_versions()}
        path = self.results.folder / "checkpoints" / name
        identity = compute_digest(bound | {"runs": [run.id for run in batch]})
        return checkpoints.CheckpointFolder(path, identity, self.save_every)

    def write_run(self, run: Run, trained: TrainedReplica, program: Program) -> None:
        """Stores a finished run: its record, and its parameters at every checkpoint."""
        record = {
            "config": asdict(run.config),
            "seed": run.seed,
            "diverged": trained.diverged,
            "history": trained.history,
            "seconds": trained.seconds,
            "compile_seconds": program.compile_seconds,
            "devices": self.mesh.size,
            "device": describe_device(),
            "versions": collect_versions(),
        }
        arrays: dict[str, np.ndarray] = {}
        for name, model in trained.checkpoints.items():
            arrays |= parameters.flatten_model(model, f"{name}/")
        self.results.write_run(run.id, record, arrays)

    def load_model(self, run: Run, checkpoint: str = "100", config: RunConfig | None = None) -> Transformer:
        """The model of a stored run, or of another config with its parameters. `checkpoint`: percent of its training steps."""
        self.require_current(run)
        arrays = self.results.read_parameters(run.id)
        stream = self.open_source(run.config).stream
        return parameters.restore_model(config or run.config, stream, arrays, f"{checkpoint}/")

    # ── measuring ───────────────────────────────────────────────────────────────────────────────────────────────────

    def measure_scores(
        self,
        runs: Sequence[Run],
        lengths: Sequence[int],
        examples: int,
        evaluation: EvaluationConfig = PLAIN_TEST,
        padding: float = 0.0,
    ) -> dict[tuple[int, int], Scores]:
        """Scores by (seed, length) for the runs of one config, measured where they are not stored yet.

        `padding`: every length is padded to so many training lengths, or else to the longest; this saves compiling and costs
        padding. 0: as `choose_padded_lengths` says. Last bits depend on it.
        Raises UserError where a test needs positions that the encoding does not know.
        """
        if len(group_runs(runs)) != 1:
            raise ValueError("the runs of one call must share their config")
        source = self.open_source(runs[0].config)
        evaluation = evaluation.resolve(runs[0].config)
        config = scores.replace_encoding(runs[0].config, evaluation.encoding)
        scores.check_test_positions(config, source, lengths, evaluation)
        results: dict[tuple[int, int], Scores] = {}
        models: dict[str, Transformer] = {}
        tops = (
            pad_lengths(lengths, source.stream, config.train_length, padding)
            if padding
            else choose_padded_lengths(lengths, config.train_length)
        )
        for length in lengths:
            key = evaluation.make_key(length, examples, config.table_length)
            missing = []
            for run in runs:
                stored = self.results.read_measurement(run.id, key)
                if stored is None:
                    missing.append(run)
                else:
                    results[run.seed, length] = Scores(**stored)  # type: ignore[arg-type]
            if not missing:
                continue
            for run in missing:
                if run.id not in models:
                    models[run.id] = self.load_model(run, evaluation.checkpoint, config)
            evaluator = self.evaluators.get(config, source, tops[length], examples, evaluation)
            waiting = [models[run.id] for run in missing]
            measured = evaluators.score_models(evaluator, config, source, waiting, length, evaluation)
            for run, result in zip(missing, measured, strict=True):
                self.results.write_measurement(run.id, key, result._asdict())
                results[run.seed, length] = result
        return {(run.seed, length): results[run.seed, length] for length in lengths for run in runs}

    def measure_once(self, run: Run, key: dict[str, Any], measure: Callable[[], Measurements]) -> Measurements:
        """What `measure` returns for a run, measured where it is not stored under `key` yet.

        The length of the position table, which is not always part of a run's identity, is a part of the key; so is the
        code of an experiment of the user's own that measures.
        """
        key = key | {"table_length": run.config.table_length}
        if self.measuring_code is not None:
            key = key | {"code": self.measuring_code}
        stored = self.results.read_measurement(run.id, key)
        if stored is None:
            with use_precision(run.config.precision):
                measurements = measure()
            columns = np.array([json.dumps(columns) for columns, _ in measurements])
            stored = {"columns": columns, "values": np.array([value for _, value in measurements])}
            self.results.write_measurement(run.id, key, stored)
        pairs = zip(stored["columns"], stored["values"], strict=True)
        return [(json.loads(str(columns)), float(value)) for columns, value in pairs]
