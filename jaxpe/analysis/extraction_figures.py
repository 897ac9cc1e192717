"""Figures of the extraction experiment, drawn from its table alone."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from jaxpe import figures as draw
from jaxpe import tables
from jaxpe.analysis import probes, readers

NETWORKS = {"trained": "trained", "untrained": "the same network untrained", "shuffled": "shuffled labels"}
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


DRAWN = {
    "random rows": "learned",
    "sinusoids": "sinusoidal",
}  # tables that nobody trained, and the trained ones beside them


def figures(table: Any) -> dict[str, Any]:
    """The raw sum by width and by noise; then for every task: probes by layer, what a state is made of, attention."""
    table = table.assign(series=[draw.series_name(row) for row in table.itertuples()])
    made = {"readers": by_width(table), "noise": by_noise(table)}
    cells = table[table["task"] != readers.RAW]
    for (task, architecture), part in cells.groupby(["task", "architecture"], sort=False):
        made[f"probes_{task}_{architecture}"] = by_layer(part, TARGETS, "sequences")
        made[f"new_places_{task}_{architecture}"] = by_layer(part, NEW_PLACES, "positions of held-out sequences")
        made[f"mixing_{task}_{architecture}"] = made_of(part)
        if (part["metric"] == "logit_share").any():
            made[f"attention_{task}_{architecture}"] = by_part(part[part["series"].isin(split(part))])
    return made


def split(part: Any) -> list[str]:
    """The encodings whose first-layer logits split exactly."""
    return list(dict.fromkeys(part["series"][part["metric"] == "logit_share"]))


def told(part: Any) -> str:
    """'reverse, encoder, trained on lengths ≤ 8, 6 seeds'."""
    first = part.iloc[0]
    name = f"{first['task']}, {first['architecture'].replace('_', '-')}"
    return f"{name}, trained on lengths ≤ {first['train_length']:g}, {part['seed'].nunique()} seeds"


def line(axis: Any, means: Any, look: draw.Style, label: str) -> None:
    """Means with their marker, so that the legend shows it too."""
    axis.plot(
        range(len(means)) if means.index.dtype == object else means.index,
        means,
        color=look.colour,
        linestyle=look.dashes,
        marker=look.marker,
        markersize=4.5,
        label=label,
        linewidth=1.6,
    )


def by_width(table: Any) -> Any:
    """Recovery against width: the more coordinates, the further apart the rows lie."""
    plain = table[(table["metric"] == "recovery") & (table["signal"] == "float32")]
    drawn = plain[plain["encoding"].isin(DRAWN)]
    models = plain[~plain["encoding"].isin(DRAWN)]
    figure, axes = draw.panels(2, columns=2, width=4.5, height=3.1, sharey=True)
    for axis, (kind, trained) in zip(axes, DRAWN.items(), strict=True):
        for i, reader in enumerate(readers.READERS):
            look, part = draw.style_at(i), tables.select(drawn, reader=reader, encoding=kind)
            line(axis, part.groupby("width")["value"].mean(), look, f"knows {reader}")
            axis.scatter(part["width"], part["value"], color=look.colour, marker=look.marker, s=14, alpha=0.6)
            own = models[models["encoding"].isin([trained, f"{trained} rows"]) & (models["reader"] == reader)]
            own = own if reader != readers.READERS[-1] else own[:0]
            spots: dict[str, Any] = {"facecolors": "none", "edgecolors": look.colour, "marker": look.marker, "s": 34}
            axis.scatter(own["width"] * (1.12 + 0.06 * i), own["value"], **spots)
        bound = tables.select(table, metric="union_bound", encoding=kind).groupby("width")["value"].mean()
        axis.plot(
            bound.index, bound, color="black", linestyle=(0, (5, 2)), linewidth=1.1, label="union bound (at least)"
        )
        axis.axhline(1 / readers.POSITIONS, color="black", linestyle=":", linewidth=0.9, label="chance")
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_title(f"positions are {kind}")
        axis.set_xlabel("width D")
    axes[0].set_ylabel("positions read right (share)")
    draw.legend(figure, axes, columns=3)
    text = f"Raw sum token + position, {readers.POSITIONS} positions × {readers.TOKENS} tokens; points: {drawn['seed'].nunique()} draws."
    draw.caption(figure, f"{text} Open: tables of trained models ({trained_on(models)}).")
    return figure


def trained_on(models: Any) -> str:
    lengths = " or ".join(f"{n:g}" for n in sorted(models["train_length"].dropna().unique()))
    return f"lengths ≤ {lengths}, {models['seed'].nunique()} seeds, fewer positions" if len(models) else "none here"


def by_noise(table: Any) -> Any:
    """What rounding and noise do to the reader that knows both tables: drawn ones, and those of the first task."""
    plain = table[(table["metric"] == "recovery") & (table["reader"] == "both tables") & (table["encoding"] != "none")]
    models = plain[plain["task"] != readers.RAW]
    models = models[models["task"] == models["task"].iloc[0]] if len(models) else models
    drawn = plain[plain["encoding"].isin(DRAWN) & (plain["width"] == readers.NOISE_WIDTH)]
    figure, (axis,) = draw.panels(1, columns=1, width=9.0, height=3.4)
    groups = [*drawn.groupby("series", sort=False), *models.groupby(["series", "architecture"], sort=False)]
    for i, (name, part) in enumerate(groups):
        look = draw.style_at(i)
        label = (
            f"{name}, drawn" if isinstance(name, str) else f"{name[0]}, trained on {models['task'].iloc[0]}, {name[1]}"
        )
        line(axis, part.groupby("signal")["value"].mean().reindex(readers.SIGNALS), look, label)
        place = part["signal"].map(readers.SIGNALS.index) + 0.05 * (i - len(groups) / 2)
        axis.scatter(place, part["value"], color=look.colour, marker=look.marker, s=20, alpha=0.7)
    chance = 1 / (readers.POSITIONS * readers.TOKENS)
    axis.axhline(chance, color="black", linestyle=":", linewidth=0.9, label="chance, drawn tables")
    units = [s.replace("noise ", "noise\n") + (" RMS" if "noise" in s else "") for s in readers.SIGNALS]
    axis.set_xticks(range(len(units)), units)
    axis.set_ylabel("token and position both\nread right (share)")
    draw.legend(figure, [axis], columns=3)
    text = f"Reader that knows both tables; noise in units of the positions' RMS; drawn tables at width {readers.NOISE_WIDTH}."
    draw.caption(figure, f"{text} Models: {trained_on(models)}.")
    return figure


def is_encoder(part: Any) -> bool:
    return bool((part["architecture"] == "encoder").all())


def errors_of(part: Any) -> Any:
    """Probe errors as a share of chance. Which of two comes first is guessed right half the time."""
    order = part[part["metric"] == "order_accuracy"]
    return pd.concat([part[part["metric"] == "probe_error"], order.assign(value=2 * (1 - order["value"]))])


def by_layer(part: Any, targets: dict[str, str], held_out: str) -> Any:
    """Error of a linear probe after every layer: trained, untrained, and with shuffled labels."""
    names, errors = list(dict.fromkeys(part["series"])), errors_of(part)
    figure, axes = draw.panels(
        len(names) * len(targets), columns=len(targets), width=2.2, height=1.75, sharey=True, sharex=True
    )
    for axis, (name, target) in zip(axes, product(names, targets), strict=True):
        for i, (network, label) in enumerate(NETWORKS.items()):
            look, own = draw.style_at(i + 1), tables.select(errors, series=name, target=target, network=network)
            if not len(own):
                continue
            line(axis, own.groupby("layer")["value"].mean(), look, label)
            axis.scatter(
                own["layer"], own["value"].clip(upper=1.55), color=look.colour, marker=look.marker, s=12, alpha=0.6
            )
        axis.axhline(1.0, color="black", linewidth=0.8, linestyle=":", label="chance")
        axis.set_ylim(-0.05, 1.6)
        axis.xaxis.set_major_locator(draw.matplotlib.ticker.MaxNLocator(integer=True))
        if name == names[0]:
            axis.set_title(targets[target], fontsize=9.5)
        if target == next(iter(targets)):
            axis.set_ylabel(f"{name}\nerror / chance", fontsize=8.5)
        if name == names[-1]:
            axis.set_xlabel("after layer")
    draw.legend(figure, axes)
    draw.caption(
        figure,
        f"Linear probe on held-out {held_out}: 0 = always right, 1 = guessing.\nLayer 0 is the raw sum. {told(part)}.",
    )
    return figure


VARIANCE_LOOKS = {
    "position": ("position alone", "#D55E00", "//"),
    "token": ("token alone", "#0072B2", ""),
    "mixed": ("neither: depends on both, or on other tokens", "#999999", ".."),
}


def made_of(part: Any) -> Any:
    """Position alone, token alone, or neither: what share of a state's variance."""
    names = list(dict.fromkeys(part["series"]))
    shares = part[part["metric"] == "variance_share"]
    figure, axes = draw.panels(
        len(names), columns=min(len(names), 4), width=9.2 / min(len(names), 4), height=2.9, sharey=True
    )
    for axis, name in zip(axes, names, strict=True):
        for shift, network in ((-0.2, "trained"), (0.2, "untrained")):
            own = tables.select(shares, series=name, network=network)
            means = own.pivot_table(index="layer", columns="part", values="value").clip(lower=0)
            bottom = np.zeros(len(means))
            for key, (label, colour, hatch) in VARIANCE_LOOKS.items():
                value = (means[key] / means.sum(axis=1)).to_numpy()  # held-out shares may lie a little below 0
                look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "white"}
                look |= {"label": label} if network == "trained" else {"alpha": 0.45}
                axis.bar(means.index + shift, value, 0.36, bottom, **look)
                bottom += value
        axis.set_xticks(range(int(shares["layer"].max()) + 1))
        axis.set_title(name)
        axis.set_xlabel("after layer")
    axes[0].set_ylabel("share of the variance")
    draw.legend(figure, axes)
    draw.caption(figure, f"Left bars: trained; pale right bars: the same network untrained. {told(part)}.")
    return figure


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
    figure, axes = draw.panels(2, columns=2, width=4.6, height=4.0)
    shares = tables.select(part, metric="logit_share").groupby(["series", "part"])["value"].mean()
    for row, name in enumerate(reversed(names)):
        left = 0.0
        for key, (colour, hatch) in PART_LOOKS.items():
            value = float(shares[name, key])
            axes[0].barh(row, value, 0.6, left, color=colour, hatch=hatch, edgecolor="white", label=key)
            left += max(value, 0.0)
    axes[0].set_yticks(range(len(names)), list(reversed(names)))
    axes[0].set_xlabel("share of the logits' variance over keys\n(query's part - key's part)")
    kept = tables.select(part, metric="token_accuracy")
    for i, name in enumerate(names):
        look, own = draw.style(name), tables.select(kept, series=name)
        place = own["part"].map(list(REMOVALS).index) + 0.72 * ((i + 0.5) / len(names) - 0.5)
        means = own.assign(place=place).groupby("place")["value"].mean()
        axes[1].scatter(means, means.index, color=look.colour, marker="|", s=90, linewidths=1.6)
        axes[1].scatter(
            own["value"], place, color=look.colour, marker=look.marker, s=18, alpha=0.75, label=name, linewidths=0
        )
    for column, dashes, label in (
        ("order_blind", (0, (6, 3)), "order-blind rule"),
        ("floor", ":", "floor: length only"),
    ):
        if kept[column].notna().any():
            axes[1].axvline(kept[column].iloc[0], color="black", linestyle=dashes, linewidth=1, label=label)
    axes[1].set_yticks(range(len(REMOVALS)), list(REMOVALS.values()))
    axes[1].invert_yaxis()
    axes[1].hlines(np.arange(len(REMOVALS) - 1) + 0.5, 0, 1, color="#dddddd", linewidth=0.6, zorder=0)
    axes[1].set_xlabel(
        f"token accuracy at length {kept['test_length'].iloc[0]:g}\nwithout this part of the first layer's logits"
    )
    draw.legend(figure, axes)
    draw.caption(figure, f"{told(part)}; shares are means over seeds and heads, points are seeds, ticks their means.")
    return figure
