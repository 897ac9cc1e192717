"""Figures of the extraction experiment, drawn from its table alone."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from jaxpe.analysis.probes import MAX_NEAR_DISTANCE
from jaxpe.analysis.readers import RAW_SUM
from jaxpe.figures import draw
from jaxpe.figures.layer_probes import draw_probes, draw_variance
from jaxpe.figures.logit_parts import draw_heads, draw_logit_parts, draw_rotations
from jaxpe.figures.raw_sum import draw_noise, draw_readers

# (target, places) -> title of a panel.
EVERYWHERE = {
    ("position", "all"): "position",
    ("end", "all"): "distance\nto the end",
    ("token", "all"): "token",
    ("neighbour", "all"): "token on\nthe left",
}
NEW_POSITIONS = {
    ("new_random", "all"): "position,\nrandom ones held out",
    ("new_blocks", "all"): "position,\nblocks held out",
    ("near pairs", "all"): f"which comes first?\nheld out, ≤ {MAX_NEAR_DISTANCE} apart",
    ("far pairs", "all"): f"which comes first?\nheld out, > {MAX_NEAR_DISTANCE} apart",
}
BY_PLACE = {
    ("position", "input"): "position,\nat the input",
    ("position", "answers"): "position,\nat the answers",
    ("token", "input"): "token,\nat the input",
    ("answer", "answers"): "answer,\nat the answers",
}


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """The raw sum by width and by noise; and for every task probes by layer, the variance of states, and attention."""
    table = table.assign(series=[draw.format_series(row) for row in table.itertuples()])
    figures = {"readers": draw_readers(table), "noise": draw_noise(table)}
    runs = table[table["task"] != RAW_SUM]
    if (runs["metric"] == "rotation_share").any():
        figures["rotation"] = draw_rotations(table)
    for (task, architecture), part in runs.groupby(["task", "architecture"], sort=False):
        everywhere, apart = part[part["places"] == "all"], part[part["places"].isin(["input", "answers"])]
        drawings = {
            "probes": draw_probes(everywhere, EVERYWHERE, "sequences"),
            "new_places": draw_probes(everywhere, NEW_POSITIONS, "positions of held-out sequences"),
        }
        if len(apart):
            drawings["places"] = draw_probes(apart, BY_PLACE, "sequences")
        drawings["mixing"] = draw_variance(part)
        split = part[part["series"].isin(part["series"][part["metric"] == "logit_share"])]  # exactly
        if len(split):
            drawings["attention"] = draw_logit_parts(split)
        if (part["metric"] == "head_accuracy").any():
            drawings["heads"] = draw_heads(split)
        figures |= {f"{name}_{task}_{architecture}": figure for name, figure in drawings.items()}
    return figures
