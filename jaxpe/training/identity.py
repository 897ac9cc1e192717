"""The identity of a run: a digest of everything that can change its numbers. Nothing else decides it.

What is not in it is pinned (settings of JAX, `jaxpe.devices`), recorded with every run (versions, the kind of device), or
cannot change a number (presets, folders, test lengths, how many devices there are beyond one).
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from jaxpe import encodings
from jaxpe.data.examples import FORMAT_VERSION
from jaxpe.devices import describe_settings
from jaxpe.plugins.code import PACKAGE, remember_package
from jaxpe.plugins.core import hash_core
from jaxpe.records.json_values import compute_digest
from jaxpe.records.results import SCHEMA
from jaxpe.tasks.registry import identify_task, label_task
from jaxpe.training.checks import find_position_needs
from jaxpe.training.config import RunConfig
from jaxpe.training.sources import Source, make_task


def compute_run_id(config: RunConfig, seed: int, source: Source) -> str:
    """SHA-256 of `describe_run`. Raises UserError where JAX has settings other than those of all results."""
    return compute_digest(describe_run(config, seed, source))


def describe_run(config: RunConfig, seed: int, source: Source) -> dict[str, Any]:
    """Everything that can change the numbers of a run, as JSON.

    `source` is the opened task or text of the config. The length of the position table counts only for an encoding that
    reads it, so that runs of the others can be tested at any length, and the position sampler only where positions do
    anything.
    """
    reads_length = find_position_needs(config).reads_max_length
    used = config if uses_positions(config.encoding) else replace(config, positions="arange", position_options=())
    task = {} if config.is_language else identify_task(config.task)
    return {
        "schema": SCHEMA,
        "core": hash_core(),
        "task": label_task(config.task),
        "task_version": None if config.is_language else make_task(config).version,
        "task_code": task.get("object"),
        "task_options": dict(config.task_options),
        "format_version": FORMAT_VERSION,
        "text": [source.digest, config.starts] if config.is_language else None,
        "train_length": config.train_length,
        "table_length": config.table_length if reads_length else None,
        "model": asdict(config.make_model_config(source.stream)),
        "encoding": encodings.label_encoding(config.encoding),
        "encoding_code": encodings.identify_encoding(config.encoding),
        "encoding_options": dict(config.encoding_options),
        "trained_positions": config.trained_positions,
        "scales": config.scales,
        "positions": used.positions,
        "position_options": dict(used.position_options),
        "training": asdict(config.training),
        "seed": seed,
        "precision": config.precision,
        "replicas_per_device": config.replicas_per_device,
        "batching": config.batching,
        "activation_budget": config.activation_budget,
        "settings": describe_settings(),
        **({"task_file": task["file"]} if "file" in task else {}),
    }


def uses_positions(encoding: str) -> bool:
    """Whether positions can change anything. Encodings outside the catalogue may declare what they do not keep."""
    return (
        encoding not in encodings.CATALOGUE
        or encodings.get_encoding_class(encodings.CATALOGUE[encoding]).invariance != "content"
    )


for wing in ("model", "training", "data", "."):
    remember_package(PACKAGE / wing)
