"""The workspace of an experiment: trains the runs that a results folder does not hold, and measures runs, once each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from jaxpe.devices import use_precision
from jaxpe.encodings import ENCODINGS
from jaxpe.errors import UserError
from jaxpe.model import Transformer
from jaxpe.records.files import refresh
from jaxpe.records.leases import Lease, LeaseFolder, LeaseLost
from jaxpe.records.results import Results, make_damage_error
from jaxpe.study import evaluators, run_configs, scores
from jaxpe.study.ahead import AheadMaker
from jaxpe.study.engines import Engine, LocalEngine
from jaxpe.study.evaluators import describe_config
from jaxpe.study.metrics import Metrics
from jaxpe.study.reporter import Reporter, SilentReporter
from jaxpe.study.round_files import open_checkpoint_folder, write_trained_run
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.sinks import open_sinks
from jaxpe.study.tables import AS_TRAINED, Measurements
from jaxpe.tasks import TASKS
from jaxpe.training import checkpoints, parameters, population
from jaxpe.training.checks import check_config
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluated_lengths import choose_padded_lengths, pad_lengths
from jaxpe.training.identity import compute_run_id
from jaxpe.training.mesh import make_mesh
from jaxpe.training.population import Program, ReplicaSpec, RoundProgress, TrainedReplica
from jaxpe.training.scores import Scores
from jaxpe.training.sources import Source


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

    `save_every`: seconds between two checkpoints of a training. `log_to`: sinks of its metrics, besides a file.
    """

    def __init__(
        self, results: Results, reporter: Reporter | None = None, save_every: float = 30.0, log_to: Sequence[str] = ()
    ) -> None:
        self.results, self.reporter, self.save_every = results, reporter or SilentReporter(), save_every
        self.metrics, self.counted = Metrics(open_sinks(log_to, results.folder)), set[str]()  # runs that were reported
        self.engine: Engine = LocalEngine()
        self.leases, self.mesh = LeaseFolder(results.folder / "leases"), make_mesh()
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
            self.engine.train(self, groups)
        for group in groups:
            self.programs.forget(group[0].config.program_key)
        checkpoints.sweep_checkpoints(self.results.folder / "checkpoints", self.results.has_run)

    def has_diverged(self, run: Run) -> bool:
        """Whether the training of a stored run diverged."""
        return bool(self.read_record(run)["diverged"])

    def read_record(self, run: Run) -> dict[str, Any]:
        """The record of a stored run. Raises UserError where it is not that of the run's seed."""
        record = self.results.read_record(run.id)
        if record["seed"] != run.seed:
            raise make_damage_error(self.results.locate_run(run.id) / "record.json")
        return record

    def train_group(self, group: list[Run], join: bool) -> bool:
        """Trains and stores runs of one program, as many at a time as it has replicas. Returns whether all runs are stored.

        Rounds that other processes train are left to them; without `join`, the whole program.
        """
        size, program = population.count_replicas(group[0].config, self.mesh), None
        while missing := self.select_missing(group):
            self.pick_up(group, missing)
            taken = {run for holder in self.leases.list_live() for run in holder.items}
            free = [run for run in missing if run.id not in taken]
            if not free or (len(free) < len(missing) and not join):
                self.programs.forget(group[0].config.program_key)
                return False
            batch, seeds = free[:size], " ".join(str(run.seed) for run in free[:size])
            about = f"{describe_config(group[0].config)}, seeds {seeds}"
            with self.leases.hold([run.id for run in batch], about) as lease:
                if lease is None:
                    return False
                program = self.train_round(batch, program, lease)
        self.pick_up(group, missing)
        return True

    def pick_up(self, group: list[Run], missing: list[Run]) -> None:
        """Reports the runs of a group that other processes stored."""
        for run in group:
            if run not in missing and run.id not in self.counted:
                self.counted.add(run.id)
                self.reporter.advance(run.config.training.steps)

    def train_round(self, batch: list[Run], program: Program | None, lease: Lease) -> Program | None:
        """Trains and stores the runs of one round under its lease. Returns the program, once it is compiled."""
        refresh(self.results.folder / "runs")
        if len(self.select_missing(batch)) < len(batch):  # another process stored some just now
            return program
        for holder in lease.replaced:
            self.reporter.note(f"taking over from process {holder.pid} on {holder.host}, which has stopped")
        program = program or self.compile_group(batch)
        try:
            self.train_batch(batch, program, lease)
        except LeaseLost:
            self.reporter.note("this process was paused for so long that another one has taken over the round")
        return program

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
        program = population.compile_program(config, self.open_source(config), self.mesh)
        return evaluators.guard_program(config, program)

    def train_batch(self, batch: list[Run], program: Program, lease: Lease) -> None:
        """Trains and stores the runs of one round. Raises LeaseLost, before it writes, where it is another process's."""
        config, ids = batch[0].config, [run.id for run in batch]
        folder = open_checkpoint_folder(self.results, ids, self.mesh, self.save_every, lease.require)
        specs = [ReplicaSpec(run.seed, run.config.training.learning_rate, run.config.scales) for run in batch]
        watched = self.metrics.watch(describe_config(config), batch)

        def report(progress: RoundProgress) -> None:
            watched.follow(progress)
            self.reporter.advance(progress.advanced * len(batch))

        trained = population.train_round(config, self.open_source(config), program, specs, folder, report)
        for run, result in zip(batch, trained, strict=True):
            lease.require()
            self.write_run(run, result, program)
            self.counted.add(run.id)
        folder.clear()

    def require_current(self, run: Run) -> None:
        """Raises UserError where code, text or settings are no longer those that a run was identified by."""
        if compute_run_id(run.config, run.seed, self.open_source(run.config)) != run.id:
            raise UserError(
                f"The code of {describe_config(run.config)} was edited since its runs were planned: run the command again."
            )

    def write_run(self, run: Run, trained: TrainedReplica, program: Program) -> None:
        """Stores a finished run."""
        write_trained_run(self.results, run.id, run.config, trained, program.compile_seconds, self.mesh)

    def load_model(self, run: Run, snapshot: str = "100", config: RunConfig | None = None) -> Transformer:
        """The model of a stored run, or of another config with its parameters. `snapshot`: percent of its training steps."""
        self.require_current(run)
        arrays = self.results.read_parameters(run.id)
        stream = self.open_source(run.config).stream
        return parameters.restore_model(config or run.config, stream, arrays, f"{snapshot}/")

    def measure_scores(
        self,
        runs: Sequence[Run],
        lengths: Sequence[int],
        examples: int,
        evaluation: EvaluationConfig = AS_TRAINED,
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
            unloaded = [run for run in missing if run.id not in models]
            models |= {run.id: self.load_model(run, evaluation.snapshot, config) for run in unloaded}
            evaluator = self.evaluators.get(config, source, tops[length], examples, evaluation)
            waiting = [models[run.id] for run in missing]
            measured = evaluators.score_models(evaluator, config, source, waiting, length, evaluation)
            for run, result in zip(missing, measured, strict=True):
                self.results.write_measurement(run.id, key, result._asdict())
                results[run.seed, length] = result
        whole = {run.seed for run in runs if not self.has_diverged(run)}
        faults = evaluators.name_unusable(config, whole, results)
        self.failures += [fault for fault in faults if fault not in self.failures]
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
