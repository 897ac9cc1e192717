"""Token and position read back together from their sum, out of all sums of a real model's vocabulary and positions.

The reader knows both tables: of all V·P sums it takes the nearest. (`readers` does the same for small drawn tables, where all
sums fit into memory.) A reader who knows the position table only takes its nearest row.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from numpy import ndarray

from jaxpe.analysis import readers
from jaxpe.analysis.readers import SIGNALS, Tables

MOST_SUMS = 2**25  # of tokens × positions, 128 MB: a larger vocabulary is thinned out evenly
AT_ONCE = 32  # sums read in one call
ALIKE = 512  # tokens that are compared once more in float64


class Read(NamedTuple):
    """What was read of each sum, and how far the nearest other sum lies, in root mean squares of a position row's length."""

    token: Bool[ndarray, N]
    position: Bool[ndarray, N]
    alone: Bool[ndarray, N]  # the position, by a reader who knows the position table only
    gap: Float[ndarray, N]


@partial(jax.jit, static_argnames="most")
def candidates(
    sums: Float[Array, "N D"], tokens: Float[Array, "V D"], positions: Float[Array, "P D"], most: int = ALIKE
) -> Int[Array, "N K 2"]:
    """(v, t) of the e[v] + p[t] nearest to each sum, in float32: `most` tokens at the best position, and the best elsewhere.

    Largest x·e + x·p − ½‖e + p‖². So many tokens, since some of a vocabulary were never trained and hardly differ.
    """
    squares = (tokens**2).sum(1)[:, None] / 2 + (positions**2).sum(1) / 2
    half_norms = squares + jnp.matmul(tokens, positions.T, precision="highest")
    kept = min(most, len(tokens))

    def one(x: Float[Array, D]) -> Int[Array, "K 2"]:
        of_tokens = jnp.matmul(tokens, x, precision="highest")
        of_positions = jnp.matmul(positions, x, precision="highest")
        by_position = jnp.max(of_tokens[:, None] - half_norms, axis=0) + of_positions
        t = jnp.argmax(by_position)
        other = jnp.argmax(by_position.at[t].set(-jnp.inf))
        near = jax.lax.top_k(of_tokens - half_norms[:, t], kept)[1]
        at_best = jnp.stack([near, jnp.full_like(near, t)], axis=1)
        elsewhere = jnp.stack([jnp.argmax(of_tokens - half_norms[:, other]), other])[None]
        return jnp.concatenate([at_best, elsewhere.astype(at_best.dtype)])

    return jax.lax.map(one, sums)


def known(tokens: Float[ndarray, "V D"], positions: Float[ndarray, "P D"]) -> Tables:
    """Both tables, the vocabulary thinned out where all sums would not fit."""
    step = -(-len(tokens) * len(positions) // MOST_SUMS)
    return Tables(np.asarray(tokens[::step], np.float64), np.asarray(positions, np.float64))


def read(tables: Tables, signal: str, pairs: int, seed: int = 0) -> Read:
    """Random pairs of token and position, their sums observed as `signal` says (`readers.observe`), and read.

    The search is in float32; which of the sums that it finds is the nearest is decided in float64.
    """
    generator = np.random.default_rng((seed, 17))
    token = generator.integers(0, len(tables.tokens), pairs)
    position = generator.integers(0, len(tables.positions), pairs)
    seen = Tables(*map(readers.bfloat16, tables)) if signal == "bfloat16" else tables
    observed = observe(seen, token, position, signal, generator)
    best, gap = nearest_two(seen, observed)
    alone = readers.nearest(observed, seen.positions)
    length = np.sqrt((tables.positions**2).sum(1).mean())
    return Read(best[:, 0] == token, best[:, 1] == position, alone == position, gap / length)


def observe(
    tables: Tables, token: Int[ndarray, N], position: Int[ndarray, N], signal: str, generator: np.random.Generator
) -> Float[ndarray, "N D"]:
    """The sums as they are seen: as float32 or bfloat16 holds them, or with noise of so many position RMS."""
    sums = (tables.tokens[token] + tables.positions[position]).astype(np.float32).astype(np.float64)
    if signal == "bfloat16":
        return readers.bfloat16(sums)
    if signal.startswith("noise "):
        rms = np.sqrt((tables.positions**2).mean())
        return sums + float(signal.split()[1]) * rms * generator.normal(size=sums.shape)
    return sums


def nearest_two(tables: Tables, observed: Float[ndarray, "N D"]) -> tuple[Int[ndarray, "N 2"], Float[ndarray, N]]:
    """(v, t) of the nearest sum, and how far that lies from the second nearest; in blocks of one size, one compiled program."""
    tokens, positions = (jnp.asarray(table, jnp.float32) for table in tables)
    best, gaps, count = [], [], len(observed)
    for block in np.pad(observed, [(0, -count % AT_ONCE), (0, 0)]).reshape(-1, AT_ONCE, observed.shape[1]):
        found = np.asarray(candidates(block.astype(np.float32), tokens, positions))
        sums = tables.tokens[found[..., 0]] + tables.positions[found[..., 1]]
        first, second = np.argsort(((sums - block[:, None]) ** 2).sum(-1), axis=1, kind="stable").T[:2]
        rows = np.arange(len(block))
        best.append(found[rows, first])
        gaps.append(np.linalg.norm(sums[rows, first] - sums[rows, second], axis=-1))
    return np.concatenate(best)[:count], np.concatenate(gaps)[:count]


__all__ = ["SIGNALS", "Read", "candidates", "known", "nearest_two", "read"]
