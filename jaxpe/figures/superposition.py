"""The figures of the experiment `superposition`: each is a function of its table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.analysis.photographs import MIXES, jackknife
from jaxpe.analysis.superposition import TOKENS
from jaxpe.figures import style as draw
from jaxpe.figures.style import Style
from jaxpe.study import tables

SINGLE, SUMS = "never shown sums", "trained on sums"
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


def all_of(table: Any) -> dict[str, Figure]:
    """Every figure for which the table has rows."""
    made = {
        "digits": digits(table),
        "bridge": bridge(table),
        "watermark": watermark(table),
        "move_the_tag": tag_swap(table),
    }
    metrics, more = (
        set(table["metric"]),
        {"verses_rebuilt": ("shuffled_pile", pile), "better_rank": ("photographs", photographs)},
    )
    return made | {name: drawn(table) for metric, (name, drawn) in more.items() if metric in metrics}


def points(axes: Axes, place: float, values: Any, look: Style, label: str | None = None, width: float = 1.0) -> None:
    """A point a seed, side by side, and a bar at their mean."""
    spread = place + width * np.linspace(-0.14, 0.14, len(values))
    draw.points(axes, spread, values, look, s=30, alpha=0.8, label=label)
    axes.hlines(np.mean(values), place - 0.3 * width, place + 0.3 * width, color=look.colour, linewidth=2)


def seeds_and_examples(part: pd.DataFrame) -> str:
    return f"{part['seed'].nunique()} seeds (points), {int(part['n_examples'].min()):,} or more pairs each"


def digits(table: Any) -> Figure:
    """Both classes of a sum named, by three readers; and how far down the worse placed of the two lies."""
    figure, (left, right) = draw.panels(2, columns=2, width=4.9, height=3.4)
    for place, (name, rows) in enumerate(DIGIT_READERS.items()):
        part = tables.select(table, metric="both_named", **rows)
        points(left, place, part["value"].to_numpy(), LOOKS[name])
        ranked = tables.select(table, metric="worse_rank_up_to", **rows).groupby("rank")["value"].mean()
        look = LOOKS[name]
        right.plot(
            ranked.index, ranked, color=look.colour, marker=look.marker, linestyle=look.dashes, label=name, markersize=5
        )
    chance = tables.select(table, metric="both_named", parts="digit + digit")["length_baseline"].iloc[0]
    left.axhline(chance, color="black", linestyle=":", linewidth=1)
    left.annotate(f"chance {chance:.2f}", (2.4, chance), (0, 4), textcoords="offset points", ha="right", fontsize=8)
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
    draw.legend(figure, [right])
    part = tables.select(table, metric="both_named")
    part = part[part["parts"].isin(["digit + digit", "digit + fixed digit"])]
    draw.caption(figure, f"Even mix of two test digits of different classes; {seeds_and_examples(part)}.")
    return figure


def photographs(table: Any) -> Figure:
    """What an ImageNet classifier says of all pairs of photographs, for each way to mix them."""
    part, top = tables.select(table, metric="better_rank"), 12
    figure, (axes,) = draw.panels(1, width=9.0, height=3.6)
    worse = part[["rank_first", "rank_second"]].max(axis=1)
    outcomes = {
        "one of the two comes first": (part["value"] == 1, Style("#0072B2", "s", "")),
        f"both in the top {top}": (worse <= top, Style("#009E73", "o", "")),
        f"neither in the top {top} (panda + banana of the question)": (part["value"] > top, Style("#D55E00", "^", "")),
    }
    for shift, (name, (hit, look)) in enumerate(outcomes.items()):
        for place, mix in enumerate(MIXES):
            own = part["mix"] == mix
            found = jackknife(part["first"][own], part["second"][own], hit[own])
            x, label = place + 0.22 * (shift - 1), name if place == 0 else None
            axes.bar(x, found.value, 0.2, color=look.colour, alpha=0.35)
            axes.plot(x, found.value, color=look.colour, marker=look.marker, linestyle="", label=label)
            if found.low is not None and found.high is not None:
                axes.vlines(x, found.low, found.high, color=look.colour)
            axes.annotate(f"{found.value:.2f}", (x, found.value), (7, 3), textcoords="offset points", fontsize=8)
    axes.set_xticks(range(len(MIXES)), ["mean of the two", "sum, clipped", "3/4 and 1/4", "1/4 and 3/4"])
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("share of pairs")
    axes.set_title("Two photographs added: does the classifier still see them?")
    draw.legend(figure, [axes], columns=3)
    alone, pairs = tables.select(table, metric="rank_alone"), int((part["mix"] == "mean").sum())
    text = f"EfficientNet-Lite0 (for ResNet50), {pairs} pairs; alone, {alone_told(alone['value'])}.\n"
    draw.caption(figure, text + "Lines: 95 %, jackknife over photographs. Chance: 0.002, 0.000 and 0.976.")
    return figure


def sees(alone: pd.Series) -> bool:
    """Do 18 in 20 photographs come first alone? Otherwise what is said of their sums is not the sums' doing."""
    return bool((alone == 1).mean() >= 0.9)


def alone_told(alone: pd.Series) -> str:
    """'19 of 21 photographs come first', with a warning where that is too few."""
    few = (
        "" if sees(alone) else " (fewer than 18 in 20: the classifier does not see these photographs, nothing follows)"
    )
    return f"{int((alone == 1).sum())} of {len(alone)} photographs come first{few}"


def watermark(table: Any) -> Figure:
    """A picture with a fixed pattern, a second image or grey: is it named, and is the other thing read?"""
    tasks = [task for task in ("digits", "photographs") if len(tables.select(table, task=task, metric="picture_named"))]
    figure, axes = draw.panels(len(tasks), columns=2, width=4.9 if len(tasks) > 1 else 8.0, height=3.8)
    for one, task in zip(axes, tasks, strict=True):
        for kind in ("fixed pattern", "second image", "plain grey"):
            for metric, dashes, face in (("picture_named", "-", None), ("other_read", "--", "white")):
                part = tables.select(table, task=task, metric=metric, added=kind)
                if not len(part):
                    continue
                look, means = LOOKS[kind], part.groupby("weight")["value"].mean()
                what = {"fixed pattern": "pattern's number read back", "second image": "second image named"}
                label = f"picture named, {kind} added" if metric == "picture_named" else what[kind]
                one.plot(
                    means.index, means, color=look.colour, marker=look.marker, linestyle=dashes, label=label,
                    markerfacecolor=face or look.colour, markersize=5,
                )  # fmt: skip
        floors = tables.select(table, task=task, added="second image").groupby("metric")["length_baseline"].first()
        one.axhline(floors["picture_named"], color="black", linestyle=":", linewidth=0.8)
        one.axhline(floors["other_read"], color="black", linestyle=(0, (1, 4)), linewidth=0.8)
        one.set_xlabel("weight of what is added")
        one.set_ylim(-0.03, 1.03)
        part = tables.select(table, task=task, metric="picture_named")
        count = f"{int(part['n_examples'].max())} {task}" + (
            f", {part['seed'].nunique()} seeds" if task == "digits" else ""
        )
        one.set_title(f"{task} ({count})")
    axes[0].set_ylabel("share of pictures")
    draw.legend(figure, axes, columns=2)
    draw.caption(
        figure,
        "Solid: the picture is still named. Dashed, open: the other thing is read back.\n"
        "Dotted: chance (sparse: of a second image; of a pattern it is 0.016).\n"
        "Patterns: one of 64, random signs, as strong as a picture. The classifiers were never shown a mix.",
    )
    return figure


def bridge(table: Any) -> Figure:
    """For every kind of sum: overlap of the parts' subspaces, and both named without and with sums in training."""
    table = table.assign(of=[of_what(row) for row in table.itertuples()])
    overlaps, named = tables.select(table, metric="subspace_overlap"), tables.select(table, metric="both_named")
    names = list(dict.fromkeys(overlaps["of"]))
    figure, (left, right) = draw.panels(2, columns=2, width=4.9, height=3.5)
    for place, name in enumerate(names):
        points(left, place, tables.select(overlaps, of=name)["value"].to_numpy(), Style("#009E73", "D", "-"))
        for shift, reader in ((-0.17, SINGLE), (0.17, SUMS)):
            own = tables.select(named, of=name, reader=reader)
            points(right, place + shift, own["value"].to_numpy(), LOOKS[reader], reader if place == 0 else None, 0.5)
        chance, label = (
            tables.select(named, of=name)["length_baseline"].iloc[0],
            "chance" if place == 0 else "_nolegend_",
        )
        right.hlines(chance, place - 0.4, place + 0.4, color="black", linestyle=":", linewidth=1, label=label)
    chance = overlaps["length_baseline"].iloc[0]
    left.axhline(chance, color="black", linestyle=":", linewidth=1)
    left.annotate(f"unrelated: {chance:g}", (-0.4, chance), (0, 4), textcoords="offset points", fontsize=8)
    left.set_title("How much do the two parts share?")
    left.set_ylabel("overlap of their subspaces (1: the same)")
    right.set_title("Are both parts of the sum named?")
    right.set_ylabel("share of sums with both named")
    for axes in (left, right):
        axes.set_ylim(-0.02, 1.04)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_xticks(range(len(names)), [name.replace("+ ", "+\n") for name in names], fontsize=8.5)
    draw.legend(figure, [right])
    chances = ", ".join(f"{floor:.2g}" for floor in named.groupby("of", sort=False)["length_baseline"].first())
    seeds = named["seed"].nunique()
    draw.caption(
        figure,
        f"{seeds} seeds (points); 64 numbers a part, equal energy. Chance to name both, left to right: {chances}.",
    )
    return figure


def of_what(row: Any) -> str:
    """'digit + digit', 'token + sinusoidal position'."""
    parts, encoding = getattr(row, "parts", None), getattr(row, "encoding", None)
    return f"token + {encoding}\nposition" if parts == TOKENS and isinstance(encoding, str) else str(parts)


def pile(table: Any) -> Figure:
    """Verses rebuilt exactly from a shuffled pile of sums, against width, a line a noise; beside it the pretrained model's."""
    part = tables.select(table, metric="verses_rebuilt")
    real = part[part["encoding"].isin(PRETRAINED)]
    names = [name for name in dict.fromkeys(part["encoding"]) if name not in PRETRAINED]
    figure, all_axes = draw.panels(max(1, len(names)), columns=2, width=5.0 if len(names) > 1 else 9.0, height=3.8)
    for axes, name in zip(all_axes, names or [""], strict=True):
        of_name = tables.select(part, encoding=name)
        shown = pd.concat([of_name, real])
        for i, noise in enumerate(sorted(shown["noise"].unique())):
            look, label = draw.style_at(i), "no noise" if noise == 0 else f"noise {noise:g}"
            big = {"markersize": 11, "markerfacecolor": "white"} if noise == 0 else {"markersize": 6}  # seen behind
            for own, dashes in ((of_name, look.dashes), (real, "")):
                own = tables.select(own, noise=noise)
                means = own.groupby("width")["value"].mean()
                given: dict[str, Any] = {"color": look.colour, "marker": look.marker, "linestyle": dashes} | big
                axes.plot(means.index, means, label=label, **given)
                draw.points(axes, own["width"], own["value"], look, s=12, alpha=0.4)
        for width, model in dict.fromkeys(zip(real["width"], real["encoding"], strict=True)):
            axes.annotate(PRETRAINED[model], (width, 0.5), ha="center", fontsize=8)
        widths = sorted(shown["width"].unique())
        axes.set_xscale("log", base=2)
        axes.set_xticks(widths, [f"{width:g}" for width in widths])
        axes.set_xlim(widths[0] / 1.2, widths[-1] * 1.5)
        axes.minorticks_off()
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("width of the vectors")
        axes.set_ylabel("verses rebuilt, every token")
        axes.set_title(f"word + {name} position, shuffled into a pile: the sentence is sorted again")
    draw.legend(figure, all_axes, columns=5)
    texts = {metric: tables.select(table, metric=metric)["text"] for metric in ("pile_text", "rebuilt_text")}
    pile_text, rebuilt_text = (f"“{text.iloc[0]}”" if len(text) else "not run" for text in texts.values())
    seeds = " or ".join(f"{n}" for n in sorted(set(part.groupby("encoding")["seed"].nunique())))
    noisy = real[real["noise"] > 0]["seed"].nunique()
    seeds += f" (MiniLM with noise: {noisy})" if len(real) else ""
    draw.caption(
        figure,
        f"The pile: {pile_text}\nRebuilt from the sums alone: {rebuilt_text}\n"
        f"{int(part['n_examples'].max())} verses of up to 64 tokens, {seeds} seeds (points); "
        "noise: per number, as a share of a token's size. Chance: 0.",
    )
    return figure


PRETRAINED = {"minilm": "MiniLM-L6,\na pretrained model's\nown vectors"}


def tag_swap(table: Any) -> Figure:
    """Tags moved against words moved, beside the size of an ordinary change."""
    names = list(dict.fromkeys(tables.select(table, task="tag_swap")["encoding"]))
    figure, (axes,) = draw.panels(1, width=9.0, height=1.6 + 0.28 * len(names))
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
        part = tables.select(table, metric=metric)
        places = [names.index(name) + 0.15 * (2 * i - 1) for name in part["encoding"]]
        values = part["value"].clip(lower=1e-8)
        draw.points(axes, values, places, look, s=36, alpha=0.8, label=label)
    axes.axvline(1e-5, color="black", linestyle=":", linewidth=1, label="1e-5: rounding")
    axes.set_xscale("log")
    axes.set_xlim(5e-9, 100)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("largest difference of any output")
    axes.set_title("Move the tag, not the word: it is the same sentence")
    draw.legend(figure, [axes], columns=1)
    seeds = table[table["task"] == "tag_swap"]["seed"].nunique()
    draw.caption(
        figure,
        f"Encoder of 2 layers with fresh weights, {seeds} seeds (points), compared word by word. 0 is drawn at 1e-8.",
    )
    return figure
