"""Models from Python: train some, test them, look inside, keep them, and find stored ones again.

`jaxpe.train` and `jaxpe.load` are the entry points. What they train is identified and stored as by `jaxpe run`:

>>> import jaxpe
>>> runs = jaxpe.train("reverse", "encoder", "sinusoidal", seeds=2, steps=40, train_length=4, width=8)
>>> runs
<2 runs: reverse, encoder, sinusoidal; seeds 0, 1>
>>> list(runs.history.columns)
['seed', 'step', 'loss', 'token_accuracy', 'exact_match']
>>> scores = runs.evaluate(lengths=[3, 6], examples=16)
>>> sorted(scores["metric"].unique())
['exact_match', 'token_accuracy']
>>> out = runs[0].forward("3 1 4", record=True)
>>> out.record.attention[0].weights.shape  # heads, queries, keys: three symbols and three slots for the answer
(2, 6, 6)
>>> len(runs[0].generate("3 1 4"))
3
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from operator import index
from pathlib import Path
from typing import Any

from jaxpe import devices
from jaxpe.encodings import ENCODINGS
from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.registry import Registry, label_name, split_options
from jaxpe.records.json_values import to_tuple
from jaxpe.records.results import Results, is_run_id, open_results
from jaxpe.study import presets, run_configs
from jaxpe.study.evaluators import describe_config
from jaxpe.study.origins import find_unknown_plugin
from jaxpe.study.preset_checks import LARGEST, override
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.trained import Runs
from jaxpe.study.workspace import Run, Workspace, group_runs
from jaxpe.tasks import TASKS
from jaxpe.training.config import Options, RunConfig, Training

REGISTRIES: dict[str, Registry[Any]] = {"encoding": ENCODINGS, "task": TASKS}  # by the fields of a run
log = logging.getLogger("jaxpe")
WITHOUT_USE = {  # fields of a preset that `train` has no use for: what to do instead
    "first_seed": "give seeds=[…] their numbers",
    "learning_rates": "call train once for each learning_rate",
    "num_test_lengths": "evaluate takes the lengths themselves",
    "examples": "give it to evaluate",
    "share_tests": "give evaluate the lengths",
}


def train(
    task: str = "reverse",
    architecture: str = "encoder",
    encoding: str = "sinusoidal",
    *,
    seeds: int | Iterable[int] = 3,
    positions: str = "arange",
    results: str | Path | None = None,
    encoding_options: Mapping[str, Any] | None = None,
    task_options: Mapping[str, Any] | None = None,
    log_to: Sequence[str] = (),
    **sizes: Any,
) -> Runs:
    """Trains one model for each seed, or finds those that the results folder holds already.

    `task`, `encoding`: names of `jaxpe list tasks` and `encodings`, or path/to/file.py:Class; `positions`: the sampler in training; `sizes`:
    fields of a preset, such as steps, train_length, width, layers, heads, max_length_ratio; `log_to`: sinks of metrics, as
    those of --log-to. Without `results` the runs live
    in a temporary folder. Raises UserError for names and values that do not exist, before anything is trained.
    """
    devices.prepare_jax(None)
    for registry, name in ((TASKS, task), (ENCODINGS, encoding)):
        if not isinstance(name, str):
            kind = registry.kind
            raise UserError(f"{kind} is a name of `jaxpe list {kind}s`, or 'path/to/file.py:Class', not {name!r}.")
    numbers = check_seeds(seeds)
    task, encoding = TASKS.replace_alias(task), ENCODINGS.replace_alias(encoding)
    options: dict[str, Any] = {"encoding_options": encoding_options, "task_options": task_options}
    options = {name: freeze_options(name, values) for name, values in options.items() if values}
    row = GridRow(task=task, architectures=(architecture,), encodings=(encoding,), positions=(positions,), **options)
    check_use(sizes)
    check_options(encoding, task, options)
    presets.check_names([task], [encoding], [architecture])
    presets.check_samplers([positions])
    preset = override(Preset((row,)), sizes)
    temporary = None if results is not None else tempfile.TemporaryDirectory(prefix="jaxpe-")
    folder = Path(results or temporary.name)  # type: ignore[union-attr]
    work = Workspace(open_results(folder, write=False), log_to=log_to)
    [config] = run_configs.expand_grid(preset, work.sources)
    work.check_configs([config])
    runs = work.list_runs(config, numbers)
    open_results(folder)  # makes the folder: all input was checked
    work.train(runs)
    return Runs(work, runs, temporary)


def check_seeds(seeds: int | Iterable[int]) -> list[int]:
    """The seeds as numbers; a number stands for so many, from 0 on. Raises UserError for what is no seed, and for none."""
    given = list(seeds) if isinstance(seeds, Iterable) and not isinstance(seeds, str) else seeds
    try:
        if isinstance(given, (bool, str)) or (isinstance(given, list) and any(isinstance(one, bool) for one in given)):
            raise TypeError
        numbers = [index(one) for one in given] if isinstance(given, list) else list(range(index(given)))
    except TypeError:
        raise UserError(f"seeds takes a whole number, or a list of whole numbers, not {given!r}.") from None
    if not numbers:
        raise UserError("There is nothing to train: give at least one seed.")
    if not all(0 <= number <= LARGEST for number in numbers):
        raise UserError(f"A seed lies between 0 and {LARGEST}, got {', '.join(map(str, numbers))}.")
    if len(set(numbers)) < len(numbers):
        raise UserError(f"A seed is given more than once: {', '.join(map(str, numbers))}.")
    return numbers


def check_options(encoding: str, task: str, options: Mapping[str, Options]) -> None:
    """Raises UserError for an option that both a name and the options give."""
    for name, kind in ((encoding, "encoding_options"), (task, "task_options")):
        named = {part.partition("=")[0] for part in split_options(name)[1]}
        if twice := named & {option for option, _ in options.get(kind, ())}:
            raise UserError(f"{name} gives {twice.pop()} already: leave it out there, or in {kind}.")


def freeze_options(name: str, values: Mapping[str, Any]) -> Options:
    """Options as a config holds them. Raises UserError for a value that is not hashable."""
    for option, value in values.items():
        try:
            hash(value)
        except TypeError:
            raise UserError(f"{name}: {option} takes a number, a text or a tuple of them, not {value!r}.") from None
    return tuple(values.items())


def load(folder: str | Path, **fields: Any) -> Runs:
    """The stored runs of a results folder with these values: `load("results", encoding="sinusoidal", seed=0)`.

    `fields`: of `jaxpe.training.config.RunConfig`, and `seed`; of a list or tuple, a run has one value. A task or an
    encoding of one's own can be given by its label. Raises
    UserError where no run has these values. Runs that were trained by other code than there is now, such as an earlier
    version of the file of a task or an encoding, or whose code cannot be loaded, are left out with a warning.
    """
    devices.prepare_jax(None)
    if not Path(folder).is_dir():
        raise UserError(f"There is no folder {folder}.")
    work = Workspace(open_results(Path(folder), write=False))
    check_fields(fields)
    wanted = {name: value if isinstance(value, (list, tuple)) else (value,) for name, value in fields.items()}
    wanted |= {name: tuple(map(REGISTRIES[name].replace_alias, wanted[name])) for name in REGISTRIES if name in wanted}
    matching: list[Run] = []
    others: list[Run] = []
    for run, _ in read_runs(work.results):
        matches = all(set(values) & set(list_values(run, name)) for name, values in wanted.items())
        (matching if matches else others).append(run)
    if not matching and not others:
        raise UserError(f"{folder} holds no runs: name the results folder of an earlier run.")
    if not matching:
        words = ", ".join(f"{name}={value!r}" for name, value in fields.items())
        known = sorted({f"{describe_config(run.config)}, seed {run.seed}" for run in others})
        raise UserError(f"No run in {folder} has {words}. It holds {'; '.join(known[:6])}{'; …' * (len(known) > 6)}.")
    typed = [str(value) for name in REGISTRIES for value in wanted.get(name, ())]
    faults = {run.id: find_fault(work, run, typed) for run in matching}
    current = [run for run in matching if not faults[run.id]]
    left_out = {f"{describe_config(run.config)}: {faults[run.id]}" for run in matching if faults[run.id]}
    if left_out and not current:
        raise UserError(f"No run in {folder} can be loaded. {' '.join(sorted(left_out))}")
    if left_out:
        log.warning("Runs in %s are left out. %s", folder, " ".join(sorted(left_out)))
    order = {config: i for i, config in enumerate(group_runs(current))}
    return Runs(work, sorted(current, key=lambda run: (order[run.config], run.seed)))


def read_runs(results: Results) -> list[tuple[Run, dict[str, Any]]]:
    """Every whole run of a results folder with its record. Raises UserError for a record that was altered."""
    runs = []
    for path in sorted((results.folder / "runs").glob("*/record.json")):
        if is_run_id(path.parent.name) and results.has_run(path.parent.name):
            record = results.read_record(path.parent.name)
            runs.append((Run(restore_config(record["config"]), record["seed"], path.parent.name), record))
    return runs


def find_fault(work: Workspace, run: Run, typed: Collection[str] = ()) -> str:
    """Why a stored run cannot be loaded, as a sentence; '' where it would be trained under the same id now.

    Code that a record names is imported only where this machine ran it before, or its name was `typed`.
    """
    if unknown := find_unknown_plugin({run.config.task, run.config.encoding} - set(typed)):
        return f"Its code is in {unknown}, which was never run on this machine: if you trust it, give its name, as path/to/file.py:Class."
    try:
        [now] = work.list_runs(run.config, [run.seed])
    except UserError as error:  # as where the file of its task is gone
        return str(error)
    return "" if now.id == run.id else "It was trained by other code than there is now."


def check_use(sizes: Mapping[str, Any]) -> None:
    """Raises UserError for a field of a preset that a training has no use for."""
    for name in sizes:
        if name in WITHOUT_USE:
            raise UserError(f"{name} has no use here: {WITHOUT_USE[name]}.")


def check_fields(values: Mapping[str, Any]) -> None:
    """Raises UserError for the name of a field that no run has."""
    known = ["seed", *(field.name for field in fields(RunConfig))]
    for name in values:
        if name not in known:
            raise UnknownName("field of a run", name, known)


def list_values(run: Run, name: str) -> tuple[Any, ...]:
    """The value of a field of a run, or its seed; a task or an encoding of one's own has its name and its label."""
    value = run.seed if name == "seed" else getattr(run.config, name)
    return (value, label_name(str(value))) if name in REGISTRIES else (value,)


def restore_config(stored: Mapping[str, Any]) -> RunConfig:
    """The config of a run from its record. Raises UserError where the record is of another version."""
    try:
        values = {name: to_tuple(value) for name, value in stored.items()}
        return RunConfig(**values | {"training": Training(**stored["training"])})
    except (TypeError, KeyError) as error:
        raise UserError(f"A stored run is of another version of jaxpe ({error}): train it again.") from error
