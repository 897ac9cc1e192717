"""Recovers token and position from their sum, among all sums of a real model's vocabulary and positions.

The reader knows both tables and takes the nearest of all V·P sums. (`readers` does the same for small sampled tables, whose
sums fit into memory.) A reader that knows only the position table takes its nearest row.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from numpy import ndarray

from jaxpe.analysis import readers
from jaxpe.analysis.sums import Tables

MAX_SUMS = 2**25  # tokens × positions, 128 MB: of a larger vocabulary an evenly spaced part is taken
AT_ONCE = 32  # sums read in one call
NEAREST = 512  # tokens that are compared again in float64


class PairRecovery(NamedTuple):
    """Whether each sum was read correctly, and the distance of the nearest other sum, in RMS lengths of a position row."""

    token: Bool[ndarray, "N"]
    position: Bool[ndarray, "N"]
    position_alone: Bool[ndarray, "N"]  # by a reader that knows only the position table
    gap: Float[ndarray, "N"]


@jax.jit
def find_candidates(
    sums: Float[Array, "N D"], tokens: Float[Array, "V D"], positions: Float[Array, "P D"]
) -> Int[Array, "N K 2"]:
    """(v, t) of the e[v] + p[t] nearest to each sum, in float32: NEAREST tokens at the best position, and the best elsewhere.

    The nearest sum has the largest x·e + x·p − ½‖e + p‖². Many tokens are kept, since untrained ones hardly differ.
    """
    squares = (tokens**2).sum(1)[:, None] / 2 + (positions**2).sum(1) / 2
    half_norms = squares + jnp.matmul(tokens, positions.T, precision="highest")
    kept = min(NEAREST, len(tokens))

    def search(x: Float[Array, "D"]) -> Int[Array, "K 2"]:
        of_tokens = jnp.matmul(tokens, x, precision="highest")
        of_positions = jnp.matmul(positions, x, precision="highest")
        by_position = jnp.max(of_tokens[:, None] - half_norms, axis=0) + of_positions
        t = jnp.argmax(by_position)
        other = jnp.argmax(by_position.at[t].set(-jnp.inf))
        near = jax.lax.top_k(of_tokens - half_norms[:, t], kept)[1]
        at_best = jnp.stack([near, jnp.full_like(near, t)], axis=1)
        elsewhere = jnp.stack([jnp.argmax(of_tokens - half_norms[:, other]), other])[None]
        return jnp.concatenate([at_best, elsewhere.astype(at_best.dtype)])

    indices: Array = jax.lax.map(search, sums)
    return indices


def thin_tables(tokens: Float[ndarray, "V D"], positions: Float[ndarray, "P D"]) -> Tables:
    """Both tables, with an evenly spaced part of the vocabulary if all sums would not fit into memory."""
    step = -(-len(tokens) * len(positions) // MAX_SUMS)
    return Tables(np.asarray(tokens[::step], np.float64), np.asarray(positions, np.float64))


def recover_pairs(tables: Tables, signal: str, pairs: int) -> PairRecovery:
    """Reads `pairs` random pairs of token and position from their sums. `signal` as in `readers.observe_sums`.

    Candidates are found in float32 and compared in float64.
    """
    generator = np.random.default_rng((0, 17))
    token = generator.integers(0, len(tables.tokens), pairs)
    position = generator.integers(0, len(tables.positions), pairs)
    known = Tables(*map(readers.round_to_bfloat16, tables)) if signal == "bfloat16" else tables
    observed = observe_pairs(known, token, position, signal, generator)
    best, gap = find_nearest_two(known, observed)
    position_alone = readers.find_nearest(observed, known.positions)
    length = np.sqrt((tables.positions**2).sum(1).mean())
    return PairRecovery(best[:, 0] == token, best[:, 1] == position, position_alone == position, gap / length)


def observe_pairs(
    tables: Tables, token: Int[ndarray, "N"], position: Int[ndarray, "N"], signal: str, generator: np.random.Generator
) -> Float[ndarray, "N D"]:
    """The sums rounded to float32 or bfloat16, or with noise of a multiple of the RMS of positions."""
    sums: ndarray = (tables.tokens[token] + tables.positions[position]).astype(np.float32).astype(np.float64)
    if signal == "bfloat16":
        return readers.round_to_bfloat16(sums)
    if signal.startswith("noise "):
        rms = np.sqrt((tables.positions**2).mean())
        sums = sums + float(signal.split()[1]) * rms * generator.normal(size=sums.shape)
    return sums


def find_nearest_two(
    tables: Tables, observed: Float[ndarray, "N D"]
) -> tuple[Int[ndarray, "N 2"], Float[ndarray, "N"]]:
    """(v, t) of the nearest sum, and its distance to the second nearest. Blocks have one size, so that one program serves all."""
    tokens, positions = (jnp.asarray(table, jnp.float32) for table in tables)
    best, gaps, count = [], [], len(observed)
    for block in np.pad(observed, [(0, -count % AT_ONCE), (0, 0)]).reshape(-1, AT_ONCE, observed.shape[1]):
        indices = np.asarray(find_candidates(block.astype(np.float32), tokens, positions))
        sums = tables.tokens[indices[..., 0]] + tables.positions[indices[..., 1]]
        first, second = np.argsort(((sums - block[:, None]) ** 2).sum(-1), axis=1, kind="stable").T[:2]
        rows = np.arange(len(block))
        best.append(indices[rows, first])
        gaps.append(np.linalg.norm(sums[rows, first] - sums[rows, second], axis=-1))
    return np.concatenate(best)[:count], np.concatenate(gaps)[:count]
