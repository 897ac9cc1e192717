"""Figures of the catalogue experiment, drawn from its table alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from jaxpe.analysis.ranking import (
    PUBLISHED,
    RANKED,
    STANDS_FOR,
    describe_sizes,
    select_beyond,
    select_common,
    select_deciding,
)
from jaxpe.figures import draw
from jaxpe.study import tables


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """A map for each task and architecture, and the encodings of the published ranking."""
    table = name_series(table)
    figures, common = {}, select_common(table)
    for task, architecture in draw.list_panels(common):
        part = tables.select_rows(common, task=task, architecture=architecture, metric="token_accuracy")
        figures[f"map_{task}_{architecture}"] = draw_map(part, task, architecture)
    return figures | {"ranking": draw_ranking(table)}


def name_series(table: pd.DataFrame) -> pd.DataFrame:
    """The table with one name for an encoding, its sampler if it is not arange, and what it was tested with."""
    sampler = np.where(table["positions"] == "arange", "", " + " + table["positions"])
    change = table["tested_with"].astype(object).fillna("").astype(str)
    suffix = np.where(change == "", "", ", tested with " + change)
    return table.assign(encoding=table["encoding"] + sampler + suffix)


def draw_map(part: pd.DataFrame, task: str, architecture: str) -> Figure:
    """Encodings down, test lengths across, in each field the mean over seeds."""
    lengths = sorted(part["test_length"].unique())
    n = int(part["train_length"].iloc[0])
    means = part.pivot_table(index="encoding", columns="test_length", values="value", sort=False)
    beyond = means[[length for length in lengths if length > n]].mean(axis=1)
    names = beyond.sort_values(ascending=False).index
    figure, [axis] = draw.make_panels(1, width=4.2 + 0.45 * len(lengths), height=0.9 + 0.235 * len(names))
    values = means.loc[names].to_numpy()
    axis.imshow(values, vmin=0, vmax=1, cmap="cividis", aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "black" if value > 0.55 else "white"
        axis.text(column, row, f"{value:.2f}".lstrip("0"), ha="center", va="center", color=colour, fontsize="small")
    axis.set_xticks(range(len(lengths)), format_lengths(part, lengths), fontsize="small")
    axis.set_yticks(range(len(names)), names, fontsize="small")
    axis.axvline(lengths.index(n) + 0.5, color="white", linewidth=2)
    baselines = "length-only baseline" if architecture == "decoder" else "length-only and order-blind baselines"
    axis.set_xlabel(f"test length; below it the {baselines}")
    axis.set_title(f"{draw.format_panel(task, architecture)}: token accuracy, trained up to {n}", fontsize="medium")
    seeds = draw.format_seeds(part)
    draw.add_caption(figure, f"Means over {seeds}, sorted by the mean beyond N (right of the white line).")
    return figure


def format_lengths(part: pd.DataFrame, lengths: list[float]) -> list[str]:
    """Every test length with its baselines below it."""
    baselines = part.groupby("test_length")[["length_baseline", "order_blind_baseline"]].first()
    labels = []
    for length in lengths:
        length_only, blind = baselines.loc[length]
        labels.append(f"{int(length)}\n{length_only:.2f}" + ("" if np.isnan(blind) else f"\n{blind:.2f}"))
    return labels


def draw_ranking(table: pd.DataFrame) -> Figure:
    """Exact match from N + 1 to 2 N of the encodings that Kazemnejad et al. compared, and their results."""
    tasks = [task for task in PUBLISHED if len(tables.select_rows(table, task=task, architecture="decoder"))]
    figure, axes = draw.make_panels(max(1, len(tasks)), columns=2, width=4.4, height=3.0)
    for axis, task in zip(axes, tasks, strict=False):
        part = tables.select_rows(table, task=task, architecture="decoder", metric="exact_match")
        part = select_beyond(select_deciding(part))
        groups = part[part["encoding"].isin(RANKED)].groupby(["encoding", "seed"], as_index=False, sort=False)
        means = groups[["value", "length_baseline", "order_blind_baseline"]].mean()  # over lengths
        names = [name for name in RANKED if name in set(means["encoding"])]
        draw.draw_seeds(axis, means, names)
        for place, name in enumerate(names):
            published = PUBLISHED[task][STANDS_FOR.get(name, name)]
            ends = [place - 0.3, place + 0.3]
            axis.plot(ends, [published] * 2, color="#999999", linewidth=3, label="Kazemnejad et al.", zorder=0)
        axis.set_title(f"{task}, decoder, lengths from N + 1 to 2 N\n{describe_sizes(part)}", fontsize="medium")
        axis.set_ylabel("exact match")
        axis.set_ylim(-0.03, 1.05)
    draw.add_legend(figure, axes, columns=6)
    draw.add_caption(
        figure,
        "Points: seeds, means over lengths. Grey: Kazemnejad et al. 2023, 138 M parameters, N = 20; their rotary encoding "
        "turns a quarter of each head.",
    )
    return figure
