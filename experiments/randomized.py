"""Do positions drawn at random in training help an encoder to extrapolate to longer inputs?

Measured: Ruoss et al. (2023, arXiv:2305.16843) draw the positions of every example as a sorted sample from 0 … L − 1, with L
far beyond the longest test. They report 12 points more accuracy beyond the training length, the mean over 15 tasks
(trained on up to 40 symbols, tested on 41 to 500, L = 2048, positions drawn in tests too). Here an encoder is trained on
seven of those tasks on lengths up to N and tested on N + 1 to 10 N, with L = 51·N, in three variants: positions 0, 1, 2, … in
training and test; drawn in both, anew for every test example; drawn in training and evenly spaced over 0 … L − 1 in tests.

Predicted: random positions raise the mean beyond N for `sinusoidal`, `learned` and `rotary` by 5 to 15 points, and least for
`alibi`, whose bias hides all but the nearest key at such distances. They cost some accuracy within N. Evenly spaced positions
do as well as drawn ones. `parity` and `cycle` stay at their length-only baselines.

Decided by: C12, token accuracy from N + 1 to 10 N (the mean over lengths, the seven tasks and the encodings), randomized minus
plain, paired by seed: above 0. Parts of C12: each encoding alone; evenly spaced positions; the price, plain minus randomized up
to N.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.figures.randomized import VARIANTS, average_lengths, draw_all, select_gains
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import estimate_difference, estimate_interquartile_mean, judge_direction
from jaxpe.report.answers.parts import add_parts
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs
from jaxpe.training.evaluated_lengths import choose_test_lengths

TASKS = ("reverse", "missing_duplicate", "odds_first", "sort", "even_pairs", "parity", "cycle")
ENCODINGS = ("sinusoidal", "learned", "rotary", "alibi")
MORE_ENCODINGS = ("none", "t5", "shaw", "transformer_xl")
SHARED: dict[str, Any] = {
    "heads": 4,
    "batch": 32,
    "length_buckets": 1,
    "max_length_ratio": 10.0,
    "num_test_lengths": 6,
    "shift": False,
    "max_position_ratio": 51.0,
}
encoder = partial(GridRow, architectures=("encoder",), positions=("arange", "randomized"))
PRESETS = {
    "smoke": Preset(
        (encoder(task="reverse", encodings=("sinusoidal",), positions=("randomized",)),),
        seeds=1, train_length=5, width=16, layers=1, steps=40, examples=32, **(SHARED | {"batch": 16, "max_length_ratio": 4.0}),
    ),
    "quick": Preset(
        (encoder(task="reverse", encodings=("sinusoidal",)),),
        **(grids.QUICK_SIZES | grids.SIX | {"shift": False}),  # the plain half is trained by accuracy too
    ),
    "standard": Preset(
        tuple(encoder(task=task, encodings=ENCODINGS) for task in TASKS),
        seeds=10, train_length=8, steps=1500, **SHARED,
    ),
    "full": Preset(
        tuple(encoder(task=task, encodings=ENCODINGS + MORE_ENCODINGS) for task in TASKS),
        seeds=10, train_length=40, steps=20_000, width=64, layers=5, examples=512, **(SHARED | {"batch": 128, "length_buckets": 4}),
    ),
}  # fmt: skip

GAIN = Claim(
    "C12",
    "Positions {positions} raise token accuracy beyond the training length, mean over {tasks} ({encodings}; encoder; {sizes}).",
    "token accuracy",
    cell="mean over lengths from N + 1 to 10 N, tasks and encodings, randomized minus plain: interval above 0",
    question="help",
    figure="gain",
    family="primary",
    title=Text(
        "Positions drawn at random, in training and test, help an encoder generalize to longer inputs",
        "学習時とテスト時に位置番号をランダムに選ぶと、エンコーダはより長い入力にも通用する",
    ),
    effect=Text(
        "accuracy beyond the training lengths, random minus plain",
        "学習時より長い系列での正答率、ランダムな番号 − 通常の番号",
    ),
)
GAIN_PART = replace(GAIN, id="C12.{part}", cell="", family="C12", title=None, effect=None)
PRICE = Claim(
    "C12.price",
    "Positions drawn in training and test cost token accuracy at the lengths trained (plain minus randomized).",
    "token accuracy",
    question="help",
    family="C12",
)
CLAIMS = (GAIN, GAIN_PART, PRICE)


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Scores within and beyond the training lengths, in the three variants."""
    rows = []
    for config, group in group_runs(runs).items():
        source, n = work.open_source(config), config.train_length
        lengths = choose_test_lengths(source.stream, n, preset.max_length_ratio, preset.num_test_lengths)
        tests = {"plain": EvaluationConfig()}
        if config.positions == "randomized":
            tests = {"randomized": EvaluationConfig(), "spread": EvaluationConfig(sampler="spread")}
        for variant, test in tests.items():
            evaluation = test.resolve(config)
            scores = work.measure_scores(group, lengths, preset.examples, evaluation, preset.test_padding)
            for (seed, length), result in scores.items():
                rows += tables.make_score_rows(
                    "randomized", config, source, seed, length, result, evaluation=evaluation, variant=variant
                )
    return rows


figures = draw_all


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C12 over all encodings, for each encoding, and for evenly spaced positions; and the price within N."""
    beyond, results = average_lengths(table), []
    names, sizes = list(dict.fromkeys(table["encoding"])), describe_lengths(table)
    a, b = pair_variants(average_lengths(table, beyond=False), names, "plain", "randomized")
    price = estimate_difference(a, b) if len(a) else None
    cost = f" At the lengths trained they cost {price.value:.3f}." if price else ""
    cases: list[tuple[Claim, str, list[str], str]] = [(GAIN, "", names, "randomized")]
    cases += [(GAIN_PART, name, [name], "randomized") for name in names]
    cases += [(GAIN_PART, "spread", names, "spread")]
    for claim, part, encodings, variant in cases:
        a, b = pair_variants(beyond, encodings, variant, "plain")
        if not len(a):
            continue
        difference, tasks = estimate_difference(a, b), beyond["task"].nunique()
        fields = {"positions": VARIANTS[variant], "encodings": ", ".join(encodings), "sizes": sizes}
        fields |= {"tasks": f"{tasks} task{'s' if tasks > 1 else ''}", "part": part}
        note = f"Best seed: {max(a - b):+.3f}. Published: +.12 over 15 tasks.{'' if part else cost}"
        results.append(claim.make_result(judge_direction(difference), difference, note, **fields))
    if price:
        results.append(PRICE.make_result(judge_direction(price), price))
    return add_parts(results)


def describe_lengths(table: pd.DataFrame) -> str:
    """'N = 8, tests up to 10 N'."""
    n, longest = table["train_length"].iloc[0], table["test_length"].max()
    return f"N = {n:g}, tests up to {longest / n:g} N"


def pair_variants(means: pd.DataFrame, encodings: list[str], first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
    """Token accuracy of two variants by seed, the mean over tasks and encodings."""
    part = means[means["encoding"].isin(encodings)]
    return tables.pair_seeds(part, {"variant": first}, {"variant": second})


def summary(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """Mean token accuracy beyond N in the three variants, and the interquartile mean of the gain over tasks and seeds."""
    means, rows = average_lengths(table), []
    for name in dict.fromkeys(means["encoding"]):
        row = {"encoding": name}
        for variant, label in VARIANTS.items():
            values = tables.select_rows(means, encoding=name, variant=variant)["value"]
            row[label] = tables.format_number(values.mean())
        gains = [select_gains(means, task, name) for task in dict.fromkeys(means["task"])]
        gains = tables.align_seeds(*[gain for gain in gains if len(gain)]) if any(map(len, gains)) else []
        if len(gains) and len(gains[0]):
            middle = estimate_interquartile_mean(np.stack(gains))
            interval = f"({middle.low:+.3f} to {middle.high:+.3f})"
            row["gain, interquartile mean over tasks"] = f"{middle.value:+.3f} {interval}"
        rows.append(row)
    return "Token accuracy beyond the training length (mean over tasks, lengths and seeds)", rows


if __name__ == "__main__":
    cli.script(__file__)
