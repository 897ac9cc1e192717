"""Figures of what attention heads do, drawn from a table with the rows of `jaxpe.analysis.heads`."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.figures.head_losses import draw_ablation
from jaxpe.figures.head_maps import draw_maps
from jaxpe.figures.head_scores import draw_distances, draw_scores, draw_token_shares


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """For every encoding: scores, shares, curves and ablations; and the maps of every run config that has them."""
    figures: dict[str, Figure] = {}
    heads = table[table["metric"].str.startswith(("head_", "attention_by_"))]
    if not len(heads):
        return figures
    heads = name_places(heads)
    for encoding, part in heads.groupby("encoding", sort=False):
        figures[f"head_scores_{encoding}"] = draw_scores(part)
        figures[f"head_shares_{encoding}"] = draw_token_shares(part)
        if (part["metric"] == "attention_by_distance").any():
            figures[f"head_distance_{encoding}"] = draw_distances(part)
        if (part["metric"] == "head_knockout").any():
            figures[f"head_ablation_{encoding}"] = draw_ablation(part)
    for (task, architecture, series), part in heads.groupby(["task", "architecture", "series"], sort=False):
        if (part["metric"] == "head_map").any():
            name = str(series).replace(" + ", "_")
            figures[f"head_examples_{task}_{architecture}_{name}"] = draw_maps(part)
    return figures


def name_places(table: pd.DataFrame) -> pd.DataFrame:
    """With the columns `series`, the encoding with its sampler, and `place`, a run config as a label of an axis."""
    series = [draw.format_series(row) for row in table.itertuples()]
    places = [
        f"{row.task}\n{row.architecture.replace('_', '-')}"
        + ("" if row.positions == "arange" else f"\n{row.positions}")
        for row in table.itertuples()
    ]
    return table.assign(series=series, place=places)
