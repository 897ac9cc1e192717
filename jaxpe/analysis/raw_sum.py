"""Readers of the raw sum token + position, as rows of a table: of tables without training, and of a model's own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import jax.numpy as jnp
import numpy as np

from jaxpe.analysis import geometry, readers
from jaxpe.analysis.attention import compute_code
from jaxpe.analysis.hidden import ProbeSample
from jaxpe.analysis.sums import Tables
from jaxpe.data.examples import SPECIALS
from jaxpe.model import Transformer
from jaxpe.study.tables import Measurements, TableRow

MOST_TOKENS = 64  # that the readers of a model's own sum tell apart
OFFSETS = (1, 4, 16, 64)  # k of the rotation that takes PE(p) to PE(p + k)
PRECISE = ("split_error", "smallest_gap", "code_rms", "rotation_residual")  # rounded to three significant digits


def extract_tables(model: Transformer, sample: ProbeSample) -> Tables:
    """The model's own token embeddings and position rows, those that occur in the sample."""
    positions, tokens = np.unique(sample.position), np.unique(sample.token[sample.token >= SPECIALS])
    embedding = np.asarray(model.stack.embedding[...], np.float64)
    code = compute_code(model.stack.encodings[0], jnp.asarray(positions), embedding.shape[1])
    selected = np.random.default_rng(0).permutation(tokens)[:MOST_TOKENS]
    return Tables(embedding[np.sort(selected)], np.asarray(code, np.float64))


def measure_sum(tables: Tables, seed: int, signals: Sequence[str] = readers.SIGNALS, gap: bool = True) -> Measurements:
    """The three readers at the width of the tables.

    `signals`: the forms in which the sum reaches the reader that knows both tables. `gap`: also the smallest distance between
    two sums, which is slow.
    """
    results: Measurements = [({"metric": "smallest_gap"}, readers.find_smallest_gap(tables))] if gap else []
    results.append(({"metric": "position_rows"}, len(tables.positions)))
    results.append(({"metric": "code_rms"}, readers.compute_code_rms(tables)))
    rms = float(np.sqrt((tables.tokens**2).mean()))
    results.append(({"metric": "union_bound"}, readers.bound_accuracy(tables.positions, rms)))
    for signal in signals:
        columns = {"metric": "recovery", "reader": "both tables", "signal": signal}
        results.append((columns, readers.score_both_tables(tables, signal, seed)))
    for reader, share in (
        ("position table", readers.score_position_table(tables)),
        ("neither", readers.score_trained_reader(tables, seed)),
        ("neither, shuffled labels", readers.score_trained_reader(tables, seed, shuffled=True)),
    ):
        results.append(({"metric": "recovery", "reader": reader, "signal": "float32"}, share))
    return [({"width": tables.tokens.shape[1]} | columns, value) for columns, value in results]


def measure_random_tables(draws: int, widths: Sequence[int]) -> list[TableRow]:
    """The three readers of untrained tables at every width, and how exact the rotation of sinusoids is."""
    base = {"experiment": "extraction", "task": readers.RAW_SUM, "positions": "arange"}
    rows = []
    for kind, width, seed in product(("random rows", "sinusoids"), widths, range(draws)):
        results = measure_sum(readers.sample_tables(kind, width, seed), seed, gap=seed < 1)
        if kind == "sinusoids" and seed == 0:
            results += measure_exact_rotation(width)
        rows += add_columns(base | {"encoding": kind, "seed": seed}, results)
    return rows


def measure_exact_rotation(width: int) -> Measurements:
    """What the exact rotation by k places leaves of the variance of the sinusoids: rounding errors."""
    return [
        (
            {"metric": "rotation_residual", "width": width, "offset": k},
            geometry.measure_rotation_residual(readers.POSITIONS, width, k),
        )
        for k in OFFSETS
    ]


def add_columns(base: TableRow, results: Measurements) -> list[TableRow]:
    """Rows of a table, their values rounded."""
    return [base | columns | {"value": round_measurement(columns["metric"], value)} for columns, value in results]


def round_measurement(metric: str, value: float) -> float:
    """Small numbers to three significant digits, shares to four decimals. `recovery` keeps five: one error in 50,000 shows."""
    return float(f"{value:.3g}") if metric in PRECISE else round(value, 5 if metric == "recovery" else 4) + 0.0
