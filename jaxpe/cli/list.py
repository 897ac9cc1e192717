"""`jaxpe list`: the names that options take, each with one line about it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from jaxpe import encodings, positions, tasks
from jaxpe.cli.fields import list_fields
from jaxpe.data import language
from jaxpe.encodings.registry import ALIASES
from jaxpe.errors import UserError
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


def list_encodings() -> list[dict[str, Any]]:
    """Encodings of jaxpe and of installed packages."""
    rows: list[dict[str, Any]] = []
    for name in list_encoding_names():
        try:
            maker = encodings.resolve_encoding(name)
        except UserError as error:  # a faulty package does not hide the others
            rows.append({"name": name, "summary": str(error), "usable": False})
            continue
        kind = encodings.get_encoding_class(maker)
        module = sys.modules[kind.__module__]
        summary = kind.__doc__ if name == "none" else module.__doc__ or kind.__doc__
        packages = [point.dist.name for point in encodings.find_entry_points().get(name, []) if point.dist]
        rows.append(
            {
                "name": name,
                "summary": str(summary).strip().split("\n")[0],
                "package": packages[0] if packages else "jaxpe",
                "invariance": kind.invariance,
                "integer_positions": kind.integer_positions,
                "shared": kind.shared,
                "cross": kind.cross,
                "options": encodings.list_encoding_options(name),
                "aliases": [alias for alias, own in ALIASES.items() if own == name],
                "preset_options": getattr(maker, "keywords", {}),  # they tell names of one class apart
            }
        )
    return rows


def list_encoding_names() -> list[str]:
    return list(dict.fromkeys([*encodings.CATALOGUE, *encodings.find_entry_points()]))


def list_samplers() -> list[dict[str, Any]]:
    """Position samplers."""
    return [
        {"name": name, "summary": str(kind.__doc__).split("\n")[0], "options": positions.list_sampler_options(name)}
        for name, kind in positions.SAMPLERS.items()
    ]


LANGUAGE_TASKS = {
    "masked_lm": "masked tokens of real text",
    "causal_masked_lm": "masked tokens of real text, by what stands before them",
    "sampled_causal_lm": "the next token of real text, at a random 15 % of the places",
    "causal_lm": "the next token of real text",
    "translation": "short sentences, from English to German",
}


def list_tasks() -> list[dict[str, Any]]:
    """Synthetic tasks, and the objectives of language modelling."""
    rows = []
    for name in tasks.CATALOGUE:
        task = tasks.build_task(name, train_length=10)
        fixed = "".join(f" ({key}={value})" for key, value in getattr(tasks.CATALOGUE[name], "keywords", {}).items())
        rows.append(
            {
                "name": name,
                "summary": task.summary + fixed,
                "architectures": list(task.architectures),
                "order_needed": task.order_needed,
                "counting": task.counting,
                "extrapolates": task.extrapolates,
            }
        )
    for name, architecture in language.OBJECTIVES.items():
        rows.append({"name": name, "summary": LANGUAGE_TASKS[name], "architectures": [architecture]})
    return rows


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
