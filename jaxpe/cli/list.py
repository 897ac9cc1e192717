"""`jaxpe list`: the names that options take, each with one line about it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxpe import encodings, positions, tasks
from jaxpe.cli.fields import list_fields
from jaxpe.errors import UserError
from jaxpe.plugins.registry import Registry
from jaxpe.records.results import open_results
from jaxpe.study import presets
from jaxpe.study.evaluators import describe_config
from jaxpe.study.experiment import EXPERIMENTS, load_experiment, load_installed
from jaxpe.study.origins import find_packaged


def print_list(kind: str, experiment: str | None, preset: str, results: Path, as_json: bool) -> int:
    """Prints the names of a kind as a plain table, or with more details as JSON.

    Fields have the values of a preset of an experiment, runs are those of a results folder.
    """
    if experiment and kind != "fields":
        raise UserError(f"`jaxpe list {kind}` takes no experiment: only `jaxpe list fields {experiment}` does.")
    if kind == "fields":
        rows = list_fields(experiment, preset)
    else:
        rows = list_runs(results) if kind == "runs" else LISTS[kind]()
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    width = max((len(row["name"]) for row in rows), default=0)
    value_width = max((len(row.get("value", "")) for row in rows), default=0)
    for row in rows:
        architectures = f"  [{', '.join(row['architectures'])}]" if "architectures" in row else ""
        options = ", ".join(f"{name}={value}" for name, value in row.get("preset_options", {}).items())
        also = f" (also: {', '.join(row['aliases'])})" if row.get("aliases") else ""
        value = f"{row['value']:{value_width}}  " if "value" in row else ""
        print(
            f"{row['name']:{width}}  {value}{row['summary']}{architectures}{f' ({options})' if options else ''}{also}"
        )
    return 0


def list_registered(registry: Registry[Any], describe: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
    """The catalogue of a registry and what installed packages add. A faulty package does not hide the others."""
    rows: list[dict[str, Any]] = []
    for name in registry.list_names():
        try:
            row = {"package": registry.find_package(name), **describe(name)}
        except UserError as error:
            row = {"summary": str(error), "usable": False}
        rows.append({"name": name, **row, "aliases": [a for a, own in registry.aliases.items() if own == name]})
    return rows


def list_encodings() -> list[dict[str, Any]]:
    """Encodings of jaxpe and of installed packages."""
    return list_registered(encodings.ENCODINGS, describe_encoding)


def describe_encoding(name: str) -> dict[str, Any]:
    """The first line about an encoding, and what it declares. Raises UserError where it cannot be loaded."""
    maker = encodings.resolve_encoding(name)
    kind = encodings.get_encoding_class(maker)
    module = sys.modules[kind.__module__]
    summary = kind.__doc__ if name == "none" else module.__doc__ or kind.__doc__
    return {
        "summary": str(summary).strip().split("\n")[0],
        "invariance": kind.invariance,
        "integer_positions": kind.integer_positions,
        "shared": kind.shared,
        "cross": kind.cross,
        "options": encodings.list_encoding_options(name),
        "preset_options": getattr(maker, "keywords", {}),  # they tell names of one class apart
    }


def list_samplers() -> list[dict[str, Any]]:
    """Position samplers."""
    return [
        {"name": name, "summary": str(kind.__doc__).split("\n")[0], "options": positions.list_sampler_options(name)}
        for name, kind in positions.SAMPLERS.items()
    ]


def list_tasks() -> list[dict[str, Any]]:
    """Synthetic tasks of jaxpe and of installed packages, and tasks on real text."""
    rows = list_registered(tasks.TASKS, describe_task)
    return [*rows, *({"name": name, **describe_task(name)} for name in tasks.TASKS.reserved)]


def describe_task(name: str) -> dict[str, Any]:
    """The line about a task, and what it declares. Raises UserError where it cannot be loaded."""
    summary, architectures, task = tasks.find_task(name)
    row: dict[str, Any] = {"summary": summary, "architectures": list(architectures)}
    if task is None:
        return row
    fixed = "".join(f" ({key}={value})" for key, value in getattr(tasks.TASKS.load(name), "keywords", {}).items())
    declared = {key: getattr(task, key, None) for key in ("order_needed", "counting", "extrapolates")}
    return row | {"summary": summary + fixed} | declared


def list_experiments() -> list[dict[str, Any]]:
    """Experiments of jaxpe and of installed packages, each with the question that it asks."""
    rows: list[dict[str, Any]] = []
    loaders = [(name, load_experiment) for name in EXPERIMENTS] + [(name, load_installed) for name in find_packaged()]
    for name, load in loaders:
        try:
            one = load(name)
        except UserError as error:  # a faulty package does not hide the others
            rows.append({"name": name, "summary": str(error), "usable": False})
            continue
        package = one.origin.package if one.origin else "jaxpe"
        rows.append({"name": name, "summary": one.question, "presets": list(one.module.PRESETS), "package": package})
    return rows


def list_experiment_names() -> list[str]:
    return list(dict.fromkeys([*EXPERIMENTS, *find_packaged()]))


def list_presets() -> list[dict[str, Any]]:
    """Presets that every experiment of the study has."""
    return [{"name": name, "summary": summary} for name, summary in presets.SIZES.items()]


def list_runs(results: Path) -> list[dict[str, Any]]:
    """The stored runs of a results folder. Raises UserError where it is none."""
    from jaxpe.study.api import read_runs  # imports the model and JAX

    if not results.is_dir():
        raise UserError(f"There is no folder {results}: give the --results of an earlier run.")
    rows = []
    for run, record in read_runs(open_results(results, write=False)):
        summary = f"{describe_config(run.config)}, seed {run.seed}" + ("; diverged" if record["diverged"] else "")
        rows.append({"name": run.id[:12], "summary": summary, "id": run.id, "seed": run.seed, **record["config"]})
    return sorted(rows, key=lambda row: (row["summary"], row["id"]))


LISTS = {
    "encodings": list_encodings,
    "samplers": list_samplers,
    "tasks": list_tasks,
    "experiments": list_experiments,
    "presets": list_presets,
}
