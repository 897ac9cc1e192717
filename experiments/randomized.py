"""Do random positions in training carry an encoder to longer inputs?

Ruoss et al. (2023, arXiv:2305.16843) draw the positions of every example as a sorted sample from 0 … L − 1, L far beyond the
longest test, and report 12 points more accuracy beyond the training length, as a mean over 15 tasks (trained on up to 40
symbols, tested on 41-500, L = 2048, positions drawn in tests too). Here: seven of those tasks, an encoder, lengths up to N in
training and from N + 1 to 10 N in tests, L = 51·N, in three ways: positions 0, 1, 2, … in training and test; drawn in both,
anew for every test example; drawn in training and evenly spaced over 0 … L − 1 in tests.

Prediction: random positions raise the mean beyond N for `sinusoidal`, `learned` and `rotary`, by 5 to 15 points; least for
`alibi`, whose bias at such distances hides all but the nearest key. They cost some accuracy within N. Evenly spaced positions do as
well as drawn ones. `parity` and `cycle` stay at their floors.

Primary cell. C12: token accuracy from N + 1 to 10 N (macro-average over lengths), mean over the seven tasks and the
encodings, randomized minus plain, paired by seed, above 0. Elsewhere: each encoding by itself; evenly spaced positions; the
price, plain minus randomized up to N.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.figures import style as draw
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import Estimate, direction_verdict, interquartile_mean, paired_difference
from jaxpe.study import tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.evaluate import test_lengths

TASKS = ("reverse", "missing_duplicate", "odds_first", "sort", "even_pairs", "parity", "cycle")
ENCODINGS = ("sinusoidal", "learned", "rotary", "alibi")
BOTH = ("arange", "randomized")
SHARED: dict[str, Any] = {
    "heads": 4,
    "batch": 32,
    "length_buckets": 1,
    "max_length_ratio": 10.0,
    "num_test_lengths": 6,
    "shift": False,
    "max_position_ratio": 51.0,
}
PRESETS = {
    "smoke": Preset(
        (GridRow(task="reverse", architectures=("encoder",), encodings=("sinusoidal",), positions=("randomized",)),),
        seeds=1, train_length=5, width=16, layers=1, steps=40, examples=32, **(SHARED | {"batch": 16, "max_length_ratio": 4.0}),
    ),
    "quick": Preset(
        (GridRow(task="reverse", architectures=("encoder",), encodings=("sinusoidal",), positions=BOTH),),
        seeds=6, train_length=8, steps=1000, **(SHARED | {"max_length_ratio": 5.0}),
    ),
    "standard": Preset(
        tuple(GridRow(task=task, architectures=("encoder",), encodings=ENCODINGS, positions=BOTH) for task in TASKS),
        seeds=6, train_length=8, steps=1500, **SHARED,
    ),
    "full": Preset(
        tuple(GridRow(task=task, architectures=("encoder",), encodings=(*ENCODINGS, "none", "t5", "shaw", "transformer_xl"), positions=BOTH) for task in TASKS),
        seeds=10, train_length=40, steps=20_000, width=64, layers=5, examples=512, **(SHARED | {"batch": 128, "length_buckets": 4}),
    ),
}  # fmt: skip
GAIN = Claim(
    "C12",
    "Positions {way} raise token accuracy beyond the training length, mean over {tasks} ({encodings}; encoder).",
    "token accuracy",
    cell="mean over lengths from N + 1 to 10 N, tasks and encodings, randomized minus plain: interval above 0",
    question="help",
    figure="gain",
    family="primary",
    title=Text(
        "Positions drawn at random, in training and test, carry an encoder to longer inputs",
        "学習時とテスト時に位置番号をランダムに選ぶと、エンコーダはより長い入力にも通用する",
    ),
    effect=Text(
        "accuracy beyond the lengths trained, random minus plain", "学習時より長い系列での正答率、ランダム − 通常"
    ),
)
GAIN_PART = replace(GAIN, id="C12.{part}", cell="", family="C12", title=None, effect=None)
PRICE = Claim(
    "C12.price",
    "Positions drawn in training and test cost token accuracy at the lengths trained (plain minus randomized).",
    "token accuracy",
    question="help",
    figure="gain",
    family="C12",
)
CLAIMS = (GAIN, GAIN_PART, PRICE)
WAYS = {"plain": "0, 1, 2 …", "randomized": "drawn in training and test", "spread": "drawn, evenly spaced in tests"}


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Scores within and beyond the training lengths, in the three ways."""
    rows = []
    for config in dict.fromkeys(run.config for run in runs):
        group = [run for run in runs if run.config == config]
        source, n = work.source(config), config.train_length
        lengths = test_lengths(source.stream, n, preset.max_length_ratio, preset.num_test_lengths)
        samplers = {"plain": "arange"} if config.positions == "arange" else {w: w for w in ("randomized", "spread")}
        for way, sampler in samplers.items():
            for (seed, length), found in work.scores(group, lengths, preset.examples, sampler=sampler).items():
                more = {"way": way, "test_positions": sampler}
                rows += tables.rows_of("randomized", config, source, seed, length, found, **more)
    return rows


def carried(table: Any, beyond: bool = True) -> Any:
    """Token accuracy beyond N (or up to N), the mean over lengths, by task, encoding, way and seed."""
    found = tables.select(table, metric="token_accuracy")
    found = found[(found["test_length"] > found["train_length"]) == beyond]
    return found.groupby(["task", "encoding", "way", "seed"], sort=False)["value"].mean().reset_index()


def figures(table: Any) -> dict[str, Any]:
    """Length curves of every task, and the gain of every encoding."""
    tasks = list(dict.fromkeys(table["task"]))
    accuracy = tables.select(table, metric="token_accuracy")
    made = {}
    for name in dict.fromkeys(table["encoding"]):
        figure, axes = draw.panels(len(tasks), columns=3, width=3.6, height=2.7)
        for axis, task in zip(axes, tasks, strict=True):
            part = tables.select(accuracy, task=task, encoding=name)
            for i, way in enumerate(dict.fromkeys(part["way"])):
                look, lines = draw.style_at(i), tables.select(part, way=way)
                draw.line(axis, lines.groupby("test_length")["value"].mean(), look, f"positions {WAYS[way]}")
                draw.points(axis, lines["test_length"], lines["value"], look, s=9, alpha=0.4)
            draw.by_length(axis, part, task)
            axis.set_ylabel("token accuracy")
        draw.legend(figure, axes, columns=3)
        draw.caption(figure, f"{name}, encoder; lines: mean over {draw.seeds_of(table)}, points: seeds.")
        made[f"curves_{name}"] = figure
    return made | {"gain": gain_figure(table)}


def gain_figure(table: Any) -> Any:
    """Randomized minus plain beyond N, for every task and encoding: a point a seed."""
    found = carried(table)
    names, tasks = list(dict.fromkeys(found["encoding"])), list(dict.fromkeys(found["task"]))
    figure, [axis] = draw.panels(1, width=2.0 + 1.1 * len(tasks), height=3.2)
    for i, name in enumerate(names):
        look = draw.style(name)
        for place, task in enumerate(tasks):
            a, b = (gains(found, task, name, way) for way in ("randomized", "plain"))
            n = min(len(a), len(b))
            x = place + 0.18 * (i - (len(names) - 1) / 2) + np.linspace(-0.04, 0.04, n)
            draw.points(axis, x, a[:n] - b[:n], look, s=20, label=name)
    axis.axhline(0, color="black", linewidth=0.7)
    axis.set_xticks(range(len(tasks)), [task.replace("_", "\n") for task in tasks], fontsize=8)
    axis.set_ylabel("token accuracy beyond N:\nrandomized minus plain")
    draw.legend(figure, [axis], columns=6)
    draw.caption(figure, f"Mean over lengths from N + 1 to the longest; points: {draw.seeds_of(table)}.")
    return figure


def gains(found: Any, task: str, encoding: str, way: str) -> Any:
    return tables.by_seed(found, task=task, encoding=encoding, way=way).to_numpy()


def pooled(found: Any, names: list[str], way: str) -> Any:
    """By seed: the mean over tasks and encodings."""
    part = found[found["encoding"].isin(names) & (found["way"] == way)]
    return part.groupby("seed")["value"].mean().sort_index().to_numpy()


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C12 pooled over encodings, then each encoding, then evenly spaced positions; and the price within N."""
    beyond, within, results = carried(table), carried(table, beyond=False), []
    names = list(dict.fromkeys(table["encoding"]))
    cases: list[tuple[Claim, str, list[str], str]] = [(GAIN, "", names, "randomized")]
    cases += [(GAIN_PART, name, [name], "randomized") for name in names]
    for claim, part, encodings, way in [*cases, (GAIN_PART, "spread", names, "spread")]:
        difference = compare_ways(beyond, encodings, way, "plain")
        if difference is None:
            continue
        estimate, best = difference
        note = f"Best seed: {best:+.3f}. Published: +.12 over 15 tasks."
        count = beyond["task"].nunique()
        words = {
            "way": WAYS[way],
            "tasks": f"{count} task{'s' if count > 1 else ''}",
            "encodings": ", ".join(encodings),
        }
        results.append(claim.judge(direction_verdict(estimate), estimate, note, part=part, **words))
    if price := compare_ways(within, names, "plain", "randomized"):
        results.append(PRICE.judge(direction_verdict(price[0]), price[0]))
    return results


def compare_ways(scores: pd.DataFrame, encodings: list[str], first: str, second: str) -> tuple[Estimate, float] | None:
    """Pooled accuracy with one way of positions minus that with another, and the largest difference of a seed."""
    a, b = (pooled(scores, encodings, way) for way in (first, second))
    n = min(len(a), len(b))
    return (paired_difference(a[:n], b[:n]), float(max(a[:n] - b[:n]))) if n else None


def summary(table: Any) -> tuple[str, list[dict[str, str]]]:
    """Mean token accuracy beyond N in the three ways, and the interquartile mean over tasks and seeds of the gain."""
    found, rows = carried(table), []
    for name in dict.fromkeys(found["encoding"]):
        row = {"encoding": name}
        for way, label in WAYS.items():
            values = tables.select(found, encoding=name, way=way)["value"]
            row[label] = tables.shown(values.mean())
        tasks = [task for task in dict.fromkeys(found["task"]) if len(gains(found, task, name, "randomized"))]
        both = [(gains(found, t, name, "randomized"), gains(found, t, name, "plain")) for t in tasks]
        n = min((min(len(a), len(b)) for a, b in both), default=0)
        if n:
            middle = interquartile_mean(np.stack([a[:n] - b[:n] for a, b in both]))
            row["gain, interquartile mean over tasks"] = (
                f"{middle.value:+.3f} ({middle.low:+.3f} to {middle.high:+.3f})"
            )
        rows.append(row)
    return "Token accuracy beyond the training length (mean over tasks, lengths and seeds)", rows


if __name__ == "__main__":
    cli.script(__file__)
