"""Figures of three readers of the raw sum token + position: recovery by width, and under rounding and noise."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.analysis import readers
from jaxpe.figures import draw
from jaxpe.figures.style import pick_style
from jaxpe.study import tables

KINDS = {"random rows": "learned", "sinusoids": "sinusoidal"}  # untrained tables -> the encoding to compare with


def draw_readers(table: pd.DataFrame) -> Figure:
    """Recovery of position against width: the more coordinates, the further apart the rows lie."""
    recovery = tables.select_rows(table, metric="recovery", signal="float32")
    untrained = recovery[recovery["encoding"].isin(KINDS)]
    models = recovery[~recovery["encoding"].isin(KINDS)]
    figure, axes = draw.make_panels(2, columns=2, width=4.5, height=3.1, sharey=True)
    for axis, (kind, encoding) in zip(axes, KINDS.items(), strict=True):
        names = [encoding, f"{encoding} rows"]
        draw_recovery(axis, untrained[untrained["encoding"] == kind], models[models["encoding"].isin(names)])
        bound = tables.select_rows(table, metric="union_bound", encoding=kind).groupby("width")["value"].mean()
        dashes = (0, (5, 2))
        axis.plot(bound.index, bound, color="black", linestyle=dashes, linewidth=1.1, label="union bound (at least)")
        counts = tables.select_rows(table, metric="position_rows")
        fewest = counts["value"][counts["encoding"].isin(names)].min()
        for count, line, words in (
            (readers.POSITIONS, ":", "untrained tables"),
            (fewest, "-", "trained tables, fewest positions"),
        ):
            axis.axhline(1 / count, color="black", linestyle=line, linewidth=0.8, label=f"chance, {words}")
        set_width_axis(axis)
        axis.set_title(f"positions are {kind}")
    axes[0].set_ylabel("positions read correctly (share)")
    draw.add_legend(figure, axes, columns=3)
    text = f"Raw sum token + position of untrained tables, {readers.POSITIONS} positions × {readers.TOKENS} tokens; each point is one"
    text += f" of {untrained['seed'].nunique()} draws. Open: tables of trained models ({describe_models(models)}"
    draw.add_caption(
        figure, f"{text}{count_positions(table)}), which have fewer positions and are therefore easier to read."
    )
    return figure


def draw_recovery(axis: Axes, untrained: pd.DataFrame, models: pd.DataFrame) -> None:
    """A line for each reader of untrained tables, and open points for the tables of trained models."""
    for i, reader in enumerate(readers.READERS):
        style, rows = pick_style(i), tables.select_rows(untrained, reader=reader)
        draw.draw_seed_curve(axis, rows["width"], rows["value"], style, f"knows {reader}", s=14)
        if reader != readers.READERS[-1]:
            trained = tables.select_rows(models, reader=reader)
            x = trained["width"] * (1.12 + 0.06 * i)
            axis.scatter(x, trained["value"], facecolors="none", edgecolors=style.colour, marker=style.marker, s=34)


def draw_noise(table: pd.DataFrame) -> Figure:
    """What rounding and noise do to the reader that knows both tables: at one width with trained tables, and by width."""
    recovery = tables.select_rows(table, metric="recovery", reader="both tables")
    recovery = recovery[recovery["encoding"] != "none"]
    untrained, models = recovery[recovery["encoding"].isin(KINDS)], recovery[recovery["task"] != readers.RAW_SUM]
    models = models[models["task"] == models["task"].iloc[0]] if len(models) else models
    figure, (axis, *others) = draw.make_panels(3, columns=3, width=3.9, height=3.6, sharey=True)
    draw_signals(axis, untrained[untrained["width"] == readers.NOISE_WIDTH], models)
    for other, kind in zip(others, KINDS, strict=True):
        for i, signal in enumerate(readers.SIGNALS[1:]):
            rows = tables.select_rows(untrained, encoding=kind, signal=signal)
            label = "bfloat16" if i == 0 else f"{signal} RMS"
            draw.draw_line(other, rows.groupby("width")["value"].mean(), pick_style(i + 6), label)
        set_width_axis(other)
        other.set_title(f"by width, positions are {kind}")
    draw.add_legend(figure, [axis, *others], columns=3)
    least = tables.select_rows(untrained, signal="float32")["value"].min()
    text = (
        "The reader that knows both tables; noise in units of the RMS of the positions. By width: means over untrained"
    )
    text += f" tables of {readers.POSITIONS} positions × {readers.TOKENS} tokens, of which the reader gets at least {least:g} in"
    draw.add_caption(figure, f"{text} float32 without noise. Models: {describe_models(models)}.")
    return figure


def draw_signals(axis: Axes, untrained: pd.DataFrame, models: pd.DataFrame) -> None:
    """Recovery against the form in which the sum is read: a line for each kind of untrained table and each encoding."""
    groups = {f"{name}, untrained": rows for name, rows in untrained.groupby("series", sort=False)}
    for (name, architecture), rows in models.groupby(["series", "architecture"], sort=False):
        groups[f"{name}, trained on {rows['task'].iloc[0]}, {architecture}"] = rows
    for i, (label, rows) in enumerate(groups.items()):
        style, means = pick_style(i), rows.groupby("signal")["value"].mean()
        draw.draw_line(axis, means.reindex(readers.SIGNALS), style, label)
        x = rows["signal"].map(readers.SIGNALS.index) + 0.05 * (i - len(groups) / 2)
        draw.draw_points(axis, x, rows["value"], style, s=20, alpha=0.7)
    chance = 1 / (readers.POSITIONS * readers.TOKENS)
    axis.axhline(chance, color="black", linestyle=":", linewidth=0.9, label="chance, untrained tables")
    labels = [s.replace("noise ", "noise\n") + (" RMS" if "noise" in s else "") for s in readers.SIGNALS]
    axis.set_xticks(range(len(labels)), labels, fontsize="x-small")
    axis.set_ylabel("token and position both\nread correctly (share)")
    axis.set_title(f"width {readers.NOISE_WIDTH}, and trained models")


def set_width_axis(axis: Axes) -> None:
    """A horizontal axis of widths."""
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_xlabel("width D")


def count_positions(table: pd.DataFrame) -> str:
    """', 24 to 64 positions': the numbers of positions of trained tables; '' where there are none."""
    rows = tables.select_rows(table, metric="position_rows")
    counts = rows["value"][~rows["encoding"].isin(KINDS)]
    if not len(counts):
        return ""
    low, high = counts.min(), counts.max()
    return f", {low:g} positions" if low == high else f", {low:g} to {high:g} positions"


def describe_models(models: pd.DataFrame) -> str:
    """'lengths ≤ 12, 5 to 10 seeds, 3 at other widths'."""
    if not len(models):
        return "none here"
    lengths = " or ".join(f"{n:g}" for n in sorted(models["train_length"].dropna().unique()))
    runs, others = models[models["task"] != readers.RAW_SUM], models[models["task"] == readers.RAW_SUM]
    seeds = [draw.format_seeds(runs)] if len(runs) else []
    seeds += [f"{others['seed'].nunique()} at other widths"] if len(others) else []
    return f"lengths ≤ {lengths}, {', '.join(seeds)}"
