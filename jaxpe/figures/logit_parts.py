"""Figures of the first layer's attention logits: shares of their parts, accuracy without each part, and rotations."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.analysis.logit_parts import BY_HEAD, SPLIT_EXACT
from jaxpe.figures import draw
from jaxpe.figures.layer_probes import describe_runs
from jaxpe.figures.style import Style, find_style, pick_style
from jaxpe.study import tables

PARTS = {  # colour, hatch
    "content-content": ("#0072B2", ""),
    "content-position": ("#009E73", "//"),
    "position-content": ("#E69F00", "\\\\"),
    "position-position": ("#D55E00", ".."),
    "constant-content": ("#56B4E9", "++"),
    "constant-position": ("#CC79A7", "oo"),
    "any-constant": ("#999999", "xx"),
}
REMOVALS = {"nothing": "nothing removed"} | {part: part for part in PARTS}
REMOVALS |= {"mixed": "both mixed parts", "constant": "all with constant", "all with position": "all with position"}


def draw_logit_parts(part: pd.DataFrame) -> Figure:
    """The shares of the parts in the first layer's logits, and the accuracy without each of them."""
    names = list(dict.fromkeys(part["series"]))
    figure, (shares_axis, accuracy_axis) = draw.make_panels(2, columns=2, width=4.6, height=4.0)
    draw_logit_shares(shares_axis, tables.select_rows(part, metric="logit_share"), names)
    draw_accuracies(accuracy_axis, tables.select_rows(part, metric="token_accuracy"), names)
    draw.add_legend(figure, [shares_axis, accuracy_axis])
    text = f"{describe_runs(part)}. Shares: means over seeds and heads. Points: seeds; ticks: their means."
    draw.add_caption(figure, f"{text} {describe_split(part)}")
    return figure


def draw_logit_shares(axis: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """A bar for each encoding: the shares of the parts side by side."""
    shares = rows.groupby(["series", "part"])["value"].mean()
    for y, name in enumerate(reversed(names)):
        left = 0.0
        for key, (colour, hatch) in PARTS.items():
            value = float(shares[name, key])
            axis.barh(y, value, 0.6, left, color=colour, hatch=hatch, edgecolor="white", label=key)
            left += max(value, 0.0)
    axis.set_yticks(range(len(names)), list(reversed(names)))
    axis.set_xlabel("share of the logits' variance over keys\n(query part - key part)")


def draw_accuracies(axis: Axes, accuracies: pd.DataFrame, names: list[str]) -> None:
    """A row for each removal: accuracy by encoding, a point for each seed."""
    for i, name in enumerate(names):
        rows = tables.select_rows(accuracies, series=name)
        y = rows["part"].map(list(REMOVALS).index) + 0.72 * ((i + 0.5) / len(names) - 0.5)
        draw_with_means(axis, rows["value"], y, find_style(name), name, 18)
    for column, dashes, label in draw.BASELINES:
        if accuracies[column].notna().any():
            axis.axvline(accuracies[column].iloc[0], color="black", linestyle=dashes, linewidth=1, label=label)
    axis.set_yticks(range(len(REMOVALS)), list(REMOVALS.values()))
    axis.invert_yaxis()
    axis.hlines(np.arange(len(REMOVALS) - 1) + 0.5, 0, 1, color="#dddddd", linewidth=0.6, zorder=0)
    length = accuracies["test_length"].iloc[0]
    axis.set_xlabel(f"token accuracy at length {length:g} without this part\nof the first layer's logits, in all heads")


def describe_split(part: pd.DataFrame) -> str:
    """How exactly the parts add up to the logits, and how many models were left out because they do not."""
    errors = tables.select_rows(part, metric="split_error")["value"]
    kept, dropped = errors[errors <= SPLIT_EXACT], int((errors > SPLIT_EXACT).sum())
    text = f"The parts add up to the logits within {kept.max():.1e} of the largest logit."
    return text + (f" {dropped} models miss them by up to {errors.max():.1e} and are left out." if dropped else "")


def draw_heads(part: pd.DataFrame) -> Figure:
    """Accuracy without a part of the logits in all heads, or in one head: the one that needs it most, and least."""
    names, parts = list(dict.fromkeys(part["series"])), list(BY_HEAD)
    heads = tables.select_rows(part, metric="head_accuracy").groupby(["series", "seed", "part"])["value"]
    whole = tables.select_rows(part, metric="token_accuracy")
    groups = {
        "in the head that needs it most": heads.min().reset_index(),
        "in the head that needs it least": heads.max().reset_index(),
        "in all heads": whole[whole["part"].isin(parts)],
    }
    width = max(2.5, 9.6 / len(names))
    figure, axes = draw.make_panels(len(names), columns=min(len(names), 4), width=width, height=2.9, sharey=True)
    for axis, name in zip(axes, names, strict=True):
        for i, (label, group) in enumerate(groups.items()):
            rows = tables.select_rows(group, series=name)
            y = rows["part"].map(parts.index) + 0.24 * (i - 1)
            draw_with_means(axis, rows["value"], y, pick_style(i + 1), label, 16)
        full = tables.select_rows(whole, series=name, part="nothing")["value"].mean()
        axis.axvline(full, color="black", linewidth=0.9, linestyle="--", label="nothing removed")
        axis.set_yticks(range(len(parts)), parts)
        axis.set_ylim(len(parts) - 0.5, -0.5)
        axis.set_xlim(-0.03, 1.06 * whole["value"].max())
        axis.set_title(name)
        axis.set_xlabel("token accuracy")
    draw.add_legend(figure, axes)
    count = int(part["head"].max()) + 1
    text = (
        f"One part of the first layer's logits removed (query part - key part), {count} heads. {describe_runs(part)}."
    )
    draw.add_caption(figure, text)
    return figure


def draw_rotations(table: pd.DataFrame) -> Figure:
    """Whether query and key rotate sinusoids by one offset: the share of the best rotation, and its offset."""
    shares = tables.select_rows(table, metric="rotation_share")
    panels = [draw.format_panel(row.task, row.architecture) for row in shares.itertuples()]
    shares = shares.assign(name=panels)
    names = list(dict.fromkeys(panels))
    figure, (left, right) = draw.make_panels(2, columns=2, width=4.6, height=1.0 + 0.75 * len(names), sharey=True)
    for y, name in enumerate(names):
        for shift, network, style in ((-0.15, "trained", pick_style(1)), (0.15, "untrained", pick_style(2))):
            rows = tables.select_rows(shares, name=name, network=network)
            place = pd.Series(y + shift, rows.index)
            draw_with_means(left, rows["value"], place, style, network, 22)
            draw.draw_points(right, rows["offset"], place, style, s=22, alpha=0.7)
        border = shares["max_offset"][shares["name"] == name].max()
        label = "border of the range"
        right.vlines([-border, border], y - 0.4, y + 0.4, color="black", linewidth=1, label=label)
    left.set_xlim(-0.02, 1.02)
    left.set_yticks(range(len(names)), names)
    left.set_ylim(len(names) - 0.5, -0.5)
    left.set_xlabel("share of the position-position logits\nthat the best rotation explains")
    right.set_xlabel("its offset k: the query looks k places ahead")
    draw.add_legend(figure, [left, right])
    text = f"Sinusoids, first layer, the head that fits best; ticks: means of {draw.format_seeds(shares)}. At the border of the"
    draw.add_caption(figure, f"{text} range the best offset may lie beyond it. {describe_exact_rotation(table)}")
    return figure


def describe_exact_rotation(table: pd.DataFrame) -> str:
    """How exact the rotation from PE(p) to PE(p + k) is; '' where it was not measured."""
    residuals = tables.select_rows(table, metric="rotation_residual")
    if not len(residuals):
        return ""
    offsets = ", ".join(f"{k:g}" for k in sorted(residuals["offset"].unique()))
    worst = residuals["value"].max()
    return (
        f"The rotation from PE(p) to PE(p + k) is exact for k = {offsets}: at most {worst:.0e} of the variance is left."
    )


def draw_with_means(axis: Axes, x: pd.Series, y: pd.Series, style: Style, label: str, size: float) -> None:
    """Points in rows, with a tick at the mean of each row."""
    draw.draw_points(axis, x, y, style, s=size, alpha=0.7, label=label)
    means = x.groupby(y).mean()
    axis.scatter(means, means.index, color=style.colour, marker="|", s=110, linewidths=1.7)
