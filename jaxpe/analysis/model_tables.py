"""The position tables of trained models, and rows of a results table that describe them. P positions, D model width."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis import geometry, position_table, trained_rows
from jaxpe.analysis.attention import compute_code
from jaxpe.model import Transformer
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training import parameters
from jaxpe.training.config import RunConfig

SHOWN = 13  # positions of a map, evenly spaced, and half the points of a curve, so that the table stays small
CONTROLS = 6  # draws of each random control
CONTROL = {"experiment": "structure", "task": "controls", "positions": "arange"}


class Codes(NamedTuple):
    """What the models of a run config add at the positions that training visited, and a sentence that says which those are."""

    before: Float[ndarray, "S P D"]  # training
    after: Float[ndarray, "S P D"]
    sentence: str


def extract_codes(work: Workspace, group: Sequence[Run]) -> Codes:
    """The codes of the models of a run config, before training and after it.

    Of a learned table, these are the rows that training changed for every seed; of a code without parameters, those that the
    sampler produces.
    """
    config = group[0].config
    stream = work.open_source(config).stream
    before = compute_codes([parameters.init_model(config, stream, run.seed) for run in group], config)
    after = compute_codes([work.load_model(run) for run in group], config)
    if (before != after).any():
        kept, sentence = trained_rows.find_changed_rows(before, after)
    else:
        visited = config.sampler.bound(stream.sizes(stream.lengths(1, config.train_length)[-1])[0])
        kept, sentence = np.arange(visited), f"Rows 0-{visited - 1} were met in training."
    return Codes(before[:, kept].astype(np.float64), after[:, kept].astype(np.float64), sentence)


def compute_codes(models: Sequence[Transformer], config: RunConfig) -> Float[ndarray, "S P D"]:
    """What each model adds to an embedding of zeros, at every position (on the target side)."""
    places = jnp.arange(config.table_length)
    return np.stack([np.asarray(compute_code(model.stack.encodings[0], places, config.width)) for model in models])


def make_table_rows(
    bases: Sequence[TableRow],
    codes: Float[ndarray, "S P D"],
    tokens: Float[ndarray, "S V D"] | None,
    by_seed: Collection[str],
    with_curves: bool,
) -> list[TableRow]:
    """Every measure of a stack of tables.

    `bases` are the columns of each seed. Measures in `by_seed` have a row for each seed; the others have their mean, which
    keeps the table small. `with_curves`: also a similarity map and curves.
    """
    size = {"rows": codes.shape[1], "width": codes.shape[2]}
    rows = list[TableRow]()
    for name, values in position_table.measure_tables(codes, tokens).items():
        pairs = list(zip(bases, values, strict=True))
        if name not in by_seed and np.isfinite(values).any():
            pairs = [(bases[0] | {"seed": None}, np.nanmean(values))]
        rows += [
            base | size | {"metric": name, "value": round(float(value), 5)}
            for base, value in pairs
            if np.isfinite(value)
        ]
    return rows + make_curve_rows(bases[0], codes) if with_curves else rows


def make_curve_rows(base: TableRow, codes: Float[ndarray, "S P D"]) -> list[TableRow]:
    """Similarity between some positions for the first seed, and curves as means over seeds."""
    rows = list[TableRow]()
    shown = np.unique(np.linspace(0, codes.shape[1] - 1, SHOWN).round().astype(int))
    similarity = geometry.compute_similarity(codes[0])
    for i, j in ((i, j) for i in shown for j in shown if i <= j):
        value = round(float(similarity[i, j]), 3)
        rows.append(base | {"metric": "similarity", "row": i, "column": j, "value": value})
    for name, curve in position_table.compute_curves(codes).items():
        mean, first = curve.mean(0), 1 if name == "spectrum" else 0
        places = np.unique(np.linspace(0, len(mean) - 1, min(len(mean), 2 * SHOWN)).round().astype(int))
        columns = base | {"seed": None, "metric": name}
        rows += [columns | {"row": i + first, "value": float(f"{mean[i]:.3g}")} for i in places]
    return rows


def make_control_rows(shapes: Sequence[tuple[int, int]], seeds: int, by_seed: Collection[str]) -> list[TableRow]:
    """Sinusoids, Gaussian rows and smooth random rows of the shapes of the learned tables, and the exact rotation."""
    rows = []
    for positions, width in shapes:
        controls = position_table.make_control_tables(positions, width, range(min(CONTROLS, seeds)))
        for name, stack in controls.items():
            kept = stack[:1] if name == "control:sinusoidal" else stack
            bases = [CONTROL | {"encoding": name, "seed": i} for i in range(len(kept))]
            rows += make_table_rows(bases, kept, None, by_seed, with_curves=(positions, width) == max(shapes))
        exact = {"encoding": "control:sinusoidal", "seed": 0, "rows": positions, "width": width}
        residual = geometry.measure_rotation_residual(positions, width)
        rows.append(CONTROL | exact | {"metric": "rotation_residual", "value": residual})
    return rows
