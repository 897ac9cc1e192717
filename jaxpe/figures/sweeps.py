"""Figures of harm's sweeps: how large position is compared with the token, and how large a learned table starts."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.figures.draw import BASELINES
from jaxpe.figures.style import Style, find_style, pick_style
from jaxpe.study.tables import select_rows

SWEEPS = {  # label and style
    "ratio": ("(token + s·position) / √(1 + s²): the ratio alone", Style("#0072B2", "o", "-")),
    "position": ("token + s·position", Style("#D55E00", "s", "--")),
    "both": ("s·(token + position): the size alone", Style("#666666", "^", ":")),
}
LENGTHS = (  # multiple of the training length, label, style
    (1, "at the training length N", Style("#0072B2", "o", "-")),
    (2, "at 2 N", Style("#D55E00", "^", "--")),
)
QUESTIONS = {
    "count": "how often does it occur? (order is of no use)",
    "index": "which symbol is there? (order is needed)",
}


def draw_sweeps(table: pd.DataFrame) -> dict[str, Figure]:
    """The figures for which the table has rows."""
    figures = {}
    if table["sweep"].isin([*SWEEPS]).any():
        figures["sweep"] = draw_factors(table)
    if (table["sweep"] == "ratio").any():
        figures["ratio"] = draw_ratio(table)
    adding = select_adding(table)
    if len(adding):
        figures["rescaled"] = draw_rescaling(adding)
    if (table["sweep"] == "initial std").any():
        figures["initial_std"] = draw_initial_std(table)
    return figures


def format_train_lengths(part: pd.DataFrame) -> str:
    """'8, 12'."""
    return ", ".join(f"{n:g}" for n in sorted(set(part["train_length"])))


def format_seeds_by_width(part: pd.DataFrame) -> str:
    """'3 seeds', or '3 to 10 seeds at width 32, 1 at width 128' where their numbers differ."""
    keys = ["width", "task", "encoding", "sweep", "token_factor", "position_factor"]
    counts = part.groupby(keys)["seed"].nunique().groupby("width")
    ranges = {width: draw.format_range(rows) for width, rows in counts}
    first, *others = (f"{seeds} at width {width:g}" for width, seeds in ranges.items())
    if len(set(ranges.values())) == 1:
        return f"{next(iter(ranges.values()))} seeds"
    return ", ".join([first.replace(" at", " seeds at", 1), *others])


def add_factor(part: pd.DataFrame, sweep: str) -> pd.DataFrame:
    """The rows of a sweep with its factor `s`."""
    token = part["token_factor"] if sweep == "ratio" else 1.0
    return part.assign(s=(part["position_factor"] / token).round(4))


def sort_sinusoids_first(keys: set[tuple]) -> list[tuple]:
    """Keys of panels that begin with the encoding."""
    return sorted(keys, key=lambda key: (key[0] != "sinusoidal", key))


def make_sweep_panels(count: int) -> tuple[Figure, list[Axes]]:
    """Two panels a row, or four where there are many."""
    many = count >= 4
    return draw.make_panels(count, columns=4 if many else 2, width=3.4 if many else 4.2, height=2.9)


def set_up_factor_axis(axis: Axes, largest: float) -> None:
    """Factors from 0 on a horizontal axis, token accuracy on the vertical one."""
    axis.set_xscale("symlog", linthresh=0.1)
    axis.set_xlim(-0.02, 1.4 * largest)
    axis.set_ylim(-0.03, 1.05)
    axis.set_xlabel("factor s")
    axis.set_ylabel("token accuracy")


def draw_ratio(table: pd.DataFrame) -> Figure:
    """Accuracy against the ratio of position to token alone: a panel for each task, a point for each seed.

    Of sinusoids and of width 32, or else of the first encoding and of the smallest width.
    """
    part = select_rows(table, sweep="ratio", metric="token_accuracy")
    encoding = "sinusoidal" if "sinusoidal" in set(part["encoding"]) else part["encoding"].iloc[0]
    part = select_rows(part, encoding=encoding)
    width = 32 if 32 in set(part["width"]) else part["width"].min()
    part = add_factor(select_rows(part, width=width), "ratio")
    tasks = list(dict.fromkeys(part["task"]))
    figure, axes = draw.make_panels(len(tasks), columns=2, width=4.6, height=3.2)
    for axis, task in zip(axes, tasks, strict=True):
        rows = select_rows(part, task=task)
        for times, label, style in LENGTHS:
            tested = rows[rows["test_length"] == times * rows["train_length"]]
            draw.draw_seed_curve(axis, tested["s"], tested["value"], style, label, s=16)
        draw.draw_baselines(axis, rows[rows["test_length"] == rows["train_length"]], x="s")
        set_up_factor_axis(axis, part["s"].max())
        axis.set_xticks([s for s in sorted(set(part["s"])) if s in (0, 0.1, 1, 10, 100)])
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_title(f"{task}: {QUESTIONS[task]}" if task in QUESTIONS else task, fontsize="medium")
        axis.set_xlabel("factor s (1: position as large as token)")
    draw.add_legend(figure, axes, columns=4)
    seeds = draw.format_range(part.groupby(["task", "s"])["seed"].nunique())
    draw.add_caption(
        figure,
        "(token + s·position) / √(1 + s²): the ratio alone, at a constant size. "
        f"{encoding.capitalize()}, encoder, width {width:g}, N = {format_train_lengths(part)}.\n"
        f"Points: {seeds} seeds. Lines: means. Black: both baselines at N.",
    )
    return figure


def draw_factors(table: pd.DataFrame) -> Figure:
    """Accuracy against the factor s of every sweep: filled markers at the training length N, open ones at 2 N."""
    part = select_rows(table, metric="token_accuracy")
    part = part[part["sweep"].isin([*SWEEPS])]
    panels = sort_sinusoids_first(set(zip(part["encoding"], part["width"], part["task"], strict=True)))
    figure, axes = make_sweep_panels(len(panels))
    for axis, (encoding, width, task) in zip(axes, panels, strict=True):
        rows = select_rows(part, task=task, encoding=encoding, width=width)
        for sweep, (label, style) in SWEEPS.items():
            draw_both_lengths(axis, add_factor(select_rows(rows, sweep=sweep), sweep), "s", style, label)
        trained = rows[rows["test_length"] == rows["train_length"]]
        for column, dashes, label in reversed(BASELINES):
            mean = trained[column].mean()
            axis.axhline(mean, color="black", linewidth=0.9, linestyle=dashes, label=f"{label}, at N")
        set_up_factor_axis(axis, part["position_factor"].max())
        axis.set_title(f"{task}, {encoding}, width {width:g}", fontsize="medium")
    draw.add_legend(figure, axes, columns=2)
    n, seeds = format_train_lengths(part), format_seeds_by_width(part)
    draw.add_caption(figure, f"Encoder. Filled: at the training length N = {n}. Open: at 2 N. Means over {seeds}.")
    return figure


def draw_both_lengths(
    axis: Axes, rows: pd.DataFrame, x: str, style: Style, label: str, open_label: str | None = None
) -> None:
    """Means against a column: a line with filled markers at N, open markers at 2 N."""
    for times, fill, dashes, name in ((1, style.colour, style.dashes, label), (2, "none", "none", open_label)):
        means = rows[rows["test_length"] == times * rows["train_length"]].groupby(x)["value"].mean()
        axis.plot(
            means.index, means, color=style.colour, marker=style.marker, markerfacecolor=fill, markersize=5,
            linestyle=dashes, label=name,
        )  # fmt: skip


def select_adding(table: pd.DataFrame) -> pd.DataFrame:
    """The ratio sweep of encodings that add something to a token."""
    part = select_rows(table, sweep="ratio")
    adding = part[(part["metric"] == "position_rms_before") & (part["value"] > 0)]
    return part[part["encoding"].isin(adding["encoding"])]


def draw_rescaling(part: pd.DataFrame) -> Figure:
    """What training changes about the ratio of position to token: the ratio after over that before; 1 is no change."""
    panels = sort_sinusoids_first(set(zip(part["encoding"], part["task"], strict=True)))
    figure, axes = make_sweep_panels(len(panels))
    for axis, (encoding, task) in zip(axes, panels, strict=True):
        rows = add_factor(select_rows(part, encoding=encoding, task=task), "ratio")
        for i, (width, group) in enumerate(rows[rows["s"] > 0].groupby("width")):
            sizes = group.pivot_table(index="s", columns="metric", values="value")
            after, before = (sizes[f"position_rms_{name}"] / sizes[f"token_rms_{name}"] for name in ("after", "before"))
            style = pick_style(i)
            axis.plot(
                sizes.index, after / before, color=style.colour, marker=style.marker, linestyle=style.dashes,
                markersize=5, label=f"width {width:g}",
            )  # fmt: skip
        axis.axhline(1, color="black", linewidth=1, linestyle=":", label="not changed by training")
        axis.set_xscale("log")
        low, high = axis.get_ylim()
        axis.set_ylim(min(0.7, low), max(1.2, high))
        axis.set_title(f"{task}, {encoding}", fontsize="medium")
        axis.set_xlabel("factor s")
        axis.set_ylabel("position / token: after / before", fontsize="small")
    draw.add_legend(figure, axes, columns=5)
    draw.add_caption(
        figure,
        "Size of position over size of token (root mean squares in the embeddings) after training, divided by that before.\n"
        f"Ratio sweep, encoder. Means over {format_seeds_by_width(part)}.",
    )
    return figure


def draw_initial_std(table: pd.DataFrame) -> Figure:
    """Accuracy against the size at which a learned table starts: filled markers at N, open ones at 2 N."""
    part = select_rows(table, sweep="initial std", metric="token_accuracy", test_positions="arange")
    tasks = list(dict.fromkeys(part["task"]))
    figure, axes = draw.make_panels(len(tasks), columns=2, width=4.2, height=2.9)
    style = find_style("learned")._replace(dashes="-")
    for axis, task in zip(axes, tasks, strict=True):
        rows = select_rows(part, task=task)
        draw_both_lengths(axis, rows, "initial_std", style, LENGTHS[0][1], LENGTHS[1][1])
        tested = rows[rows["test_length"] <= 2 * rows["train_length"]]
        axis.scatter(tested["initial_std"], tested["value"], s=10, color=style.colour, alpha=0.5, linewidths=0)
        draw.draw_baselines(axis, rows[rows["test_length"] == rows["train_length"]], x="initial_std")
        axis.set_xscale("log")
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(f"{task}, learned table")
        axis.set_xlabel("standard deviation at the start (token: 1)")
        axis.set_ylabel("token accuracy")
    draw.add_legend(figure, axes, columns=4)
    n, seeds = format_train_lengths(part), draw.format_seeds(part)
    draw.add_caption(figure, f"Encoder, N = {n}. Points: {seeds}. Lines: means. Baselines at N.")
    return figure
