"""The measurements of the experiment `pretrained`, as table rows: position tables and controls, sums, word order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis import geometry, joint, position_table, published, word_order
from jaxpe.analysis.objectives import TEXT_PAIR
from jaxpe.analysis.published import PublishedTable
from jaxpe.analysis.readers import SIGNALS
from jaxpe.data import corpus
from jaxpe.pretrained.models import open_model
from jaxpe.records.csv_tables import read_table
from jaxpe.records.results import Results
from jaxpe.records.stored_files import exists
from jaxpe.study.presets import Preset
from jaxpe.study.tables import TableRow, select_rows

TABLE, JOINT, ORDER = "position table", "token + position", "word order"  # in the column `task`
CONTROLS = ("control:gaussian", "control:sinusoidal", "control:smooth")
HERE = "here: {}"  # the name of the table that was trained here on a task
FORWARD = "minilm"  # the model that is run on verses
FIRST_CONTROL_SEED = 7000  # large, so that a table that a user made with seed 0 does not equal a control
SHOWN = 48  # positions of a map and points of a curve, so that the table of results stays small
CONTROL_METRICS = (  # measured of the controls too
    "position_error_share", "position_error_share_block", "order_accuracy", "order_accuracy_near",
    "adjacency", "toeplitz_share", "translation_invariance", "symmetry", "effective_rank",
    "shift_residual_1", "shift_residual_4",
)  # fmt: skip
OWN_COLUMNS = (
    "change", "change_size", "compared_with", "row", "rows", "signal", "text", "tokens", "verse", "width",
)  # fmt: skip
Rows = Iterator[TableRow]


def make_row(task: str, name: str, metric: str, value: float, **columns: object) -> TableRow:
    """A row of the results. `name` goes to the column `encoding`."""
    base = {
        "experiment": "pretrained",
        "task": task,
        "encoding": name,
        "positions": "arange",
        "test_positions": "arange",
    }
    return base | {"seed": 0, "metric": metric, "value": value} | columns


def add_missing_columns(table: pd.DataFrame) -> pd.DataFrame:
    """The table with all columns of this experiment: a run without one of the parts has not written its columns."""
    return table.reindex(columns=[*table.columns, *[name for name in OWN_COLUMNS if name not in table]])


# ── position tables ─────────────────────────────────────────────────────────────────────────────────────────────────


def measure_table(table: PublishedTable) -> Rows:
    """All measures of a published table, and its map and curves."""
    columns = {"architecture": table.kind, "train_length": table.rows.shape[0], "width": table.rows.shape[1]}
    summary = {"rows": table.total, "text": table.sentence}
    yield make_row(TABLE, table.name, "rows_measured", len(table.rows), **summary, **columns)
    tokens = None if table.tokens is None else published.thin_tokens(table.tokens)[None]
    for name, value in position_table.measure_tables(table.rows[None], tokens).items():
        yield make_row(TABLE, table.name, name, round(float(value[0]), 5), **columns)
    yield from sample_curves(table.name, table.rows, columns)


def measure_controls(shape: tuple[int, ...], seeds: int, compared_with: str, curves: bool) -> Rows:
    """Controls of the shape of the table `compared_with`, one of each random kind per seed. `curves`: those of seed 0 too."""
    columns = {"compared_with": compared_with, "train_length": shape[0], "width": shape[1]}
    for seed in range(seeds):
        for name, table in geometry.make_controls(shape[0], shape[1], FIRST_CONTROL_SEED + seed).items():
            if seed and name == "control:sinusoidal":  # there is only one
                continue
            values = position_table.measure_tables(table[None])
            for metric in CONTROL_METRICS:
                yield make_row(TABLE, name, metric, round(float(values[metric][0]), 5), **columns | {"seed": seed})
            if curves and not seed:
                yield from sample_curves(name, table, columns)


def sample_curves(name: str, table: Float[ndarray, "P D"], columns: dict[str, object]) -> Rows:
    """The similarity map, one row of it per table row; similarity by lag; the spectrum: each at few positions."""
    shown = np.unique(np.linspace(0, len(table) - 1, SHOWN).round().astype(int))
    cosines = geometry.compute_similarity(table[shown] - table.mean(0), centre=False)
    for position, line in zip(shown, cosines, strict=True):
        numbers = " ".join(f"{value:.2f}" for value in line)
        mean = round(float(line.mean()), 5)
        yield make_row(TABLE, name, "similarity_row", mean, row=int(position), text=numbers, **columns)
    for metric, curve in position_table.compute_curves(table[None]).items():
        first = 1 if metric == "spectrum" else 0
        for place in np.unique(np.geomspace(1, len(curve[0]), SHOWN).round().astype(int) - 1):
            yield make_row(TABLE, name, metric, float(curve[0, place]), row=int(place) + first, **columns)


def copy_trained_pair(results: Results) -> list[TableRow]:
    """The measures of the learned tables of `TEXT_PAIR` and of their controls, from `structure` in the same results folder."""
    path = results.folder / "structure" / "table.csv"
    if not exists(path):
        return []
    table = read_table(path)
    table = table[table["metric"].isin(CONTROL_METRICS)]
    if "rows" in table:
        table = table[table["rows"].notna()]  # measures of tables, not of hidden states
    pair = select_rows(table[table["task"].isin(TEXT_PAIR)], encoding="learned", positions="arange")
    if "starts" in pair:
        pair = pair[pair["starts"] == "packed"]
    if "corpus" in pair and len(pair):
        pair = pair[pair["corpus"] == pair["corpus"].iloc[0]]
    columns = ["task", "architecture", "encoding", "positions", "seed", "train_length", "metric", "value"]
    lines = pair[columns].to_numpy(object)
    rows = [{"experiment": "pretrained"} | dict(zip(columns, line, strict=True)) for line in lines]
    return rows + copy_controls(table, pair) if {"rows", "width"} <= set(pair) else rows


def copy_controls(table: pd.DataFrame, pair: pd.DataFrame) -> list[TableRow]:
    """The controls of `structure` that have the shape of a table of the pair."""
    rows = []
    for task, part in pair.groupby("task", sort=False):
        height, width = int(part["rows"].iloc[0]), int(part["width"].iloc[0])
        columns = {"compared_with": HERE.format(task), "train_length": height, "width": width}
        controls = select_rows(table[table["encoding"].isin(CONTROLS)], rows=height, width=width)
        for name, metric, value, seed in controls[["encoding", "metric", "value", "seed"]].itertuples(index=False):
            rows.append(make_row(TABLE, name, metric, value, seed=seed, **columns))
    return rows


# ── sums and word order ─────────────────────────────────────────────────────────────────────────────────────────────


def measure_sums(table: PublishedTable, pairs: int) -> Rows:
    """Random tokens at random positions, read from their sum under every signal."""
    assert table.tokens is not None
    known = joint.thin_tables(table.tokens, table.rows)
    distinct = len({row.tobytes() for row in np.asarray(known.tokens, np.float32)})
    sizes = {"tokens": len(known.tokens), "rows": len(known.positions)}
    columns = {"architecture": table.kind, "n_examples": pairs} | sizes
    yield make_row(JOINT, table.name, "distinct_tokens", distinct, **columns)
    for signal in SIGNALS:
        reading = joint.recover_pairs(known, signal, pairs)
        metrics = {
            "joint_recovered": reading.token & reading.position,
            "token_recovered": reading.token,
            "position_recovered": reading.position,
            "position_recovered_alone": reading.position_alone,
        }
        for metric, correct in metrics.items():
            yield make_row(JOINT, table.name, metric, round(float(correct.mean()), 6), signal=signal, **columns)
        if signal == "float32":
            gap = float(reading.gap.min())
            yield make_row(JOINT, table.name, "nearest_other_sum", gap, signal=signal, **columns)


def measure_word_order(preset: Preset) -> Rows:
    """The change of every verse's sentence embedding."""
    texts, count = corpus.load_corpus(preset.corpus, preset.text_column).validation, max(6, preset.examples // 16)
    for change in word_order.measure_changes(open_model(FORWARD), texts, count):
        name = FORWARD if change.has_positions else f"{FORWARD}, {word_order.WITHOUT}"
        for verse, value in enumerate(change.values):
            columns = {"change": change.kind, "change_size": change.size, "verse": verse}
            yield make_row(
                ORDER, name, "embedding_change", float(value), **columns, n_examples=1, architecture="encoder"
            )


# ── reading the results ─────────────────────────────────────────────────────────────────────────────────────────────


def read_value(table: pd.DataFrame, **columns: object) -> float:
    """The value of the first selected row."""
    return float(select_rows(table, **columns)["value"].iloc[0])


def read_changes(table: pd.DataFrame, kind: str, size: int = 0, has_positions: bool = True) -> Float[ndarray, "N"]:
    """The changes of all verses, in their order."""
    name = FORWARD if has_positions else f"{FORWARD}, {word_order.WITHOUT}"
    rows = select_rows(table, task=ORDER, encoding=name, change=kind, change_size=size)
    return np.asarray(rows.sort_values("verse")["value"], np.float64)
