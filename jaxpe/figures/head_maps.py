"""Figures of the attention of single heads on one sequence."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.study import tables

TITLES = {
    "previous": "token before",
    "next": "token after",
    "first": "first token",
    "induction": "induction",
    "positional": "explained by the places",
}


def draw_maps(table: pd.DataFrame) -> Figure:
    """The clearest head of each kind on one sequence."""
    maps = table[table["metric"] == "head_map"]
    seed = maps["seed"].min()
    table, maps = table[table["seed"] == seed], maps[maps["seed"] == seed]
    kinds = [kind for kind in TITLES if (maps["kind"] == kind).any()]
    tokens = tables.select_rows(table, metric="head_map_token")
    figure, axes = draw.make_panels(len(kinds), columns=2, width=4.6, height=4.0)
    for axis, kind in zip(axes, kinds, strict=True):
        rows = tables.select_rows(maps, kind=kind)
        size = int(rows["row"].max()) + 1
        weights = np.zeros((size, size))
        weights[rows["row"].astype(int), rows["column"].astype(int)] = rows["value"]
        image = axis.imshow(weights, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        layer, head = rows["layer"].iloc[0], rows["head"].iloc[0]
        score = describe_score(table, kind, layer, head)
        axis.set_title(f"{TITLES[kind]}: {score} (layer {layer:g}, head {head:g})", fontsize="medium")
        labels = label_tokens(tables.select_rows(tokens, kind=kind), size)
        axis.set_xticks(range(size), labels, fontsize="xx-small", rotation=90)
        axis.set_yticks(range(size), labels, fontsize="xx-small")
        axis.set_xlabel("key", fontsize="small")
        axis.set_ylabel("query", fontsize="small")
    figure.colorbar(image, ax=axes, shrink=0.5, label="weight")
    first = table.iloc[0]
    panel = draw.format_panel(first["task"], first["architecture"])
    text = (
        f"{panel}, {first['series']}, seed {seed:g}: for each kind the head that is furthest above its control, or above "
        "uniform attention, with its score. A score near 0 means that there is no such head."
    )
    text += " Induction: on random tokens and their repetition." if "induction" in kinds else ""
    draw.add_caption(figure, text)
    return figure


def describe_score(table: pd.DataFrame, kind: str, layer: float, head: float) -> str:
    """'0.93, control 0.10': the score of a head, and that of its control where it has one."""
    rows = tables.select_rows(table, network="trained", kind=kind, layer=layer, head=head)
    score = tables.select_rows(rows, metric="head_score")["value"].mean()
    controls = tables.select_rows(rows, metric="head_baseline")
    control = controls[controls["baseline"] != "uniform"]["value"].mean()
    return f"{score:.2f}" + ("" if np.isnan(control) else f", control {control:.2f}")


def label_tokens(tokens: pd.DataFrame, size: int) -> list[str]:
    """'and 3': the text of a token, if it is known, and its place."""
    words = tokens.dropna(subset=["word"]).set_index("row")["word"] if "word" in tokens else {}
    return [f"{escape_word(str(words[place]))} {place}" if place in words else str(place) for place in range(size)]


def escape_word(word: str) -> str:
    """A word for matplotlib; letters that the font may not have become dots."""
    letters = "".join(letter if letter.isprintable() and ord(letter) < 256 else "·" for letter in word.strip())
    return letters.replace("$", r"\$")
