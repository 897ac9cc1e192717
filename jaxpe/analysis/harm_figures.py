"""The figures of the experiment `harm`, each from its table."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxpe import figures as draw
from jaxpe import tables

KINDS = (  # sweep, what it multiplies, colour, marker, dashes
    ("ratio", "(token + s·position) / √(1 + s²): the ratio alone", "#0072B2", "o", "-"),
    ("position", "token + s·position", "#D55E00", "s", "--"),
    ("both", "s·(token + position): the size alone", "#666666", "^", ":"),
)


def figures(table: Any, plain: Any) -> dict[str, Any]:
    """`plain`: the rows at the encodings' own scales."""
    made = {"within_and_beyond": within_and_beyond(plain), "parts": parts(plain), "loss": losses(plain)}
    if len(tables.select(plain, metric="twins_both_right")):
        made["twins"] = twins(plain)
    if table["sweep"].isin([kind[0] for kind in KINDS]).any():
        made["sweep"] = sweep(table)
    return made


def groups_of(part: Any) -> list[tuple[str, str]]:
    return list(dict.fromkeys(zip(part["task"], part["architecture"], strict=True)))


def trained(part: Any) -> str:
    return ", ".join(f"{n:g}" for n in sorted(set(part["train_length"])))


def within_and_beyond(plain: Any) -> Any:
    part = tables.select(plain, metric="token_accuracy")
    groups = groups_of(part)
    figure, axes = draw.panels(len(groups), columns=3, width=3.8, height=2.9)
    for axis, (task, architecture) in zip(axes, groups, strict=True):
        own = tables.select(part, task=task, architecture=architecture)
        draw.curve(axis, own)
        draw.baselines(axis, own)
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:g}")
        draw.train_length(axis, own["train_length"].iloc[0])
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(f"{task}, {architecture.replace('_', '-')}", pad=16)
        axis.set_xlabel("test length (symbols of x)")
        axis.set_ylabel("token accuracy")
    draw.legend(figure, axes, columns=5)
    draw.caption(
        figure, f"Left edge: the longest length seen in training. Lines: means; points: {draw.seeds_of(part)}."
    )
    return figure


def sweep(table: Any) -> Any:
    """Accuracy against the factor s: solid symbols at the training length N, open ones at 2 N."""
    part = tables.select(table, metric="token_accuracy")
    part = part[part["sweep"].isin([kind[0] for kind in KINDS])]
    keys = list(dict.fromkeys(zip(part["task"], part["encoding"], part["width"], strict=True)))
    figure, axes = draw.panels(len(keys), columns=3, width=4.2, height=3.0)
    for axis, (task, encoding, width) in zip(axes, keys, strict=True):
        own = tables.select(part, task=task, encoding=encoding, width=width)
        for kind, label, colour, marker, dashes in KINDS:
            for times, fill in ((1, colour), (2, "none")):
                one = own[(own["sweep"] == kind) & (own["test_length"] == times * own["train_length"])]
                factor = one["position_factor"] / (one["token_factor"] if kind == "ratio" else 1.0)
                means = one.assign(s=factor.round(6)).groupby("s")["value"].mean()
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
        axis.set_title(f"{task}, encoder, {encoding}, width {width:g}", fontsize=9)
        axis.set_xlabel("factor s")
        axis.set_ylabel("token accuracy")
    draw.legend(figure, axes, columns=2)
    draw.caption(
        figure,
        f"Filled: at the training length N = {trained(part)}; open: at 2 N. Means over {draw.seeds_of(part)}.",
    )
    return figure


def parts(plain: Any) -> Any:
    """Sizes of token and position parts before and after training, and the directions that they share."""
    names = [name for name in dict.fromkeys(plain["encoding"]) if name != "none"] or ["none"]
    figure, (left, right) = draw.panels(2, columns=2, width=4.8, height=3.1)
    part = plain[plain["architecture"] == "encoder"]
    rows = (("token_rms", "token", "#666666"), ("position_rms", "position", "#0072B2"))
    bars(
        left,
        part,
        names,
        [(f"{m}_{w}", f"{label}, {w} training", c, w) for m, label, c in rows for w in ("before", "after")],
    )
    left.set_ylabel("root mean square per coordinate")
    shared = (
        ("subspace_overlap_before", "before training", "#56B4E9", "before"),
        ("subspace_overlap_after", "after training", "#0072B2", "after"),
    )
    bars(right, part, names, [*shared, ("random_overlap_after", "random subspaces of these sizes", "#999999", "after")])
    right.set_ylabel("shared directions (0 none, 1 all)")
    for axis in (left, right):
        axis.legend(frameon=False, fontsize=7.5)
        axis.set_ylim(0, 1.35 * axis.get_ylim()[1])
    tasks = ", ".join(dict.fromkeys(part["task"]))
    draw.caption(figure, f"Encoder; means and ranges over {draw.seeds_of(part)} and the tasks {tasks}.")
    return figure


def bars(axis: Any, part: Any, names: list[str], series: Any) -> None:
    """Grouped bars with the range as a line; hatched where 'before'."""
    wide = 0.8 / len(series)
    for i, (metric, label, colour, when) in enumerate(series):
        values = [tables.select(part, encoding=name, metric=metric)["value"] for name in names]
        at = np.arange(len(names)) - 0.4 + wide * (i + 0.5)
        means = [one.mean() for one in values]
        hatch = "///" if when == "before" else None
        axis.bar(at, means, wide * 0.9, color=colour, alpha=0.85, hatch=hatch, edgecolor="white", label=label)
        axis.vlines(at, [one.min() for one in values], [one.max() for one in values], color="black", linewidth=1)
    axis.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names], fontsize=8)


def twins(plain: Any) -> Any:
    part = tables.select(plain, metric="twins_both_right")
    tasks = list(dict.fromkeys(part["task"]))
    figure, axes = draw.panels(len(tasks), columns=3, width=3.6, height=2.8)
    for axis, task in zip(axes, tasks, strict=True):
        own = tables.select(part, task=task).assign(order_blind=np.nan, floor=np.nan)
        draw.seeds_at(axis, own, list(dict.fromkeys(own["encoding"])))
        axis.axhline(
            0.0,
            color="black",
            linewidth=1,
            linestyle=(0, (6, 3)),
            label="the most that a rule blind to order can reach",
        )
        axis.set_ylim(-0.05, 1.05)
        axis.set_title(f"{task}, encoder")
        axis.set_ylabel("share of pairs with both right", fontsize=8.5)
    draw.legend(figure, axes, columns=4)
    draw.caption(
        figure,
        f"Pairs of inputs with the same symbols and different answers, at the training length {trained(part)}; "
        f"a point is a seed ({draw.seeds_of(part)}).",
    )
    return figure


def losses(plain: Any) -> Any:
    part = tables.select(plain, metric="loss")
    groups = groups_of(part)
    figure, axes = draw.panels(len(groups), columns=3, width=3.8, height=2.7)
    for axis, (task, architecture) in zip(axes, groups, strict=True):
        own = tables.select(part, task=task, architecture=architecture)
        draw.curve(axis, own, x="steps")
        axis.set_yscale("log")
        axis.set_title(
            f"{task}, {architecture.replace('_', '-')}, trained to {own['train_length'].iloc[0]:g}", fontsize=9
        )
        axis.set_xlabel("training steps")
        axis.set_ylabel("loss (nats per answer)", fontsize=8.5)
    draw.legend(figure, axes, columns=5)
    draw.caption(figure, f"Mean over ten steps; {draw.seeds_of(part)}.")
    return figure
