"""Three readers of the raw sum token + position, which differ in what they know.

A token table is V × D, a position table P × D. An observation is the sum of a row of each, possibly rounded or with noise. A
reader that knows both tables finds the nearest of all V·P sums, which is exact unless two sums coincide. A reader that knows
only the position table takes its nearest row; the token is noise to it. A reader that knows neither is trained
(`jaxpe.analysis.probes`). Distances are computed in float64.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.stats import norm

from jaxpe.analysis import probes
from jaxpe.analysis.sums import Tables
from jaxpe.encodings.sinusoidal import reference_embed

CHUNK = 512  # rows compared at once
TOKENS, POSITIONS = 24, 128  # of the tables that are sampled, not trained
SIGNALS = ("float32", "bfloat16", "noise 0.1", "noise 0.3", "noise 1", "noise 3")  # how a sum is observed
NOISE_WIDTH = 32  # of the sampled tables that are compared with trained ones under noise
RAW_SUM = "raw sum"  # takes the place of the task of sampled tables
READERS = ("both tables", "position table", "neither", "neither, shuffled labels")
HELD_OUT = 1 / 3  # of the tokens, for the reader that is trained


def sample_tables(kind: str, width: int, seed: int) -> Tables:
    """Gaussian tokens, and positions that are Gaussian ("random rows") or sinusoidal ("sinusoids"), all of RMS 1."""
    generator = np.random.default_rng((seed, width))
    tokens, rows = generator.normal(size=(TOKENS, width)), generator.normal(size=(POSITIONS, width))
    if kind == "sinusoids":
        rows = reference_embed(np.zeros((POSITIONS, width)), np.arange(POSITIONS))
    return Tables(tokens, rows)


def list_sums(tables: Tables) -> Float[ndarray, "N D"]:
    """Every token at every position, rounded to float32; row v·P + p."""
    tokens, rows = (np.asarray(part, np.float32) for part in tables)
    sums = tokens[:, None] + rows
    return sums.reshape(-1, sums.shape[-1]).astype(np.float64)


def compute_code_rms(tables: Tables) -> float:
    """RMS of the position rows about their mean. 0: nothing is added, or the same everywhere."""
    return float((tables.positions - tables.positions.mean(0)).std())


def compute_cross_distances(a: Float[ndarray, "N D"], b: Float[ndarray, "M D"]) -> Float[ndarray, "N M"]:
    """Squared distances between the rows of a and those of b."""
    return np.asarray((a * a).sum(1)[:, None] - 2 * a @ b.T + (b * b).sum(1))


def find_nearest(observed: Float[ndarray, "N D"], candidates: Float[ndarray, "M D"]) -> Int[ndarray, "N"]:
    """The index of the nearest candidate, of equally near ones the first."""
    parts = [observed[first : first + CHUNK] for first in range(0, len(observed), CHUNK)]
    return np.concatenate([compute_cross_distances(part, candidates).argmin(1) for part in parts])


def find_smallest_gap(tables: Tables) -> float:
    """The smallest distance between the sums of two different pairs (token, position). 0: two coincide."""
    sums, smallest = list_sums(tables), np.inf
    for first in range(0, len(sums), CHUNK):
        part = sums[first : first + CHUNK]
        distances = compute_cross_distances(part, sums)
        distances[np.arange(len(part)), first + np.arange(len(part))] = np.inf
        other = sums[distances.argmin(1)]  # subtracted again: the expanded square loses small differences
        smallest = min(smallest, float(np.sqrt(((part - other) ** 2).sum(1)).min()))
    return smallest


def bound_accuracy(table: Float[ndarray, "P D"], token_rms: float = 1.0) -> float:
    """A lower bound on the accuracy of the nearest row under Gaussian tokens, at least 0 (the union bound).

    Row p' is nearer than p with probability Q(‖p − p'‖ / 2σ). The bound is 1 minus the sum over p', averaged over p.
    """
    distances = np.sqrt(np.maximum(compute_cross_distances(table, table), 0))
    errors = norm.sf(distances / (2 * token_rms))
    np.fill_diagonal(errors, 0)
    return max(0.0, float(1 - errors.sum(1).mean()))


def round_to_bfloat16(x: Float[ndarray, "N D"]) -> Float[ndarray, "N D"]:
    """The numbers rounded to bfloat16, eight significant bits."""
    return np.asarray(jnp.asarray(x, jnp.bfloat16), np.float64)


def observe_sums(
    tables: Tables, signal: str, seed: int, most: int = 512
) -> tuple[Float[ndarray, "N D"], Int[ndarray, "N"]]:
    """At most `most` sums, sampled without replacement, and their row numbers among all sums.

    `signal`: "float32", "bfloat16" (tables and sums rounded), or "noise S" (Gaussian noise of S times the RMS of positions).
    """
    generator = np.random.default_rng((seed, 1))
    sums = list_sums(tables)
    rows = generator.permutation(len(sums))[:most]
    if signal == "bfloat16":
        sums = round_to_bfloat16(list_sums(Tables(*map(round_to_bfloat16, tables))))
    elif signal.startswith("noise "):
        rms = np.sqrt((tables.positions**2).mean())
        sums = sums + float(signal.split()[1]) * rms * generator.normal(size=sums.shape)
    return sums[rows], rows


def score_both_tables(tables: Tables, signal: str = "float32", seed: int = 0) -> float:
    """Share of observations from which token and position are both read correctly."""
    observed, rows = observe_sums(tables, signal, seed)
    return float((find_nearest(observed, list_sums(tables)) == rows).mean())


def score_position_table(tables: Tables) -> float:
    """Share of sums, rounded to float32, whose position is that of the nearest row of the position table."""
    observed, rows = observe_sums(tables, "float32", 0, most=4096)
    return float((find_nearest(observed, tables.positions) == rows % len(tables.positions)).mean())


def score_trained_reader(tables: Tables, seed: int = 0, shuffled: bool = False) -> float:
    """Share of positions read correctly by a linear probe trained on other tokens. `shuffled`: its labels are in random order."""
    generator = np.random.default_rng((seed, 2))
    tokens, positions = len(tables.tokens), len(tables.positions)
    token, position = np.repeat(np.arange(tokens), positions), np.tile(np.arange(positions), tokens)
    test = np.isin(token, generator.permutation(tokens)[: max(1, round(HELD_OUT * tokens))])
    split = probes.Split(~test, test, token)
    return probes.probe_class(list_sums(tables), position, [split], seed if shuffled else None).accuracy
