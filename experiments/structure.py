"""What do learned position tables look like, and is a shift a linear map of them?

Learned tables of models trained on a toy task, and on real text as encoder (masked LM) and as decoder (causal LM), beside
three controls of the same shape: sinusoids, Gaussian rows, and a smooth random process. Rows that training never visited
are left out: they are as they were drawn.

Prediction: sinusoids obey a shift exactly (a rotation). Learned tables start as Gaussian rows and change where the task
needs it: neighbours grow more alike on real text than on toy tasks, and the linear map explains more than for Gaussian
rows, far less than for sinusoids. Short training leaves most of the noise.

Primary cell. C1: the sinusoid's residual under the exact rotation, below 1e-6 of the variance. Part C1.learned: residual of
a fitted map on the table of `causal_lm`, Gaussian control minus learned, above 0.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxpe import cli, grids, tables
from jaxpe import figures as draw
from jaxpe.analysis import geometry
from jaxpe.analysis.attention import code_of
from jaxpe.presets import Preset, Row
from jaxpe.statistics import Claim, direction_verdict, paired_difference
from jaxpe.study import Cell, Workspace
from jaxpe.text import OBJECTIVES

LEARNED = ("learned",)
COMPONENTS = 3
LEARNED_CLAIMS = {
    "learned": {"task": "causal_lm", "architecture": "decoder", "positions": "arange"},
    "learned-offset": {"task": "reverse", "architecture": "encoder", "positions": "offset"},  # the table with most rows
}
SHOWN = 33  # positions of a map or a curve, evenly spaced, so that the table stays small
# From masked to next-token prediction, one step at a time: the mask, the objective, the number of predictions.
CHAIN = ("masked_lm", "causal_masked_lm", "sampled_causal_lm", "causal_lm")
OFFSET = (*grids.SIX, ("reach", 2.0))  # a table short enough that random starts train all of it: 193 rows
DOCUMENT = (*grids.SIX, ("starts", "document"))
SECOND = (*grids.SIX, ("corpus", "wordnet"))  # left out where it was not fetched


def text(task: str, sizes: Any, encodings: tuple[str, ...] = LEARNED, positions: tuple[str, ...] = ("arange",)) -> Row:
    """A language task at the sizes of standard but for the given ones."""
    own = tuple({**dict(grids.STANDARD_TEXT), **dict(sizes)}.items())
    return Row(task, (OBJECTIVES[task],), encodings, positions, own)


PRESETS = {
    "smoke": Preset(
        (Row("reverse", ("encoder",), LEARNED),),
        seeds=1, train_length=5, reach=4.0, points=4, examples=32, width=16, layers=1, steps=40, batch=16, strata=1,
    ),
    "quick": Preset(
        (
            Row("reverse", ("encoder",), LEARNED),
            grids.text("masked_lm", grids.QUICK_TEXT, LEARNED),
            grids.text("causal_lm", grids.QUICK_TEXT, LEARNED),
        ),
        train_length=8, steps=800, points=7,
    ),
    "standard": Preset(
        (
            *[text(task, grids.TEN) for task in ("masked_lm", "sampled_causal_lm", "causal_lm")],
            *[text(task, grids.SIX, ("none", "sinusoidal")) for task in ("masked_lm", "causal_lm")],
            text("causal_masked_lm", grids.SIX),
            *[text(task, OFFSET, LEARNED, ("offset",)) for task in CHAIN],
            *[text(task, DOCUMENT) for task in CHAIN],
            *[text(task, SECOND) for task in CHAIN if task != "causal_masked_lm"],
            *[Row("reverse", ("encoder",), LEARNED, (sampler,)) for sampler in ("arange", "offset")],
        ),
        seeds=10, train_length=12, steps=3000, points=14, examples=512,
    ),
}  # fmt: skip
PRESETS["full"] = PRESETS["standard"]


def position_code(work: Workspace, cell: Cell) -> np.ndarray:
    """What a trained model adds to an embedding of zeros at every position that training visited (the target side's).

    For a learned table these are its trained rows; all zeros for an encoding that adds nothing.
    """
    stack: Any = work.model(cell).stack
    stream = work.source(cell.setting).stream
    visited = cell.setting.sampler.bound(stream.sizes(stream.lengths(1, cell.setting.train_length)[-1])[0])
    return np.asarray(code_of(stack.encodings[0], jnp.arange(visited), cell.setting.width), np.float64)


def measure(work: Workspace, cells: list[Cell], preset: Preset) -> list[tables.Row]:
    """Similarity, components and spectrum (of seed 0) and shift residuals of every code, and of its controls."""
    codes = {cell: position_code(work, cell) for cell in cells}
    largest = max(codes, key=lambda cell: len(codes[cell]) * (cell.seed == 0))  # the one whose controls are drawn
    rows, controlled = [], set()
    for cell, code in codes.items():
        base = tables.base_row("structure", cell.setting, cell.seed, None)
        if code.any():
            rows += described(base, code, whole=cell.seed == 0)
        place = (*(base[name] for name in tables.CELL if name != "encoding"), cell.seed)
        if place in controlled:
            continue  # two encodings of one setting share their controls
        controlled.add(place)
        for name, control in geometry.controls(len(code), code.shape[1], cell.seed).items():
            rows += described(base | {"encoding": name}, control, whole=cell == largest)
        exact = {"encoding": "sinusoidal (control)", "metric": "rotation_residual"}
        rows.append(base | exact | {"value": geometry.rotation_residual(*code.shape)})
    return rows


def described(base: tables.Row, table: np.ndarray, whole: bool) -> list[tables.Row]:
    """The rows of one table. `whole`: also those that a map or a curve is drawn from, at no more than SHOWN positions."""
    rows = [
        base | {"metric": "shift_residual", "offset": k, "value": geometry.shift_residual(table, k)} for k in (1, 2, 4)
    ]
    likeness = geometry.similarity(table)
    neighbours = float(np.diag(likeness, 1).mean())
    rows.append(base | {"metric": "neighbour_similarity", "value": neighbours})
    if whole:
        shown = np.unique(np.linspace(0, len(table) - 1, SHOWN).round().astype(int))
        pairs = [(i, j) for i in shown for j in shown if i <= j]
        rows += [base | {"metric": "similarity", "row": i, "column": j, "value": likeness[i, j]} for i, j in pairs]
        coordinates, _ = geometry.principal_components(table, COMPONENTS)
        rows += [
            base | {"metric": f"component_{c + 1}", "row": p, "value": coordinates[p, c]}
            for c in range(COMPONENTS)
            for p in shown
        ]
        rows += [
            base | {"metric": "spectrum", "row": f + 1, "value": v}
            for f, v in enumerate(geometry.spectrum(table)[:SHOWN])
        ]
    return rows


def groups_of(table: Any) -> list[tuple[str, str, str]]:
    return list(dict.fromkeys(zip(table["task"], table["architecture"], table["positions"], strict=True)))


def figures(table: Any) -> dict[str, Any]:
    """Maps of similarity, components and spectra, and the residual of a linear shift."""
    return {
        "similarity": similarity(table),
        "components": components(table),
        "spectrum": spectra(table),
        "shift_linearity": shift_linearity(table),
    }


def drawn_codes(table: Any) -> list[tuple[tuple[str, str, str], str]]:
    """Which codes are shown whole: (task, architecture, positions) and the code's name, controls last."""
    part = tables.select(table, metric="component_1")
    keys = zip(part["task"], part["architecture"], part["positions"], part["encoding"], strict=True)
    return sorted(((key[:3], key[3]) for key in dict.fromkeys(keys)), key=lambda code: "(control)" in code[1])


def name_of(group: tuple[str, str, str], name: str) -> str:
    """The title of a code's panel; a control belongs to no training."""
    task, architecture, positions = group
    more = "" if positions == "arange" else f" + {positions}"
    return name if "(control)" in name else f"{name}{more}\n{task}, {architecture.replace('_', '-')}"


def rows_of_code(table: Any, group: tuple[str, str, str], name: str) -> Any:
    task, architecture, positions = group
    return tables.select(table, task=task, architecture=architecture, positions=positions, encoding=name)


def similarity(table: Any) -> Any:
    codes = drawn_codes(table)
    figure, axes = draw.panels(len(codes), columns=3, width=2.9, height=2.7)
    for axis, (group, name) in zip(axes, codes, strict=True):
        part = tables.select(rows_of_code(table, group, name), metric="similarity")
        places = sorted(set(part["row"].astype(int)))
        matrix = np.zeros((len(places), len(places)))
        at = {place: i for i, place in enumerate(places)}
        for i, j, value in zip(part["row"], part["column"], part["value"], strict=True):
            matrix[at[int(i)], at[int(j)]] = matrix[at[int(j)], at[int(i)]] = value
        image = draw.similarity_map(axis, matrix, places[-1])
        axis.set_title(name_of(group, name), fontsize=8.5)
    figure.colorbar(image, ax=axes, shrink=0.6, label="cosine, centred")
    draw.caption(figure, "Similarity of the codes of two positions, seed 0; only positions that training visited.")
    return figure


def components(table: Any) -> Any:
    codes = [code for code in drawn_codes(table) if "(control)" not in code[1] or code[1].startswith("sinusoidal")]
    figure, axes = draw.panels(len(codes), columns=2, width=4.4, height=2.3)
    for axis, (group, name) in zip(axes, codes, strict=True):
        for c, dashes, marker in zip(range(COMPONENTS), ("-", "--", ":"), "os^", strict=True):
            own = tables.select(rows_of_code(table, group, name), metric=f"component_{c + 1}")
            axis.plot(
                own["row"], own["value"], linestyle=dashes, marker=marker, markersize=3, label=f"component {c + 1}"
            )
        axis.set_title(name_of(group, name).replace("\n", ": "), fontsize=9)
        axis.set_xlabel("position")
        axis.set_ylabel("coordinate")
    draw.legend(figure, axes)
    draw.caption(figure, "The three leading principal components of the position code, seed 0.")
    return figure


def spectra(table: Any) -> Any:
    codes = drawn_codes(table)
    figure, axes = draw.panels(len(codes), columns=3, width=3.2, height=2.3)
    for axis, (group, name) in zip(axes, codes, strict=True):
        own, look = tables.select(rows_of_code(table, group, name), metric="spectrum"), draw.style(name)
        axis.plot(own["row"], own["value"], color=look.colour, marker=look.marker, linestyle=look.dashes, markersize=3)
        axis.set_ylim(0, 1.02 * max(0.2, own["value"].max()))
        axis.set_title(name_of(group, name), fontsize=8.5)
        axis.set_xlabel("periods over the visited positions")
        axis.set_ylabel("share of variance", fontsize=8.5)
    draw.caption(figure, "Fourier spectrum of the position code over positions, all coordinates together, seed 0.")
    return figure


def shift_linearity(table: Any) -> Any:
    groups = groups_of(table)
    part = tables.select(table, metric="shift_residual", offset=1)
    figure, axes = draw.panels(len(groups), columns=3, width=3.8, height=2.8)
    for axis, (task, architecture, positions) in zip(axes, groups, strict=True):
        own = tables.select(part, task=task, architecture=architecture, positions=positions)
        own = own.assign(floor=np.nan, order_blind=np.nan)
        draw.seeds_at(axis, own, list(dict.fromkeys(own["encoding"])))
        axis.set_xticks(
            axis.get_xticks(), [label.get_text().replace(" (", "\n(") for label in axis.get_xticklabels()], fontsize=7
        )
        axis.axhline(1.0, color="black", linewidth=0.7, linestyle=":")
        axis.set_yscale("symlog", linthresh=0.01)
        axis.set_ylim(0, max(2.0, 1.5 * own["value"].max()))
        axis.set_title(f"{task}, {architecture.replace('_', '-')}, {positions}", fontsize=9)
        axis.set_ylabel("residual, share of variance", fontsize=8.5)
    draw.caption(
        figure,
        "Best ridge map from position p to p + 1: residual on held-out positions; 1 (dotted) = no better than the mean.\n"
        f"A point is a seed ({draw.seeds_of(table)}); only positions that training visited.",
    )
    return figure


def claims(table: Any) -> list[Claim]:
    """C1 exactly for sinusoids, and by a fitted map for a learned table."""
    exact = tables.select(table, metric="rotation_residual")
    worst = float(exact["value"].max()) if len(exact) else None
    made = []
    if worst is not None:
        statement = (
            "For a fixed offset, PE(p + k) is a linear function of PE(p): residual of the exact rotation, sinusoids."
        )
        verdict = "supported" if worst < 1e-6 else "contradicted"
        made.append(
            Claim(
                "C1", statement, verdict, worst, None, None, 1, "share of variance", "Algebra: no seeds are involved."
            )
        )
    for part, cell in LEARNED_CLAIMS.items():
        wanted = cell | {"metric": "shift_residual", "offset": 1}
        a, b = tables.paired(table, wanted | {"encoding": "Gaussian (control)"}, wanted | {"encoding": "learned"})
        if len(a):
            found = paired_difference(a, b)
            where = f"{cell['task']}, {cell['architecture']}, {cell['positions']} positions"
            statement = (
                f"A learned table comes nearer to a linear shift than Gaussian rows (Gaussian minus learned; {where})."
            )
            note = "Exploratory: fewer than ten seeds." if found.n < 10 else ""
            numbers = (found.value, found.low, found.high, found.n, "share of variance", note, found.p)
            made.append(Claim(f"C1.{part}", statement, direction_verdict(found), *numbers))
    return made


if __name__ == "__main__":
    cli.script(__file__)
