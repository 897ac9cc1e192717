"""Evaluation sets: redrawn from a fixed key of their own, checked by digest, exported for other frameworks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxpe import streams, tasks
from jaxpe.errors import UserError
from jaxpe.tasks.base import METRICS, Sample, Task


def make_evaluation_key(name: str, length: int) -> Key[Array, ""]:
    """The key of a task's examples of one length; example i is drawn from fold_in(key, i)."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return jax.random.fold_in(streams.stream("evaluation", number), length)


@partial(jax.jit, static_argnums=(0, 2, 3))
def draw_batch(task: Task, key: Key[Array, ""], length: int, count: int) -> Sample:
    return jax.vmap(lambda i: task.sample(jax.random.fold_in(key, i), length, length))(jnp.arange(count))


def draw_examples(name: str, task: Task, length: int, count: int) -> Sample:
    """`count` examples of one length as NumPy arrays, the first axis counting them."""
    return jax.tree.map(np.asarray, draw_batch(task, make_evaluation_key(name, length), length, count))


def hash_examples(name: str, task: Task, length: int, count: int = 256) -> str:
    """SHA-256 over x and y as little-endian 32-bit integers."""
    sample = draw_examples(name, task, length, count)
    return hashlib.sha256(b"".join(np.asarray(part, "<i4").tobytes() for part in (sample.x, sample.y))).hexdigest()


def export_evaluation_set(name: str, folder: Path, *, lengths: Sequence[int], count: int, train_length: int) -> Path:
    """Writes a task's evaluation set as a Hugging Face dataset in parquet, with a JSON card of baselines beside it."""
    import datasets

    from jaxpe.records.files import disk_errors, write_text

    task = tasks.build_task(name, train_length=train_length)
    defined = [length for length in sorted(set(lengths)) if length in task.lengths(1, max(lengths))]
    if not defined:
        raise UserError(f"{name} has no example of length {', '.join(map(str, lengths))}: give others in --lengths.")
    rows, card = [], []
    for length in defined:
        sample = draw_examples(name, task, length, count)
        pairs = zip(sample.x.tolist(), sample.y.tolist(), strict=True)
        rows += [{"length": length, "index": i, "x": x, "y": y} for i, (x, y) in enumerate(pairs)]
        blind = {a: {m: task.order_blind_baseline(length, m, a) for m in METRICS} for a in task.architectures}
        floor = {metric: task.length_baseline(length, metric) for metric in METRICS}
        card.append(
            {
                "length": length,
                "digest": hash_examples(name, task, length, count),
                "length_baseline": floor,
                "order_blind_baseline": blind,
            }
        )
    whole = datasets.Value("int32")
    features = datasets.Features(
        {"length": whole, "index": whole, "x": datasets.List(whole), "y": datasets.List(whole)}
    )
    facts = {"task": name, "version": task.version, "summary": task.summary, "symbols": task.symbols, "lengths": card}
    path = folder / f"{name}.parquet"
    with disk_errors():
        folder.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_list(rows, features=features).to_parquet(path)
    write_text(folder / f"{name}.json", json.dumps(facts, indent=1) + "\n")
    return path
