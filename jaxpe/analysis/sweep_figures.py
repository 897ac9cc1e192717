"""The figures of harm's sweeps: how strongly position is added, and how large a learned table starts."""

from __future__ import annotations

from typing import Any

from jaxpe import figures as draw
from jaxpe import tables

KINDS = (  # sweep, what it multiplies, colour, marker, dashes
    ("ratio", "(token + s·position) / √(1 + s²): the ratio alone", "#0072B2", "o", "-"),
    ("position", "token + s·position", "#D55E00", "s", "--"),
    ("both", "s·(token + position): the size alone", "#666666", "^", ":"),
)


def figures(table: Any) -> dict[str, Any]:
    """Those for which the table has rows."""
    made = dict[str, Any]()
    if table["sweep"].isin([kind[0] for kind in KINDS]).any():
        made |= {"sweep": sweep(table), "rescaled": rescaled(table)}
    if (table["sweep"] == "initial std").any():
        made["initial_std"] = initial_std(table)
    return made


def trained(part: Any) -> str:
    return ", ".join(f"{n:g}" for n in sorted(set(part["train_length"])))


def seeds_by_width(part: Any) -> str:
    """'3 seeds', or '3 seeds (width 128: 1)' where a width has fewer."""
    counts = part.groupby("width")["seed"].nunique()
    fewer = ", ".join(f"width {width:g}: {n}" for width, n in counts.items() if n < counts.max())
    return f"{counts.max()} seeds" + (f" ({fewer})" if fewer else "")


def factor_of(part: Any, kind: str) -> Any:
    """The factor s of a sweep's rows."""
    return (part["position_factor"] / (part["token_factor"] if kind == "ratio" else 1.0)).round(4)


def sweep(table: Any) -> Any:
    """Accuracy against the factor s: solid symbols at the training length N, open ones at 2 N."""
    part = tables.select(table, metric="token_accuracy")
    part = part[part["sweep"].isin([kind[0] for kind in KINDS])]
    keys = sorted(
        set(zip(part["encoding"], part["width"], part["task"], strict=True)), key=lambda k: (k[0] != "sinusoidal", k)
    )
    figure, axes = draw.panels(
        len(keys), columns=2 if len(keys) < 4 else 4, width=4.2 if len(keys) < 4 else 3.4, height=2.9
    )
    for axis, (encoding, width, task) in zip(axes, keys, strict=True):
        own = tables.select(part, task=task, encoding=encoding, width=width)
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
            at_n["floor"].mean(), color="black", linewidth=0.9, linestyle=":", label="floor: length only, at N"
        )
        blind = (0, (6, 3))
        axis.axhline(
            at_n["order_blind"].mean(), color="black", linewidth=0.9, linestyle=blind, label="order-blind, at N"
        )
        axis.set_xscale("symlog", linthresh=0.1)
        axis.set_xlim(-0.02, 1.4 * part["position_factor"].max())
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(f"{task}, {encoding}, width {width:g}", fontsize=9)
        axis.set_xlabel("factor s")
        axis.set_ylabel("token accuracy")
    draw.legend(figure, axes, columns=2)
    draw.caption(
        figure,
        f"Encoder. Filled: at the training length N = {trained(part)}; open: at 2 N. Means over {seeds_by_width(part)}.",
    )
    return figure


def rescaled(table: Any) -> Any:
    """Position over token, as sizes in the embeddings, before and after training: does the network bring them together?"""
    part = tables.select(table, sweep="ratio")
    keys = sorted(set(zip(part["encoding"], part["task"], strict=True)), key=lambda k: (k[0] != "sinusoidal", k))
    figure, axes = draw.panels(
        len(keys), columns=2 if len(keys) < 4 else 4, width=4.2 if len(keys) < 4 else 3.4, height=2.9
    )
    for axis, (encoding, task) in zip(axes, keys, strict=True):
        own = tables.select(part, encoding=encoding, task=task)
        own = own.assign(s=factor_of(own, "ratio"))
        own = own[own["s"] > 0]
        for i, (width, of_width) in enumerate(own.groupby("width")):
            sizes = of_width.pivot_table(index="s", columns="metric", values="value")
            look = draw.style_at(i)
            axis.plot(
                sizes.index, sizes["position_rms_after"] / sizes["token_rms_after"], color=look.colour,
                marker=look.marker, linestyle=look.dashes, markersize=5, label=f"after training, width {width:g}",
            )  # fmt: skip
            if i == 0:
                before = sizes["position_rms_before"] / sizes["token_rms_before"]
                axis.plot(sizes.index, before, color="black", linewidth=1, linestyle=":", label="before training")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_title(f"{task}, {encoding}", fontsize=9)
        axis.set_xlabel("factor s")
        axis.set_ylabel("size of position / size of token", fontsize=8.5)
    draw.legend(figure, axes, columns=3)
    draw.caption(
        figure, f"Root mean squares in the embeddings, ratio sweep, encoder; means over {seeds_by_width(part)}."
    )
    return figure


def initial_std(table: Any) -> Any:
    """Accuracy against the size at which a learned table starts: filled at N, open at 2 N."""
    part = tables.select(table, sweep="initial std", metric="token_accuracy", test_positions="arange")
    tasks = list(dict.fromkeys(part["task"]))
    figure, axes = draw.panels(len(tasks), columns=2, width=4.2, height=2.9)
    for axis, task in zip(axes, tasks, strict=True):
        own = tables.select(part, task=task)
        look = draw.style("learned")
        for times, fill in ((1, look.colour), (2, "none")):
            one = own[own["test_length"] == times * own["train_length"]]
            means = one.groupby("initial_std")["value"].mean()
            axis.plot(
                means.index, means, color=look.colour, marker=look.marker, markerfacecolor=fill,
                linestyle="-" if times == 1 else "none", label="at the training length N" if times == 1 else "at 2 N",
            )  # fmt: skip
            axis.scatter(one["initial_std"], one["value"], s=10, color=look.colour, alpha=0.5, linewidths=0)
        draw.baselines(axis, own[own["test_length"] == own["train_length"]], x="initial_std")
        axis.set_xscale("log")
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(f"{task}, learned table")
        axis.set_xlabel("standard deviation at the start (token: 1)")
        axis.set_ylabel("token accuracy")
    draw.legend(figure, axes, columns=4)
    draw.caption(figure, f"Encoder, N = {trained(part)}; {draw.seeds_of(part)} (points), lines: means. Baselines at N.")
    return figure
