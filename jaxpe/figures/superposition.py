"""The figures of the experiment `superposition`: each is a function of its table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.analysis.photographs import WEIGHTINGS, estimate_over_photographs
from jaxpe.analysis.sums import TOKENS
from jaxpe.analysis.superposition import SINGLE, SUMS
from jaxpe.figures import draw
from jaxpe.figures.style import Style
from jaxpe.figures.word_tags import draw_pile, draw_tag_swap
from jaxpe.study import tables

LOOKS = {
    SINGLE: Style("#666666", "o", "-"),
    SUMS: Style("#0072B2", "s", "--"),
    "knows the ten second parts": Style("#D55E00", "^", "-."),
    "fixed pattern": Style("#0072B2", "s", "-"),
    "second image": Style("#D55E00", "^", "-"),
    "plain grey": Style("#666666", "o", "-"),
}
DIGIT_READERS = {  # name: the rows it is drawn from
    SINGLE: {"parts": "digit + digit", "reader": SINGLE},
    SUMS: {"parts": "digit + digit", "reader": SUMS},
    "knows the ten second parts": {"parts": "digit + fixed digit", "reader": SUMS},
}


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """Every figure for which the table has rows."""
    figures = {
        "digits": draw_digits(table),
        "bridge": draw_bridge(table),
        "watermark": draw_watermark(table),
        "move_the_tag": draw_tag_swap(table),
    }
    optional = {"verses_rebuilt": ("shuffled_pile", draw_pile), "better_rank": ("photographs", draw_photographs)}
    metrics = set(table["metric"])
    return figures | {name: draw_one(table) for metric, (name, draw_one) in optional.items() if metric in metrics}


def draw_seeds(
    axes: Axes, place: float, values: Any, look: Style, label: str | None = None, width: float = 1.0
) -> None:
    """A point a seed, side by side, and a bar at their mean."""
    spread = place + width * np.linspace(-0.14, 0.14, len(values))
    draw.draw_points(axes, spread, values, look, s=30, alpha=0.8, label=label)
    draw.draw_interval(axes, place, values)
    axes.hlines(np.mean(values), place - 0.3 * width, place + 0.3 * width, color=look.colour, linewidth=2)


def draw_digits(table: pd.DataFrame) -> Figure:
    """Both classes of a sum named, by three readers; and the rank of the lower of the two."""
    figure, (left, right) = draw.make_panels(2, columns=2, width=4.9, height=3.4)
    for place, (name, rows) in enumerate(DIGIT_READERS.items()):
        part = tables.select_rows(table, metric="both_named", **rows)
        draw_seeds(left, place, part["value"].to_numpy(), LOOKS[name])
        ranked = tables.select_rows(table, metric="worse_rank_up_to", **rows).groupby("rank")["value"].mean()
        look = LOOKS[name]
        right.plot(
            ranked.index, ranked, color=look.colour, marker=look.marker, linestyle=look.dashes, label=name, markersize=5
        )
    chance = tables.select_rows(table, metric="both_named", parts="digit + digit")["length_baseline"].iloc[0]
    left.axhline(chance, color="black", linestyle=":", linewidth=1)
    left.annotate(
        f"chance {chance:.2f}", (2.4, chance), (0, 4), textcoords="offset points", ha="right", fontsize="small"
    )
    left.set_xticks(range(3), ["never\nshown sums", "trained\non sums", "knows the ten\nsecond digits"])
    left.set_title("Two digits added: are both named?")
    left.set_ylabel("share of sums with both named")
    ranks = np.arange(2, 11)
    right.plot(ranks, ranks * (ranks - 1) / 90, color="black", linestyle=":", linewidth=1, label="chance")
    right.set_title("How many guesses until both are named?")
    right.set_xlabel("guesses (classes taken from the top)")
    right.set_ylabel("share of sums")
    for axes in (left, right):
        axes.set_ylim(-0.02, 1.02)
    draw.add_legend(figure, [right])
    part = tables.select_rows(table, metric="both_named")
    part = part[part["parts"].isin(["digit + digit", "digit + fixed digit"])]
    seeds, pairs = part["seed"].nunique(), int(part["n_examples"].min())
    text = f"Two test digits of different classes; {seeds} seeds (points), {pairs:,} or more pairs each."
    draw.add_caption(figure, text)
    return figure


def draw_photographs(table: pd.DataFrame) -> Figure:
    """What an ImageNet classifier sees in all pairs of photographs, for each way to add them."""
    part, top = tables.select_rows(table, metric="better_rank"), 12
    figure, (axes,) = draw.make_panels(1, width=9.0, height=3.6)
    worse = part[["rank_first", "rank_second"]].max(axis=1)
    outcomes = {
        "one of the two comes first": (part["value"] == 1, Style("#0072B2", "s", "")),
        f"both in the top {top}": (worse <= top, Style("#009E73", "o", "")),
        f"neither in the top {top} (panda + banana of the question)": (part["value"] > top, Style("#D55E00", "^", "")),
    }
    for shift, (name, (hit, look)) in enumerate(outcomes.items()):
        for place, weighting in enumerate(WEIGHTINGS):
            rows = part["weighting"] == weighting
            share = estimate_over_photographs(part["first"][rows], part["second"][rows], hit[rows])
            x, label = place + 0.22 * (shift - 1), name if place == 0 else None
            axes.bar(x, share.value, 0.2, color=look.colour, alpha=0.35)
            axes.plot(x, share.value, color=look.colour, marker=look.marker, linestyle="", label=label)
            if share.low is not None and share.high is not None:
                axes.vlines(x, share.low, share.high, color=look.colour)
            axes.annotate(f"{share.value:.2f}", (x, share.value), (7, 3), textcoords="offset points", fontsize="small")
    axes.set_xticks(range(len(WEIGHTINGS)), ["mean of the two", "sum, clipped", "3/4 and 1/4", "1/4 and 3/4"])
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("share of pairs")
    axes.set_title("Two photographs added: does the classifier still see them?")
    draw.add_legend(figure, [axes], columns=3)
    alone, pairs = tables.select_rows(table, metric="rank_alone"), int((part["weighting"] == "mean").sum())
    text = f"EfficientNet-Lite0 (for ResNet50), {pairs} pairs; alone, {describe_alone(alone['value'])}.\n"
    draw.add_caption(figure, text + "Lines: 95 %, jackknife over photographs. Chance: 0.002, 0.000 and 0.976.")
    return figure


def recognizes(alone: pd.Series) -> bool:
    """Whether at least 90 % of the photographs come first alone. If not, nothing follows from their sums."""
    return bool((alone == 1).mean() >= 0.9)


def describe_alone(alone: pd.Series) -> str:
    """'19 of 21 photographs come first', with a warning where that is too few."""
    few = (
        ""
        if recognizes(alone)
        else " (below 90 %: the classifier does not recognize these photographs, so nothing follows)"
    )
    return f"{int((alone == 1).sum())} of {len(alone)} photographs come first{few}"


def draw_watermark(table: pd.DataFrame) -> Figure:
    """A picture with a fixed pattern, a second image or grey: is it named, and is the added part read back?"""
    tasks = [
        task for task in ("digits", "photographs") if len(tables.select_rows(table, task=task, metric="picture_named"))
    ]
    figure, axes = draw.make_panels(len(tasks), columns=2, width=4.9 if len(tasks) > 1 else 8.0, height=3.8)
    for axis, task in zip(axes, tasks, strict=True):
        for kind in ("fixed pattern", "second image", "plain grey"):
            for metric, dashes, face in (("picture_named", "-", None), ("other_read", "--", "white")):
                part = tables.select_rows(table, task=task, metric=metric, added=kind)
                if not len(part):
                    continue
                look, means = LOOKS[kind], part.groupby("weight")["value"].mean()
                what = {"fixed pattern": "pattern's number read back", "second image": "second image named"}
                label = f"picture named, {kind} added" if metric == "picture_named" else what[kind]
                axis.plot(
                    means.index, means, color=look.colour, marker=look.marker, linestyle=dashes, label=label,
                    markerfacecolor=face or look.colour, markersize=5,
                )  # fmt: skip
        chance = tables.select_rows(table, task=task, added="second image").groupby("metric")["length_baseline"].first()
        axis.axhline(chance["picture_named"], color="black", linestyle=":", linewidth=0.8)
        axis.axhline(chance["other_read"], color="black", linestyle=(0, (1, 4)), linewidth=0.8)
        axis.set_xlabel("weight of what is added")
        axis.set_ylim(-0.03, 1.03)
        part = tables.select_rows(table, task=task, metric="picture_named")
        count = f"{int(part['n_examples'].max())} {task}" + (
            f", {part['seed'].nunique()} seeds" if task == "digits" else ""
        )
        axis.set_title(f"{task} ({count})")
    axes[0].set_ylabel("share of pictures")
    draw.add_legend(figure, axes, columns=2)
    draw.add_caption(
        figure,
        "Solid: the picture is still named. Dashed, open: the added part is read back.\n"
        "Dotted: chance (sparse: of a second image; of a pattern it is 0.016).\n"
        "Patterns: one of 64, random signs, as strong as a picture. The classifiers were never shown a sum.",
    )
    return figure


def draw_bridge(table: pd.DataFrame) -> Figure:
    """For every kind of sum: overlap of the two subspaces, and both parts named, without and with sums in training."""
    table = table.assign(of=[name_sum(row) for row in table.itertuples()])
    overlaps, named = (
        tables.select_rows(table, metric="subspace_overlap"),
        tables.select_rows(table, metric="both_named"),
    )
    names = list(dict.fromkeys(overlaps["of"]))
    figure, (left, right) = draw.make_panels(2, columns=2, width=4.9, height=3.5)
    for place, name in enumerate(names):
        draw_seeds(left, place, tables.select_rows(overlaps, of=name)["value"].to_numpy(), Style("#009E73", "D", "-"))
        for shift, reader in ((-0.17, SINGLE), (0.17, SUMS)):
            rows = tables.select_rows(named, of=name, reader=reader)
            draw_seeds(
                right, place + shift, rows["value"].to_numpy(), LOOKS[reader], reader if place == 0 else None, 0.5
            )
        chance, label = (
            tables.select_rows(named, of=name)["length_baseline"].iloc[0],
            "chance" if place == 0 else "_nolegend_",
        )
        right.hlines(chance, place - 0.4, place + 0.4, color="black", linestyle=":", linewidth=1, label=label)
    chance = overlaps["length_baseline"].iloc[0]
    left.axhline(chance, color="black", linestyle=":", linewidth=1)
    left.annotate(f"unrelated: {chance:g}", (-0.4, chance), (0, 4), textcoords="offset points", fontsize="small")
    left.set_title("How much do the two parts share?")
    left.set_ylabel("overlap of their subspaces (1: the same)")
    right.set_title("Are both parts of the sum named?")
    right.set_ylabel("share of sums with both named")
    for axes in (left, right):
        axes.set_ylim(-0.02, 1.04)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_xticks(range(len(names)), [name.replace("+ ", "+\n") for name in names], fontsize="small")
    draw.add_legend(figure, [right])
    chances = ", ".join(f"{value:.2g}" for value in named.groupby("of", sort=False)["length_baseline"].first())
    seeds = named["seed"].nunique()
    draw.add_caption(
        figure,
        f"{seeds} seeds (points); 64 numbers a part, equal energy. Chance to name both, left to right: {chances}.",
    )
    return figure


def name_sum(row: Any) -> str:
    """'digit + digit', 'token + sinusoidal position'."""
    parts, encoding = getattr(row, "parts", None), getattr(row, "encoding", None)
    return f"token + {encoding}\nposition" if parts == TOKENS and isinstance(encoding, str) else str(parts)
