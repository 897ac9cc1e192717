"""The workspace of a run: trains the runs that a results folder lacks, and measures runs, each result stored once."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from jaxpe import encodings, positions
from jaxpe.data.examples import Data
from jaxpe.model import Transformer
from jaxpe.records.json_values import compute_digest
from jaxpe.records.provenance import collect_versions
from jaxpe.records.results import Results
from jaxpe.study import run_configs
from jaxpe.study.tables import Measurements
from jaxpe.training import checkpoints, evaluate, parameters, population
from jaxpe.training.config import RunConfig, Source, check, check_positions, identity, source_of
from jaxpe.training.evaluate import Scores
from jaxpe.training.population import Program, ReplicaSpec, Trained

MAX_EVALUATORS = 32  # kept compiled: some hundreds exhaust the memory maps that Linux grants a process
SCORES_VERSION = 1  # version of `scores`: raise it when its numbers change


class Reporter(Protocol):
    """What a workspace tells while it works."""

    def note(self, text: str) -> None: ...
    def begin(self, what: str, total: int) -> None: ...
    def advance(self, amount: int) -> None: ...


class SilentReporter:
    """Says nothing."""

    def note(self, text: str) -> None: ...
    def begin(self, what: str, total: int) -> None: ...
    def advance(self, amount: int) -> None: ...


class Run(NamedTuple):
    """One training: a config and a seed, and where the results folder keeps it."""

    config: RunConfig
    seed: int
    id: str


def group_runs(runs: Iterable[Run]) -> dict[RunConfig, list[Run]]:
    """Runs by their config, in the order of the configs."""
    groups: dict[RunConfig, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.config].append(run)
    return dict(groups)


class Workspace:
    """A results folder, the devices, and what was opened and compiled so far."""

    def __init__(self, results: Results, progress: Reporter | None = None, save_every: float = 30.0) -> None:
        self.results, self.progress, self.save_every = results, progress or SilentReporter(), save_every
        self.mesh = population.runs_mesh()
        self.sources: dict[Any, Source] = {}
        self.evaluators: dict[Any, evaluate.Evaluator] = {}
        self.diverged_runs: list[Run] = []  # diverged trainings among the results

    def open_source(self, config: RunConfig) -> Source:
        return run_configs.open_source(config, self.sources)

    def list_runs(self, config: RunConfig, seeds: Iterable[int]) -> list[Run]:
        """The runs of one config."""
        return [Run(config, seed, identity(config, seed, self.open_source(config))) for seed in seeds]

    def check_configs(self, configs: Iterable[RunConfig]) -> None:
        """Refuses what cannot be run, before anything compiles. Raises UserError."""
        for config in configs:
            check(config, self.open_source(config))

    # ── training ────────────────────────────────────────────────────────────────────────────────────────────────────

    def train(self, runs: Sequence[Run]) -> None:
        """Trains the runs that the folder lacks, those of one program together. A run that diverged is kept."""
        missing = [run for run in runs if not self.results.has_run(run.id)]
        groups: dict[RunConfig, list[Run]] = defaultdict(list)
        for run in missing:
            groups[run.config.program()].append(run)
        self.progress.begin("training", sum(run.config.training.steps for run in missing))
        for group in groups.values():
            self.train_group(group)

    def has_diverged(self, run: Run) -> bool:
        return bool(self.results.read_record(run.id)["diverged"])

    def train_group(self, group: list[Run]) -> None:
        config = group[0].config
        source = self.open_source(config)
        self.progress.note(f"compiling {describe_config(config)}")
        program = population.compile_program(config, source, self.mesh)
        self.progress.note(f"training {describe_config(config)} (compiled in {program.compile_seconds:.1f} s)")
        for first in range(0, len(group), program.replicas):
            batch = group[first : first + program.replicas]
            folder = self.open_checkpoint_folder(batch)
            specs = [ReplicaSpec(run.seed, run.config.training.learning_rate, run.config.scales) for run in batch]

            def advance(steps: int, batch: list[Run] = batch) -> None:
                self.progress.advance(steps * len(batch))

            trained = population.train_round(config, source, program, specs, folder, advance)
            for run, result in zip(batch, trained, strict=True):
                self.write_run(run, result, program)
            folder.clear()

    def open_checkpoint_folder(self, batch: list[Run]) -> checkpoints.Folder:
        """Where a round keeps its checkpoints: named by its runs, bound to the devices and versions in use."""
        name = hashlib.sha256(" ".join(run.id for run in batch).encode()).hexdigest()[:24]
        bound = {"devices": self.mesh.size, "backend": jax.default_backend(), "versions": collect_versions()}
        path = self.results.folder / "checkpoints" / name
        return checkpoints.Folder(path, compute_digest(bound), self.save_every)

    def write_run(self, run: Run, trained: Trained, program: Program) -> None:
        record = {
            "config": asdict(run.config),
            "seed": run.seed,
            "diverged": trained.diverged,
            "history": trained.history,
            "seconds": trained.seconds,
            "compile_seconds": program.compile_seconds,
            "devices": self.mesh.size,
            "versions": collect_versions(),
        }
        arrays: dict[str, np.ndarray] = {}
        for name, model in trained.checkpoints.items():
            arrays |= parameters.to_arrays(model, f"{name}/")
        self.results.write_run(run.id, record, arrays)

    def load_model(self, run: Run, checkpoint: str = "100") -> Transformer:
        """A trained model of the folder."""
        arrays = self.results.read_parameters(run.id)
        return parameters.from_arrays(run.config, self.open_source(run.config).stream, arrays, f"{checkpoint}/")

    # ── measuring ───────────────────────────────────────────────────────────────────────────────────────────────────

    def measure_scores(
        self,
        runs: Sequence[Run],
        lengths: Sequence[int],
        examples: int,
        *,
        shift: int = 0,
        scaled: bool = False,
        checkpoint: str = "100",
        sampler: str = "arange",
        part: str = "test",
        test_encoding: str | None = None,
    ) -> dict[tuple[int, int], Scores]:
        """Scores by (seed, length) for the runs of one config, measured where they are not stored yet.

        `scaled`: logits times log n / log N beyond the N tokens of the training length. `sampler`: of test positions.
        `part`: "test", or "validation" for examples (of real text: from its training part) that no result is taken from.
        `test_encoding`: another encoding with the same parameters, put in the place of the trained one.
        """
        config = runs[0].config
        if any(run.config != config for run in runs):
            raise ValueError("the runs of one call must share their config")
        config = replace_encoding(config, test_encoding)
        if sampler == "arange" and lengths:
            longest = max(max(self.open_source(config).stream.sizes(length)) for length in lengths)
            check_positions(config, longest + shift, "a test")
        found: dict[tuple[int, int], Scores] = {}
        loaded: dict[str, Transformer] = {}
        top_of = evaluate.tops(lengths, config.train_length)
        for length in lengths:
            key = {
                "kind": "scores",
                "version": SCORES_VERSION,
                "length": length,
                "examples": examples,
                "shift": shift,
                "scaled": scaled,
                "checkpoint": checkpoint,
                "sampler": sampler,
                "part": part,
            } | ({} if test_encoding is None else {"encoding": test_encoding})
            lacking = []
            for run in runs:
                stored = self.results.read_measurement(run.id, key)
                if stored is None:
                    lacking.append(run)
                else:
                    found[run.seed, length] = Scores(**stored)  # type: ignore[arg-type]
            if lacking:
                evaluator = self.get_evaluator(config, top_of[length], examples, sampler, part)
                models_of = [run._replace(config=config) for run in lacking if run.id not in loaded]
                loaded |= {run.id: self.load_model(run, checkpoint) for run in models_of}
                models = [loaded[run.id] for run in lacking]
                limit = self.find_scaling_length(config) if scaled else float(evaluate.NO_SCALING)
                data, name = self.select_examples(config, part)
                progress = population.CHECKPOINTS[checkpoint]
                results = evaluate.evaluate(
                    evaluator, models, data, name, length, shift, limit, config.scales, progress
                )
                for run, scores in zip(lacking, results, strict=True):
                    self.results.write_measurement(run.id, key, trim_scores(scores)._asdict())
                    found[run.seed, length] = trim_scores(scores)
        return found

    def measure_once(self, run: Run, key: dict[str, Any], measure: Callable[[], Measurements]) -> Measurements:
        """Columns and values that `measure` finds in a run, measured where they are not stored yet."""
        stored = self.results.read_measurement(run.id, key)
        if stored is None:
            with jax.default_matmul_precision(run.config.precision):
                pairs = measure()
            columns = np.array([json.dumps(columns) for columns, _ in pairs])
            stored = {"columns": columns, "values": np.array([value for _, value in pairs])}
            self.results.write_measurement(run.id, key, stored)
        both = zip(stored["columns"], stored["values"], strict=True)
        return [(json.loads(str(columns)), float(value)) for columns, value in both]

    def find_scaling_length(self, config: RunConfig) -> float:
        """N of the length scaling: the most keys that a query saw in training."""
        stream = self.open_source(config).stream
        return float(max(stream.sizes(stream.lengths(1, config.train_length)[-1])))

    def select_examples(self, config: RunConfig, part: str) -> tuple[Data, str]:
        """The data of a part, and the name by which its examples are drawn."""
        source = self.open_source(config)
        return (source.validation, config.task) if part == "test" else (source.train, f"{config.task} {part}")

    def get_evaluator(self, config: RunConfig, top: int, examples: int, sampler: str, part: str) -> evaluate.Evaluator:
        key = (config.program(), top, examples, sampler, part)
        if key not in self.evaluators:
            built = None
            if sampler != "arange":
                limited = "limit" in positions.options_of(sampler)
                built = positions.build(sampler, **({"limit": config.table_length} if limited else {}))
            self.progress.note(f"compiling the evaluation of {describe_config(config)} up to length {top}")
            stream, data = self.open_source(config).stream, self.select_examples(config, part)[0]
            while len(self.evaluators) >= MAX_EVALUATORS:
                del self.evaluators[next(iter(self.evaluators))]
            self.evaluators[key] = evaluate.compile_evaluator(config, stream, data, self.mesh, top, examples, built)
        return self.evaluators[key]


def replace_encoding(config: RunConfig, encoding: str | None) -> RunConfig:
    """The config with another encoding, told of the same training."""
    if encoding is None:
        return config
    trained = config.sampler.bound(max(source_of(config).stream.sizes(config.train_length)))
    return replace(config, encoding=encoding, encoding_options=tuple(encodings.fill_trained_positions(encoding, trained).items()))


def trim_scores(scores: Scores) -> Scores:
    """Scores without the output indices that no example has, which depend on the padding."""
    used = int(np.max(np.nonzero(scores.index_answers)[0], initial=-1)) + 1
    return Scores(*(part[:used] if part.ndim else part for part in scores))


def describe_config(config: RunConfig) -> str:
    """'reverse, encoder, sinusoidal' and the sampler where it is not arange."""
    from jaxpe.encodings import label_encoding

    words = [config.task, config.architecture, label_encoding(config.encoding)]
    return ", ".join(words + ([config.positions] if config.positions != "arange" else []))
