"""Evaluation sets: examples drawn from fixed keys, the same for every model; their digests; and their export."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxpe import streams
from jaxpe.errors import UserError
from jaxpe.records.files import disk_errors, write_text
from jaxpe.tasks.base import METRICS, Sample, Task
from jaxpe.tasks.registry import TASKS, build_task, label_task
from jaxpe.tasks.validate import compute_task_baselines


def make_evaluation_key(name: str, length: int) -> Key[Array, ""]:
    """The key of a task's examples of one length. Example i is drawn from fold_in(key, i).

    A task in a file has the key of its class name, wherever the file lies.
    """
    number = int.from_bytes(hashlib.sha256(label_task(name).encode()).digest()[:4], "big")
    return jax.random.fold_in(streams.make_key("evaluation", number), length)


@partial(jax.jit, static_argnums=(0, 2, 3))
def draw_batch(task: Task, key: Key[Array, ""], length: int, count: int) -> Sample:
    """`count` examples of one length, stacked along the first axis."""
    return jax.vmap(lambda i: task.sample(jax.random.fold_in(key, i), length, length))(jnp.arange(count))


def draw_examples(name: str, task: Task, length: int, count: int) -> Sample:
    """`count` examples of the evaluation set as NumPy arrays, stacked along the first axis."""
    draw = partial(draw_batch, task, make_evaluation_key(name, length), length, count)
    failure = f"task {label_task(name)!r}: no example of length {length}"
    batch: Sample = jax.tree.map(np.asarray, TASKS.call(name, draw, failure))
    return batch


def hash_examples(name: str, task: Task, length: int, count: int = 256) -> str:
    """SHA-256 of x and y as little-endian 32-bit integers."""
    sample = draw_examples(name, task, length, count)
    return hashlib.sha256(b"".join(np.asarray(part, "<i4").tobytes() for part in (sample.x, sample.y))).hexdigest()


def export_evaluation_set(name: str, folder: Path, *, lengths: Sequence[int], count: int, train_length: int) -> Path:
    """Writes NAME.parquet, a Hugging Face dataset with `count` examples of each length, and NAME.json with baselines.

    Raises UserError where the task is not defined for any of the lengths.
    """
    import datasets

    task, label = build_task(name, train_length=train_length), label_task(name)
    available = [length for length in sorted(set(lengths)) if length in task.lengths(1, max(lengths))]
    if not available:
        raise UserError(
            f"{label} has no example of length {', '.join(map(str, lengths))}: choose others with --lengths."
        )
    rows = []
    for length in available:
        sample = draw_examples(name, task, length, count)
        pairs = zip(sample.x.tolist(), sample.y.tolist(), strict=True)
        rows += [{"length": length, "index": i, "x": x, "y": y} for i, (x, y) in enumerate(pairs)]
    facts = {
        "task": label,
        "version": task.version,
        "summary": task.summary,
        "symbols": task.symbols,
        "lengths": [describe_length(name, task, length, count) for length in available],
    }
    integer = datasets.Value("int32")
    features = datasets.Features(
        {"length": integer, "index": integer, "x": datasets.List(integer), "y": datasets.List(integer)}
    )
    path = folder / f"{label}.parquet"
    with disk_errors():
        folder.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_list(rows, features=features).to_parquet(path)
    write_text(folder / f"{label}.json", json.dumps(facts, indent=1) + "\n")
    return path


def describe_length(name: str, task: Task, length: int, count: int) -> dict[str, Any]:
    """The digest and the baselines of the evaluation set of one length."""
    baselines = {
        architecture: {metric: compute_task_baselines(name, task, length, metric, architecture) for metric in METRICS}
        for architecture in task.architectures
    }
    return {
        "length": length,
        "digest": hash_examples(name, task, length, count),
        "length_baseline": {metric: pair[0] for metric, pair in baselines[task.architectures[0]].items()},
        "order_blind_baseline": {
            architecture: {metric: pair[1] for metric, pair in of_metric.items()}
            for architecture, of_metric in baselines.items()
        },
    }
