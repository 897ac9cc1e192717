"""Figures of the extraction experiment, drawn from its table alone."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from jaxpe.analysis import hidden, probes, readers
from jaxpe.figures import draw
from jaxpe.figures.style import find_style, pick_style
from jaxpe.study import tables

NETWORKS = {
    "trained": "trained",
    "untrained": "the same network untrained",
    "shuffled": "shuffled labels",
    "gaussian": "Gaussian noise instead of states",
}
TARGETS = {
    "position": "position",
    "end": "distance\nto the end",
    "token": "token",
    "neighbour": "token on\nthe left",
}
NEW_PLACES = {
    "new_random": "position,\nnew places at random",
    "new_blocks": "position,\nnew places in blocks",
    "near pairs": f"which comes first?\nnew places ≤ {probes.NEAR} apart",
    "far pairs": f"which comes first?\nnew places > {probes.NEAR} apart",
}
BY_PLACE = {
    ("position", "input"): "position,\nplaces of the input",
    ("position", "answers"): "position,\nplaces that answer",
    ("token", "input"): "token,\nplaces of the input",
    ("answer", "answers"): "answer,\nplaces that answer",
}
DRAWN = {"random rows": "learned", "sinusoids": "sinusoidal"}  # tables that nobody trained, and the trained ones beside


def figures(table: Any) -> dict[str, Any]:
    """The raw sum by width and by noise; then for every task: probes by layer, what a state is made of, attention."""
    table = table.assign(series=[draw.format_series(row) for row in table.itertuples()])
    made = {"readers": by_width(table), "noise": by_noise(table)}
    runs = table[table["task"] != readers.RAW]
    if (runs["metric"] == "rotation_share").any():
        made["rotation"] = rotations(table)
    for (task, architecture), part in runs.groupby(["task", "architecture"], sort=False):
        everywhere = part[part["places"] == "all"]
        made[f"probes_{task}_{architecture}"] = by_layer(everywhere, at_all(TARGETS), "sequences")
        made[f"new_places_{task}_{architecture}"] = by_layer(
            everywhere, at_all(NEW_PLACES), "positions of held-out sequences"
        )
        if len(apart := part[part["places"].isin(["input", "answers"])]):
            made[f"places_{task}_{architecture}"] = by_layer(apart, BY_PLACE, "sequences")
        made[f"mixing_{task}_{architecture}"] = made_of(part)
        if (part["metric"] == "logit_share").any():
            made[f"attention_{task}_{architecture}"] = by_part(part[part["series"].isin(split(part))])
        if (part["metric"] == "head_accuracy").any():
            made[f"heads_{task}_{architecture}"] = by_head(part[part["series"].isin(split(part))])
    return made


def at_all(targets: dict[str, str]) -> dict[tuple[str, str], str]:
    return {(target, "all"): label for target, label in targets.items()}


def split(part: Any) -> list[str]:
    """The encodings whose first-layer logits split exactly."""
    return list(dict.fromkeys(part["series"][part["metric"] == "logit_share"]))


def told(part: Any) -> str:
    """'reverse, encoder, trained on lengths ≤ 8, 6 seeds'."""
    first = part.iloc[0]
    name = f"{first['task']}, {first['architecture'].replace('_', '-')}"
    return f"{name}, trained on lengths ≤ {first['train_length']:g}, {draw.format_seeds(part)}"


def by_width(table: Any) -> Any:
    """Recovery against width: the more coordinates, the further apart the rows lie."""
    plain = table[(table["metric"] == "recovery") & (table["signal"] == "float32")]
    drawn = plain[plain["encoding"].isin(DRAWN)]
    models = plain[~plain["encoding"].isin(DRAWN)]
    figure, axes = draw.make_panels(2, columns=2, width=4.5, height=3.1, sharey=True)
    for axis, (kind, trained) in zip(axes, DRAWN.items(), strict=True):
        for i, reader in enumerate(readers.READERS):
            look, part = pick_style(i), tables.select_rows(drawn, reader=reader, encoding=kind)
            draw.draw_line(axis, part.groupby("width")["value"].mean(), look, f"knows {reader}")
            draw.draw_points(axis, part["width"], part["value"], look, s=14, alpha=0.6)
            own = models[models["encoding"].isin([trained, f"{trained} rows"]) & (models["reader"] == reader)]
            own = own if reader != readers.READERS[-1] else own[:0]
            spots: dict[str, Any] = {"facecolors": "none", "edgecolors": look.colour, "marker": look.marker, "s": 34}
            axis.scatter(own["width"] * (1.12 + 0.06 * i), own["value"], **spots)
        bound = tables.select_rows(table, metric="union_bound", encoding=kind).groupby("width")["value"].mean()
        axis.plot(
            bound.index, bound, color="black", linestyle=(0, (5, 2)), linewidth=1.1, label="union bound (at least)"
        )
        rows = tables.select_rows(table, metric="position_rows")
        fewest = rows["value"][rows["encoding"].isin([trained, f"{trained} rows"])].min()
        for count, dashes, words in (
            (readers.POSITIONS, ":", "drawn tables"),
            (fewest, "-", "trained tables, fewest positions"),
        ):
            axis.axhline(1 / count, color="black", linestyle=dashes, linewidth=0.8, label=f"chance, {words}")
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_title(f"positions are {kind}")
        axis.set_xlabel("width D")
    axes[0].set_ylabel("positions read right (share)")
    draw.add_legend(figure, axes, columns=3)
    text = f"Raw sum token + position, {readers.POSITIONS} positions × {readers.TOKENS} tokens; points: {drawn['seed'].nunique()} draws."
    draw.add_caption(
        figure,
        f"{text}\nOpen: tables of trained models ({trained_on(models)}{positions_of(table)}): fewer positions, so easier to read.",
    )
    return figure


def positions_of(table: Any) -> str:
    """', 24 to 64 positions'."""
    rows = table[(table["metric"] == "position_rows") & ~table["encoding"].isin(DRAWN)]["value"]
    if not len(rows):
        return ""
    return (
        f", {rows.min():g} positions" if rows.min() == rows.max() else f", {rows.min():g} to {rows.max():g} positions"
    )


def trained_on(models: Any) -> str:
    """'lengths ≤ 12, 5 to 10 seeds, 3 at other widths'."""
    if not len(models):
        return "none here"
    lengths = " or ".join(f"{n:g}" for n in sorted(models["train_length"].dropna().unique()))
    runs, others = models[models["task"] != readers.RAW], models[models["task"] == readers.RAW]
    seeds = [draw.format_seeds(runs)] if len(runs) else []
    seeds += [f"{others['seed'].nunique()} at other widths"] if len(others) else []
    return f"lengths ≤ {lengths}, {', '.join(seeds)}"


def by_noise(table: Any) -> Any:
    """What rounding and noise do to the reader that knows both tables: at one width beside trained ones, and by width."""
    plain = table[(table["metric"] == "recovery") & (table["reader"] == "both tables") & (table["encoding"] != "none")]
    models = plain[plain["task"] != readers.RAW]
    models = models[models["task"] == models["task"].iloc[0]] if len(models) else models
    every = plain[plain["encoding"].isin(DRAWN)]
    drawn = every[every["width"] == readers.NOISE_WIDTH]
    figure, (axis, *others) = draw.make_panels(3, columns=3, width=3.9, height=3.6, sharey=True)
    groups = [*drawn.groupby("series", sort=False), *models.groupby(["series", "architecture"], sort=False)]
    for i, (name, part) in enumerate(groups):
        look = pick_style(i)
        label = (
            f"{name}, drawn" if isinstance(name, str) else f"{name[0]}, trained on {models['task'].iloc[0]}, {name[1]}"
        )
        draw.draw_line(axis, part.groupby("signal")["value"].mean().reindex(readers.SIGNALS), look, label)
        place = part["signal"].map(readers.SIGNALS.index) + 0.05 * (i - len(groups) / 2)
        draw.draw_points(axis, place, part["value"], look, s=20, alpha=0.7)
    chance = 1 / (readers.POSITIONS * readers.TOKENS)
    axis.axhline(chance, color="black", linestyle=":", linewidth=0.9, label="chance, drawn tables")
    units = [s.replace("noise ", "noise\n") + (" RMS" if "noise" in s else "") for s in readers.SIGNALS]
    axis.set_xticks(range(len(units)), units)
    axis.set_ylabel("token and position both\nread right (share)")
    axis.set_title(f"width {readers.NOISE_WIDTH} and trained models")
    axis.tick_params(axis="x", labelsize="small")
    for other, kind in zip(others, DRAWN, strict=True):
        for i, signal in enumerate(readers.SIGNALS[1:]):
            own = tables.select_rows(every, encoding=kind, signal=signal)
            label = "bfloat16" if i == 0 else f"{signal} RMS"
            draw.draw_line(other, own.groupby("width")["value"].mean(), pick_style(i + 6), label)
        other.set_xscale("log", base=2)
        other.xaxis.set_major_formatter("{x:g}")
        other.set_title(f"by width, positions are {kind}")
        other.set_xlabel("width D")
    draw.add_legend(figure, [axis, *others], columns=3)
    text = "Reader that knows both tables; noise in units of the positions' RMS; by width: means over draws of "
    least = tables.select_rows(every, signal="float32")["value"].min()
    text += f"{readers.POSITIONS} positions × {readers.TOKENS} tokens, in float32 without noise at least {least:g}."
    draw.add_caption(figure, f"{text}\nModels: {trained_on(models)}.")
    return figure


def rotations(table: Any) -> Any:
    """Do query and key turn sinusoids by one offset? The best rotation's share trained and untrained, and its offset."""
    found = tables.select_rows(table, metric="rotation_share")
    named = found.assign(name=found["task"] + ", " + found["architecture"])
    names = list(dict.fromkeys(named["name"]))
    figure, axes = draw.make_panels(2, columns=2, width=4.6, height=1.0 + 0.75 * len(names), sharey=True)
    for row, name in enumerate(names):
        for shift, (network, label) in zip((-0.15, 0.15), list(NETWORKS.items())[:2], strict=True):
            look, own = (
                pick_style(1 if network == "trained" else 2),
                tables.select_rows(named, name=name, network=network),
            )
            place = np.full(len(own), row + shift)
            spots: dict[str, Any] = {
                "color": look.colour,
                "marker": look.marker,
                "s": 22,
                "alpha": 0.7,
                "linewidths": 0,
            }
            axes[0].scatter(own["value"], place, label=label, **spots)
            axes[0].scatter([own["value"].mean()], place[:1], color=look.colour, marker="|", s=130, linewidths=1.8)
            axes[1].scatter(own["offset"], place, **spots)
        max_offset = found["max_offset"][named["name"] == name].max()
        axes[1].vlines(
            [-max_offset, max_offset], row - 0.4, row + 0.4, color="black", linewidth=1, label="border of the range"
        )
    axes[0].set_xlim(-0.02, 1.02)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    axes[0].set_xlabel("share of the position-position logits\nthat the best single rotation explains")
    axes[1].set_xlabel("its offset k: the query looks k places on")
    draw.add_legend(figure, axes)
    residual = tables.select_rows(table, metric="rotation_residual")
    exact = ", ".join(f"{k:g}" for k in sorted(residual["offset"].unique()))
    told_exact = (
        f"PE(p) to PE(p + k) is exact for k = {exact}: at most {residual['value'].max():.0e} of the variance is left."
    )
    draw.add_caption(
        figure,
        f"Sinusoids, first layer, the head that fits best; ticks: means of {draw.format_seeds(found)}. At the border of the range the\n"
        f"best offset may lie beyond it. {told_exact if len(residual) else ''}",
    )
    return figure


def errors_of(part: Any) -> Any:
    """Probe errors as a share of chance. Which of two comes first is guessed right half the time."""
    order = part[part["metric"] == "order_accuracy"]
    return pd.concat([part[part["metric"] == "probe_error"], order.assign(value=2 * (1 - order["value"]))])


def by_layer(part: Any, targets: dict[tuple[str, str], str], held_out: str) -> Any:
    """Error of a linear probe after every layer: trained, untrained, and both controls. `targets`: what is read, and where."""
    names, errors = list(dict.fromkeys(part["series"])), errors_of(part)
    figure, axes = draw.make_panels(
        len(names) * len(targets),
        columns=len(targets),
        width=2.2,
        height=max(1.75, 2.6 / len(names)),
        sharey=True,
        sharex=True,
        grid=True,
    )
    for axis, (name, target) in zip(axes, product(names, targets), strict=True):
        for i, (network, label) in enumerate(NETWORKS.items()):
            what = {"series": name, "target": target[0], "places": target[1], "network": network}
            look, own = pick_style(i + 1), tables.select_rows(errors, **what)
            if not len(own):
                continue
            if network == "gaussian":  # of no layer
                axis.axhline(own["value"].mean(), color=look.colour, linestyle=look.dashes, linewidth=1.6, label=label)
                continue
            draw.draw_line(axis, own.groupby("layer")["value"].mean(), look, label)
            draw.draw_points(axis, own["layer"], own["value"].clip(upper=1.55), look, s=12, alpha=0.6)
        if not len(tables.select_rows(errors, series=name, target=target[0], places=target[1])):
            axis.text(0.5, 0.5, "no such places", ha="center", va="center", fontsize="small", transform=axis.transAxes)
        axis.axhline(1.0, color="black", linewidth=0.8, linestyle=":", label="chance")
        axis.set_ylim(-0.05, 1.6)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if name == names[0]:
            axis.set_title(targets[target], fontsize="medium")
        if target == next(iter(targets)):
            axis.set_ylabel(f"{name}\nerror / chance", fontsize="small")
        if name == names[-1]:
            axis.set_xlabel("after layer")
    draw.add_legend(figure, axes)
    draw.add_caption(
        figure,
        f"Linear probe on held-out {held_out}: 0 = always right, 1 = guessing. Layer 0 is the raw sum.\n{told(part)}; controls: means over seeds.{ties(targets)}",
    )
    return figure


def ties(targets: dict[tuple[str, str], str]) -> str:
    """Blank slots at layer 0 without positions, for example, are all read alike."""
    return " Two places read alike count one half." if ("near pairs", "all") in targets else ""


VARIANCE_LOOKS = {
    "position": ("position alone", "#D55E00", "//"),
    "end": ("distance to the end, given position", "#E69F00", "\\\\"),
    "token": ("token here", "#0072B2", ""),
    "answer": ("the answer", "#009E73", "xx"),
    "mixed": ("none of them alone, or other tokens", "#999999", ".."),
}
PLACES = {"input": "places of the input", "answers": "places that answer", "all": "all places"}


def made_of(part: Any) -> Any:
    """Position, symbol, or neither: what share of a state's variance; where input and answers are apart, a row for each."""
    names = list(dict.fromkeys(part["series"]))
    shares = part[part["metric"] == "variance_share"]
    where = [places for places in PLACES if (shares["places"] == places).any()]
    stacks = shares.groupby(["series", "places", "network", "layer", "part"])["value"].mean().clip(lower=0)
    top = max(1.05, 1.02 * stacks.groupby(level=[0, 1, 2, 3]).sum().max())
    figure, axes = draw.make_panels(
        len(names) * len(where), columns=len(names), width=max(2.6, 9.6 / len(names)), height=2.5, sharey=True, grid=True
    )
    for axis, (places, name) in zip(axes, product(where, names), strict=True):
        own = tables.select_rows(shares, series=name, places=places)
        for shift, network in ((-0.2, "trained"), (0.2, "untrained")):
            stacked(axis, tables.select_rows(own, network=network), shift, network == "trained")
        axis.set_xticks(range(int(shares["layer"].max()) + 1))
        axis.set_xlim(-0.5, shares["layer"].max() + 0.5)
        axis.set_ylim(0, top)
        if not (own["layer"] == 0).any():
            axis.text(0, 0.5, "all states\nthe same", ha="center", va="center", fontsize="small")
        if places == where[0]:
            axis.set_title(name)
        if places == where[-1]:
            axis.set_xlabel("after layer")
        if name == names[0]:
            axis.set_ylabel(f"{PLACES[places]}\nshare of the variance", fontsize="small")
    ordered_legend(figure, axes)
    least = shares["value"].min()
    below = f"Held-out shares can lie below 0 (least {least:.2f}), which is not drawn, and then add up to more than 1."
    below = below if least < -0.005 else ""
    draw.add_caption(figure, f"Left bars: trained; pale right bars: the same network untrained. {told(shares)}.\n{below}")
    return figure


def ordered_legend(figure: Any, axes: Any) -> None:
    """In the order in which the parts are stacked."""
    labels = [label for label, *_ in VARIANCE_LOOKS.values()]
    draw.add_legend(figure, axes, columns=3, labels=labels)


def stacked(axis: Any, own: Any, shift: float, strong: bool) -> None:
    """One bar a layer: the shares of the variance on top of each other, means over seeds."""
    means = own.pivot_table(index="layer", columns="part", values="value").clip(lower=0)
    bottom = np.zeros(len(means))
    for key, (label, colour, hatch) in VARIANCE_LOOKS.items():
        if key in means:
            look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "white"}
            look |= {"label": label} if strong else {"alpha": 0.45}
            axis.bar(means.index + shift, means[key].fillna(0), 0.36, bottom, **look)
            bottom += means[key].fillna(0).to_numpy()


PART_LOOKS = {
    "content-content": ("#0072B2", ""),
    "content-position": ("#009E73", "//"),
    "position-content": ("#E69F00", "\\\\"),
    "position-position": ("#D55E00", ".."),
    "constant-content": ("#56B4E9", "++"),
    "constant-position": ("#CC79A7", "oo"),
    "any-constant": ("#999999", "xx"),
}
REMOVALS = {"nothing": "nothing removed"} | {part: part for part in PART_LOOKS}
REMOVALS |= {"mixed": "both mixed parts", "constant": "all with constant", "all with position": "all with position"}


def by_part(part: Any) -> Any:
    """The shares of the parts in the first layer's logits, and the accuracy that is left without each of them."""
    names = split(part)
    figure, axes = draw.make_panels(2, columns=2, width=4.6, height=4.0)
    shares = tables.select_rows(part, metric="logit_share").groupby(["series", "part"])["value"].mean()
    for row, name in enumerate(reversed(names)):
        left = 0.0
        for key, (colour, hatch) in PART_LOOKS.items():
            value = float(shares[name, key])
            axes[0].barh(row, value, 0.6, left, color=colour, hatch=hatch, edgecolor="white", label=key)
            left += max(value, 0.0)
    axes[0].set_yticks(range(len(names)), list(reversed(names)))
    axes[0].set_xlabel("share of the logits' variance over keys\n(query's part - key's part)")
    kept = tables.select_rows(part, metric="token_accuracy")
    for i, name in enumerate(names):
        look, own = find_style(name), tables.select_rows(kept, series=name)
        place = own["part"].map(list(REMOVALS).index) + 0.72 * ((i + 0.5) / len(names) - 0.5)
        means = own.assign(place=place).groupby("place")["value"].mean()
        axes[1].scatter(means, means.index, color=look.colour, marker="|", s=90, linewidths=1.6)
        draw.draw_points(axes[1], own["value"], place, look, s=18, alpha=0.75, label=name)
    for column, dashes, label in (
        ("order_blind_baseline", (0, (6, 3)), "order-blind rule"),
        ("length_baseline", ":", "floor: length only"),
    ):
        if kept[column].notna().any():
            axes[1].axvline(kept[column].iloc[0], color="black", linestyle=dashes, linewidth=1, label=label)
    axes[1].set_yticks(range(len(REMOVALS)), list(REMOVALS.values()))
    axes[1].invert_yaxis()
    axes[1].hlines(np.arange(len(REMOVALS) - 1) + 0.5, 0, 1, color="#dddddd", linewidth=0.6, zorder=0)
    axes[1].set_xlabel(
        f"token accuracy at length {kept['test_length'].iloc[0]:g} without this part\nof the first layer's logits, in all heads at once"
    )
    draw.add_legend(figure, axes)
    told_parts = f"{told(part)}; shares are means over seeds and heads, points are seeds, ticks their means."
    draw.add_caption(figure, f"{told_parts}\n{exactness(part)}")
    return figure


def exactness(part: Any) -> str:
    """How exactly the parts add up to the logits, and how many models were left out because they do not."""
    errors = tables.select_rows(part, metric="split_error")["value"]
    kept, dropped = errors[errors <= hidden.SPLIT_EXACT], int((errors > hidden.SPLIT_EXACT).sum())
    text = f"The parts add up to the logits within {kept.max():.1e} of the largest logit."
    return text + (f" {dropped} models miss them by up to {errors.max():.1e} and are left out." if dropped else "")


def by_head(part: Any) -> Any:
    """Accuracy without a part of the logits in all heads at once, or in one head: the one that needs it most, and least."""
    names, parts = split(part), list(hidden.BY_HEAD)
    heads = tables.select_rows(part, metric="head_accuracy").groupby(["series", "seed", "part"])["value"]
    whole = tables.select_rows(part, metric="token_accuracy")
    kinds = {
        "in the head that needs it most": heads.min().reset_index(),
        "in the head that needs it least": heads.max().reset_index(),
        "in all heads at once": whole[whole["part"].isin(parts)],
    }
    figure, axes = draw.make_panels(
        len(names), columns=min(len(names), 4), width=max(2.5, 9.6 / len(names)), height=2.9, sharey=True
    )
    for axis, name in zip(axes, names, strict=True):
        for i, (label, found) in enumerate(kinds.items()):
            look, own = pick_style(i + 1), tables.select_rows(found, series=name)
            place = own["part"].map(parts.index) + 0.24 * (i - 1)
            means = own.assign(place=place).groupby("place")["value"].mean()
            draw.draw_points(axis, own["value"], place, look, s=16, alpha=0.6, label=label)
            axis.scatter(means, means.index, color=look.colour, marker="|", s=90, linewidths=1.6)
        full = value_of(whole, series=name, part="nothing")
        axis.axvline(full, color="black", linewidth=0.9, linestyle="--", label="nothing removed")
        axis.set_yticks(range(len(parts)), parts)
        axis.set_ylim(len(parts) - 0.5, -0.5)
        axis.set_xlim(-0.03, 1.06 * whole["value"].max())
        axis.set_title(name)
        axis.set_xlabel("token accuracy")
    draw.add_legend(figure, axes)
    count = int(part["head"].max()) + 1
    draw.add_caption(
        figure,
        f"One part of the first layer's logits removed (query's part - key's part), {count} heads. {told(part)}.",
    )
    return figure


def value_of(table: Any, **columns: Any) -> float:
    return float(tables.select_rows(table, **columns)["value"].mean())
