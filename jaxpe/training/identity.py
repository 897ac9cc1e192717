"""The identity of a run: a digest of everything that can change its numbers."""

from __future__ import annotations

from dataclasses import asdict

from jaxpe import encodings
from jaxpe.data.examples import FORMAT_VERSION
from jaxpe.records.json_values import compute_digest
from jaxpe.records.results import SCHEMA
from jaxpe.training.config import RunConfig
from jaxpe.training.sources import Source, make_task


def compute_run_id(config: RunConfig, seed: int, source: Source) -> str:
    """SHA-256 of a run's config and seed, and of the versions of what it uses.

    Presets, folders, test lengths and the number of devices are not part of it.
    """
    return compute_digest(
        {
            "schema": SCHEMA,
            "task": config.task,
            "task_version": None if config.is_language else make_task(config).version,
            "task_options": dict(config.task_options),
            "format_version": FORMAT_VERSION,
            "text": [source.digest, config.starts] if config.is_language else None,
            "train_length": config.train_length,
            "table_length": config.table_length,
            "model": asdict(config.make_model_config(source.stream)),
            "encoding": encodings.label_encoding(config.encoding),
            "encoding_options": dict(config.encoding_options),
            "encoding_source": encodings.hash_encoding_source(config.encoding),
            "encoding_version": encodings.get_encoding_class(encodings.resolve_encoding(config.encoding)).version,
            "scales": config.scales,
            "positions": config.positions,
            "position_options": dict(config.position_options),
            "training": asdict(config.training),
            "seed": seed,
            "precision": config.precision,
            "replicas_per_device": config.replicas_per_device,
            "batching": config.batching,
            "activation_budget": config.activation_budget,
        }
    )
