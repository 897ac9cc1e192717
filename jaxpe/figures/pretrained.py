"""The figures of the experiment `pretrained`: position tables, sums that are read back, and word order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.analysis import word_order
from jaxpe.analysis.pretrained import JOINT, ORDER, add_missing_columns
from jaxpe.analysis.readers import SIGNALS
from jaxpe.figures.draw import add_caption, add_legend, draw_points, make_panels
from jaxpe.figures.published_tables import (
    assign_styles,
    describe_omissions,
    draw_table_lags,
    draw_table_maps,
    draw_table_measures,
    draw_table_spectra,
    format_label,
    join_lines,
)
from jaxpe.figures.style import Style
from jaxpe.records.statistics import compute_clopper_pearson, estimate_mean
from jaxpe.study.tables import select_rows

Line = tuple[str, str, int]  # label, kind of change, its size


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """Every figure for which the table has rows."""
    table = add_missing_columns(table)
    figures = {
        "measures": draw_table_measures(table),
        "similarity": draw_table_maps(table),
        "lags": draw_table_lags(table),
        "spectra": draw_table_spectra(table),
    }
    if (table["task"] == JOINT).any():
        figures["joint"] = draw_sums(table)
    if (table["task"] == ORDER).any():
        figures["word_order"] = draw_word_order(table)
    return figures


def draw_sums(table: pd.DataFrame) -> Figure:
    """How often token and position are read from their sum, by readers that know both tables or only one."""
    part, styles = select_rows(table, task=JOINT), assign_styles(table)
    names = list(dict.fromkeys(part["encoding"]))
    figure, axes = make_panels(2, columns=2, width=5.0, height=3.5)
    titles = {
        "joint_recovered": "token and position, both tables known",
        "position_recovered_alone": "position, only its table known",
    }
    for axis, (metric, title) in zip(axes, titles.items(), strict=True):
        for i, name in enumerate(names):
            rows = select_rows(part, metric=metric, encoding=name).set_index("signal").loc[list(SIGNALS)]
            n, x = int(rows["n_examples"].iloc[0]), np.arange(len(SIGNALS)) + 0.1 * (i - (len(names) - 1) / 2)
            bounds = np.array([compute_clopper_pearson(round(share * n), n) for share in rows["value"]])
            style = styles[name]
            axis.vlines(x, bounds[:, 0], bounds[:, 1], color=style.colour, linewidth=1.2)
            axis.plot(
                x, rows["value"], color=style.colour, marker=style.marker, linestyle=style.dashes, linewidth=1,
                label=format_label(name),
            )  # fmt: skip
        axis.set_xticks(range(len(SIGNALS)), [s.replace("noise ", "noise\n") for s in SIGNALS], fontsize="small")
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(title)
        axis.set_ylabel("share of sums read correctly")
    add_legend(figure, axes, columns=5)
    text = (
        f"n = {n} random pairs per table and signal, of all tokens × positions; noise in multiples of the RMS of "
        "positions; vertical lines: exact 95 % intervals."
    )
    add_caption(figure, join_lines(text, describe_omissions(table)))
    return figure


def draw_word_order(table: pd.DataFrame) -> Figure:
    """Cosine between the sentence embeddings of a verse before and after a change."""
    part = select_rows(table, task=ORDER)
    figure, axes = make_panels(2, columns=2, width=5.6, height=3.9)
    shuffled, another = ("words shuffled", word_order.SHUFFLED, 0), ("another verse", word_order.ANOTHER, 0)
    within = [(f"shuffled in windows of {w}", word_order.WITHIN, w) for w in word_order.WINDOWS]
    permuted = [(f"windows of {w} permuted", word_order.PERMUTED, w) for w in word_order.WINDOWS]
    shifts = [(f"all shifted by {c}", word_order.SHIFTED, c) for c in word_order.SHIFTS]
    constant = [(f"all at position {place}", word_order.CONSTANT, place) for place in (0, word_order.MIDDLE)]
    without = str(next(name for name in dict.fromkeys(part["encoding"]) if name.endswith(word_order.WITHOUT)))
    name = without.partition(",")[0]
    styles = {name: Style("#0072B2", "o", "-"), without: Style("#D55E00", "^", "--")}
    labels = {name: "with its position table", without: "without it (zeros)"}
    draw_changes(axes[0], part, [shuffled, *within, *permuted, another], styles, labels)
    axes[0].set_title("words moved")
    removed = ("table set to zeros", word_order.REMOVED, 0)
    draw_changes(axes[1], part, [*shifts, *constant, removed, shuffled, another], styles, labels)
    axes[1].set_title("positions moved (last two lines: as on the left)")
    add_legend(figure, axes)
    add_caption(
        figure,
        "MiniLM-L6: cosine between the sentence embeddings of a verse before and after a change; "
        f"n = {part['verse'].nunique()} verses (points), mean with 95 % interval. The pieces of a word move together. "
        "Without positions only shuffled words and another verse were run.",
    )
    return figure


def draw_changes(
    axes: Axes, part: pd.DataFrame, lines: Sequence[Line], styles: dict[str, Style], labels: dict[str, str]
) -> None:
    """One line for each change: a point for each verse, and the mean with its interval."""
    generator = np.random.default_rng(0)
    for place, (_, kind, size) in enumerate(lines):
        for side, (name, style) in enumerate(styles.items()):
            rows = select_rows(part, encoding=name, change=kind, change_size=size)
            if not len(rows):
                continue
            values, y = 1 - rows["value"].to_numpy(float), place + 0.24 * side - 0.12
            spread = y + generator.uniform(-0.08, 0.08, len(values))
            draw_points(axes, values, spread, style, s=8, alpha=0.35)
            mean = estimate_mean(values, -np.inf)
            axes.scatter(
                mean.value, y, color=style.colour, marker=style.marker, s=44, edgecolors="black", linewidths=0.6, zorder=3,
                label=labels[name],
            )  # fmt: skip
            if mean.low is not None and mean.high is not None:
                axes.hlines(y, mean.low, mean.high, color="black", linewidth=1.4, zorder=4)
    axes.set_yticks(range(len(lines)), [label for label, *_ in lines])
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.6)
    axes.set_xlim(None, 1.03)
    axes.set_xlabel("cosine")
