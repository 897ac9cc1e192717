"""What adding a position does to a token: norms, shared directions, and pairs that only order can tell apart."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from jaxpe.analysis.geometry import directions, overlap, random_overlap
from jaxpe.data.examples import SPECIALS
from jaxpe.model import Transformer
from jaxpe.positions import Arange
from jaxpe.tasks.base import Sample
from jaxpe.tasks.formatting import format_sample
from jaxpe.training.train import inputs_of

TWINS = ("copy", "reverse", "first", "last", "index")  # tasks whose answer can be read off x, place by place


def root_mean_square(rows: Float[ndarray, "N D"]) -> float:
    """Per coordinate."""
    return float(np.sqrt((np.asarray(rows, np.float64) ** 2).mean()))


def swapped(name: str, x: Int[ndarray, X], seed: int) -> Int[ndarray, X] | None:
    """x with two different symbols exchanged such that the answer changes; None where there is no such pair."""
    body = len(x) - 1 if name == "index" else len(x)
    must = {"first": 0, "last": body - 1, "index": int(x[-1] - 10) if name == "index" else 0}.get(name)
    generator = np.random.default_rng(seed)
    first = int(generator.integers(body)) if must is None else must
    others = np.flatnonzero(x[:body] != x[first])
    if not len(others):
        return None
    second = int(generator.choice(others))
    twin = x.copy()
    twin[[first, second]] = x[[second, first]]
    return twin


def answer(name: str, x: Int[ndarray, X]) -> Int[ndarray, Y]:
    """The right answer of a task in TWINS, read off x."""
    if name == "index":
        return x[[x[-1] - 10]]
    return {"copy": x, "reverse": x[::-1], "first": x[:1], "last": x[-1:]}[name]


def twin_pairs(name: str, xs: Int[ndarray, "N X"]) -> list[tuple[ndarray, ndarray]]:
    """(x, its twin): the same symbols, other answers. A rule that no permutation of x changes is right on one at most."""
    pairs = ((x, swapped(name, x, i)) for i, x in enumerate(np.asarray(xs)))
    return [(x, twin) for x, twin in pairs if twin is not None]


def both_right(model: Transformer, stream: Any, name: str, pairs: list[tuple[ndarray, ndarray]]) -> float:
    """Share of pairs in which both examples are answered rightly, every symbol, at positions 0, 1, 2, …"""
    flat: Any = [(x, len(x), answer(name, x), len(answer(name, x))) for pair in pairs for x in pair]
    stacked = Sample(*(jnp.asarray(np.stack(parts)) for parts in zip(*flat, strict=True)))
    sizes = stream.sizes(int(stacked.x.shape[1]) - (name == "index"))

    def right(model: Transformer, sample: Sample) -> Any:
        example = format_sample(sample, stream.architecture, stream.task.in_place, sizes)
        logits = model(inputs_of(example, Arange(), jax.random.key(0))).logits
        return ((logits.argmax(-1) == example.targets) | ~example.loss_mask).all()

    found = np.asarray(jax.jit(jax.vmap(right, (None, 0)))(model, stacked)).reshape(-1, 2)
    return float(found.all(1).mean())


def parts_of(model: Transformer, code: Float[ndarray, "P D"], factors: tuple[float, float]) -> dict[str, float]:
    """Sizes of the token and the position part of the embeddings, and how far they share directions."""
    tokens = factors[0] * np.asarray(model.stack.embedding[...], np.float64)[SPECIALS:]
    code = factors[1] * np.asarray(code, np.float64)
    found = {"token_rms": root_mean_square(tokens), "position_rms": root_mean_square(code)}
    if code.any():
        a, b = directions(tokens), directions(code)
        found |= {"subspace_overlap": overlap(a, b), "random_overlap": random_overlap(a, b)}
    return found
