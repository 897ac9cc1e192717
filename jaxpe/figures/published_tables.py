"""Figures of published position tables and their controls: measures, similarity maps, curves over lags, spectra."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.analysis.objectives import TEXT_PAIR
from jaxpe.analysis.pretrained import CONTROLS, HERE, TABLE
from jaxpe.figures.draw import add_caption, add_legend, draw_points, draw_similarity_map, make_panels
from jaxpe.figures.style import Style, find_style
from jaxpe.study.tables import select_rows

MEASURES = {  # metric -> title
    "position_error_share": "position error",
    "position_error_share_block": "position error, blocks of 16 held out",
    "order_accuracy": "order accuracy",
    "order_accuracy_near": "order accuracy, near pairs",
    "adjacency": "adjacency",
    "toeplitz_share": "Toeplitz share",
    "effective_rank": "effective rank",
    "shift_residual_1": "residual of a linear shift",
}
STYLES = (
    Style("#0072B2", "o", "-"),
    Style("#56B4E9", "s", "--"),
    Style("#D55E00", "^", "-."),
    Style("#E69F00", "v", (0, (5, 1))),
    Style("#009E73", "D", (0, (3, 1, 1, 1))),
    Style("#CC79A7", "P", (0, (1, 1))),
    Style("#666666", "X", (0, (4, 2, 1, 2))),
    Style("#8B0000", "<", (0, (2, 1))),
    Style("#A5AA99", ">", ":"),
    Style("#000000", "d", (0, (7, 1))),
)
FIRST_CONTROL = "of the controls, those of the first seed"


# ── series ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def list_tables(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each published table, of the pair trained here, and of the controls (of all shapes), by name."""
    part = select_rows(table, task=TABLE)
    names = [name for name in dict.fromkeys(part["encoding"]) if name not in CONTROLS]
    pair = {HERE.format(task): select_rows(table, task=task, encoding="learned") for task in TEXT_PAIR}
    return (
        {name: part[part["encoding"] == name] for name in names}
        | {name: rows for name, rows in pair.items() if len(rows)}
        | {name: part[part["encoding"] == name] for name in CONTROLS}
    )


def select_metric(table: pd.DataFrame, metric: str) -> dict[str, pd.DataFrame]:
    """The rows of a metric by name, of the tables that have some."""
    parts = {name: select_rows(part, metric=metric) for name, part in list_tables(table).items()}
    return {name: part for name, part in parts.items() if len(part)}


def assign_styles(table: pd.DataFrame) -> dict[str, Style]:
    """A style for each name. Controls look the same in all figures."""
    others = [name for name in list_tables(table) if name not in CONTROLS]
    return {name: STYLES[i % len(STYLES)] for i, name in enumerate(others)} | {
        name: find_style(name) for name in CONTROLS
    }


def format_label(name: object, most: int = 32) -> str:
    """A name as a label, shortened, without what matplotlib reads as mathematics or as a hidden label."""
    text = str(name) if len(str(name)) <= most else f"{str(name)[: most - 1]}…"
    return (" " if text.startswith("_") else "") + text.replace("$", r"\$")


def format_shape(part: pd.DataFrame) -> str:
    """'512 × 384'."""
    return f"{int(part['train_length'].iloc[0])} × {int(part['width'].iloc[0])}"


def describe_omissions(table: pd.DataFrame) -> str:
    """The rows that are left out of each table, one line for each."""
    part = select_rows(table, metric="rows_measured")
    omitted = part[part["value"] < part["rows"]]
    sentences = [
        f"{format_label(name)}: {text}" for name, text in omitted[["encoding", "text"]].itertuples(index=False)
    ]
    none = ["All rows are shown: none looks untrained (a guess from their size)."] if len(part) else []
    return "\n".join(sentences or none)


# ── figures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def draw_table_measures(table: pd.DataFrame) -> Figure:
    """A panel for each measure, a column for each table and its controls."""
    parts, styles = list_tables(table), assign_styles(table)
    names = [name for name in parts if name not in CONTROLS] or [""]
    figure, axes = make_panels(
        len(MEASURES), columns=2 if len(names) > 4 else 3, width=max(3.1, 0.42 * len(names) + 1.2), height=3.2
    )
    for axis, (metric, title) in zip(axes, MEASURES.items(), strict=True):
        for place, name in enumerate(names):
            draw_controls(axis, table, metric, name, place, styles)
            if name:
                values = select_rows(parts[name], metric=metric)["value"]
                x = place - 0.15 + np.linspace(-0.08, 0.08, len(values))
                draw_points(axis, x, values, styles[name], s=42 if len(values) == 1 else 16, zorder=3)
        labels = [format_label(name, 20) or "controls" for name in names]
        axis.set_xticks(range(len(names)), labels, rotation=40, ha="right", fontsize="small")
        axis.set_xlim(-0.6, len(names) - 0.4)
        axis.set_title(title, fontsize="medium")
        if metric == "effective_rank":
            axis.set_yscale("log")
        else:
            is_open = "error" in metric or "residual" in metric
            axis.set_ylim(-0.03, max(1.05, 1.05 * axis.get_ylim()[1]) if is_open else 1.05)
    add_legend(figure, axes, columns=3)
    seeds = table[table["encoding"] == "control:gaussian"]["seed"].nunique()
    text = (
        "Large markers: the table; of tables trained here, one for each seed. Small markers to the right: controls of "
        f"the same shape (random ones: {seeds} seeds). Errors are shares of chance."
    )
    add_caption(figure, join_lines(text, describe_omissions(table)))
    return figure


def draw_controls(
    axes: Axes, table: pd.DataFrame, metric: str, name: str, place: float, styles: dict[str, Style]
) -> None:
    """The controls that a table is compared with; all of them if `name` is empty."""
    part = select_rows(table, task=TABLE, metric=metric)
    part = part[part["compared_with"].fillna("").astype(str) == name] if name else part
    for i, control in enumerate(CONTROLS):
        values = part[part["encoding"] == control]["value"]
        x = np.full(len(values), place + 0.08 + 0.14 * i)
        draw_points(axes, x, values, styles[control], s=13, alpha=0.7, label=control if place == 0 else None)


def draw_table_maps(table: pd.DataFrame) -> Figure:
    """Cosines between positions of every table, all on one scale."""
    parts = select_metric(table, "similarity_row")
    figure, axes = make_panels(len(parts), columns=min(5, max(3, -(-len(parts) // 2))), width=2.7, height=2.6)
    for axis, (name, part) in zip(axes, parts.items(), strict=True):
        matrix = np.array([[float(number) for number in str(line).split()] for line in part["text"]])
        image = draw_similarity_map(axis, matrix, part["row"].max())
        axis.set_title(f"{format_label(name)}\n{format_shape(part)}", fontsize="small")
    figure.colorbar(image, ax=axes, shrink=0.7, label="cosine, mean row subtracted")
    text = f"Similarity of {len(matrix)} evenly spaced positions; {FIRST_CONTROL}."
    add_caption(figure, join_lines(text, describe_omissions(table)))
    return figure


def draw_table_curves(axes: Axes, table: pd.DataFrame, metric: str) -> None:
    """One line for each table."""
    styles = assign_styles(table)
    for name, part in select_metric(table, metric).items():
        style = styles[name]
        axes.plot(
            part["row"], part["value"], color=style.colour, linestyle=style.dashes, marker=style.marker, markersize=3.5,
            linewidth=1.2, markevery=3, label=format_label(name),
        )  # fmt: skip


def draw_table_lags(table: pd.DataFrame) -> Figure:
    """Similarity of two positions as a function of their distance."""
    figure, axes = make_panels(2, columns=2, width=5.2, height=3.8)
    titles = {"raw": "rows as they are", "centred": "mean row subtracted"}
    for axis, (kind, title) in zip(axes, titles.items(), strict=True):
        draw_table_curves(axis, table, f"similarity_by_lag_{kind}")
        axis.set_xscale("symlog", linthresh=1)
        axis.set_xlim(0, None)
        axis.set_ylim(-0.6, 1.03)
        axis.axhline(0, color="black", linewidth=0.6)
        axis.set_title(title)
        axis.set_xlabel("lag (positions)")
        axis.set_ylabel("mean cosine")
    add_legend(figure, axes, columns=5)
    text = f"Mean over all pairs of positions at each lag, up to half of the table; {FIRST_CONTROL}."
    add_caption(figure, join_lines(text, describe_omissions(table)))
    return figure


def draw_table_spectra(table: pd.DataFrame) -> Figure:
    """Share of the variance at each number of periods over the table."""
    figure, (axis,) = make_panels(1, width=8.0, height=4.0)
    draw_table_curves(axis, table, "spectrum")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_ylim(3e-7, 1)
    axis.set_xlabel("periods over the table")
    axis.set_ylabel("share of variance")
    add_legend(figure, [axis], columns=5)
    text = f"Fourier spectrum over positions, summed over coordinates; {FIRST_CONTROL}."
    add_caption(figure, join_lines(text, describe_omissions(table)))
    return figure


def join_lines(*parts: str) -> str:
    """The parts that are not empty, one on each line."""
    return "\n".join(part for part in parts if part)
