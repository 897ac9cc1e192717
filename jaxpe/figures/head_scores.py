"""Figures of the scores of attention heads, of their shares on single tokens, and of their weight by distance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.figures.style import Style, pick_style
from jaxpe.study import tables

KINDS = {
    "previous": "token before",
    "next": "token after",
    "first": "first token",
    "induction": "induction\n(token after the earlier occurrence)",
    "duplicate": "duplicate\n(the earlier occurrence itself)",
    "positional": "share of the variance\nthat the places explain",
}
TOKEN_SHARES = {
    "first": "on the first token",
    "last_tenth": "on the last tenth of the tokens",
    "recent_tenth": "on the last tenth\nof the visible tokens",
}
DISTANCES = (-32, -8, -1, 0, 1, 8, 32)  # with a tick


def draw_scores(table: pd.DataFrame) -> Figure:
    """The best head of every seed, by kind: trained, untrained, on the control of that kind, and uniform."""
    kinds, places = select_kinds(table, KINDS), list(dict.fromkeys(table["place"]))
    figure, axes = draw.make_panels(len(kinds), columns=2, width=max(4.6, 0.95 * len(places)), height=2.4)
    scores = table[table["metric"] == "head_score"]
    controls = tables.select_rows(table, metric="head_baseline", network="trained")
    groups = {
        "trained": tables.select_rows(scores, network="trained"),
        "untrained": tables.select_rows(scores, network="untrained"),
        "control": controls[controls["baseline"] != "uniform"],
    }
    for axis, kind in zip(axes, kinds, strict=True):
        for i, (label, rows) in enumerate(groups.items()):
            best = tables.select_rows(rows, kind=kind).groupby(["place", "seed"])["value"].max()
            for x, place in enumerate(places):
                if place in best.index.get_level_values(0):
                    shifted, style = x + 0.27 * (i - 1), pick_style(i + 1)
                    draw_spread_points(axis, best[place].to_numpy(), shifted, style, label, filled=not i)
        draw_uniform_score(axis, table, kind, places)
        draw.leave_headroom(axis, min(0.0, scores["value"].min()))
        axis.set_title(KINDS[kind], fontsize="medium")
        axis.set_ylabel("share" if kind == "positional" else "mean weight", fontsize="small")
        label_places(axis, places)
    draw.add_legend(figure, axes)
    text = f"{table['encoding'].iloc[0]}: the head with the largest value in each network. Each point is a seed"
    text += f" ({draw.format_seeds(table, ['place'])}). Control: unrepeated tokens (induction, duplicate), or weights rolled"
    draw.add_caption(figure, f"{text} by a random number of keys (variance). Dotted: uniform attention.")
    return figure


def draw_token_shares(table: pd.DataFrame) -> Figure:
    """Attention on the first token and on the last ones, mean over the heads of a layer."""
    kinds, places = select_kinds(table, TOKEN_SHARES), list(dict.fromkeys(table["place"]))
    scores = tables.select_rows(table, metric="head_score", network="trained")
    layers = sorted(scores["layer"].unique())
    figure, axes = draw.make_panels(len(kinds), columns=3, width=max(3.2, 0.8 * len(places)), height=2.5)
    for axis, kind in zip(axes, kinds, strict=True):
        means = tables.select_rows(scores, kind=kind).groupby(["place", "layer", "seed"])["value"].mean()
        for x, place in enumerate(places):
            for i, layer in enumerate(layers):
                if (place, layer) in means.index:
                    shifted = x + 0.3 * (i - (len(layers) - 1) / 2)
                    values = means[place, layer].to_numpy()
                    draw_spread_points(axis, values, shifted, pick_style(i + 1), f"layer {layer:g}")
        draw_uniform_score(axis, table, kind, places)
        draw.leave_headroom(axis)
        axis.set_title(TOKEN_SHARES[kind], fontsize="medium")
        label_places(axis, places)
    axes[0].set_ylabel("share of the attention")
    draw.add_legend(figure, axes)
    text = f"{table['encoding'].iloc[0]}: mean over the heads of a layer and over the queries that see these tokens."
    draw.add_caption(figure, f"{text} Each point is a seed ({draw.format_seeds(table, ['place'])}).")
    return figure


def draw_distances(table: pd.DataFrame) -> Figure:
    """Mean weight of every head against the distance between query and key, one seed."""
    weights = table[table["metric"] == "attention_by_distance"]
    seed = weights["seed"].min()
    weights = weights[weights["seed"] == seed]
    places = list(dict.fromkeys(weights["place"]))
    figure, axes = draw.make_panels(len(places), columns=2, width=4.6, height=2.6)
    for i, (axis, place) in enumerate(zip(axes, places, strict=True)):
        draw_distance_panel(axis, tables.select_rows(weights, place=place), weights["offset"].max())
        axis.set_title(place.replace("\n", ", "), fontsize="medium")
        axis.set_ylabel("mean weight" if i % 2 == 0 else "")
    draw.add_legend(figure, axes)
    name = table["encoding"].iloc[0]
    draw.add_caption(figure, f"{name}, seed {seed:g}: mean over all pairs of places in which the key is visible.")
    return figure


def draw_distance_panel(axis: Axes, weights: pd.DataFrame, last: float) -> None:
    """One panel of `draw_distances`: a line for each head, and uniform attention."""
    trained = tables.select_rows(weights, network="trained")
    for i, ((layer, head), rows) in enumerate(trained.groupby(["layer", "head"])):
        style, rows = pick_style(i), rows.sort_values("offset")
        axis.plot(
            rows["offset"], rows["value"], color=style.colour, marker=style.marker, linestyle=style.dashes,
            markersize=3.5, linewidth=1.3, label=f"layer {layer:g}, head {head:g}",
        )  # fmt: skip
    uniform = tables.select_rows(weights, network="uniform").sort_values("offset")
    axis.plot(uniform["offset"], uniform["value"], color="black", linestyle=":", linewidth=1.1, label="uniform")
    axis.set_xscale("symlog", linthresh=4)
    ticks = [d for d in DISTANCES if weights["offset"].min() <= d <= last]
    axis.set_xticks([d for d in ticks if d or min(ticks) == 0], minor=False)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.set_xlabel("distance: place of the query − place of the key", fontsize="small")


def select_kinds(table: pd.DataFrame, kinds: dict[str, str]) -> list[str]:
    """The kinds that have a score in the table."""
    scored = set(table["kind"][table["metric"] == "head_score"])
    return [kind for kind in kinds if kind in scored]


def label_places(axis: Axes, places: list[str]) -> None:
    """Run configs as labels below a panel."""
    axis.set_xticks(range(len(places)), places, fontsize="x-small")
    axis.set_xlim(-0.6, len(places) - 0.4)


def draw_uniform_score(axis: Axes, table: pd.DataFrame, kind: str, places: list[str]) -> None:
    """The score of uniform attention over the visible keys, as a line for each run config."""
    rows = tables.select_rows(table, metric="head_baseline", kind=kind, baseline="uniform")
    for x, value in enumerate(rows.groupby("place")["value"].mean().reindex(places)):
        if not np.isnan(value):
            axis.hlines(value, x - 0.4, x + 0.4, color="black", linestyle=":", linewidth=1.1, label="uniform")


def draw_spread_points(axis: Axes, values: np.ndarray, x: float, style: Style, label: str, filled: bool = True) -> None:
    """Points around x, spread so that they do not hide each other."""
    spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(len(values))
    face = style.colour if filled else "none"
    axis.scatter(
        x + spread, values, facecolors=face, edgecolors=style.colour, marker=style.marker, s=24, alpha=0.8, label=label
    )
