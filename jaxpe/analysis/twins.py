"""Twins: pairs of inputs with the same symbols and different answers, which only order can distinguish.

A rule that no permutation of the input changes is right on one of the two at most.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int
from numpy import ndarray

from jaxpe.model import Transformer
from jaxpe.positions import Arange
from jaxpe.tasks.base import Sample
from jaxpe.tasks.formatting import TaskStream, format_sample
from jaxpe.training.batches import make_inputs

TASKS = ("copy", "reverse", "first", "last", "index")  # whose answer can be read off x, place by place


def make_twin(task: str, x: Int[ndarray, "X"], seed: int) -> Int[ndarray, "X"] | None:
    """x with two different symbols exchanged such that the answer changes; None where there is no such pair."""
    body = len(x) - 1 if task == "index" else len(x)
    fixed = {"first": 0, "last": body - 1, "index": int(x[-1] - 10) if task == "index" else 0}.get(task)
    generator = np.random.default_rng(seed)
    first = int(generator.integers(body)) if fixed is None else fixed
    others = np.flatnonzero(x[:body] != x[first])
    if not len(others):
        return None
    second = int(generator.choice(others))
    twin = x.copy()
    twin[[first, second]] = x[[second, first]]
    return twin


def read_answer(task: str, x: Int[ndarray, "X"]) -> Int[ndarray, "Y"]:
    """The right answer of a task in TASKS, read off x."""
    if task == "index":
        return x[[x[-1] - 10]]
    return {"copy": x, "reverse": x[::-1], "first": x[:1], "last": x[-1:]}[task]


def make_twin_pairs(task: str, xs: Int[ndarray, "N X"]) -> list[tuple[ndarray, ndarray]]:
    """(x, its twin) for every x that has one."""
    pairs = ((x, make_twin(task, x, i)) for i, x in enumerate(np.asarray(xs)))
    return [(x, twin) for x, twin in pairs if twin is not None]


def measure_both_right(
    model: Transformer, stream: TaskStream, task: str, pairs: list[tuple[ndarray, ndarray]]
) -> float:
    """The share of pairs with every symbol of both answers right, at positions 0, 1, 2, …"""
    samples = [(x, len(x), read_answer(task, x), len(read_answer(task, x))) for pair in pairs for x in pair]
    stacked = Sample(*(jnp.asarray(np.stack(parts)) for parts in zip(*samples, strict=True)))
    sizes = stream.sizes(int(stacked.x.shape[1]) - (task == "index"))
    right = np.asarray(find_right(model, stacked, stream=stream, sizes=sizes)).reshape(-1, 2)
    return float(right.all(1).mean())


@partial(jax.jit, static_argnames=("stream", "sizes"))
def find_right(model: Transformer, samples: Sample, *, stream: TaskStream, sizes: tuple[int, int]) -> Bool[Array, "N"]:
    """Which samples, in arrays for `sizes` tokens, have every symbol of their answer right. All seeds share this program."""

    def is_right(sample: Sample) -> Bool[Array, ""]:
        example = format_sample(sample, stream.architecture, stream.task.in_place, sizes)
        logits = model(make_inputs(example, Arange(), jax.random.key(0))).logits
        return ((logits.argmax(-1) == example.targets) | ~example.loss_mask).all()

    right: Bool[Array, "N"] = jax.vmap(is_right)(samples)
    return right
