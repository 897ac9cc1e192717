"""Figures of what attention heads do, drawn from a table with the rows of `jaxpe.analysis.heads`."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from jaxpe.figures import draw
from jaxpe.figures.style import Style, pick_style
from jaxpe.study import tables

KINDS = {
    "previous": "token before",
    "next": "token after",
    "first": "first token",
    "induction": "induction\n(token after the earlier occurrence)",
    "duplicate": "duplicate\n(the earlier occurrence itself)",
    "positional": "share of the variance\nthat places explain",
}
TITLES = {
    "previous": "token before",
    "next": "token after",
    "first": "first token",
    "induction": "induction",
    "positional": "places explain",
}
SHARES = {
    "first": "on the first token",
    "last_tenth": "on the last tenth of the tokens",
    "recent_tenth": "on the last tenth\nof the visible tokens",
}
CHECKED = {
    "previous": "weight on the token before",
    "next": "weight on the token after",
    "first": "weight on the first token",
    "induction": "weight on the token\nafter the earlier occurrence",
    "positional": "share of variance that places explain",
}
CHANGES = {"pattern": "without these keys", "another key": "without as many others"}
MAP_CHANGES = {"uniform": "uniform instead", "mean map": "its mean map instead"}


def figures(table: Any) -> dict[str, Any]:
    """For every encoding: scores, shares, curves, ablation; and the example maps of every config that has them."""
    made: dict[str, Any] = {}
    heads = table[table["metric"].str.startswith(("head_", "attention_by_"))]
    if not len(heads):
        return made
    for encoding, part in named(heads).groupby("encoding", sort=False):
        made[f"head_scores_{encoding}"] = scores(part)
        made[f"head_shares_{encoding}"] = shares(part)
        if (part["metric"] == "attention_by_distance").any():
            made[f"head_distance_{encoding}"] = distance(part)
        if (part["metric"] == "head_knockout").any():
            made[f"head_ablation_{encoding}"] = ablation(part)
    for (task, architecture, series), part in named(heads).groupby(["task", "architecture", "series"], sort=False):
        if (part["metric"] == "head_map").any():
            made[f"head_examples_{task}_{architecture}_{series.replace(' + ', '_')}"] = examples(part)
    return made


def named(table: Any) -> Any:
    """With the columns `series` and `place`: the encoding with its sampler, and a config as a label of an axis."""
    series = [draw.format_series(row) for row in table.itertuples()]
    places = [
        f"{row.task}\n{row.architecture.replace('_', '-')}"
        + ("" if row.positions == "arange" else f"\n{row.positions}")
        for row in table.itertuples()
    ]
    return table.assign(series=series, place=places)


def seeds(part: Any) -> str:
    """'10 seeds', or '6 to 10 seeds'."""
    counts = part.groupby("place")["seed"].nunique()
    low, high = counts.min(), counts.max()
    return f"{high} seed{'s' if high > 1 else ''}" if low == high else f"{low} to {high} seeds"


def kinds_in(part: Any, kinds: dict[str, str]) -> list[str]:
    there = set(part["kind"][part["metric"] == "head_score"])
    return [kind for kind in kinds if kind in there]


def spread(count: int, width: float = 0.12) -> np.ndarray:
    return np.linspace(-width, width, count) if count > 1 else np.zeros(count)


def label_places(axis: Any, places: list[str]) -> None:
    axis.set_xticks(range(len(places)), places, fontsize="small")
    axis.set_xlim(-0.6, len(places) - 0.4)


def baseline_lines(axis: Any, part: Any, kind: str, places: list[str]) -> None:
    """What uniform attention over the visible keys gives."""
    own = tables.select_rows(part, metric="head_baseline", kind=kind, baseline="uniform").groupby("place")["value"].mean()
    for i, place in enumerate(places):
        if place in own:
            axis.hlines(own[place], i - 0.4, i + 0.4, color="black", linestyle=":", linewidth=1.1, label="uniform")


def points(axis: Any, values: Any, at: float, look: Style, label: str, filled: bool = True) -> None:
    faces = look.colour if filled else "none"
    place = at + spread(len(values))
    axis.scatter(
        place, values, facecolors=faces, edgecolors=look.colour, marker=look.marker, s=24, alpha=0.8, label=label
    )


def scores(part: Any) -> Any:
    """The best head of every seed, by kind: trained, untrained, on the control of that kind, and uniform."""
    kinds, places = kinds_in(part, KINDS), list(dict.fromkeys(part["place"]))
    figure, axes = draw.make_panels(len(kinds), columns=2, width=max(4.6, 0.95 * len(places)), height=2.4)
    own = part[part["metric"] == "head_score"]
    control = part[(part["metric"] == "head_baseline") & (part["baseline"] != "uniform")]
    control = control[control["network"] == "trained"]
    parts = {
        "trained": tables.select_rows(own, network="trained"),
        "the same network untrained": tables.select_rows(own, network="untrained"),
        "control": control,
    }
    for axis, kind in zip(axes, kinds, strict=True):
        for i, (label, rows) in enumerate(parts.items()):
            best = tables.select_rows(rows, kind=kind).groupby(["place", "seed"])["value"].max()
            for at, place in enumerate(places):
                if place in best.index.get_level_values(0):
                    points(axis, best[place].to_numpy(), at + 0.27 * (i - 1), pick_style(i + 1), label, filled=not i)
        baseline_lines(axis, part, kind, places)
        draw.leave_headroom(axis, min(0.0, own["value"].min()))
        axis.set_title(KINDS[kind], fontsize="medium")
        axis.set_ylabel("share" if kind == "positional" else "mean weight", fontsize="small")
        label_places(axis, places)
    draw.add_legend(figure, axes)
    draw.add_caption(
        figure,
        f"{part['encoding'].iloc[0]}: the head with the largest value of each network; a point is a seed ({seeds(part)}).\n"
        "Control: unrepeated tokens (induction, duplicate), weights turned at random (variance). Dotted: uniform attention.",
    )
    return figure


def shares(part: Any) -> Any:
    """Attention on the first token and on the last ones, mean over the heads of a layer."""
    kinds, places = kinds_in(part, SHARES), list(dict.fromkeys(part["place"]))
    own = tables.select_rows(part, metric="head_score", network="trained")
    layers = sorted(own["layer"].unique())
    figure, axes = draw.make_panels(len(kinds), columns=3, width=max(3.2, 0.8 * len(places)), height=2.5)
    for axis, kind in zip(axes, kinds, strict=True):
        means = tables.select_rows(own, kind=kind).groupby(["place", "layer", "seed"])["value"].mean()
        for at, place in enumerate(places):
            for i, layer in enumerate(layers):
                if (place, layer) in means.index:
                    shift = 0.3 * (i - (len(layers) - 1) / 2)
                    points(axis, means[place, layer].to_numpy(), at + shift, pick_style(i + 1), f"layer {layer:g}")
        baseline_lines(axis, part, kind, places)
        draw.leave_headroom(axis)
        axis.set_title(SHARES[kind], fontsize="medium")
        label_places(axis, places)
    axes[0].set_ylabel("share of the attention")
    draw.add_legend(figure, axes)
    draw.add_caption(
        figure,
        f"{part['encoding'].iloc[0]}: mean over the heads of a layer and over the queries that see these tokens; "
        f"a point is a seed ({seeds(part)}).",
    )
    return figure


def distance(part: Any) -> Any:
    """Mean weight of every head against the distance of query and key, one seed."""
    own = part[part["metric"] == "attention_by_distance"]
    own = own[own["seed"] == own["seed"].min()]
    places = list(dict.fromkeys(own["place"]))
    figure, axes = draw.make_panels(len(places), columns=2, width=4.6, height=2.6)
    for axis, place in zip(axes, places, strict=True):
        rows = tables.select_rows(own, place=place)
        trained = tables.select_rows(rows, network="trained")
        for i, ((layer, head), line) in enumerate(trained.groupby(["layer", "head"])):
            look, line = pick_style(i), line.sort_values("offset")
            axis.plot(
                line["offset"], line["value"], color=look.colour, marker=look.marker, linestyle=look.dashes,
                markersize=3.5, linewidth=1.3, label=f"layer {layer:g}, head {head:g}",
            )  # fmt: skip
        uniform = tables.select_rows(rows, network="uniform").sort_values("offset")
        axis.plot(uniform["offset"], uniform["value"], color="black", linestyle=":", linewidth=1.1, label="uniform")
        axis.set_xscale("symlog", linthresh=4)
        last = own["offset"].max()
        ticks = [d for d in (-32, -8, -1, 0, 1, 8, 32) if rows["offset"].min() <= d <= last]
        axis.set_xticks([d for d in ticks if d or min(ticks) == 0], minor=False)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.minorticks_off()
        axis.set_xlabel("distance: place of the query − place of the key", fontsize="small")
        axis.set_title(place.replace("\n", ", "), fontsize="medium")
    for axis in axes[::2]:
        axis.set_ylabel("mean weight")
    draw.add_legend(figure, axes)
    name, seed = part["encoding"].iloc[0], own["seed"].min()
    draw.add_caption(figure, f"{name}, seed {seed:g}: mean over all pairs of places in which the key is visible.")
    return figure


def ablation(part: Any) -> Any:
    """What is lost without a pattern of one head, against how much of its weight lies there; last, without the whole head."""
    knocked = part[part["metric"] == "head_knockout"]
    kinds = [kind for kind in CHECKED if (knocked["kind"] == kind).any()]
    places = list(dict.fromkeys(knocked["place"]))
    figure, axes = draw.make_panels(len(kinds) + 1, columns=3, width=3.4, height=2.7)
    lost = {kind: tables.select_rows(knocked, kind=kind) for kind in kinds}
    lost["whole head"] = part[part["metric"] == "head_ablation"].assign(change="head")
    for axis, (kind, rows) in zip(axes, lost.items(), strict=True):
        scored = "positional" if kind == "whole head" else kind
        both = beside(part, scored, rows)
        changes = {"head": ""} if kind == "whole head" else MAP_CHANGES if kind == "positional" else CHANGES
        for i, place in enumerate(places):
            for filled, change in zip((True, False), changes, strict=False):
                own = tables.select_rows(both, place=place, change=change)
                look = pick_style(i)
                axis.scatter(
                    own["score"], own["value"], marker=look.marker, edgecolors=look.colour, s=22, alpha=0.75,
                    facecolors=look.colour if filled else "none", label=place.replace("\n", ", ") if filled else None,
                )  # fmt: skip
        axis.axhline(0, color="black", linewidth=0.7, linestyle=":")
        if both["value"].abs().max() > 0.05:
            axis.set_yscale("symlog", linthresh=0.01)
            axis.set_ylim(top=1.6 * both["value"].max())
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.set_xlabel(CHECKED[scored], fontsize="small")
        filled_and_open = " / ".join(f"{mark} {text}" for mark, text in zip("●○", changes.values(), strict=False))
        axis.set_title("without the whole head" if kind == "whole head" else filled_and_open, fontsize="small")
    for axis in axes[::3]:
        axis.set_ylabel("loss above the whole model's\n(nats per answer)", fontsize="small")
    draw.add_legend(figure, axes, columns=3)
    text = f"{part['encoding'].iloc[0]}: a point is a head of a seed ({seeds(knocked)}); induction: loss on the repetition."
    draw.add_caption(figure, text)
    return figure


def beside(part: Any, kind: str, lost: Any) -> Any:
    """Losses with the score of the same head in the column `score`."""
    own = tables.select_rows(part, metric="head_score", network="trained", kind=kind)
    columns = ["place", "seed", "layer", "head"]
    scored = own[[*columns, "value"]].rename(columns={"value": "score"})
    return lost.merge(scored, on=columns)


def examples(part: Any) -> Any:
    """The clearest head of each kind on one sentence."""
    maps = part[part["metric"] == "head_map"]
    maps = maps[maps["seed"] == maps["seed"].min()]
    kinds = [kind for kind in TITLES if (maps["kind"] == kind).any()]
    tokens = tables.select_rows(part, metric="head_map_token", seed=maps["seed"].min())
    scored = tables.select_rows(part, metric="head_score", network="trained", seed=maps["seed"].min())
    controls = tables.select_rows(part, metric="head_baseline", network="trained", seed=maps["seed"].min())
    controls = controls[controls["baseline"] != "uniform"]
    figure, axes = draw.make_panels(len(kinds), columns=2, width=4.6, height=4.0)
    for axis, kind in zip(axes, kinds, strict=True):
        rows = tables.select_rows(maps, kind=kind)
        size = int(rows["row"].max()) + 1
        weights = np.zeros((size, size))
        weights[rows["row"].astype(int), rows["column"].astype(int)] = rows["value"]
        image = axis.imshow(weights, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        layer, head = rows["layer"].iloc[0], rows["head"].iloc[0]
        own = tables.select_rows(scored, kind=kind, layer=layer, head=head)["value"].mean()
        control = tables.select_rows(controls, kind=kind, layer=layer, head=head)["value"].mean()
        beside = "" if np.isnan(control) else f", control {control:.2f}"
        axis.set_title(f"{TITLES[kind]}: {own:.2f}{beside} (layer {layer:g}, head {head:g})", fontsize="medium")
        labels = place_labels(tables.select_rows(tokens, kind=kind), size)
        axis.set_xticks(range(size), labels, fontsize="x-small", rotation=90)
        axis.set_yticks(range(size), labels, fontsize="x-small")
        axis.set_xlabel("key", fontsize="small")
        axis.set_ylabel("query", fontsize="small")
    figure.colorbar(image, ax=axes, shrink=0.5, label="weight")
    first = part.iloc[0]
    draw.add_caption(
        figure,
        f"{first['task']}, {first['architecture'].replace('_', '-')}, {first['series']}, seed {maps['seed'].min():g}: "
        "of each kind the head that is furthest above its control,\nor above uniform attention, with its score: near 0 there is no such head."
        + ("\nInduction: on random tokens and their repetition." if "induction" in kinds else ""),
    )
    return figure


def place_labels(tokens: Any, size: int) -> list[str]:
    """'and 3': the text of a token, if it is known, and its place. Letters that the font may lack are dots."""
    words = tokens.dropna(subset=["word"]).set_index("row")["word"] if "word" in tokens else {}
    return [f"{printed(str(words[place]))} {place}" if place in words else str(place) for place in range(size)]


def printed(word: str) -> str:
    kept = "".join(letter if letter.isprintable() and ord(letter) < 256 else "·" for letter in word.strip())
    return kept.replace("$", r"\$")
