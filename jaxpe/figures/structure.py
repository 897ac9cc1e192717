"""Figures of the structure experiment, drawn from its table alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxpe.analysis import use as positions_used
from jaxpe.figures import draw
from jaxpe.figures.style import find_style, pick_style

OBJECTIVES = {
    "masked_lm": "both ways,\nmasked tokens",
    "causal_masked_lm": "causal,\nmasked tokens",
    "sampled_causal_lm": "causal,\nnext token (15 %)",
    "causal_lm": "causal,\nnext token (all)",
}
SHORT = {"masked_lm": "masked LM, encoder", "causal_lm": "causal LM, decoder"}
KINDS = {"shift": "all positions shifted", "shuffle": "shuffled in windows", "permute": "windows permuted whole"}
MEASURES = {
    "position_error_share": "position read, rows held out at random\n(error, share of chance)",
    "position_error_share_block": "position read, runs of 16 held out\n(error, share of chance)",
    "order_accuracy_near": "which of two comes first, ≤ 8 apart\n(share right)",
    "adjacency": "nearest row is an adjacent position\n(share of positions)",
    "toeplitz_share": "PE·PEᵀ depends on distance only\n(share of variance)",
    "shift_residual_1": "linear map from p to p + 1\n(residual, share of variance)",
    "effective_rank": "effective rank\n(directions in use)",
    "procrustes_sinusoidal": "distance to sinusoids after rotation\n(share of variance)",
}


def figures(table: Any) -> dict[str, Any]:
    """Tables first; then, where there is real text, use, loss by place, probes by layer, and what projecting out costs."""
    made: dict[str, Any] = {}
    if "rows" in table:  # where something is added to the tokens
        made |= {"similarity": similarity(table), "lags": curves_by_lag(table), "spectrum": spectra(table)}
        made["measures"] = measures(table)
    if "condition" in table:
        made |= {"use": use(table), "costs": costs(table), "loss_by_place": by_place(table)}
    if "network" in table:
        made |= {"layers": layers(table), "projected_out": projected_out(table)}
    return made


def condition_of(row: Any) -> str:
    """What tells a training from the primary one: 'random starts', 'document starts', another corpus."""
    if row.positions == "offset":
        return "random starts"
    if getattr(row, "starts", None) == "document":
        return "document starts"
    return ""


def name_of(row: Any, corpora: Sequence[str]) -> str:
    """'learned, masked LM, encoder, random starts'; a control by its name alone."""
    if row.task == "controls":
        return str(row.encoding)
    more = [condition_of(row)] if condition_of(row) else []
    corpus = getattr(row, "corpus", None)
    if isinstance(corpus, str) and len(corpora) > 1 and corpus != corpora[0]:
        more.append(corpus)
    what = SHORT.get(row.task, OBJECTIVES.get(row.task, row.task).replace("\n", " "))
    return ", ".join([row.encoding, what, *more])


def named(table: Any) -> Any:
    corpora = list(dict.fromkeys(table["corpus"].dropna())) if "corpus" in table else []
    return table.assign(name=[name_of(row, corpora) for row in table.itertuples()])


def last(names: Any) -> list[str]:
    """In their order, controls at the end."""
    return sorted(dict.fromkeys(names), key=lambda name: name.startswith("control:"))


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def wrapped(name: str) -> str:
    first, comma, rest = name.partition(", ")
    return f"{first}{comma}\n{rest}" if comma else name


def similarity(table: Any) -> Any:
    """Maps on one colour scale."""
    part = named(table[table["metric"] == "similarity"])
    names = last(part["name"])
    figure, axes = draw.make_panels(len(names), columns=4, width=2.6, height=2.6)
    image = None
    for axis, name in zip(axes, names, strict=True):
        own = part[part["name"] == name]
        places = sorted(set(own["row"].astype(int)))
        at, matrix = {place: i for i, place in enumerate(places)}, np.zeros((len(places), len(places)))
        for i, j, value in zip(own["row"], own["column"], own["value"], strict=True):
            matrix[at[int(i)], at[int(j)]] = matrix[at[int(j)], at[int(i)]] = value
        image = draw.draw_similarity_map(axis, matrix, places[-1])
        axis.set_title(wrapped(name), fontsize="small")
    if image is not None:
        figure.colorbar(image, ax=axes, shrink=0.6, label="cosine, mean row taken off")
    draw.add_caption(figure, "Similarity of the codes of two positions, seed 0; only positions that training visited.")
    return figure


def curves(table: Any, metrics: dict[str, str], x: str, y: str, caption: str) -> Any:
    """A panel a metric, a line a table: curves over lags or periods, means over seeds."""
    part = named(table[table["metric"].isin(list(metrics))])
    names = last(part["name"])
    figure, axes = draw.make_panels(len(metrics), columns=2, width=4.6 if len(metrics) > 1 else 6.9, height=3.4)
    for axis, (metric, title) in zip(axes, metrics.items(), strict=True):
        for i, name in enumerate(names):
            own = part[(part["name"] == name) & (part["metric"] == metric)]
            look = find_style(name) if name.startswith("control:") else pick_style(i)
            marks = max(len(own) // 8, 1)
            axis.plot(
                own["row"], own["value"].where(own["value"] != 0), color=look.colour, linestyle=look.dashes, marker=look.marker, markevery=marks,
                markersize=4, linewidth=1.3, label=name,
            )  # fmt: skip
        if (part["value"] < 0).any():
            axis.axhline(0, color="black", linewidth=0.5)
            axis.set_xscale("symlog", linthresh=1)
            axis.set_xlim(0, None)
            axis.xaxis.set_major_formatter("{x:g}")
        axis.set_title(title)
        axis.set_xlabel(x)
        axis.set_ylabel(y)
    draw.add_legend(figure, axes, columns=2)
    draw.add_caption(figure, caption)
    return figure


def curves_by_lag(table: Any) -> Any:
    return curves(
        table,
        {"similarity_by_lag_raw": "rows as they are", "similarity_by_lag_centred": "mean row taken off"},
        "distance of two positions",
        "mean cosine",
        "Mean similarity of the codes of two positions against their distance; means over seeds, positions that training visited.",
    )


def spectra(table: Any) -> Any:
    figure = curves(
        table, {"spectrum": "Fourier spectrum over positions"}, "periods over the visited positions", "share of variance",
        "All coordinates together; means over seeds. A table without structure is flat. Some of the periods are kept; 0 is not drawn.",
    )  # fmt: skip
    figure.axes[0].set_xscale("log")
    figure.axes[0].set_yscale("log")
    return figure


def measures(table: Any) -> Any:
    """A row a table, a panel a measure: points are seeds."""
    part = named(table[table["metric"].isin(list(MEASURES)) & (table["encoding"] != "sinusoidal")])
    part = part.assign(name=[f"{name} ({rows:g} rows)" for name, rows in zip(part["name"], part["rows"], strict=True)])
    names = last(part["name"])[::-1]
    figure, axes = draw.make_panels(len(MEASURES), columns=2, width=4.6, height=0.17 * len(names) + 0.9, sharey=True)
    for axis, (metric, title) in zip(axes, MEASURES.items(), strict=True):
        for place, name in enumerate(names):
            own = part[(part["name"] == name) & (part["metric"] == metric)]
            look = find_style(name.partition(" ")[0].partition(",")[0])
            draw.draw_points(axis, own["value"], np.full(len(own), place), look, s=16)
        axis.set_yticks(range(len(names)), names, fontsize="small")
        axis.set_xlim(left=min(0.0, axis.get_xlim()[0]))
        axis.set_title(title, fontsize="small")
        axis.tick_params(axis="x", labelsize="small")
        axis.grid(axis="y", linewidth=0.3)
    draw.add_caption(
        figure, "A point is a seed. Controls of the same shapes at the bottom; only positions that training visited."
    )
    return figure


# ── use ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def use(table: Any) -> Any:
    """The picture that answers C4: what share of all that position is worth goes with each kind of change."""
    shown = positions_used.shares(table)
    shown = (
        shown[shown["encoding"] == "learned"]
        .groupby([*positions_used.MODEL, "condition"])["share"]
        .mean()
        .reset_index()
    )
    corpora = list(dict.fromkeys(shown["corpus"]))
    places = [
        ("packed stream, positions from 0", {"positions": "arange", "starts": "packed", "corpus": corpora[:1]}),
        ("packed stream, random starts", {"positions": "offset", "starts": "packed", "corpus": corpora[:1]}),
        ("document starts, positions from 0", {"positions": "arange", "starts": "document", "corpus": corpora[:1]}),
        (
            f"second domain: {', '.join(corpora[1:])}",
            {"positions": "arange", "starts": "packed", "corpus": corpora[1:]},
        ),
    ]
    found = [(title, picked(shown, where)) for title, where in places]
    found = [(title, part) for title, part in found if len(part)]
    figure, axes = draw.make_panels(
        max(len(found), 1), columns=2, width=4.6 if len(found) > 1 else 8.0, height=3.0, sharey=True
    )
    for axis, (title, part) in zip(axes, found, strict=False):
        tasks = [task for task in OBJECTIVES if (part["task"] == task).any()]
        for i, (kind, label) in enumerate(KINDS.items()):
            look = pick_style(i + 1)
            for place, task in enumerate(tasks):
                own = part[(part["task"] == task) & (part["condition"] == kind)]["share"]
                at = place + 0.22 * (i - 1)
                draw.draw_points(axis, np.full(len(own), at), own, look, s=22, alpha=0.7, label=label)
                axis.hlines(own.mean(), at - 0.1, at + 0.1, color="black", linewidth=1.4)
        axis.axhline(0, color="black", linewidth=0.6)
        axis.axhline(0.1, color="black", linewidth=0.7, linestyle=":", label="criterion for absolute position (.1)")
        axis.set_xticks(range(len(tasks)), [OBJECTIVES[task] for task in tasks], fontsize="small")
        axis.set_title(title, fontsize="medium")
        axis.set_ylabel("share of all that position is worth", fontsize="small")
    draw.add_legend(figure, axes, columns=2)
    draw.add_caption(
        figure,
        "Loss added by changed positions, over that of one position for all tokens; learned tables, half the training length.\n"
        f"A point is a seed ({seeds_told(shown)}), a dash the mean. Shift: absolute position is used. Shuffle above permute: local order.",
    )
    return figure


def picked(table: Any, where: dict[str, Any]) -> Any:
    for column, value in where.items():
        table = table[table[column].isin(value if isinstance(value, list) else [value])]
    return table


def seeds_told(part: Any) -> str:
    counts = part.groupby(["task", "positions", "starts", "corpus"])["seed"].nunique()
    if not len(counts):
        return "no seeds"
    return f"{counts.max()} seeds" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()} seeds"


def costs(table: Any) -> Any:
    """Bits lost against the size of the change."""
    part = table[(table["metric"] == "cost") & (table["positions"] == "arange") & (table["starts"] == "packed")]
    part = part[(part["corpus"] == part["corpus"].iloc[0]) & (part["encoding"] != "none")]
    part = part.assign(
        series=[f"{row.encoding}, {OBJECTIVES[row.task].replace(chr(10), ' ')}" for row in part.itertuples()]
    )
    figure, axes = draw.make_panels(len(KINDS), columns=3, width=3.4, height=3.0, sharey=True)
    names = list(dict.fromkeys(part["series"]))
    for axis, (kind, title) in zip(axes, KINDS.items(), strict=True):
        for i, name in enumerate(names):
            own, look = part[(part["condition"] == kind) & (part["series"] == name)], pick_style(i)
            means = own.groupby("size")["value"].mean()
            axis.plot(
                means.index,
                means,
                color=look.colour,
                linestyle=look.dashes,
                marker=look.marker,
                markersize=4.5,
                label=name,
            )
        axis.set_xscale("log", base=2)
        axis.set_xlabel("positions shifted by" if kind == "shift" else "tokens of a window")
        axis.set_title(title, fontsize="medium")
        axis.set_ylabel("bits per character lost", fontsize="small")
    draw.add_legend(figure, axes, columns=2)
    draw.add_caption(
        figure,
        f"What changed positions cost at half the training length, packed stream; means over {seeds_told(part)}.",
    )
    return figure


def by_place(table: Any) -> Any:
    """Loss against the place in the window."""
    part = table[
        (table["metric"] == "bits_by_place") & (table["positions"] == "arange") & (table["starts"] == "packed")
    ]
    part = part[part["corpus"] == part["corpus"].iloc[0]]
    tasks = [task for task in OBJECTIVES if (part["task"] == task).any()]
    figure, axes = draw.make_panels(len(tasks), columns=2, width=4.6, height=2.8, sharey=True)
    whole = table[table["metric"] == "bits_per_character"]
    for axis, task in zip(axes, tasks, strict=True):
        own = part[part["task"] == task]
        for name in dict.fromkeys(own["encoding"]):
            line, look = own[own["encoding"] == name], find_style(name)
            axis.plot(
                line["row"],
                line["value"],
                color=look.colour,
                linestyle=look.dashes,
                marker=look.marker,
                markevery=2,
                markersize=4,
                label=name,
            )
        for column, label, dashes in (
            ("length_baseline", "token frequencies", ":"),
            ("order_blind_baseline", "rule that knows the words, not their order", (0, (6, 3))),
        ):
            level = list(whole[whole["task"] == task][column].dropna()) if column in whole else []
            if level:
                axis.axhline(level[0], color="black", linestyle=dashes, linewidth=1, label=label)
        axis.set_title(OBJECTIVES[task].replace("\n", " "))
        axis.set_xlabel("place in the window (tokens)")
        axis.set_ylabel("bits per character")
    draw.add_legend(figure, axes, columns=3)
    draw.add_caption(
        figure,
        "Loss by place at the training length, packed stream; means over seeds and windows, four places at a time.",
    )
    return figure


# ── hidden states ───────────────────────────────────────────────────────────────────────────────────────────────────

READ = {
    "position": "position, held-out sequences",
    "new_random": "position, new places at random",
    "beyond": "position, places beyond training",
    "neighbour": "token on the left",
}


def layers(table: Any) -> Any:
    """Probe error by layer: trained beside untrained."""
    part = table[(table["metric"] == "probe_error") & table["task"].isin(list(SHORT))]
    tasks = [task for task in SHORT if (part["task"] == task).any()]
    figure, axes = draw.make_panels(len(tasks) * len(READ), columns=len(READ), width=2.7, height=2.7, grid=True)
    for row, task in enumerate(tasks):
        for column, (target, title) in enumerate(READ.items()):
            axis, own = axes[row * len(READ) + column], part[(part["task"] == task) & (part["target"] == target)]
            for name in dict.fromkeys(own["encoding"]):
                look = find_style(name)
                for network, dashes, filled in (("trained", look.dashes, look.colour), ("untrained", ":", "white")):
                    means = (
                        own[(own["encoding"] == name) & (own["network"] == network)].groupby("layer")["value"].mean()
                    )
                    axis.plot(
                        means.index, means, color=look.colour, linestyle=dashes, marker=look.marker, markersize=5,
                        markerfacecolor=filled, label=f"{name}, {network}",
                    )  # fmt: skip
            axis.axhline(1, color="black", linewidth=0.6)
            axis.set_xticks(sorted(set(own["layer"].astype(int))))
            axis.set_xlabel("after layer")
            axis.set_ylabel("error, share of chance" if column == 0 else "")
            axis.set_title(f"{SHORT[task]}:\n{title}", fontsize="small")
            draw.leave_headroom(axis)
    draw.add_legend(figure, axes, columns=3)
    draw.add_caption(
        figure,
        f"Linear probes of the residual stream; means over models ({seeds_read(part)}). 1: no better than a guess.",
    )
    return figure


def seeds_read(part: Any) -> str:
    counts = part.groupby(["task", "encoding"])["seed"].nunique()
    return (
        f"{counts.min()} to {counts.max()} seeds"
        if len(counts) and counts.min() < counts.max()
        else f"{counts.max() if len(counts) else 0} seeds"
    )


def projected_out(table: Any) -> Any:
    """Bits lost without what a probe of position reads, beside random directions."""
    part = table[table["metric"] == "projected_out"]
    tasks = [task for task in SHORT if (part["task"] == task).any()]
    figure, axes = draw.make_panels(max(len(tasks), 1), columns=2, width=4.4, height=2.9)
    for axis, task in zip(axes, tasks, strict=False):
        own = part[part["task"] == task]
        groups = list(dict.fromkeys(zip(own["encoding"], own["layer"].astype(int), strict=True)))
        for place, (name, layer) in enumerate(groups):
            for side, (what, label) in enumerate(
                (("position", "the probe's directions"), ("random", "random directions, as many"))
            ):
                values = own[(own["encoding"] == name) & (own["layer"] == layer) & (own["part"] == what)]["value"]
                look = pick_style(2 - side)
                draw.draw_points(axis, np.full(len(values), place + 0.16 * (2 * side - 1)), values, look, s=24, label=label)
        axis.set_xticks(range(len(groups)), [f"{name}\nlayer {layer}" for name, layer in groups], fontsize="small")
        axis.axhline(0, color="black", linewidth=0.6)
        axis.set_title(SHORT[task])
        axis.set_ylabel("bits per character lost")
    draw.add_legend(figure, axes, columns=2)
    draw.add_caption(
        figure,
        f"What the model loses when directions of its states are set to their mean; a point is a model ({seeds_read(part)}).",
    )
    return figure
