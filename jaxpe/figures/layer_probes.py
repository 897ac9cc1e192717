"""Figures of what probes read from hidden states layer by layer, and of what the variance of the states consists of."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxpe.figures import draw
from jaxpe.figures.style import pick_style
from jaxpe.study import tables

NETWORKS = {
    "trained": "trained",
    "untrained": "untrained",
    "shuffled": "shuffled labels",
    "gaussian": "Gaussian noise instead of states",
}
PARTS = {  # of the variance: label, colour, hatch
    "position": ("position alone", "#D55E00", "//"),
    "end": ("distance to the end, given position", "#E69F00", "\\\\"),
    "token": ("the token there", "#0072B2", ""),
    "answer": ("the answer", "#009E73", "xx"),
    "mixed": ("none of them alone, or other tokens", "#999999", ".."),
}
PLACES = {"input": "at the input", "answers": "at the answers", "all": "all places"}


def draw_probes(part: pd.DataFrame, targets: dict[tuple[str, str], str], held_out: str) -> Figure:
    """Error of a linear probe after every layer: a row for each encoding, a column for each target and its places."""
    names, errors = list(dict.fromkeys(part["series"])), select_errors(part)
    height = max(1.75, 2.6 / len(names))
    figure, axes = draw.make_panels(
        len(names) * len(targets), columns=len(targets), width=2.2, height=height, grid=True, sharey=True, sharex=True
    )
    for axis, (name, (target, places)) in zip(axes, product(names, targets), strict=True):
        draw_networks(axis, tables.select_rows(errors, series=name, target=target, places=places))
        if name == names[0]:
            axis.set_title(targets[target, places], fontsize="medium")
        if (target, places) == next(iter(targets)):
            axis.set_ylabel(f"{name}\nerror / chance", fontsize="small")
        if name == names[-1]:
            axis.set_xlabel("after layer")
    draw.add_legend(figure, axes)
    text = f"Linear probe on held-out {held_out}: 0 is always correct, 1 is guessing. Layer 0 is the raw sum."
    ties = " Two equal readings count one half." if ("near pairs", "all") in targets else ""
    draw.add_caption(figure, f"{text} {describe_runs(part)}; controls: means over seeds.{ties}")
    return figure


def draw_networks(axis: Axes, errors: pd.DataFrame) -> None:
    """One panel of `draw_probes`: trained, untrained, and both controls."""
    for i, (network, label) in enumerate(NETWORKS.items()):
        style, rows = pick_style(i + 1), tables.select_rows(errors, network=network)
        if len(rows) and network == "gaussian":  # which has no layers
            mean = rows["value"].mean()
            axis.axhline(mean, color=style.colour, linestyle=style.dashes, linewidth=1.6, label=label)
        elif len(rows):
            draw.draw_line(axis, rows.groupby("layer")["value"].mean(), style, label)
            draw.draw_points(axis, rows["layer"], rows["value"].clip(upper=1.55), style, s=12, alpha=0.6)
            draw.draw_intervals(axis, rows["layer"], rows["value"])
    if not len(errors):
        axis.text(0.5, 0.5, "no such places", ha="center", va="center", fontsize="small", transform=axis.transAxes)
    axis.axhline(1.0, color="black", linewidth=0.8, linestyle=":", label="chance")
    axis.set_ylim(-0.05, 1.6)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def select_errors(part: pd.DataFrame) -> pd.DataFrame:
    """Probe errors as a share of chance. For the order of two positions, chance is one half."""
    order = part[part["metric"] == "order_accuracy"]
    return pd.concat([part[part["metric"] == "probe_error"], order.assign(value=2 * (1 - order["value"]))])


def draw_variance(part: pd.DataFrame) -> Figure:
    """What position, symbol and neither explain of a state's variance: a column for each encoding.

    Where input and answers are apart they have a row each.
    """
    names = list(dict.fromkeys(part["series"]))
    shares = part[part["metric"] == "variance_share"]
    places = [name for name in PLACES if (shares["places"] == name).any()]
    stacks = shares.groupby(["series", "places", "network", "layer", "part"])["value"].mean().clip(lower=0)
    top = max(1.05, 1.02 * stacks.groupby(level=[0, 1, 2, 3]).sum().max())
    width = max(2.6, 9.6 / len(names))
    figure, axes = draw.make_panels(
        len(names) * len(places), columns=len(names), width=width, height=2.5, grid=True, sharey=True
    )
    for axis, (place, name) in zip(axes, product(places, names), strict=True):
        draw_stacks(axis, tables.select_rows(shares, series=name, places=place), shares["layer"].max())
        axis.set_ylim(0, top)
        if place == places[0]:
            axis.set_title(name)
        if place == places[-1]:
            axis.set_xlabel("after layer")
        if name == names[0]:
            axis.set_ylabel(f"{PLACES[place]}\nshare of the variance", fontsize="small")
    draw.add_legend(figure, axes, columns=3, labels=[label for label, *_ in PARTS.values()])
    least = shares["value"].min()
    text = f"Left bars: trained; pale right bars: the same network untrained. {describe_runs(shares)}."
    if least < -0.005:
        text += f" Held-out shares can be below 0 (minimum {least:.2f}); these are not drawn, so a bar can exceed 1."
    draw.add_caption(figure, text)
    return figure


def draw_stacks(axis: Axes, shares: pd.DataFrame, last: float) -> None:
    """One panel of `draw_variance`: two bars for each layer, means over seeds."""
    for shift, network in ((-0.2, "trained"), (0.2, "untrained")):
        rows = tables.select_rows(shares, network=network)
        means = rows.pivot_table(index="layer", columns="part", values="value").clip(lower=0)
        bottom = np.zeros(len(means))
        for key, (label, colour, hatch) in PARTS.items():
            if key in means:
                look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "white"}
                look |= {"label": label} if network == "trained" else {"alpha": 0.45}
                axis.bar(means.index + shift, means[key].fillna(0), 0.36, bottom, **look)
                bottom += means[key].fillna(0).to_numpy()
    axis.set_xticks(range(int(last) + 1))
    axis.set_xlim(-0.5, last + 0.5)
    if not (shares["layer"] == 0).any():
        axis.text(0, 0.5, "all states\nequal", ha="center", va="center", fontsize="small")


def describe_runs(part: pd.DataFrame) -> str:
    """'reverse, encoder, trained on lengths ≤ 8, 6 seeds'."""
    first = part.iloc[0]
    panel = draw.format_panel(first["task"], first["architecture"])
    return f"{panel}, trained on lengths ≤ {first['train_length']:g}, {draw.format_seeds(part)}"
