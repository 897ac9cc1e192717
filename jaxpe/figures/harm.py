"""The figures of the experiment `harm`, each from its table."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxpe.figures import draw, sweeps
from jaxpe.figures.style import Style
from jaxpe.study import tables


def figures(table: Any, plain: Any) -> dict[str, Any]:
    """`plain`: the rows at the encodings' own scales and the common width, tested as they were trained."""
    counted = tables.select_rows(plain, positions="arange")
    made = {"within_and_beyond": within_and_beyond(counted), "parts": parts(counted), "loss": losses(counted)}
    if (plain["positions"] != "arange").any():
        made["samplers"] = samplers(plain)
    if len(tables.select_rows(counted, metric="twins_both_right")):
        made["twins"] = twins(counted)
    made |= sweeps.figures(table)
    if table["width"][table["sweep"] == "none"].nunique() > 1:
        made["add_or_concatenate"] = add_or_concatenate(table)
    return made


def groups_of(part: Any) -> list[tuple[str, str]]:
    return list(dict.fromkeys(zip(part["task"], part["architecture"], strict=True)))


def within_and_beyond(plain: Any) -> Any:
    part = tables.select_rows(plain, metric="token_accuracy")
    groups = groups_of(part)
    figure, axes = draw.make_panels(len(groups), columns=3, width=3.8, height=2.9)
    for axis, (task, architecture) in zip(axes, groups, strict=True):
        own = tables.select_rows(part, task=task, architecture=architecture)
        draw.draw_curves(axis, own)
        draw.set_up_length_panel(axis, own, f"{task}, {architecture.replace('_', '-')}")
        axis.set_ylim(-0.03, 1.05)
        axis.set_ylabel("token accuracy")
    draw.add_legend(figure, axes, columns=5)
    text = f"Left edge: the longest length seen in training. Lines: means; points: {draw.format_seeds(part)}."
    if part["task"].isin(["count", "histogram"]).any():
        text += (
            "\nCounts are capped at 8: the longer the input, the more often the answer is 8, and a rule that knows the length "
            "only (floor) nears 1."
        )
    draw.add_caption(figure, text)
    return figure


SAMPLERS = {  # positions in training: what the line is called, and its look
    "arange": ("0, 1, 2, …", Style("#0072B2", "s", "-")),
    "offset": ("from a random start", Style("#D55E00", "^", "--")),
    "randomized": ("randomly spaced, in the test too", Style("#009E73", "D", "-.")),
}


def samplers(plain: Any) -> Any:
    """Accuracy within and beyond the lengths seen, by the positions met in training, beside none."""
    part = tables.select_rows(plain, metric="token_accuracy", architecture="encoder")
    other = part[part["positions"] != "arange"]
    keys = sorted(
        dict.fromkeys(zip(other["task"], other["encoding"], strict=True)),
        key=lambda key: list(other["task"]).index(key[0]),
    )
    figure, axes = draw.make_panels(len(keys), columns=3, width=3.2, height=2.8)
    for axis, (task, encoding) in zip(axes, keys, strict=True):
        own = tables.select_rows(part, task=task)
        blind = tables.select_rows(own, encoding="none").groupby("test_length")["value"].mean()
        axis.plot(blind.index, blind, color="#666666", marker="o", markersize=4, label="none")
        for positions, (label, look) in SAMPLERS.items():
            one = tables.select_rows(own, encoding=encoding, positions=positions)
            if one.empty:
                continue
            draw.draw_line(axis, one.groupby("test_length")["value"].mean(), look, label)
            draw.draw_points(axis, one["test_length"], one["value"], look, s=12, alpha=0.6)
        draw.set_up_length_panel(axis, own, f"{task}, {encoding}")
        axis.set_ylim(-0.03, 1.05)
    for axis in axes[::3]:
        axis.set_ylabel("token accuracy")
    draw.add_legend(figure, axes, columns=4)
    draw.add_caption(figure, f"Encoder. Lines: means; points: {draw.format_seeds(part)}.")
    return figure


def add_or_concatenate(table: Any) -> Any:
    """Sinusoids added or concatenated, at the widths that were run."""
    part = tables.select_rows(table, sweep="none", metric="token_accuracy", positions="arange", test_positions="arange")
    part = part[part["encoding"].isin(["sinusoidal", "concatenated"])]
    tasks = list(dict.fromkeys(part["task"][part["width"] == part["width"].max()]))
    figure, axes = draw.make_panels(len(tasks), columns=2, width=4.4, height=3.0)
    looks = {
        ("sinusoidal", 32): ("added, width 32", Style("#0072B2", "s", "-")),
        ("sinusoidal", 40): ("added, width 40", Style("#56B4E9", "o", "--")),
        ("concatenated", 32): ("concatenated, width 24 + 8", Style("#009E73", "P", "-.")),
        ("concatenated", 40): ("concatenated, width 32 + 8", Style("#117733", "^", ":")),
    }
    for axis, task in zip(axes, tasks, strict=True):
        own = tables.select_rows(part, task=task)
        for (encoding, width), (label, look) in looks.items():
            one = tables.select_rows(own, encoding=encoding, width=width)
            draw.draw_line(axis, one.groupby("test_length")["value"].mean(), look, label)
            draw.draw_points(axis, one["test_length"], one["value"], look, s=14, alpha=0.6)
        draw.set_up_length_panel(axis, own, f"{task}, encoder")
        axis.set_ylim(-0.03, 1.05)
        axis.set_ylabel("token accuracy")
    draw.add_legend(figure, axes, columns=3)
    draw.add_caption(figure, f"The same width means as many parameters. Lines: means; points: {draw.format_seeds(part)}.")
    return figure


def parts(plain: Any) -> Any:
    """Sizes of token and position parts before and after training, and the directions that they share."""
    names = [name for name in dict.fromkeys(plain["encoding"]) if name != "none"] or ["none"]
    figure, (left, right) = draw.make_panels(2, columns=2, width=4.8, height=3.1)
    part = plain[plain["architecture"] == "encoder"]
    rows = (("token_rms", "token", "#666666"), ("position_rms", "position", "#56B4E9"))
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
        axis.legend(frameon=False, fontsize="small")
        axis.set_ylim(0, 1.35 * axis.get_ylim()[1])
    tasks = ", ".join(dict.fromkeys(part["task"]))
    draw.add_caption(figure, f"Encoder; means and ranges over {draw.format_seeds(part)} and the tasks {tasks}.")
    return figure


def bars(axis: Any, part: Any, names: list[str], series: Any) -> None:
    """Grouped bars with the range as a line; hatched where 'before'."""
    wide = 0.8 / len(series)
    hatches = dict(zip(dict.fromkeys(one[2] for one in series), ("/", "x", "."), strict=False))
    for i, (metric, label, colour, when) in enumerate(series):
        values = [tables.select_rows(part, encoding=name, metric=metric)["value"] for name in names]
        at = np.arange(len(names)) - 0.4 + wide * (i + 0.5)
        means = [one.mean() for one in values]
        hatch = 3 * hatches[colour] if when == "before" else None
        axis.bar(at, means, wide * 0.9, color=colour, alpha=0.85, hatch=hatch, edgecolor="white", label=label)
        axis.vlines(at, [one.min() for one in values], [one.max() for one in values], color="black", linewidth=1)
    axis.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names], fontsize="small")


def twins(plain: Any) -> Any:
    part = tables.select_rows(plain, metric="twins_both_right")
    tasks = list(dict.fromkeys(part["task"]))
    many = part["encoding"].nunique() > 3  # their names need room
    figure, axes = draw.make_panels(len(tasks), columns=2 if many else 3, width=4.8 if many else 3.6, height=2.8)
    for axis, task in zip(axes, tasks, strict=True):
        own = tables.select_rows(part, task=task).assign(order_blind_baseline=np.nan, length_baseline=np.nan)
        draw.draw_seeds(axis, own, list(dict.fromkeys(own["encoding"])))
        axis.axhline(
            0.0,
            color="black",
            linewidth=1,
            linestyle=(0, (6, 3)),
            label="the most that a rule blind to order can reach",
        )
        axis.set_ylim(-0.05, 1.05)
        axis.set_title(f"{task}, encoder")
        axis.set_ylabel("share of pairs with both right", fontsize="small")
    draw.add_legend(figure, axes, columns=3)
    draw.add_caption(
        figure,
        f"Pairs of inputs with the same symbols and different answers, at the training length {sweeps.trained(part)}; "
        f"a point is a seed ({draw.format_seeds(part)}).",
    )
    return figure


LEAST = 1e-7  # nats: the smallest loss that is drawn, so that an exact 0 has a place on the log axis


def losses(plain: Any) -> Any:
    part = tables.select_rows(plain, metric="loss")
    part = part.assign(value=part["value"].clip(lower=LEAST))
    groups = groups_of(part)
    figure, axes = draw.make_panels(len(groups), columns=3, width=3.8, height=2.7)
    for axis, (task, architecture) in zip(axes, groups, strict=True):
        own = tables.select_rows(part, task=task, architecture=architecture)
        draw.draw_curves(axis, own, x="steps")
        axis.set_yscale("log")
        axis.set_title(
            f"{task}, {architecture.replace('_', '-')}, trained to {own['train_length'].iloc[0]:g}", fontsize="medium"
        )
        axis.set_xlabel("training steps")
        axis.set_ylabel("loss (nats per answer)", fontsize="small")
    draw.add_legend(figure, axes, columns=5)
    draw.add_caption(figure, f"Mean over ten steps; {draw.format_seeds(part)}. Losses below {LEAST:g} are drawn there.")
    return figure
