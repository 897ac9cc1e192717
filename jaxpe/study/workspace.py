"""The workspace of a run: trains the cells that a results folder lacks, and measures cells, each result stored once."""

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
from jaxpe.model import Transformer
from jaxpe.records import store
from jaxpe.study import presets
from jaxpe.study.tables import Found
from jaxpe.tasks.formatting import Data
from jaxpe.training import checkpoints, evaluate, parameters, population
from jaxpe.training.config import Setting, Source, check, check_positions, identity, source_of
from jaxpe.training.evaluate import Scores
from jaxpe.training.population import Member, Program, Trained

EVALUATORS = 32  # kept compiled: some hundreds exhaust the memory maps that Linux grants a process
MEASUREMENT = 1  # version of `scores`: raise it when its numbers change


class Progress(Protocol):
    """What a workspace tells while it works."""

    def note(self, text: str) -> None: ...
    def begin(self, what: str, total: int) -> None: ...
    def advance(self, amount: int) -> None: ...


class Quiet:
    """Says nothing."""

    def note(self, text: str) -> None: ...
    def begin(self, what: str, total: int) -> None: ...
    def advance(self, amount: int) -> None: ...


class Cell(NamedTuple):
    """One training: a setting and a seed, and where the results folder keeps it."""

    setting: Setting
    seed: int
    id: str


class Workspace:
    """A results folder, the devices, and what was opened and compiled so far."""

    def __init__(self, results: store.Results, progress: Progress | None = None, save_every: float = 30.0) -> None:
        self.results, self.progress, self.save_every = results, progress or Quiet(), save_every
        self.mesh = population.runs_mesh()
        self.sources: dict[Any, Source] = {}
        self.evaluators: dict[Any, evaluate.Evaluator] = {}
        self.failed: list[Cell] = []  # diverged trainings among the results

    def source(self, setting: Setting) -> Source:
        return presets.opened(setting, self.sources)

    def cells(self, setting: Setting, seeds: Iterable[int]) -> list[Cell]:
        """The cells of one setting."""
        return [Cell(setting, seed, identity(setting, seed, self.source(setting))) for seed in seeds]

    def check(self, settings: Iterable[Setting]) -> None:
        """Refuses what cannot be run, before anything compiles. Raises UserError."""
        for setting in settings:
            check(setting, self.source(setting))

    # ── training ────────────────────────────────────────────────────────────────────────────────────────────────────

    def train(self, cells: Sequence[Cell]) -> None:
        """Trains the cells that the folder lacks, those of one program together. A cell that diverged is kept."""
        missing = [cell for cell in cells if not self.results.has(cell.id)]
        groups: dict[Setting, list[Cell]] = defaultdict(list)
        for cell in missing:
            groups[cell.setting.program()].append(cell)
        self.progress.begin("training", sum(cell.setting.training.steps for cell in missing))
        for group in groups.values():
            self.train_group(group)

    def diverged(self, cell: Cell) -> bool:
        return bool(self.results.read_record(cell.id)["diverged"])

    def train_group(self, group: list[Cell]) -> None:
        setting = group[0].setting
        source = self.source(setting)
        self.progress.note(f"compiling {describe(setting)}")
        program = population.compile_program(setting, source, self.mesh)
        self.progress.note(f"training {describe(setting)} (compiled in {program.compile_seconds:.1f} s)")
        for first in range(0, len(group), program.lanes):
            batch = group[first : first + program.lanes]
            folder = self.checkpoint_folder(batch)
            members = [Member(cell.seed, cell.setting.training.learning_rate, cell.setting.mix) for cell in batch]

            def advance(steps: int, batch: list[Cell] = batch) -> None:
                self.progress.advance(steps * len(batch))

            trained = population.train_round(setting, source, program, members, folder, advance)
            for cell, result in zip(batch, trained, strict=True):
                self.write(cell, result, program)
            folder.clear()

    def checkpoint_folder(self, batch: list[Cell]) -> checkpoints.Folder:
        """Where a round keeps its checkpoints: named by its cells, bound to the devices and versions in use."""
        name = hashlib.sha256(" ".join(cell.id for cell in batch).encode()).hexdigest()[:24]
        bound = {"devices": self.mesh.size, "backend": jax.default_backend(), "versions": store.versions()}
        path = self.results.folder / "checkpoints" / name
        return checkpoints.Folder(path, store.identity(bound), self.save_every)

    def write(self, cell: Cell, trained: Trained, program: Program) -> None:
        record = {
            "setting": asdict(cell.setting),
            "seed": cell.seed,
            "diverged": trained.diverged,
            "history": trained.history,
            "seconds": trained.seconds,
            "compile_seconds": program.compile_seconds,
            "devices": self.mesh.size,
            "versions": store.versions(),
        }
        arrays: dict[str, np.ndarray] = {}
        for name, model in trained.checkpoints.items():
            arrays |= parameters.to_arrays(model, f"{name}/")
        self.results.write_cell(cell.id, record, arrays)

    def model(self, cell: Cell, checkpoint: str = "100") -> Transformer:
        """A trained model of the folder."""
        arrays = self.results.read_parameters(cell.id)
        return parameters.from_arrays(cell.setting, self.source(cell.setting).stream, arrays, f"{checkpoint}/")

    # ── measuring ───────────────────────────────────────────────────────────────────────────────────────────────────

    def scores(
        self,
        cells: Sequence[Cell],
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
        """Scores by (seed, length) for the cells of one setting, measured where they are not stored yet.

        `scaled`: logits times log n / log N beyond the N tokens of the training length. `sampler`: of test positions.
        `part`: "test", or "validation" for examples (of real text: from its training part) that no result is taken from.
        `test_encoding`: another encoding with the same parameters, put in the place of the trained one.
        """
        setting = cells[0].setting
        if any(cell.setting != setting for cell in cells):
            raise ValueError("the cells of one call must share their setting")
        setting = replaced(setting, test_encoding)
        if sampler == "arange" and lengths:
            longest = max(max(self.source(setting).stream.sizes(length)) for length in lengths)
            check_positions(setting, longest + shift, "a test")
        found: dict[tuple[int, int], Scores] = {}
        loaded: dict[str, Transformer] = {}
        top_of = evaluate.tops(lengths, setting.train_length)
        for length in lengths:
            key = {
                "kind": "scores",
                "version": MEASUREMENT,
                "length": length,
                "examples": examples,
                "shift": shift,
                "scaled": scaled,
                "checkpoint": checkpoint,
                "sampler": sampler,
                "part": part,
            } | ({} if test_encoding is None else {"encoding": test_encoding})
            lacking = []
            for cell in cells:
                stored = self.results.read_measurement(cell.id, key)
                if stored is None:
                    lacking.append(cell)
                else:
                    found[cell.seed, length] = Scores(**stored)  # type: ignore[arg-type]
            if lacking:
                evaluator = self.evaluator(setting, top_of[length], examples, sampler, part)
                models_of = [cell._replace(setting=setting) for cell in lacking if cell.id not in loaded]
                loaded |= {cell.id: self.model(cell, checkpoint) for cell in models_of}
                models = [loaded[cell.id] for cell in lacking]
                limit = self.scaling_length(setting) if scaled else float(evaluate.NO_SCALING)
                data, name = self.examples_of(setting, part)
                progress = population.CHECKPOINTS[checkpoint]
                results = evaluate.evaluate(evaluator, models, data, name, length, shift, limit, setting.mix, progress)
                for cell, scores in zip(lacking, results, strict=True):
                    self.results.write_measurement(cell.id, key, trimmed(scores)._asdict())
                    found[cell.seed, length] = trimmed(scores)
        return found

    def found(self, cell: Cell, key: dict[str, Any], measure: Callable[[], Found]) -> Found:
        """Columns and values that `measure` finds in a cell, measured where they are not stored yet."""
        stored = self.results.read_measurement(cell.id, key)
        if stored is None:
            with jax.default_matmul_precision(cell.setting.precision):
                pairs = measure()
            columns = np.array([json.dumps(columns) for columns, _ in pairs])
            stored = {"columns": columns, "values": np.array([value for _, value in pairs])}
            self.results.write_measurement(cell.id, key, stored)
        both = zip(stored["columns"], stored["values"], strict=True)
        return [(json.loads(str(columns)), float(value)) for columns, value in both]

    def scaling_length(self, setting: Setting) -> float:
        """N of the length scaling: the most keys that a query saw in training."""
        stream = self.source(setting).stream
        return float(max(stream.sizes(stream.lengths(1, setting.train_length)[-1])))

    def examples_of(self, setting: Setting, part: str) -> tuple[Data, str]:
        """The data of a part, and the name by which its examples are drawn."""
        source = self.source(setting)
        return (source.validation, setting.task) if part == "test" else (source.train, f"{setting.task} {part}")

    def evaluator(self, setting: Setting, top: int, examples: int, sampler: str, part: str) -> evaluate.Evaluator:
        key = (setting.program(), top, examples, sampler, part)
        if key not in self.evaluators:
            built = None
            if sampler != "arange":
                limited = "limit" in positions.options_of(sampler)
                built = positions.build(sampler, **({"limit": setting.table_length} if limited else {}))
            self.progress.note(f"compiling the evaluation of {describe(setting)} up to length {top}")
            stream, data = self.source(setting).stream, self.examples_of(setting, part)[0]
            while len(self.evaluators) >= EVALUATORS:
                del self.evaluators[next(iter(self.evaluators))]
            self.evaluators[key] = evaluate.compile_evaluator(setting, stream, data, self.mesh, top, examples, built)
        return self.evaluators[key]


def replaced(setting: Setting, encoding: str | None) -> Setting:
    """The setting with another encoding, told of the same training."""
    if encoding is None:
        return setting
    trained = setting.sampler.bound(max(source_of(setting).stream.sizes(setting.train_length)))
    return replace(setting, encoding=encoding, encoding_options=tuple(encodings.told(encoding, trained).items()))


def trimmed(scores: Scores) -> Scores:
    """Scores without the output indices that no example has, which depend on the padding."""
    used = int(np.max(np.nonzero(scores.index_answers)[0], initial=-1)) + 1
    return Scores(*(part[:used] if part.ndim else part for part in scores))


def describe(setting: Setting) -> str:
    """'reverse, encoder, sinusoidal' and the sampler where it is not arange."""
    from jaxpe.encodings import label

    words = [setting.task, setting.architecture, label(setting.encoding)]
    return ", ".join(words + ([setting.positions] if setting.positions != "arange" else []))
