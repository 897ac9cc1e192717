"""Figures of what a model loses without a head, or without the pattern of a head."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxpe.figures import draw
from jaxpe.figures.style import pick_style
from jaxpe.study import tables

SCORES = {
    "previous": "weight on the token before",
    "next": "weight on the token after",
    "first": "weight on the first token",
    "induction": "weight on the token\nafter the earlier occurrence",
    "positional": "share of the variance that the places explain",
}
KEY_CHANGES = {"pattern": "without these keys", "another key": "without as many others"}
MAP_CHANGES = {"uniform": "uniform weights", "mean map": "its mean map"}


def draw_ablation(table: pd.DataFrame) -> Figure:
    """Loss without a pattern of one head, against how much of its weight lies there; last, without the whole head."""
    knockouts = table[table["metric"] == "head_knockout"]
    kinds = [kind for kind in SCORES if (knockouts["kind"] == kind).any()]
    places = list(dict.fromkeys(knockouts["place"]))
    figure, axes = draw.make_panels(len(kinds) + 1, columns=3, width=3.4, height=2.7)
    for axis, kind in zip(axes, kinds, strict=False):
        losses = add_scores(tables.select_rows(knockouts, kind=kind), table, kind)
        changes = MAP_CHANGES if kind == "positional" else KEY_CHANGES
        draw_head_losses(axis, losses, places, changes)
        filled, empty = changes.values()
        axis.set_title(f"● {filled} / ○ {empty}", fontsize="x-small")
        axis.set_xlabel(SCORES[kind], fontsize="small")
    ablations = table[table["metric"] == "head_ablation"].assign(change="head")
    draw_head_losses(axes[-1], add_scores(ablations, table, "positional"), places, {"head": ""})
    axes[-1].set_title("without the whole head", fontsize="x-small")
    axes[-1].set_xlabel(SCORES["positional"], fontsize="small")
    for axis in axes[::3]:
        axis.set_ylabel("loss above that of the whole model\n(nats per answer)", fontsize="small")
    draw.add_legend(figure, axes, columns=3)
    seeds = draw.format_seeds(knockouts, ["place"])
    text = f"{table['encoding'].iloc[0]}: each point is a head of a seed ({seeds}). Induction: loss on the repetition."
    draw.add_caption(figure, text)
    return figure


def draw_head_losses(axis: Axes, losses: pd.DataFrame, places: list[str], changes: dict[str, str]) -> None:
    """One panel of `draw_ablation`: filled points for the first change, open points for the second."""
    for i, place in enumerate(places):
        style = pick_style(i)
        for filled, change in zip((True, False), changes, strict=False):
            rows = tables.select_rows(losses, place=place, change=change)
            axis.scatter(
                rows["score"], rows["value"], marker=style.marker, edgecolors=style.colour, s=22, alpha=0.75,
                facecolors=style.colour if filled else "none", label=place.replace("\n", ", ") if filled else None,
            )  # fmt: skip
    axis.axhline(0, color="black", linewidth=0.7, linestyle=":")
    if losses["value"].abs().max() > 0.05:
        axis.set_yscale("symlog", linthresh=0.01)
        axis.set_ylim(top=1.6 * losses["value"].max())
    axis.xaxis.set_major_locator(MaxNLocator(4))


def add_scores(losses: pd.DataFrame, table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Losses with the score of the same head in the column `score`."""
    columns = ["place", "seed", "layer", "head"]
    scores = tables.select_rows(table, metric="head_score", network="trained", kind=kind)
    return losses.merge(scores[[*columns, "value"]].rename(columns={"value": "score"}), on=columns)
