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

import numpy as np

from jaxpe import cli, grids, tables
from jaxpe import figures as draw
from jaxpe.analysis import geometry
from jaxpe.presets import Preset, Row
from jaxpe.statistics import Claim, direction_verdict, paired_difference
from jaxpe.study import Cell, Workspace

LEARNED = ("learned",)
COMPONENTS = 3
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
            Row("reverse", ("encoder",), LEARNED),
            *[Row(task, grids.ALL, LEARNED, sizes=grids.FIVE) for task in ("reverse", "copy")],
            Row("reverse", ("encoder",), LEARNED, ("offset",)),
            grids.text("masked_lm", grids.STANDARD_TEXT, LEARNED),
            grids.text("causal_lm", grids.STANDARD_TEXT, LEARNED),
        ),
        seeds=10, train_length=12, steps=3000, points=14, examples=512,
    ),
}  # fmt: skip
PRESETS["full"] = PRESETS["standard"]


def position_table(work: Workspace, cell: Cell) -> np.ndarray:
    """The rows of a model's learned table that training visited (the target side's of an encoder-decoder)."""
    stack: Any = work.model(cell).stack
    stream = work.source(cell.setting).stream
    trained = cell.setting.sampler.bound(stream.sizes(stream.lengths(1, cell.setting.train_length)[-1])[0])
    return np.asarray(stack.encodings[0].table[...], np.float64)[:trained]


def measure(work: Workspace, cells: list[Cell], preset: Preset) -> list[tables.Row]:
    """Similarity (of seed 0), components, spectrum and shift residual of every table and its controls."""
    rows = []
    for cell in cells:
        if cell.setting.encoding != "learned":
            continue  # only a learned table has something learned to look at
        table = position_table(work, cell)
        base = tables.base_row("structure", cell.setting, cell.seed, None)
        named = {"learned": table} | geometry.controls(table.shape[0], table.shape[1], cell.seed)
        for name, one in named.items():
            rows += described(base | {"encoding": name}, one, whole=cell.seed == 0)
        exact = {"encoding": "sinusoidal (control)", "metric": "rotation_residual"}
        rows.append(base | exact | {"value": geometry.rotation_residual(table.shape[0], table.shape[1])})
    return rows


def described(base: tables.Row, table: np.ndarray, whole: bool) -> list[tables.Row]:
    """The rows of one table. `whole`: also those that a map or a curve is drawn from."""
    rows = [
        base | {"metric": "shift_residual", "offset": k, "value": geometry.shift_residual(table, k)} for k in (1, 2, 4)
    ]
    likeness = geometry.similarity(table)
    neighbours = float(np.diag(likeness, 1).mean())
    rows.append(base | {"metric": "neighbour_similarity", "value": neighbours})
    if whole:
        upper = zip(*np.triu_indices(len(table)), strict=True)
        rows += [base | {"metric": "similarity", "row": i, "column": j, "value": likeness[i, j]} for i, j in upper]
        coordinates, _ = geometry.principal_components(table, COMPONENTS)
        rows += [
            base | {"metric": f"component_{c + 1}", "row": p, "value": v} for (p, c), v in np.ndenumerate(coordinates)
        ]
        rows += [
            base | {"metric": "spectrum", "row": f + 1, "value": v} for f, v in enumerate(geometry.spectrum(table))
        ]
    return rows


def groups_of(table: Any) -> list[tuple[str, str, str]]:
    return list(dict.fromkeys(zip(table["task"], table["architecture"], table["positions"], strict=True)))


def figures(table: Any) -> dict[str, Any]:
    """Maps of similarity, components and spectra, and the residual of a linear shift."""
    return {
        "similarity": similarity(table),
        "components": lines(table, [f"component_{c + 1}" for c in range(COMPONENTS)], "position", "coordinate"),
        "spectrum": spectra(table),
        "shift_linearity": shift_linearity(table),
    }


def similarity(table: Any) -> Any:
    groups = groups_of(table)
    names = list(dict.fromkeys(table["encoding"]))
    figure, axes = draw.panels(len(groups) * len(names), columns=len(names), width=2.7, height=2.5)
    for axis, (group, name) in zip(axes, ((g, n) for g in groups for n in names), strict=True):
        task, architecture, positions = group
        part = tables.select(
            table, task=task, architecture=architecture, positions=positions, encoding=name, metric="similarity"
        )
        size = int(part["row"].max()) + 1
        matrix = np.zeros((size, size))
        matrix[part["row"].astype(int), part["column"].astype(int)] = part["value"]
        image = draw.similarity_map(axis, matrix + matrix.T - np.diag(np.diag(matrix)))
        axis.set_title(f"{task}, {architecture}\n{name}", fontsize=8.5)
    figure.colorbar(image, ax=axes, shrink=0.6, label="cosine, centred")
    draw.caption(figure, "Similarity of the codes of two positions, seed 0; only positions that training visited.")
    return figure


def lines(table: Any, metrics: list[str], x: str, y: str) -> Any:
    groups = groups_of(table)
    figure, axes = draw.panels(2 * len(groups), columns=2, width=4.4, height=2.2)
    pairs = [(group, name) for group in groups for name in ("learned", "sinusoidal (control)")]
    for axis, ((task, architecture, positions), name) in zip(axes, pairs, strict=True):
        part = tables.select(table, task=task, architecture=architecture, positions=positions, encoding=name)
        for metric, dashes, marker in zip(metrics, ("-", "--", ":"), "os^", strict=True):
            own = tables.select(part, metric=metric)
            axis.plot(
                own["row"], own["value"], linestyle=dashes, marker=marker, markersize=3, label=metric.replace("_", " ")
            )
        axis.set_title(f"{task}, {architecture}: {name}", fontsize=9)
        axis.set_xlabel(x)
        axis.set_ylabel(y)
    draw.legend(figure, axes)
    draw.caption(figure, "The three leading principal components of the position table, seed 0.")
    return figure


def spectra(table: Any) -> Any:
    groups = groups_of(table)
    figure, axes = draw.panels(len(groups), columns=3, width=3.8, height=2.8)
    looks = dict(
        zip(dict.fromkeys(table["encoding"]), (("-", "^"), ("--", "s"), (":", "o"), ("-.", "D")), strict=False)
    )
    for axis, (task, architecture, positions) in zip(axes, groups, strict=True):
        part = tables.select(table, task=task, architecture=architecture, positions=positions, metric="spectrum")
        for name, own in part.groupby("encoding", sort=False):
            dashes, marker = looks[name]
            axis.plot(own["row"], own["value"], linestyle=dashes, marker=marker, markersize=3, label=name)
        axis.set_title(f"{task}, {architecture}")
        axis.set_xlabel("periods over the table")
        axis.set_ylabel("share of variance")
    draw.legend(figure, axes)
    draw.caption(figure, "Fourier spectrum of the position table over positions, mean over coordinates, seed 0.")
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
        axis.set_ylim(0, 2 * own["value"].max())
        axis.set_title(f"{task}, {architecture}")
        axis.set_ylabel("residual, share of variance", fontsize=8.5)
    draw.caption(
        figure, "Best linear map from position p to p + 1, on held-out positions; 1 (dotted) = no better than the mean."
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
    cell = {"task": "causal_lm", "metric": "shift_residual", "offset": 1}
    a, b = tables.paired(table, cell | {"encoding": "Gaussian (control)"}, cell | {"encoding": "learned"})
    if len(a):
        found = paired_difference(a, b)
        statement = (
            "A learned table comes nearer to a linear shift than Gaussian rows (Gaussian minus learned, causal LM)."
        )
        note = "Exploratory: fewer than ten seeds." if found.n < 10 else ""
        verdict = direction_verdict(found)
        made.append(
            Claim(
                "C1.learned", statement, verdict, found.value, found.low, found.high, found.n, "share of variance", note
            )
        )
    return made


if __name__ == "__main__":
    cli.script(__file__)
