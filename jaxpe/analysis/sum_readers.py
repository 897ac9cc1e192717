"""Readers of sums: small networks that name the classes of both parts, trained with sums or without.

A reader has named both parts when their two classes come first and second.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Int
from numpy import ndarray

from jaxpe import streams
from jaxpe.analysis.sums import CLASSES, WIDTH, Parts, draw_patterns
from jaxpe.model import make_weight

DRAWN = 2**15  # pairs that a training draws from
AT_ONCE = 1024  # rows in one call of a trained reader


def stack_parts(replicas: list[Parts], seeds: Sequence[int]) -> Parts:
    """Parts of several replicas in one array each, padded with zeros, and DRAWN pairs of each, drawn by its seed."""

    def pad(name: str) -> ndarray:
        arrays = [np.asarray(getattr(replica, name)) for replica in replicas]
        top = max(map(len, arrays))
        return np.stack([np.pad(a, [(0, top - len(a))] + [(0, 0)] * (a.ndim - 1)) for a in arrays])

    generators = [np.random.default_rng((seed, 13)) for seed in seeds]
    pairs = [
        replica.pairs[g.integers(0, len(replica.pairs), DRAWN)] for replica, g in zip(replicas, generators, strict=True)
    ]
    return Parts(**{name: pad(name) for name in Parts._fields[:-1]}, pairs=np.stack(pairs))


class Reader(nnx.Module):
    """D → hidden → hidden → classes, with ReLU."""

    def __init__(self, hidden: int, classes: int, *, seed: int | Int[Array, ""]) -> None:
        key = streams.make_key("initialisation", seed)
        sizes = (WIDTH, hidden, hidden, classes)
        shapes = list(pairwise(sizes))
        self.weights = nnx.List(
            [make_weight(jax.random.fold_in(key, i), *shape, fan_in=shape[0]) for i, shape in enumerate(shapes)]
        )
        self.biases = nnx.List([nnx.Param(jnp.zeros(size)) for _, size in shapes])

    def __call__(self, x: Float[Array, "D"]) -> Float[Array, "C"]:
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = (jax.nn.relu(x) if i else x) @ weight[...] + bias[...]
        return x


def compute_reader_loss(
    reader: Reader, parts: Parts, sums: Bool[Array, ""], pair: Int[Array, ""], coin: Any
) -> Float[Array, ""]:
    """Cross-entropy of the even sum of two parts or, without `sums`, of the part that the coin selects."""
    i, j = parts.pairs[pair]
    share = jnp.where(sums, 0.5, coin.astype(jnp.float32))
    logits = reader((1 - share) * parts.first[i] + share * parts.second[j])
    kinds = jnp.stack([parts.first_labels[i], parts.second_labels[j]])
    return -jnp.stack([1 - share, share]) @ jax.nn.log_softmax(logits)[kinds]


class ReaderTraining(NamedTuple):
    """AdamW with cosine decay."""

    hidden: int
    steps: int
    batch: int
    rate: float


def train_readers(
    parts: Parts, sums: Bool[ndarray, "R"], seeds: Sequence[int], classes: int, training: ReaderTraining
) -> list[Reader]:
    """One reader a replica, all trained in one program. A replica depends on its own parts, `sums` and seed only.

    The same seed gives the same initial parameters and the same draws, whether sums or single parts are shown.
    """
    starts = {
        seed: Reader(training.hidden, classes, seed=seed) for seed in set(seeds)
    }  # one call each: a program of its own would take longer to compile than to run
    readers = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[starts[seed] for seed in seeds])
    trained = jax.tree.map(np.asarray, train_replicas(readers, parts, sums, np.asarray(seeds), training))
    return [jax.tree.map(lambda leaf, i=i: leaf[i], trained) for i in range(len(seeds))]


@partial(jax.jit, static_argnames=("training",))
def train_replicas(
    readers: Reader, parts: Parts, sums: Bool[Array, "R"], seeds: Int[Array, "R"], training: ReaderTraining
) -> Reader:
    optimiser = optax.adamw(optax.cosine_decay_schedule(training.rate, training.steps), weight_decay=0.01)

    def replica(reader: Reader, parts: Parts, sums: Bool[Array, ""], seed: Int[Array, ""]) -> Reader:
        def step(number: Int[Array, ""], carry: Any) -> Any:
            reader, state = carry
            key = jax.random.fold_in(streams.make_key("data", seed), number)
            indices = jax.random.randint(jax.random.fold_in(key, 0), (training.batch,), 0, len(parts.pairs))
            coins = jax.random.bernoulli(jax.random.fold_in(key, 1), shape=(training.batch,))

            def loss(reader: Reader) -> Float[Array, ""]:
                return jax.vmap(partial(compute_reader_loss, reader, parts, sums))(indices, coins).mean()

            updates, state = optimiser.update(jax.grad(loss)(reader), state, reader)
            return optax.apply_updates(reader, updates), state

        trained: Reader = jax.lax.fori_loop(0, training.steps, step, (reader, optimiser.init(reader)))[0]
        return trained

    return jax.vmap(replica)(readers, parts, sums, seeds)


@jax.jit
def apply_reader(reader: Reader, x: Float[Array, "N D"]) -> Float[Array, "N C"]:
    return jax.vmap(reader)(x)


def compute_logits(reader: Reader, x: Float[ndarray, "P D"]) -> Float[ndarray, "P C"]:
    """Logits of any number of rows, in blocks of one size: one compiled program."""
    padded = np.pad(x.astype(np.float32), [(0, -len(x) % AT_ONCE), (0, 0)]).reshape(-1, AT_ONCE, x.shape[1])
    return np.concatenate([np.asarray(apply_reader(reader, block)) for block in padded])[: len(x)]


def rank_pairs(reader: Reader, parts: Parts) -> Int[ndarray, "P 2"]:
    """The ranks of both true classes in the even sum of every pair."""
    i, j = parts.pairs.T
    logits = compute_logits(reader, (parts.first[i] + parts.second[j]) / 2)
    return rank_classes(logits, np.stack([parts.first_labels[i], parts.second_labels[j]], 1))


def rank_classes(logits: Float[ndarray, "P C"], labels: Int[ndarray, "P K"]) -> Int[ndarray, "P K"]:
    """Ranks of the given classes, 1 for the largest logit. Ties count against the class: constant logits name nothing."""
    own = np.take_along_axis(logits, labels, axis=1)
    ranks: ndarray = (logits[:, None] >= own[..., None]).sum(-1)
    return ranks


def compute_chance(name: str) -> float:
    """The share of pairs that a random guess of two classes names."""
    return 2 / (CLASSES[name] * (CLASSES[name] - 1))


def match_patterns(mixed: Float[ndarray, "N D"], codes: Float[ndarray, "K D"]) -> Int[ndarray, "N"]:
    """The index of the pattern with the largest correlation."""
    nearest: ndarray = np.argmax((mixed - mixed.mean(1, keepdims=True)) @ codes.T, axis=1)
    return nearest


class WatermarkOutcome(NamedTuple):
    """For every picture with something added: whether its class came first, and whether what was added was read back.

    `read` is None where there is nothing to read.
    """

    named: Bool[ndarray, "N"]
    read: Bool[ndarray, "N"] | None


def apply_watermark(reader: Reader, parts: Parts, kind: str, weight: float, seed: int, count: int) -> WatermarkOutcome:
    """(1 − weight)·digit + weight·other, where `kind` is "second image", "fixed pattern" or "plain grey".

    The second image is a test digit of another class, the pattern one of `count`, both drawn by `seed`. A second image is
    read back if its class is among the first two, a pattern if its correlation is the largest.
    """
    digits, labels = parts.first, parts.first_labels
    numbers, others = draw_watermarks(labels, seed, count)
    codes = draw_patterns(count, WIDTH, seed)
    added = {"second image": digits[others], "fixed pattern": codes[numbers], "plain grey": np.zeros_like(digits)}
    mixed = (1 - weight) * digits + weight * added[kind]
    logits = compute_logits(reader, mixed)
    named = rank_classes(logits, labels[:, None])[:, 0] == 1
    if kind == "fixed pattern":
        return WatermarkOutcome(named, match_patterns(mixed, codes) == numbers)
    read = rank_classes(logits, labels[others][:, None])[:, 0] <= 2
    return WatermarkOutcome(named, read if kind == "second image" else None)


def draw_watermarks(labels: Int[ndarray, "N"], seed: int, count: int) -> tuple[Int[ndarray, "N"], Int[ndarray, "N"]]:
    """For every picture the index of a pattern, and the index of a picture of another class."""
    generator = np.random.default_rng((seed, 11))
    others = [generator.choice(np.flatnonzero(labels != own)) for own in labels]
    return generator.integers(0, count, len(labels)), np.array(others)
