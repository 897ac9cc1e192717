"""`models.json`: a few trained models of an experiment, as numbers that a page can compute with.

The experiment says which runs they are (`select_models` in `jaxpe.study.experiment`). They share their task, sizes and seed,
and differ in their encoding. A table cannot give them back, so that the run writes them, next to the table.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TypedDict

import numpy as np

from jaxpe.records.files import write_text
from jaxpe.records.json_values import format_json
from jaxpe.records.provenance import MODELS
from jaxpe.study.workspace import Run, Workspace
from jaxpe.tasks import label_task
from jaxpe.training.parameters import flatten_model

STORED = np.dtype("<f2")  # half as large as what is trained; the page and the tests compute with these rounded numbers


class KeptModels(TypedDict):
    """What `models.json` holds."""

    task: str
    architecture: str
    seed: int
    train_length: int
    table_length: int
    width: int
    layers: int
    heads: int
    # By encoding, then by the name of the parameter: base64 of float16, little-endian.
    models: dict[str, dict[str, str]]


def describe_models(runs: list[Run], work: Workspace) -> KeptModels | None:
    """The models of these runs after training, without those that diverged; None where none is left.

    Raises ValueError for runs that differ in more than their encoding, and for two with the same.
    """
    kept = [run for run in runs if not work.has_diverged(run)]
    if not kept:
        return None
    headers = [describe_run(run) for run in kept]
    if any(header != headers[0] for header in headers):
        raise ValueError("the models that are kept must share their task, sizes and seed")
    if len({run.config.encoding for run in kept}) < len(kept):
        raise ValueError("the models that are kept must differ in their encoding")
    models = {run.config.encoding: pack_arrays(flatten_model(work.load_model(run))) for run in kept}
    return headers[0] | {"models": models}


def describe_run(run: Run) -> KeptModels:
    """What a run shares with the other models of the file, which are still to come."""
    config = run.config
    return {
        "task": label_task(config.task),
        "architecture": config.architecture,
        "seed": run.seed,
        "train_length": config.train_length,
        "table_length": config.table_length,
        "width": config.width,
        "layers": config.layers,
        "heads": config.heads,
        "models": {},
    }


def pack_arrays(arrays: dict[str, np.ndarray]) -> dict[str, str]:
    """Arrays in row-major order, rounded to `STORED`, as base64."""
    return {name: base64.b64encode(array.astype(STORED).tobytes()).decode() for name, array in arrays.items()}


def write_models(folder: Path, models: KeptModels | None) -> None:
    """Writes `models.json` into an experiment's folder; where there are no models, deletes that of an earlier run."""
    if models is None:
        (folder / MODELS).unlink(missing_ok=True)
    else:
        write_text(folder / MODELS, format_json(models))
