"""The figures of words with position tags: the shuffled pile, and swapped tags."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.figures.style import Style, pick_style
from jaxpe.study import tables

PRETRAINED = {"minilm": "MiniLM-L6,\na pretrained model's\nown vectors"}


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
