"""The figures of the experiment `pretrained`: each is a function of its table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxpe.analysis import word_order
from jaxpe.analysis.joint import SIGNALS
from jaxpe.figures import draw
from jaxpe.figures.style import Style, find_style
from jaxpe.records.statistics import compute_clopper_pearson, estimate_mean
from jaxpe.study import tables

TABLE, JOINT, ORDER = "position table", "token + position", "word order"
PAIR = ("masked_lm", "causal_lm")  # whose learned tables stand beside, where `structure` was run
HERE = "here: {}"  # what the table of a task is called that was trained here
CONTROLS = ("control:gaussian", "control:sinusoidal", "control:smooth")
MEASURES = {
    "position_error_share": "position error",
    "position_error_share_block": "position error, runs of 16 held out",
    "order_accuracy": "order accuracy",
    "order_accuracy_near": "order accuracy, near pairs",
    "adjacency": "adjacency",
    "toeplitz_share": "Toeplitz share",
    "effective_rank": "effective rank",
    "shift_residual_1": "residual of a linear shift",
}
LOOKS = [
    Style(colour, marker, dashes)
    for colour, marker, dashes in zip(
        ("#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#CC79A7", "#666666", "#8B0000", "#A5AA99", "#000000"),
        "os^vDPX<>d",
        (
            "-",
            "--",
            "-.",
            (0, (5, 1)),
            (0, (3, 1, 1, 1)),
            (0, (1, 1)),
            (0, (4, 2, 1, 2)),
            (0, (2, 1)),
            ":",
            (0, (7, 1)),
        ),
        strict=True,
    )
]


OWN_COLUMNS = ("beside", "by", "change", "row", "rows", "signal", "text", "tokens", "verse", "width")


def complete(table: Any) -> Any:
    """The table with every column that this experiment may write: a run that lacks a part lacks its columns."""
    return table.reindex(columns=[*table.columns, *[name for name in OWN_COLUMNS if name not in table]])


def all_of(table: Any) -> dict[str, Figure]:
    """Every figure for which the table has rows."""
    table = complete(table)
    made = {"measures": measures(table), "similarity": maps(table), "lags": lags(table), "spectra": spectra(table)}
    tasks, more = set(table["task"]), {JOINT: ("joint", joint), ORDER: ("word_order", order)}
    return made | {name: function(table) for task, (name, function) in more.items() if task in tasks}


def shown(name: Any, most: int = 32) -> str:
    """A name as a label: what matplotlib takes for mathematics or for a hidden label is text."""
    text = str(name) if len(str(name)) <= most else f"{str(name)[: most - 1]}…"
    return (" " if text.startswith("_") else "") + text.replace("$", r"\$")


def series(table: Any) -> dict[str, pd.DataFrame]:
    """Published tables, the pair trained here, and the controls (of all shapes), by what they are called."""
    own = tables.select_rows(table, task=TABLE)
    names = dict.fromkeys(own["encoding"])
    found = {name: own[own["encoding"] == name] for name in names if name not in CONTROLS}
    pair = {HERE.format(task): tables.select_rows(table, task=task, encoding="learned") for task in PAIR}
    found |= {name: part for name, part in pair.items() if len(part)}
    return found | {name: own[own["encoding"] == name] for name in CONTROLS}


def looks(table: Any) -> dict[str, Style]:
    """The style of every series: controls have their own."""
    others = [name for name in series(table) if name not in CONTROLS]
    return {name: LOOKS[i % len(LOOKS)] for i, name in enumerate(others)} | {
        name: find_style(name) for name in CONTROLS
    }


def left_out(table: Any) -> str:
    """What is said about rows that are not drawn."""
    part = tables.select_rows(table, metric="rows_measured")
    sentences = [f"{shown(one.encoding)}: {one.text}" for one in part[part["value"] < part["rows"]].itertuples()]
    none = ["No row was left out: none looks untrained by its size (a guess)."] if len(part) else []
    return "\n".join(sentences or none)


def caption(figure: Figure, *parts: str) -> None:
    """Sentences below a figure, a line each; those that are empty are left out."""
    draw.add_caption(figure, "\n".join(part for part in parts if part))


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def measures(table: Any) -> Figure:
    """Each measure: a column a table, its controls beside it."""
    found, styles = series(table), looks(table)
    groups = [name for name in found if name not in CONTROLS] or [""]
    figure, axes = draw.make_panels(
        len(MEASURES), columns=2 if len(groups) > 4 else 3, width=max(3.1, 0.42 * len(groups) + 1.2), height=3.2
    )
    for axis, (metric, title) in zip(axes, MEASURES.items(), strict=True):
        for place, name in enumerate(groups):
            beside(axis, table, metric, name, place, styles)
            values = tables.select_rows(found[name], metric=metric)["value"] if name else []
            spread = place - 0.15 + np.linspace(-0.08, 0.08, len(values))
            look = styles.get(name)
            if look:
                draw.draw_points(axis, spread, values, look, s=42 if len(values) == 1 else 16, zorder=3)
        axis.set_xticks(
            range(len(groups)),
            [shown(name, 20) or "controls" for name in groups],
            rotation=40,
            ha="right",
            fontsize="small",
        )
        axis.set_xlim(-0.6, len(groups) - 0.4)
        axis.set_title(title, fontsize="medium")
        if metric == "effective_rank":
            axis.set_yscale("log")
        else:
            axis.set_ylim(
                -0.03, max(1.05, 1.05 * axis.get_ylim()[1]) if "error" in metric or "residual" in metric else 1.05
            )
    draw.add_legend(figure, axes, columns=3)
    draws = table[table["encoding"] == "control:gaussian"]["seed"].nunique()
    text = f"Large: the table (trained here: a point a seed). Small, right of it: controls of the same shape, n = {draws} draws of each random one."
    caption(figure, f"{text} Errors as a share of chance.", left_out(table))
    return figure


def beside(axes: Axes, table: Any, metric: str, name: str, place: float, styles: dict[str, Style]) -> None:
    """The controls that belong to a table; the pair trained here has none in this table."""
    own = tables.select_rows(table, task=TABLE, metric=metric)
    own = own[own["beside"].fillna("").astype(str) == name] if name else own
    for i, control in enumerate(CONTROLS):
        values, look = own[own["encoding"] == control]["value"], styles[control]
        x = np.full(len(values), place + 0.08 + 0.14 * i)
        label = control if place == 0 else None
        draw.draw_points(axes, x, values, look, s=13, alpha=0.7, label=label)


def with_rows(table: Any, metric: str) -> dict[str, pd.DataFrame]:
    """The series of which a map or a curve is stored."""
    found = {name: tables.select_rows(part, metric=metric) for name, part in series(table).items()}
    return {name: part for name, part in found.items() if len(part)}


def maps(table: Any) -> Figure:
    """Cosines of positions, rows centred, on one scale."""
    found = with_rows(table, "similarity_row")
    figure, axes = draw.make_panels(len(found), columns=min(5, max(3, -(-len(found) // 2))), width=2.7, height=2.6)
    for axis, (name, part) in zip(axes, found.items(), strict=True):
        matrix = np.array([[float(number) for number in str(line).split()] for line in part["text"]])
        image = draw.draw_similarity_map(axis, matrix, part["row"].max())
        axis.set_title(f"{shown(name)}\n{size_of(part)}", fontsize="small")
    figure.colorbar(image, ax=axes, shrink=0.7, label="cosine, centred")
    caption(
        figure,
        f"Similarity of positions at {matrix.shape[0]} of them, evenly spaced; controls: the first draw.",
        left_out(table),
    )
    return figure


def size_of(part: pd.DataFrame) -> str:
    return f"{int(part['train_length'].iloc[0])} × {int(part['width'].iloc[0])}"


def curves(axes: Axes, table: Any, metric: str) -> None:
    styles = looks(table)
    for name, part in with_rows(table, metric).items():
        look = styles[name]
        axes.plot(
            part["row"], part["value"], color=look.colour, linestyle=look.dashes, marker=look.marker, markersize=3.5,
            linewidth=1.2, markevery=3, label=shown(name),
        )  # fmt: skip


def lags(table: Any) -> Figure:
    """Similarity of two positions against their distance."""
    figure, axes = draw.make_panels(2, columns=2, width=5.2, height=3.8)
    for axis, kind, title in zip(axes, ("raw", "centred"), ("rows as they are", "mean row taken off"), strict=True):
        curves(axis, table, f"similarity_by_lag_{kind}")
        axis.set_xscale("symlog", linthresh=1)
        axis.set_xlim(0, None)
        axis.set_ylim(-0.6, 1.03)
        axis.axhline(0, color="black", linewidth=0.6)
        axis.set_title(title)
        axis.set_xlabel("lag (positions apart)")
        axis.set_ylabel("mean cosine")
    draw.add_legend(figure, axes, columns=5)
    text = "Mean over all pairs of positions that far apart, up to half of the table; controls: the first draw."
    caption(figure, text, left_out(table))
    return figure


def spectra(table: Any) -> Figure:
    """Share of the variance at each number of periods."""
    figure, (axis,) = draw.make_panels(1, width=8.0, height=4.0)
    curves(axis, table, "spectrum")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_ylim(3e-7, 1)
    axis.set_xlabel("periods over the table")
    axis.set_ylabel("share of variance")
    draw.add_legend(figure, [axis], columns=5)
    caption(
        figure, "Fourier spectrum over positions, all coordinates together; controls: the first draw.", left_out(table)
    )
    return figure


# ── sums, and the order of words ────────────────────────────────────────────────────────────────────────────────────


def joint(table: Any) -> Figure:
    """Read back from the sum, by who knows both tables and by who knows the position table only."""
    part, styles = tables.select_rows(table, task=JOINT), looks(table)
    figure, axes = draw.make_panels(2, columns=2, width=5.0, height=3.5)
    titles = {
        "joint_recovered": "token and position, both tables known",
        "position_recovered_alone": "position, its table known only",
    }
    names = list(dict.fromkeys(part["encoding"]))
    for axis, (metric, title) in zip(axes, titles.items(), strict=True):
        for i, name in enumerate(names):
            own = tables.select_rows(part, metric=metric, encoding=name).set_index("signal").loc[list(SIGNALS)]
            n, x = int(own["n_examples"].iloc[0]), np.arange(len(SIGNALS)) + 0.1 * (i - (len(names) - 1) / 2)
            bounds = np.array([compute_clopper_pearson(round(share * n), n) for share in own["value"]])
            look = styles.get(name, LOOKS[i % len(LOOKS)])
            axis.vlines(x, bounds[:, 0], bounds[:, 1], color=look.colour, linewidth=1.2)
            axis.plot(
                x,
                own["value"],
                color=look.colour,
                marker=look.marker,
                linestyle=look.dashes,
                label=shown(name),
                linewidth=1,
            )
        axis.set_xticks(range(len(SIGNALS)), [signal.replace("noise ", "noise\n") for signal in SIGNALS], fontsize="small")
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(title)
        axis.set_ylabel("share of sums read right")
    draw.add_legend(figure, axes, columns=5)
    text = f"n = {n} random pairs a table and signal, out of all tokens × positions; noise in position RMS; lines: exact 95 % intervals."
    caption(figure, text, left_out(table))
    return figure


def order(table: Any) -> Figure:
    """MiniLM's sentence embedding: cosine with that of the same verse, changed."""
    part = tables.select_rows(table, task=ORDER)
    figure, axes = draw.make_panels(2, columns=2, width=5.6, height=3.9)
    rows = [
        ("words shuffled", word_order.SHUFFLED, 0), *[(f"inside windows of {w}", word_order.WITHIN, w) for w in word_order.WINDOWS],
        *[(f"windows of {w} permuted", word_order.PERMUTED, w) for w in word_order.WINDOWS], ("another verse", word_order.ANOTHER, 0),
    ]  # fmt: skip
    without = str(next(name for name in dict.fromkeys(part["encoding"]) if name.endswith(word_order.WITHOUT)))
    name = without.partition(",")[0]
    styles = {name: Style("#0072B2", "o", "-"), without: Style("#D55E00", "^", "--")}
    labels = {name: "with its position table", without: "without (zeros)"}
    cosines(axes[0], part, rows, styles, labels)
    axes[0].set_title("words moved")
    shifts = [(f"all moved by {c}", word_order.SHIFTED, c) for c in word_order.SHIFTS]
    same = [(f"position {place} for all", word_order.CONSTANT, place) for place in (0, word_order.MIDDLE)]
    cosines(axes[1], part, [*shifts, *same, ("table zeroed", word_order.REMOVED, 0), rows[0], rows[-1]], styles, labels)
    axes[1].set_title("positions moved, beside two of the left panel")
    draw.add_legend(figure, axes)
    count = int(part["verse"].nunique())
    text = f"MiniLM-L6: cosine of a verse's embedding with that of the same verse changed; n = {count} verses (points), mean with 95 % interval."
    caption(
        figure,
        f"{text} Words move with their pieces. Without positions only shuffled words and another verse were run.",
    )
    return figure


def cosines(axes: Axes, part: pd.DataFrame, rows: list[Any], styles: dict[str, Style], labels: dict[str, str]) -> None:
    """A line a change: every verse as a point, and the mean."""
    generator = np.random.default_rng(0)
    for place, (_, kind, by) in enumerate(rows):
        for side, (name, look) in enumerate(styles.items()):
            values = 1 - tables.select_rows(part, encoding=name, change=kind, by=by)["value"].to_numpy(float)
            if not len(values):
                continue
            y = place + 0.24 * side - 0.12
            spread = y + generator.uniform(-0.08, 0.08, len(values))
            draw.draw_points(axes, values, spread, look, s=8, alpha=0.35)
            mean = estimate_mean(values, -np.inf)
            axes.scatter(
                mean.value,
                y,
                color=look.colour,
                marker=look.marker,
                s=44,
                edgecolors="black",
                linewidths=0.6,
                zorder=3,
                label=labels[name],
            )
            if mean.low is not None and mean.high is not None:
                axes.hlines(y, mean.low, mean.high, color="black", linewidth=1.4, zorder=4)
    axes.set_yticks(range(len(rows)), [words for words, *_ in rows])
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.6)
    axes.set_xlim(None, 1.03)
    axes.set_xlabel("cosine")
