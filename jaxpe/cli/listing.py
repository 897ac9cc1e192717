"""The short commands: list, export-task, fetch, doctor."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxpe.errors import UserError, unknown


def encodings_table() -> list[dict[str, Any]]:
    from jaxpe import encodings

    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys([*encodings.CATALOGUE, *encodings.registered()]):
        try:
            maker = encodings.resolve(name)
        except UserError as error:  # one package at fault does not hide the others
            rows.append({"name": name, "summary": str(error), "usable": False})
            continue
        kind = encodings.class_of(maker)
        module = sys.modules[kind.__module__]
        summary = kind.__doc__ if name == "none" else module.__doc__ or kind.__doc__
        packages = [point.dist.name for point in encodings.registered().get(name, []) if point.dist]
        rows.append(
            {
                "name": name,
                "summary": str(summary).strip().split("\n")[0],
                "package": packages[0] if packages else "jaxpe",
                "invariance": kind.invariance,
                "integer_positions": kind.integer_positions,
                "shared": kind.shared,
                "cross": kind.cross,
                "options": encodings.options_of(name),
                "chosen": getattr(maker, "keywords", {}),  # which tell rows of one class apart
            }
        )
    return rows


def samplers_table() -> list[dict[str, Any]]:
    from jaxpe import positions

    return [
        {"name": name, "summary": str(kind.__doc__).split("\n")[0], "options": positions.options_of(name)}
        for name, kind in positions.SAMPLERS.items()
    ]


def tasks_table() -> list[dict[str, Any]]:
    from jaxpe import tasks
    from jaxpe.data import language

    rows = []
    for name in tasks.CATALOGUE:
        task = tasks.build(name, train_length=10)
        rows.append(
            {
                "name": name,
                "summary": task.summary,
                "architectures": list(task.architectures),
                "order_needed": task.order_needed,
                "counting": task.counting,
                "extrapolates": task.extrapolates,
            }
        )
    for name, architecture in language.OBJECTIVES.items():
        rows.append({"name": name, "summary": "real text", "architectures": [architecture]})
    return rows


def experiments_table() -> list[dict[str, Any]]:
    from jaxpe.study import experiment

    loaded = [experiment.load(name) for name in experiment.NAMES]
    return [{"name": e.name, "summary": e.question, "presets": list(e.module.PRESETS)} for e in loaded]


def presets_table() -> list[dict[str, Any]]:
    from jaxpe.study import presets

    return [{"name": name, "summary": summary} for name, summary in presets.SIZES.items()]


TABLES = {
    "encodings": encodings_table,
    "samplers": samplers_table,
    "tasks": tasks_table,
    "experiments": experiments_table,
    "presets": presets_table,
}


def names() -> dict[str, list[str]]:
    """The names that options take, by the kinds that the command line knows."""
    from jaxpe import encodings, tasks
    from jaxpe.data import language
    from jaxpe.study import grids, presets

    return {
        "Preset": list(presets.SIZES),
        "Encoding": list(dict.fromkeys([*encodings.CATALOGUE, *encodings.registered()])),
        "Task": [*tasks.CATALOGUE, *language.OBJECTIVES],
        "Architecture": list(grids.ALL),
    }


def show(kind: str, as_json: bool) -> int:
    """Prints a catalogue, as a plain table or as JSON."""
    rows = TABLES[kind]()
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        where = f"  [{', '.join(row['architectures'])}]" if "architectures" in row else ""
        options = ", ".join(f"{name}={value}" for name, value in row.get("chosen", {}).items())
        print(f"{row['name']:{width}}  {row['summary']}{where}{f' ({options})' if options else ''}")
    return 0


def export(names: Sequence[str], output: Path, lengths: Sequence[int], examples: int, train_length: int) -> int:
    """Writes the evaluation sets of some tasks (all, where none is named)."""
    from jaxpe import tasks
    from jaxpe.tasks import evaluation

    for name in names:
        if name not in tasks.CATALOGUE:
            raise unknown("task", name, tasks.CATALOGUE)
    if not lengths or min(lengths) < 1 or examples < 1:
        raise UserError("--lengths and --examples must be at least 1.")
    for name in names or tasks.CATALOGUE:
        has = tasks.build(name, train_length=train_length).lengths(1, max(lengths))
        lacking = [str(length) for length in lengths if length not in has]
        if lacking and (len(lacking) < len(lengths) or not names):
            print(f"{name} has no example of length {', '.join(lacking)}: left out.", file=sys.stderr)
        if names or len(lacking) < len(lengths):
            print(evaluation.export(name, output, lengths=lengths, count=examples, train_length=train_length))
    return 0


def fetch(names: Sequence[str]) -> int:
    from jaxpe.data.cache import DOWNLOADS
    from jaxpe.pretrained import fetch

    if not names:
        for name, item in DOWNLOADS.items():
            print(f"{name:18}  {item.summary} ({item.licence})")
        return 0
    for name in names:
        print(f"{name} is in {fetch.fetch(name)}")
    return 0


def doctor(as_json: bool) -> int:
    """Says what this installation has. 0; 3 where it computes wrongly."""
    facts = installation()
    if as_json:
        print(json.dumps(facts, indent=1))
    else:
        print("\n".join(lines_of(facts)))
    return 0 if facts["computes"] else 3


def installation() -> dict[str, Any]:
    """Versions, devices, cache, fetched data, and whether a matrix product is right."""
    from importlib.metadata import version

    from jaxpe.data.cache import DOWNLOADS, cache_folder, is_fetched
    from jaxpe.devices import prepare

    prepare(None)
    import jax

    names = ("jaxpe", "jax", "flax", "optax", "datasets", "matplotlib", "numpy", "orbax-checkpoint")
    total = float(jax.jit(lambda x: (x @ x).sum())(jax.numpy.ones((256, 256))))
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in names},
        "backend": jax.default_backend(),
        "devices": jax.device_count(),
        "device": jax.devices()[0].device_kind,
        "cache": cache_folder().as_posix(),
        "fetched": {name: is_fetched(name) for name in DOWNLOADS},
        "computes": total == 256.0**3,
    }


def lines_of(facts: dict[str, Any]) -> list[str]:
    lines = [f"{name} {number}" for name, number in facts["versions"].items()]
    lines.append(f"backend {facts['backend']}, {facts['devices']} device(s): {facts['device']}")
    if facts["backend"] == "cpu":
        lines.append("no accelerator in use; on an NVIDIA machine: pip install 'jaxpe[cuda13]', on a TPU: 'jaxpe[tpu]'")
    lines.append(f"cache {facts['cache']}, compiled programs included")
    for name, here in facts["fetched"].items():
        lines.append(f"fetched data {name}: {'here' if here else f'no; `jaxpe fetch {name}` gets it'}")
    right = "compiles and is right" if facts["computes"] else "is WRONG here"
    return [*lines, f"a matrix product {right}"]
