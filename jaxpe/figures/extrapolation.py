"""Figures of the extrapolation experiment, drawn from its table alone."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.data.language import OBJECTIVES
from jaxpe.figures import draw
from jaxpe.figures.draw import format_panel
from jaxpe.figures.style import Style
from jaxpe.study import tables

CURVES = (  # variant, metric, label, style
    ("plain", "token_accuracy", "token accuracy", Style("#0072B2", "s", "-")),
    ("length_scaled", "token_accuracy", "token accuracy, logits × log n / log N", Style("#D55E00", "^", "--")),
    ("plain", "exact_match", "exact match", Style("#009E73", "D", "-.")),
    ("plain", "exact_match_given_length", "exact match given the length", Style("#CC79A7", "P", ":")),
)
OVERVIEW = {  # task, architecture: title
    ("reverse", "encoder"): "reverse a sequence: order matters",
    ("count", "encoder"): "count a symbol: order does not matter",
}
POINTS = (  # variant, marker, label
    ("steps_25", "v", "after 25 % of the steps"),
    ("steps_50", "^", "after 50 % of the steps"),
    ("shifted", "x", "positions shifted by N"),
)


def draw_all(table: pd.DataFrame) -> dict[str, Figure]:
    """Length curves, their variants, and accuracy by place in the answer where answers are longer than one symbol."""
    panels = draw.list_panels(table)
    toys = [(task, architecture) for task, architecture in panels if task not in OBJECTIVES]
    figures = {
        "length_curves": draw_length_curves(table, panels),
        "variants": draw_variants(table, *(toys or panels)[0]),
    }
    if any(panel in panels for panel in OVERVIEW):
        figures["overview"] = draw_overview(table, [panel for panel in OVERVIEW if panel in panels])
    places = table[table["metric"] == "index_accuracy"]
    if len(places) and places["output_index"].max() > 0:
        figures["output_index"] = draw_places(places)
    return figures


def draw_length_curves(table: pd.DataFrame, panels: list[tuple[str, str]]) -> Figure:
    """Token accuracy, or bits per character, against test length: a line for each encoding."""
    figure, axes = draw.make_panels(len(panels), columns=3, width=3.8, height=3.0)
    for axis, (task, architecture) in zip(axes, panels, strict=True):
        text = task in OBJECTIVES
        metric = "bits_per_character" if text else "token_accuracy"
        part = tables.select_rows(table, task=task, architecture=architecture, metric=metric, variant="plain")
        draw.draw_curves(axis, part)
        unit = "tokens" if text else "symbols of x"
        draw.set_up_length_panel(axis, part, format_panel(task, architecture), unit)
        axis.set_ylabel("bits per character (lower is better)" if text else "token accuracy", fontsize="small")
    draw.add_legend(figure, axes, columns=6)
    examples = ", ".join(str(int(count)) for count in sorted(table["n_examples"].dropna().unique()))
    seeds = draw.format_seeds(table)
    draw.add_caption(figure, f"Lines: means over {seeds}. Points: seeds, each over {examples} examples of a length.")
    return figure


def draw_overview(table: pd.DataFrame, panels: list[tuple[str, str]]) -> Figure:
    """The encoder's length curves on a task where order matters and on one where it does not, large enough to show alone."""
    figure, axes = draw.make_panels(len(panels), columns=2, width=3.9, height=3.0)
    where = {"metric": "token_accuracy", "variant": "plain", "positions": "arange", "test_positions": "arange"}
    part = tables.select_rows(table, **where)
    for axis, (task, architecture) in zip(axes, panels, strict=True):
        rows = tables.select_rows(part, task=task, architecture=architecture)
        draw.draw_curves(axis, rows)
        draw.set_up_length_panel(axis, rows, OVERVIEW[task, architecture])
        axis.set_ylim(-0.03, 1.05)
        axis.set_ylabel("token accuracy")
    draw.add_legend(figure, axes, columns=5)
    shown = part[[panel in panels for panel in zip(part["task"], part["architecture"], strict=True)]]
    draw.add_caption(figure, f"Encoders. Lines: means over {draw.format_seeds(shown)}. Points: seeds.")
    return figure


def draw_variants(table: pd.DataFrame, task: str, architecture: str) -> Figure:
    """Causes of the loss other than position: softmax over more keys, a wrong answer length, too many steps."""
    part = tables.select_rows(table, task=task, architecture=architecture)
    names = list(dict.fromkeys(part["encoding"][part["positions"] == "arange"]))
    figure, axes = draw.make_panels(len(names), columns=3, width=3.8, height=3.0)
    for axis, name in zip(axes, names, strict=True):
        rows = tables.select_rows(part, encoding=name, positions="arange")
        draw_variant_panel(axis, rows, f"{format_panel(task, architecture)}, {name}")
    draw.add_legend(figure, axes, columns=4)
    text = f"Means over {draw.format_seeds(part)}. Both baselines are those of token accuracy."
    draw.add_caption(figure, text)
    return figure


def draw_variant_panel(axis: Axes, rows: pd.DataFrame, title: str) -> None:
    """The curves and points of one encoding."""

    def average(variant: str, metric: str) -> pd.Series:
        chosen = tables.select_rows(rows, variant=variant, metric=metric)
        return chosen.groupby("test_length")["value"].mean()

    for variant, metric, label, style in CURVES:
        draw.draw_line(axis, average(variant, metric), style, label)
    for variant, marker, label in POINTS:
        means = average(variant, "token_accuracy")
        axis.scatter(means.index, means, marker=marker, color="black", s=24, label=label, zorder=3)
    plain = tables.select_rows(rows, variant="plain", metric="token_accuracy")
    draw.set_up_length_panel(axis, plain, title)
    axis.set_ylabel("token accuracy or exact match", fontsize="small")


def draw_places(places: pd.DataFrame) -> Figure:
    """Token accuracy by place in the answer: a panel for each task, architecture and test length."""
    places = places[places.groupby(["task", "architecture"])["output_index"].transform("max") > 0]
    panels = list(dict.fromkeys(zip(places["task"], places["architecture"], places["test_length"], strict=True)))
    figure, axes = draw.make_panels(len(panels), columns=2, width=4.6, height=2.7, sharey=True)
    for axis, (task, architecture, length) in zip(axes, panels, strict=True):
        part = tables.select_rows(places, task=task, architecture=architecture, test_length=length)
        draw.draw_curves(axis, part, x="output_index")
        axis.set_title(f"{format_panel(task, architecture)}, test length {length:g}")
        axis.set_xlabel("place in the answer")
        axis.set_ylabel("token accuracy")
        axis.set_ylim(-0.03, 1.05)
    draw.add_legend(figure, axes, columns=5)
    draw.add_caption(figure, f"Trained on lengths up to {places['train_length'].iloc[0]:g}. Means over seeds.")
    return figure
