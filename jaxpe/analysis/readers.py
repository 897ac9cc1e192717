"""Three readers of the raw sum token + position: what each must know to take the position out again.

A token table is V × D, a position table P × D; an observation is a row of one plus a row of the other, perhaps rounded or
with noise. Who knows both tables looks for the nearest of all V·P sums: exact unless two sums coincide. Who knows the
position table only takes its nearest row, for the token is noise. Who knows neither is trained (`jaxpe.analysis.probes`).
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import norm

from jaxpe.analysis import probes
from jaxpe.encodings.sinusoidal import reference_embed

CHUNK = 512  # rows compared at once
TOKENS, POSITIONS = 24, 128  # of the tables that are drawn, not trained
SIGNALS = ("float32", "bfloat16", "noise 0.1", "noise 0.3", "noise 1", "noise 3")  # how a sum is observed
NOISE_WIDTH = 32  # at which drawn tables under noise stand beside trained ones
RAW = "raw sum"  # stands for the task where nothing is trained
READERS = ("both tables", "position table", "neither", "neither, shuffled labels")
HELD_OUT = 1 / 3  # of the tokens, for the reader that is trained


class Tables(NamedTuple):
    """What is added up. Their rows are compared in float64."""

    tokens: Float[ndarray, "V D"]
    positions: Float[ndarray, "P D"]


def drawn(kind: str, width: int, seed: int) -> Tables:
    """Gaussian tokens beside Gaussian ("random rows") or sinusoidal ("sinusoids") positions, all of RMS 1."""
    generator = np.random.default_rng((seed, width))
    tokens, rows = generator.normal(size=(TOKENS, width)), generator.normal(size=(POSITIONS, width))
    if kind == "sinusoids":
        rows = reference_embed(np.zeros((POSITIONS, width)), np.arange(POSITIONS))
    return Tables(tokens, rows)


def all_sums(tables: Tables) -> Float[ndarray, "N D"]:
    """Every token at every position, as float32 holds it; row v·P + p."""
    tokens, rows = (np.asarray(part, np.float32) for part in tables)
    sums = tokens[:, None] + rows
    return sums.reshape(-1, sums.shape[-1]).astype(np.float64)


def code_rms(tables: Tables) -> float:
    """How much the position rows differ at all: the RMS about their mean row. 0: nothing was added, or the same everywhere."""
    return float((tables.positions - tables.positions.mean(0)).std())


def squared_distances(a: Float[ndarray, "N D"], b: Float[ndarray, "M D"]) -> Float[ndarray, "N M"]:
    return (a * a).sum(1)[:, None] - 2 * a @ b.T + (b * b).sum(1)


def nearest(observed: Float[ndarray, "N D"], candidates: Float[ndarray, "M D"]) -> Int[ndarray, N]:
    """The index of the nearest candidate (the first of several)."""
    parts = [observed[first : first + CHUNK] for first in range(0, len(observed), CHUNK)]
    return np.concatenate([squared_distances(part, candidates).argmin(1) for part in parts])


def smallest_gap(tables: Tables) -> float:
    """The least distance between the sums of two different pairs (token, position): 0 where two coincide."""
    sums, least = all_sums(tables), np.inf
    for first in range(0, len(sums), CHUNK):
        part = sums[first : first + CHUNK]
        distances = squared_distances(part, sums)
        distances[np.arange(len(part)), first + np.arange(len(part))] = np.inf
        other = sums[distances.argmin(1)]  # compared again: the expanded square loses small differences
        least = min(least, float(np.sqrt(((part - other) ** 2).sum(1)).min()))
    return least


def union_bound(table: Float[ndarray, "P D"], token_rms: float = 1.0) -> float:
    """A lower bound on how often the nearest row is the right one under Gaussian tokens, at least 0.

    Row p' is preferred to p with probability Q(‖p − p'‖ / 2σ); the bound is 1 minus their sum over p', mean over p.
    """
    distances = np.sqrt(np.maximum(squared_distances(table, table), 0))
    wrong = norm.sf(distances / (2 * token_rms))
    np.fill_diagonal(wrong, 0)
    return max(0.0, float(1 - wrong.sum(1).mean()))


def bfloat16(x: Float[ndarray, "N D"]) -> Float[ndarray, "N D"]:
    """Rounded to eight significant bits."""
    return np.asarray(jnp.asarray(x, jnp.bfloat16), np.float64)


def observe(tables: Tables, signal: str, seed: int, most: int = 512) -> tuple[Float[ndarray, "N D"], Int[ndarray, N]]:
    """Sums as they are ("float32"), "bfloat16" (tables and sum rounded), or with "noise S" of S position RMS.

    At most `most` of them, drawn without replacement, beside their row numbers among all sums.
    """
    generator = np.random.default_rng((seed, 1))
    sums = all_sums(tables)
    rows = generator.permutation(len(sums))[:most]
    if signal == "bfloat16":
        sums = bfloat16(all_sums(Tables(*map(bfloat16, tables))))
    elif signal.startswith("noise "):
        rms = np.sqrt((tables.positions**2).mean())
        sums = sums + float(signal.split()[1]) * rms * generator.normal(size=sums.shape)
    return sums[rows], rows


def knows_both(tables: Tables, signal: str = "float32", seed: int = 0) -> float:
    """Share of observations from which token and position are both read right."""
    observed, rows = observe(tables, signal, seed)
    return float((nearest(observed, all_sums(tables)) == rows).mean())


def knows_positions(tables: Tables, signal: str = "float32", seed: int = 0) -> float:
    """Share of observations whose position is read right by the nearest row of the position table."""
    observed, rows = observe(tables, signal, seed, most=4096)
    return float((nearest(observed, tables.positions) == rows % len(tables.positions)).mean())


def knows_neither(tables: Tables, seed: int = 0, shuffled: bool = False) -> float:
    """The same for a linear reader trained on other tokens at the same positions. `shuffled`: on labels in random order."""
    generator = np.random.default_rng((seed, 2))
    count, places = len(tables.tokens), len(tables.positions)
    token, position = np.repeat(np.arange(count), places), np.tile(np.arange(places), count)
    test = np.isin(token, generator.permutation(count)[: max(1, round(HELD_OUT * count))])
    split = probes.Split(~test, test, token)
    return probes.classified(all_sums(tables), position, [split], seed if shuffled else None).accuracy
