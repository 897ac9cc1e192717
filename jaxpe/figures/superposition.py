"""The figures of the experiment `superposition`: each is a function of its table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.analysis.photographs import WEIGHTINGS, estimate_by_jackknife
from jaxpe.analysis.sums import TOKENS
from jaxpe.analysis.superposition import SINGLE, SUMS
from jaxpe.figures import draw
from jaxpe.figures.style import Style, pick_style
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
    axes.hlines(np.mean(values), place - 0.3 * width, place + 0.3 * width, color=look.colour, linewidth=2)


def describe_seeds(part: pd.DataFrame) -> str:
    return f"{part['seed'].nunique()} seeds (points), {int(part['n_examples'].min()):,} or more pairs each"


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
    left.annotate(f"chance {chance:.2f}", (2.4, chance), (0, 4), textcoords="offset points", ha="right", fontsize="small")
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
    draw.add_caption(figure, f"Two test digits of different classes; {describe_seeds(part)}.")
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
            share = estimate_by_jackknife(part["first"][rows], part["second"][rows], hit[rows])
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
    tasks = [task for task in ("digits", "photographs") if len(tables.select_rows(table, task=task, metric="picture_named"))]
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
    overlaps, named = tables.select_rows(table, metric="subspace_overlap"), tables.select_rows(table, metric="both_named")
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


def draw_pile(table: pd.DataFrame) -> Figure:
    """Verses rebuilt exactly from a shuffled pile of sums by width, one line a noise; and those of the pretrained model."""
    part = tables.select_rows(table, metric="verses_rebuilt")
    real = part[part["encoding"].isin(PRETRAINED)]
    names = [name for name in dict.fromkeys(part["encoding"]) if name not in PRETRAINED]
    figure, all_axes = draw.make_panels(max(1, len(names)), columns=2, width=5.0 if len(names) > 1 else 9.0, height=3.8)
    for axes, name in zip(all_axes, names or [""], strict=True):
        of_name = tables.select_rows(part, encoding=name)
        shown = pd.concat([of_name, real])
        for i, noise in enumerate(sorted(shown["noise"].unique())):
            look, label = pick_style(i), "no noise" if noise == 0 else f"noise {noise:g}"
            big = {"markersize": 11, "markerfacecolor": "white"} if noise == 0 else {"markersize": 6}  # seen behind
            for source, dashes in ((of_name, look.dashes), (real, "")):
                rows = tables.select_rows(source, noise=noise)
                means = rows.groupby("width")["value"].mean()
                options: dict[str, Any] = {"color": look.colour, "marker": look.marker, "linestyle": dashes} | big
                axes.plot(means.index, means, label=label, **options)
                draw.draw_points(axes, rows["width"], rows["value"], look, s=12, alpha=0.4)
        for width, model in dict.fromkeys(zip(real["width"], real["encoding"], strict=True)):
            axes.annotate(PRETRAINED[model], (width, 0.5), ha="center", fontsize="small")
        widths = sorted(shown["width"].unique())
        axes.set_xscale("log", base=2)
        axes.set_xticks(widths, [f"{width:g}" for width in widths])
        axes.set_xlim(widths[0] / 1.2, widths[-1] * 1.5)
        axes.minorticks_off()
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("width of the vectors")
        axes.set_ylabel("verses rebuilt, every token")
        axes.set_title(f"word + {name} position, shuffled into a pile: the sentence is sorted again")
    draw.add_legend(figure, all_axes, columns=5)
    texts = {metric: tables.select_rows(table, metric=metric)["text"] for metric in ("pile_text", "rebuilt_text")}
    pile_text, rebuilt_text = (f"“{text.iloc[0]}”" if len(text) else "not run" for text in texts.values())
    seeds = " or ".join(f"{n}" for n in sorted(set(part.groupby("encoding")["seed"].nunique())))
    noisy = real[real["noise"] > 0]["seed"].nunique()
    seeds += f" (MiniLM with noise: {noisy})" if len(real) else ""
    draw.add_caption(
        figure,
        f"The pile: {pile_text}\nRebuilt from the sums alone: {rebuilt_text}\n"
        f"{int(part['n_examples'].max())} verses of up to 64 tokens, {seeds} seeds (points); "
        "noise: per number, as a share of a token's size. Chance: 0.",
    )
    return figure


PRETRAINED = {"minilm": "MiniLM-L6,\na pretrained model's\nown vectors"}


def draw_tag_swap(table: pd.DataFrame) -> Figure:
    """Swapped tags against swapped words, next to the size of an ordinary change."""
    names = list(dict.fromkeys(tables.select_rows(table, task="tag_swap")["encoding"]))
    figure, (axes,) = draw.make_panels(1, width=9.0, height=1.6 + 0.28 * len(names))
    series = {
        "words_against_original": (
            "“the man bites the dog” against “the dog bites the man”",
            Style("#D55E00", "^", ""),
        ),
        "tags_against_words": (
            "only the position tags of dog and man swapped, against the words swapped",
            Style("#0072B2", "s", ""),
        ),
    }
    for i, (metric, (label, look)) in enumerate(series.items()):
        part = tables.select_rows(table, metric=metric)
        places = [names.index(name) + 0.15 * (2 * i - 1) for name in part["encoding"]]
        values = part["value"].clip(lower=1e-8)
        draw.draw_points(axes, values, places, look, s=36, alpha=0.8, label=label)
    axes.axvline(1e-5, color="black", linestyle=":", linewidth=1, label="1e-5: rounding")
    axes.set_xscale("log")
    axes.set_xlim(5e-9, 100)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("largest difference of any output")
    axes.set_title("Move the tag, not the word: it is the same sentence")
    draw.add_legend(figure, [axes], columns=1)
    seeds = table[table["task"] == "tag_swap"]["seed"].nunique()
    draw.add_caption(
        figure,
        f"Encoder of 2 layers with fresh weights, {seeds} seeds (points), compared word by word. 0 is drawn at 1e-8.",
    )
    return figure
