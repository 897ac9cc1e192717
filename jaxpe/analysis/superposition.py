"""What is left of two things that were added: readers never shown sums and trained on sums, and how alike the parts lie.

A part is a row of D numbers with a class: a picture of 8×8 pixels, a token's embedding, a position's code. A mix of two is
(1 − w)·a + w·b, equal weights unless said. A reader is a small network over all classes; it has named both parts when their
two classes are its first two. Every part has mean square 1, so that no part is louder than the other.
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

from jaxpe import encodings, streams
from jaxpe.analysis.attention import adds, code_of
from jaxpe.analysis.geometry import directions, overlap
from jaxpe.encodings import Encoding
from jaxpe.model import matrix

WIDTH = 64  # numbers of a part
KINDS = 10  # classes of digits, and how many fixed digits or patterns there are
WORDS = 64  # tokens, and as many positions
TRAINED = 1200  # digits of the training part; the rest, by other hands, are for tests
DRAWN = 2**15  # pairs that a training draws from
TOKENS = "token + position"
SETTINGS = {  # what is added to what: the classes of its reader
    "digit + digit": KINDS,
    "digit + fixed digit": KINDS,
    "digit + fixed pattern": 2 * KINDS,
    TOKENS: 2 * WORDS,
}


class Parts(NamedTuple):
    """What is added to what: rows of two kinds with their classes, and the pairs that may be drawn."""

    first: Float[Any, "N D"]
    first_labels: Int[Any, N]
    second: Float[Any, "M D"]
    second_labels: Int[Any, M]
    pairs: Int[Any, "P 2"]


# ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def standardised(rows: Any) -> Float[ndarray, "N D"]:
    """Rows with mean 0 and mean square 1: equal energy, and plain grey is 0."""
    flat = np.asarray(rows, np.float32).reshape(len(rows), -1)
    centred = flat - flat.mean(1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(1, keepdims=True))


def patterns(count: int, width: int, seed: int) -> Float[ndarray, "{count} {width}"]:
    """Random signs: fixed codes without a meaning, as a position's code has none."""
    signs = np.random.default_rng((seed, count, width)).integers(0, 2, (count, width), np.int8)
    return (2 * signs - 1).astype(np.float32)


def pairs_of(first: ndarray, second: ndarray) -> Int[ndarray, "P 2"]:
    """All pairs of one of each, of different classes; each pair once where both kinds are the same rows."""
    allowed = first[:, None] != second[None]
    if first is second:
        allowed &= np.tri(len(first), dtype=bool).T
    return np.argwhere(allowed)


def of_digits(images: ndarray, labels: ndarray, seed: int, examples: int) -> dict[str, tuple[Parts, Parts]]:
    """For every config of digits the parts of training and of tests. Fixed ones are drawn by `seed`, the same in both.

    `examples` of the last images are tested.
    """
    generator = np.random.default_rng((seed, 7))
    rows, names = standardised(images), np.asarray(labels)
    train, train_names = rows[:TRAINED], names[:TRAINED]
    test, test_names = rows[TRAINED:][:examples], names[TRAINED:][:examples]
    chosen = np.array([generator.choice(np.flatnonzero(train_names == kind)) for kind in range(KINDS)])
    numbers = np.arange(KINDS)
    fixed = {
        "digit + fixed digit": (train[chosen], numbers),
        "digit + fixed pattern": (patterns(KINDS, WIDTH, seed), numbers + KINDS),
    }
    made = {"digit + digit": (parts(train, train_names, train, train_names), parts(test, test_names, test, test_names))}
    for name, (second, kinds) in fixed.items():
        made[name] = parts(train, train_names, second, kinds), parts(test, test_names, second, kinds)
    return made


def of_tokens(encoding: str, seed: int) -> tuple[Parts, Parts]:
    """Tokens beside the rows that an encoding adds: parts of training, and the three in ten pairs kept from it."""
    generator, words = np.random.default_rng((seed, 7)), np.arange(WORDS)
    tokens = generator.normal(size=(WORDS, WIDTH)).astype(np.float32)
    both = parts(tokens, words, added_rows(encoding, WORDS, WIDTH, seed), words + WORDS)
    held_out = np.isin(np.arange(WORDS**2), generator.permutation(WORDS**2)[: 3 * WORDS**2 // 10])
    train, test = (both._replace(pairs=both.pairs[which]) for which in (~held_out, held_out))
    return train, test


def fresh_encoding(encoding: str, count: int, width: int, seed: int) -> Encoding:
    """An encoding for `count` positions in an encoder, before training."""
    key = streams.stream("encoding", seed)
    return encodings.build(encoding, model_width=width, heads=2, max_length=count, attention="bidirectional", key=key)


def added_rows(encoding: str, count: int, width: int, seed: int) -> Float[ndarray, "{count} {width}"]:
    """What an encoding adds to a token at the positions 0 … count − 1; zeros where it acts in the attention only."""
    return np.asarray(code_of(fresh_encoding(encoding, count, width, seed), jnp.arange(count), width))


def only_adds(encoding: str) -> bool:
    """Measured: is the embedding token + row, whatever the token is?"""
    return adds(fresh_encoding(encoding, WORDS, WIDTH, 0), jnp.arange(WORDS), WIDTH)


def parts(first: ndarray, first_labels: ndarray, second: ndarray, second_labels: ndarray) -> Parts:
    return Parts(first, first_labels, second, second_labels, pairs_of(first_labels, second_labels))


def stacked(replicas: list[Parts], seeds: Sequence[int]) -> Parts:
    """Parts of several trainings in one array each: filled up with zeros, and DRAWN pairs of each, by its seed."""

    def filled(name: str) -> ndarray:
        arrays = [np.asarray(getattr(replica, name)) for replica in replicas]
        top = max(map(len, arrays))
        return np.stack([np.pad(a, [(0, top - len(a))] + [(0, 0)] * (a.ndim - 1)) for a in arrays])

    generators = [np.random.default_rng((seed, 13)) for seed in seeds]
    drawn = [one.pairs[g.integers(0, len(one.pairs), DRAWN)] for one, g in zip(replicas, generators, strict=True)]
    return Parts(**{name: filled(name) for name in Parts._fields[:-1]}, pairs=np.stack(drawn))


# ── readers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Reader(nnx.Module):
    """D → hidden → hidden → classes, with ReLU."""

    def __init__(self, hidden: int, classes: int, *, seed: int | Int[Array, ""]) -> None:
        key = streams.stream("initialisation", seed)
        sizes = (WIDTH, hidden, hidden, classes)
        shapes = list(pairwise(sizes))
        self.weights = nnx.List(
            [matrix(jax.random.fold_in(key, i), *shape, fan_in=shape[0]) for i, shape in enumerate(shapes)]
        )
        self.biases = nnx.List([nnx.Param(jnp.zeros(size)) for _, size in shapes])

    def __call__(self, x: Float[Array, D]) -> Float[Array, C]:
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = (jax.nn.relu(x) if i else x) @ weight[...] + bias[...]
        return x


def loss_of(reader: Reader, given: Parts, sums: Bool[Array, ""], pair: Int[Array, ""], coin: Any) -> Float[Array, ""]:
    """Cross-entropy of an even mix of two parts, or (not `sums`) of the one that the coin chooses; shares as target."""
    i, j = given.pairs[pair]
    share = jnp.where(sums, 0.5, coin.astype(jnp.float32))
    logits = reader((1 - share) * given.first[i] + share * given.second[j])
    kinds = jnp.stack([given.first_labels[i], given.second_labels[j]])
    return -jnp.stack([1 - share, share]) @ jax.nn.log_softmax(logits)[kinds]


class Training(NamedTuple):
    """AdamW with cosine decay."""

    hidden: int
    steps: int
    batch: int
    rate: float


def train(given: Parts, sums: Bool[ndarray, R], seeds: Sequence[int], classes: int, training: Training) -> list[Reader]:
    """A reader for each replica, all trained in one program. A replica depends on its own parts, `sums` and seed only.

    The same seed gives the same start and the same draws, whether sums are shown or single parts.
    """
    starts = {seed: Reader(training.hidden, classes, seed=seed) for seed in set(seeds)}  # call by call: see the log
    readers = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[starts[seed] for seed in seeds])
    trained = jax.tree.map(np.asarray, train_lanes(readers, given, sums, np.asarray(seeds), training))
    return [jax.tree.map(lambda leaf, i=i: leaf[i], trained) for i in range(len(seeds))]


@partial(jax.jit, static_argnames=("training",))
def train_lanes(
    readers: Reader, given: Parts, sums: Bool[Array, R], seeds: Int[Array, R], training: Training
) -> Reader:
    optimiser = optax.adamw(optax.cosine_decay_schedule(training.rate, training.steps), weight_decay=0.01)

    def replica(reader: Reader, given: Parts, sums: Bool[Array, ""], seed: Int[Array, ""]) -> Reader:
        def step(number: Int[Array, ""], carry: Any) -> Any:
            reader, state = carry
            key = jax.random.fold_in(streams.stream("data", seed), number)
            chosen = jax.random.randint(jax.random.fold_in(key, 0), (training.batch,), 0, len(given.pairs))
            coins = jax.random.bernoulli(jax.random.fold_in(key, 1), shape=(training.batch,))

            def loss(reader: Reader) -> Float[Array, ""]:
                return jax.vmap(partial(loss_of, reader, given, sums))(chosen, coins).mean()

            updates, state = optimiser.update(jax.grad(loss)(reader), state, reader)
            return optax.apply_updates(reader, updates), state

        return jax.lax.fori_loop(0, training.steps, step, (reader, optimiser.init(reader)))[0]

    return jax.vmap(replica)(readers, given, sums, seeds)


@jax.jit
def logits_of_rows(reader: Reader, x: Float[Array, "N D"]) -> Float[Array, "N C"]:
    return jax.vmap(reader)(x)


def logits_of(reader: Reader, x: Float[ndarray, "P D"], size: int = 1024) -> Float[ndarray, "P C"]:
    """Logits of any number of rows, in blocks of one size: one compiled program."""
    padded = np.pad(x.astype(np.float32), [(0, -len(x) % size), (0, 0)]).reshape(-1, size, x.shape[1])
    return np.concatenate([np.asarray(logits_of_rows(reader, block)) for block in padded])[: len(x)]


def ranks_of_pairs(reader: Reader, given: Parts) -> Int[ndarray, "P 2"]:
    """The ranks of both true classes in the even mix of every pair."""
    i, j = given.pairs.T
    logits = logits_of(reader, (given.first[i] + given.second[j]) / 2)
    return ranks(logits, np.stack([given.first_labels[i], given.second_labels[j]], 1))


def ranks(logits: Float[ndarray, "P C"], labels: Int[ndarray, "P K"]) -> Int[ndarray, "P K"]:
    """1 for the largest logit. A tie counts against the class, so that a reader who says nothing has named nothing."""
    own = np.take_along_axis(logits, labels, axis=1)
    return (logits[:, None] >= own[..., None]).sum(-1)


def chance_of_both(config: str) -> float:
    """The share of pairs that a blind guess of two classes names."""
    return 2 / (SETTINGS[config] * (SETTINGS[config] - 1))


# ── subspaces ───────────────────────────────────────────────────────────────────────────────────────────────────────


def overlap_of(given: Parts) -> float:
    """The overlap of both kinds of parts; halves of the rows are compared where both kinds are the same."""
    if not given.second.any():
        return 0.0  # nothing is added
    same = given.first is given.second
    return subspace_overlap(given.first[::2], given.second[1::2]) if same else subspace_overlap(*given[:3:2])


def subspace_overlap(first: Float[ndarray, "N D"], second: Float[ndarray, "M D"], count: int = 8) -> float:
    """Of the leading principal directions: 1 the same subspace, count / D for unrelated ones."""
    return overlap(directions(first, count=count), directions(second, count=count))


def nearest_pattern(mixed: Float[ndarray, "N D"], codes: Float[ndarray, "K D"]) -> Int[ndarray, N]:
    """The number of the pattern with the largest correlation."""
    return np.argmax((mixed - mixed.mean(1, keepdims=True)) @ codes.T, axis=1)


# ── the watermark ───────────────────────────────────────────────────────────────────────────────────────────────────


class Marked(NamedTuple):
    """Of every picture with something added: its own class came first; the other thing was read (None: nothing to read)."""

    right: Bool[ndarray, N]
    read: Bool[ndarray, N] | None


def watermark(reader: Reader, given: Parts, kind: str, weight: float, seed: int, count: int) -> Marked:
    """(1 − weight)·digit + weight·other, where `kind` is "second image", "fixed pattern" or "plain grey".

    The second image is another test digit of another class, the pattern one of `count`, both drawn by `seed`. A second
    image is read where its class is among the first two, a pattern where its correlation is the largest.
    """
    digits, labels = given.first, given.first_labels
    numbers, others = drawn(labels, seed, count)
    codes = patterns(count, WIDTH, seed)
    added = {"second image": digits[others], "fixed pattern": codes[numbers], "plain grey": np.zeros_like(digits)}
    mixed = (1 - weight) * digits + weight * added[kind]
    logits = logits_of(reader, mixed)
    right = ranks(logits, labels[:, None])[:, 0] == 1
    if kind == "fixed pattern":
        return Marked(right, nearest_pattern(mixed, codes) == numbers)
    read = ranks(logits, labels[others][:, None])[:, 0] <= 2
    return Marked(right, read if kind == "second image" else None)


def drawn(labels: Int[ndarray, N], seed: int, count: int) -> tuple[Int[ndarray, N], Int[ndarray, N]]:
    """For every picture the number of a pattern, and another picture of another class."""
    generator = np.random.default_rng((seed, 11))
    others = [generator.choice(np.flatnonzero(labels != own)) for own in labels]
    return generator.integers(0, count, len(labels)), np.array(others)
