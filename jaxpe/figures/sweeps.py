"""The figures of harm's sweeps: how strongly position is added, and how large a learned table starts."""

from __future__ import annotations

from typing import Any

from jaxpe.figures import draw
from jaxpe.figures.style import Style, find_style, pick_style
from jaxpe.study import tables

KINDS = (  # sweep, what it multiplies, colour, marker, dashes
    ("ratio", "(token + s·position) / √(1 + s²): the ratio alone", "#0072B2", "o", "-"),
    ("position", "token + s·position", "#D55E00", "s", "--"),
    ("both", "s·(token + position): the size alone", "#666666", "^", ":"),
)


def figures(table: Any) -> dict[str, Any]:
    """Those for which the table has rows."""
    made = dict[str, Any]()
    if table["sweep"].isin([kind[0] for kind in KINDS]).any():
        made["sweep"] = sweep(table)
    if (table["sweep"] == "ratio").any():
        made["ratio"] = ratio(table)
    if len(adding(table)):
        made["rescaled"] = rescaled(adding(table))
    if (table["sweep"] == "initial std").any():
        made["initial_std"] = initial_std(table)
    return made


def trained(part: Any) -> str:
    return ", ".join(f"{n:g}" for n in sorted(set(part["train_length"])))


def seeds_by_width(part: Any) -> str:
    """'3 seeds', or 'seeds: width 32 3 to 10, width 128 1' where widths or factors differ in them."""
    columns = ["task", "encoding", "sweep", "token_factor", "position_factor"]
    counts = part.groupby(["width", *columns])["seed"].nunique().groupby("width")
    ranges = {f"width {width:g}": " to ".join(f"{n}" for n in sorted({own.min(), own.max()})) for width, own in counts}
    if len(set(ranges.values())) == 1:
        return f"{next(iter(ranges.values()))} seeds"
    return "seeds: " + ", ".join(f"{width} {seeds}" for width, seeds in ranges.items())


def factor_of(part: Any, kind: str) -> Any:
    """The factor s of a sweep's rows."""
    return (part["position_factor"] / (part["token_factor"] if kind == "ratio" else 1.0)).round(4)


def at_factor(part: Any) -> Any:
    """The ratio sweep of one width and encoding with its factor s: the common width and sinusoids, where there are any."""
    encoding = "sinusoidal" if "sinusoidal" in set(part["encoding"]) else part["encoding"].iloc[0]
    part = tables.select_rows(part, encoding=encoding)
    own = tables.select_rows(part, width=32 if 32 in set(part["width"]) else part["width"].min())
    return own.assign(s=factor_of(own, "ratio"))


def ratio(table: Any) -> Any:
    """The turning point: accuracy against the ratio of position to token alone, a point a seed, a panel a task."""
    part = at_factor(tables.select_rows(table, sweep="ratio", metric="token_accuracy"))
    tasks = list(dict.fromkeys(part["task"]))
    figure, axes = draw.make_panels(len(tasks), columns=2, width=4.6, height=3.2)
    asked = {
        "count": "how often does it occur? (order is of no use)",
        "index": "which symbol is there? (order is needed)",
    }
    for axis, task in zip(axes, tasks, strict=True):
        own = tables.select_rows(part, task=task)
        for times, label, look in (
            (1, "at the training length N", Style("#0072B2", "o", "-")),
            (2, "at 2 N", Style("#D55E00", "^", "--")),
        ):
            one = own[own["test_length"] == times * own["train_length"]]
            means = one.groupby("s")["value"].mean()
            draw.draw_line(axis, means, look, label)
            draw.draw_points(axis, one["s"], one["value"], look, s=16, alpha=0.6)
        draw.draw_baselines(axis, own[own["test_length"] == own["train_length"]], x="s")
        axis.set_xscale("symlog", linthresh=0.1)
        axis.set_xlim(-0.02, 1.4 * part["s"].max())
        axis.set_xticks([s for s in sorted(set(part["s"])) if s in (0, 0.1, 1, 10, 100)])
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(f"{task}: {asked[task]}" if task in asked else task, fontsize="medium")
        axis.set_xlabel("factor s (1: position as large as token)")
        axis.set_ylabel("token accuracy")
    draw.add_legend(figure, axes, columns=4)
    counts = part.groupby(["task", "s"])["seed"].nunique()
    seeds = " to ".join(f"{n}" for n in sorted({counts.min(), counts.max()}))
    draw.add_caption(
        figure,
        f"(token + s·position) / √(1 + s²): the ratio alone, at a constant size. {part['encoding'].iloc[0].capitalize()}, encoder, "
        f"width {part['width'].iloc[0]:g}, N = {trained(part)}.\nPoints: {seeds} seeds; lines: means; black: both baselines at N.",
    )
    return figure


def sweep(table: Any) -> Any:
    """Accuracy against the factor s: solid symbols at the training length N, open ones at 2 N."""
    part = tables.select_rows(table, metric="token_accuracy")
    part = part[part["sweep"].isin([kind[0] for kind in KINDS])]
    keys = sorted(
        set(zip(part["encoding"], part["width"], part["task"], strict=True)), key=lambda k: (k[0] != "sinusoidal", k)
    )
    figure, axes = draw.make_panels(
        len(keys), columns=2 if len(keys) < 4 else 4, width=4.2 if len(keys) < 4 else 3.4, height=2.9
    )
    for axis, (encoding, width, task) in zip(axes, keys, strict=True):
        own = tables.select_rows(part, task=task, encoding=encoding, width=width)
        for kind, label, colour, marker, dashes in KINDS:
            for times, fill in ((1, colour), (2, "none")):
                one = own[(own["sweep"] == kind) & (own["test_length"] == times * own["train_length"])]
                means = one.assign(s=factor_of(one, kind)).groupby("s")["value"].mean()
                axis.plot(
                    means.index, means, color=colour, marker=marker, markerfacecolor=fill, markersize=5,
                    linestyle=dashes if times == 1 else "none", label=label if times == 1 else None,
                )  # fmt: skip
        at_n = own[own["test_length"] == own["train_length"]]
        axis.axhline(
            at_n["length_baseline"].mean(),
            color="black",
            linewidth=0.9,
            linestyle=":",
            label="floor: length only, at N",
        )
        blind = (0, (6, 3))
        axis.axhline(
            at_n["order_blind_baseline"].mean(),
            color="black",
            linewidth=0.9,
            linestyle=blind,
            label="order-blind, at N",
        )
        axis.set_xscale("symlog", linthresh=0.1)
        axis.set_xlim(-0.02, 1.4 * part["position_factor"].max())
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(f"{task}, {encoding}, width {width:g}", fontsize="medium")
        axis.set_xlabel("factor s")
        axis.set_ylabel("token accuracy")
    draw.add_legend(figure, axes, columns=2)
    draw.add_caption(
        figure,
        f"Encoder. Filled: at the training length N = {trained(part)}; open: at 2 N. Means; {seeds_by_width(part)}.",
    )
    return figure


def adding(table: Any) -> Any:
    """The ratio sweep of encodings that add something to a token."""
    part = tables.select_rows(table, sweep="ratio")
    added = part[(part["metric"] == "position_rms_before") & (part["value"] > 0)]
    return part[part["encoding"].isin(added["encoding"])]


def rescaled(part: Any) -> Any:
    """What training makes of the ratio of position to token in the embeddings: ratio after over ratio before, 1 is unchanged."""
    keys = sorted(set(zip(part["encoding"], part["task"], strict=True)), key=lambda k: (k[0] != "sinusoidal", k))
    figure, axes = draw.make_panels(
        len(keys), columns=2 if len(keys) < 4 else 4, width=4.2 if len(keys) < 4 else 3.4, height=2.9
    )
    for axis, (encoding, task) in zip(axes, keys, strict=True):
        own = tables.select_rows(part, encoding=encoding, task=task)
        own = own.assign(s=factor_of(own, "ratio"))
        own = own[own["s"] > 0]
        for i, (width, of_width) in enumerate(own.groupby("width")):
            sizes = of_width.pivot_table(index="s", columns="metric", values="value")
            look = pick_style(i)
            after, before = (sizes[f"position_rms_{when}"] / sizes[f"token_rms_{when}"] for when in ("after", "before"))
            axis.plot(
                sizes.index, after / before, color=look.colour, marker=look.marker, linestyle=look.dashes,
                markersize=5, label=f"width {width:g}",
            )  # fmt: skip
        axis.axhline(1, color="black", linewidth=1, linestyle=":", label="unchanged by training")
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
        f"Ratio sweep, encoder; means; {seeds_by_width(part)}.",
    )
    return figure


def initial_std(table: Any) -> Any:
    """Accuracy against the size at which a learned table starts: filled at N, open at 2 N."""
    part = tables.select_rows(table, sweep="initial std", metric="token_accuracy", test_positions="arange")
    tasks = list(dict.fromkeys(part["task"]))
    figure, axes = draw.make_panels(len(tasks), columns=2, width=4.2, height=2.9)
    for axis, task in zip(axes, tasks, strict=True):
        own = tables.select_rows(part, task=task)
        look = find_style("learned")
        for times, fill in ((1, look.colour), (2, "none")):
            one = own[own["test_length"] == times * own["train_length"]]
            means = one.groupby("initial_std")["value"].mean()
            axis.plot(
                means.index, means, color=look.colour, marker=look.marker, markerfacecolor=fill,
                linestyle="-" if times == 1 else "none", label="at the training length N" if times == 1 else "at 2 N",
            )  # fmt: skip
            axis.scatter(one["initial_std"], one["value"], s=10, color=look.colour, alpha=0.5, linewidths=0)
        draw.draw_baselines(axis, own[own["test_length"] == own["train_length"]], x="initial_std")
        axis.set_xscale("log")
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(f"{task}, learned table")
        axis.set_xlabel("standard deviation at the start (token: 1)")
        axis.set_ylabel("token accuracy")
    draw.add_legend(figure, axes, columns=4)
    draw.add_caption(figure, f"Encoder, N = {trained(part)}; {draw.format_seeds(part)} (points), lines: means. Baselines at N.")
    return figure
