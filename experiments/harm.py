"""Does adding a position encoding to a token do harm, and where does it help?

Measured: order-free tasks (`count`, `majority`, `histogram`: the answer depends on counts alone) and tasks that depend on order
(`copy`, `reverse`, `index`, `relative_index`), with and without an encoding, at the lengths seen in training and beyond them.
Then three sweeps of a factor s on a frozen code: s·position; s·token and s·position (a control: the size alone); and
(token + s·position) / √(1 + s²), the ratio alone at a constant size. Harm by the ratio counts only in the third. `concatenated`
gives position a quarter of the same width, or (`wide`) coordinates of its own next to a token of full width. Twins are pairs of
inputs with the same symbols and different answers: a rule blind to order is right on one of the two at most. `quick` and
`standard` train the encoder only, `full` every architecture in which a task is defined.

Predicted: at the lengths seen, a position harms no order-free task (all are at the ceiling) and is indispensable for tasks that
depend on order. Beyond them it does harm: `none` still counts, sinusoids do not. `randomized` positions reduce the harm. By the
ratio, `index` needs s above about 0.1, and `count` suffers from s of about 10 on, where the token is a tenth of the sum; width
helps. A factor on both does nothing up to about 10, since the norm before each block removes a common factor; far above, what
the blocks write is lost next to the embeddings. Training brings the sizes of the two parts closer, but by less than a factor of
3. Random rows behave like sinusoids at the lengths seen. A learned table works from an initial size of 0.1 to 10 and fails at
0.02 and at 30. Adding and concatenating at the same size do not differ by 0.02 at the lengths seen.

Decided by: C5, token accuracy on `count` in the encoder at 2 N, `sinusoidal` minus `none`, positions `arange`: harm is an interval
below 0 that reaches below −0.02, no harm one within ± 0.02 or above 0. Parts of C5, each kind a family of its own for Holm's method:
every task at N (seen) and at 2 N (beyond); added minus concatenated (add); and the turning point (ratio): in the third sweep,
sinusoids at width 32 and the training length, `count` at s = 10 minus s = 0 and `index` at s = 1 minus s = 0.1, fixed after a first
standard run with three seeds of the ten. A part of C8: share of twins of `index` with both right, `sinusoidal` minus `none`, above 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from jaxpe import cli
from jaxpe.analysis import effects
from jaxpe.analysis.harm import SWEEPS, describe_scales, make_scales, measure_run
from jaxpe.figures.harm import draw_all
from jaxpe.records.claims import Answer, Claim, ClaimResult, Text
from jaxpe.records.statistics import estimate_difference, judge_direction
from jaxpe.report.answers.harm import answer, summarize
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Overrides, Preset
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs

STDS = (0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # of a learned table before training
NONE_OR_SINUSOIDS, SINUSOIDS, LEARNED = ("none", "sinusoidal"), ("sinusoidal",), ("learned",)
FIVE = ("none", "sinusoidal", "learned", "random_fixed", "concatenated")
FROZEN = ("sinusoidal", "random_fixed")
TURN_SCALES = {task: make_scales(["ratio"], factors) for task, factors in effects.TURNS.items()}
ALL_SWEEPS, RATIO = make_scales([*SWEEPS]), make_scales(["ratio"])
QUICK_SCALES = make_scales(["ratio"], (0.0, 0.1, 1.0, 10.0, 100.0)) + make_scales(["position", "both"], (10.0, 100.0))
WIDE: Overrides = {"width": 40, "seeds": 6}  # a token of width 32 and a position of width 8; or both in all 40, added
SWEEP: Overrides = {"steps": 1500, "seeds": 3}


def make_rows(tasks: Sequence[str], **columns: Any) -> list[GridRow]:
    """A row in the encoder for each task."""
    return [GridRow(task=task, architectures=("encoder",), **columns) for task in tasks]


def vary_std(overrides: Overrides) -> list[GridRow]:
    """Learned tables of several initial sizes."""
    return [
        row
        for task, std in product(effects.MATCHED_PAIR, STDS)
        for row in make_rows([task], encodings=LEARNED, encoding_options=(("scale", std),), overrides=overrides)
    ]


WIDE_ROWS = (
    *make_rows(effects.MATCHED_PAIR, encodings=SINUSOIDS, overrides=WIDE),
    *make_rows(effects.MATCHED_PAIR, encodings=("concatenated",), overrides=WIDE, encoding_options=(("share", 0.2),)),
)
PRESETS = {
    "smoke": Preset(
        (
            *make_rows(["count"], encodings=("none",)),
            *make_rows(["reverse"], encodings=NONE_OR_SINUSOIDS),
            *make_rows(["reverse"], encodings=SINUSOIDS, scales=make_scales(["ratio"], (0.1, 10.0))),
        ),
        **grids.SMOKE_SIZES,
    ),
    "quick": Preset(
        (
            *make_rows(["count"], encodings=NONE_OR_SINUSOIDS, overrides=grids.QUICK_COUNT | grids.SIX),
            *make_rows(["index"], encodings=NONE_OR_SINUSOIDS, overrides=grids.SIX),
            *make_rows(["reverse"], overrides=grids.SIX),
            *make_rows(["reverse"], encodings=LEARNED, positions=("offset",), overrides=grids.SIX),
            *make_rows(["count"], encodings=SINUSOIDS, scales=QUICK_SCALES, overrides=grids.QUICK_COUNT | {"seeds": 2}),
            *make_rows(["index"], encodings=SINUSOIDS, scales=QUICK_SCALES, overrides={"seeds": 2}),
        ),
        **grids.QUICK_SIZES,
    ),
    "standard": Preset(
        (
            *make_rows(
                ("count", "index", "majority", "histogram", "copy", "reverse", "relative_index"),
                encodings=NONE_OR_SINUSOIDS,
            ),
            *make_rows(effects.ORDER_FREE + effects.ORDER_DEPENDENT, encodings=FIVE, overrides=grids.SIX),
            *make_rows(
                ("count", "index", "majority", "reverse"),
                encodings=("sinusoidal", "learned"),
                positions=("offset", "randomized"),
                overrides=grids.SIX,
            ),
            *WIDE_ROWS,
            *make_rows(effects.MATCHED_PAIR, encodings=SINUSOIDS, scales=RATIO, overrides=SWEEP | grids.SIX),
            *make_rows(["count"], encodings=SINUSOIDS, scales=TURN_SCALES["count"], overrides=SWEEP | grids.TEN),
            *make_rows(["index"], encodings=SINUSOIDS, scales=TURN_SCALES["index"], overrides=SWEEP | grids.TEN),
            *vary_std(SWEEP),
            *make_rows(effects.MATCHED_PAIR, encodings=FROZEN, scales=ALL_SWEEPS, overrides=SWEEP | {"width": 32}),
            *make_rows(effects.MATCHED_PAIR, encodings=FROZEN, scales=RATIO, overrides=SWEEP | {"width": 16}),
            *make_rows(effects.MATCHED_PAIR, encodings=SINUSOIDS, scales=RATIO, overrides=SWEEP | {"width": 64}),
            *make_rows(
                effects.MATCHED_PAIR, encodings=SINUSOIDS, scales=RATIO, overrides=SWEEP | {"width": 128, "seeds": 1}
            ),
        ),
        **grids.STANDARD_SIZES,
    ),
    "full": Preset(
        (
            *[
                GridRow(
                    task=task,
                    architectures=grids.ALL if task != "histogram" else ("encoder",),
                    encodings=FIVE,
                    positions=("arange", "offset", "randomized"),
                )
                for task in effects.ORDER_FREE + effects.ORDER_DEPENDENT
            ],
            *[
                row
                for task, width in product(effects.MATCHED_PAIR, (16, 32, 64, 128))
                for row in make_rows([task], encodings=FROZEN, scales=ALL_SWEEPS, overrides={"width": width})
            ],
            *vary_std({}),
            *WIDE_ROWS,
        ),
        **(grids.STANDARD_SIZES | {"steps": 10_000, "examples": 1024}),
    ),
}

HARM = Claim(
    "C5",
    "Adding sinusoids does no harm where the answer does not depend on order: count in the encoder at length {length}, "
    "twice the training length (sinusoidal minus none).",
    "token accuracy",
    cell="count in the encoder at 2 N, sinusoidal minus none: interval not below −0.02",
    question="harm",
    figure="within_and_beyond",
    family="primary",
    title=Text(
        "Adding a position does no harm where order does not matter, even beyond the training lengths",
        "順序を問わない課題では、学習時より長い系列でも、位置を足して害はない",
    ),
    effect=Text("with minus without", "正答率、位置あり − 位置なし"),
)
PART = replace(HARM, cell="", title=None, effect=None)
BY_TASK = {
    where: replace(
        PART,
        id=f"C5.{{task}}-{where}-{{name}}",
        statement=f"{{encoding}} on {{task}} in the encoder at length {{length}} ({where}): accuracy minus that with none.",
        family=f"C5.{where}",
    )
    for where in effects.LENGTHS
}
BY_RATIO = replace(
    PART,
    id="C5.ratio-{task}",
    statement="The ratio of position to token alone, {task} in the encoder ({conditions}): accuracy at s = {s} minus "
    "s = {other}.",
    figure="ratio",
    family="C5.ratio",
)
ADD = replace(
    PART,
    id="C5.add-{name}-{task}-{where}",
    statement="Adding sinusoids minus concatenating them, {task} in the encoder at length {length} ({where}); {sizes}.",
    figure="add_or_concatenate",
    family="C5.add",
)
TWINS = Claim(
    "C8.twins{name}",
    "Twins of index, the same symbols with different answers: share with both right, {encoding} minus none.",
    "share of pairs",
    question="help",
    figure="twins",
    family="C8",
)
CLAIMS = (HARM, *BY_TASK.values(), BY_RATIO, ADD, TWINS)
VERDICTS = {"harmless": "supported", "helpful": "supported", "harmful": "contradicted", "undecided": "undecided"}


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Accuracy at N, 2 N, 4 N and 10 N, and what `measure_run` says about every run."""
    rows = []
    for config, group in group_runs(runs).items():
        source, n = work.open_source(config), config.train_length
        longest = round(preset.max_length_ratio * n)
        lengths = [k * n for k in (1, 2, 4, 10) if k * n <= longest and source.stream.lengths(k * n, k * n)]
        if config.scales is not None:
            lengths = lengths[:2]
        scales = describe_scales(config)
        for sampler in ("arange", "randomized") if config.positions == "randomized" else ("arange",):
            columns = scales | {"test_positions": sampler}
            scores = work.measure_scores(group, lengths, preset.examples, EvaluationConfig(sampler=sampler))
            for (seed, length), result in scores.items():
                rows += tables.make_score_rows(
                    "harm", config, source, seed, length, result, ("token_accuracy",), **columns
                )
        for run in group:
            base = tables.make_base_row("harm", config, run.seed, None) | scales
            rows += [base | row for row in measure_run(work, run)]
    return rows


def figures(table: pd.DataFrame) -> dict[str, Figure]:
    """Accuracy by length; the sweeps; sizes of the parts; twins; loss curves."""
    return draw_all(table)


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C5 in its primary cell, by task, by ratio, and added or concatenated; C8 by twins. The summary has more encodings."""
    results = []
    a, b, length = effects.compare_with_none(table, "count", 2)
    if len(a):
        word, estimate = effects.judge_effect(a, b)
        results.append(HARM.judge(VERDICTS[word], estimate, length=length))
    for task, where, encoding in product(
        dict.fromkeys(table["task"]), effects.LENGTHS, effects.list_main_encodings(table)
    ):
        a, b, length = effects.compare_with_none(table, task, effects.LENGTHS[where], encoding)
        if len(a):
            fields = {"task": task, "encoding": encoding, "name": encoding.lower(), "length": length}
            word, estimate = effects.judge_effect(a, b)
            results.append(BY_TASK[where].judge(word, estimate, **fields))
    return results + judge_ratio(table) + judge_twins(table) + judge_concatenation(table)


def judge_ratio(table: pd.DataFrame) -> list[ClaimResult]:
    """C5 by the ratio of position to token alone, on both tasks of the matched pair, at the common width."""
    results = []
    for task, (s, other) in effects.TURNS.items():
        part = effects.select_ratio_sweep(table, task)
        part = part[part["width"] == effects.select_plain(table)["width"].min()]
        a, b = tables.pair_seeds(part, {"s": s}, {"s": other})
        if len(a):
            first = part.iloc[0]
            conditions = f"{first['encoding']}, width {first['width']:g}, length {first['test_length']:g}"
            fields = {"task": task, "conditions": conditions, "s": f"{s:g}", "other": f"{other:g}"}
            word, estimate = effects.judge_effect(a, b)
            results.append(BY_RATIO.judge(word, estimate, **fields))
    return results


def judge_twins(table: pd.DataFrame) -> list[ClaimResult]:
    """C8 by twins of index. The id of the first encoding has no suffix."""
    part = tables.select_rows(effects.select_plain(table), task="index", metric="twins_both_right", positions="arange")
    results: list[ClaimResult] = []
    for encoding in effects.list_main_encodings(table):
        a, b = tables.pair_seeds(part, {"encoding": encoding}, {"encoding": "none"})
        if len(a):
            difference, suffix = estimate_difference(a, b), f"-{encoding.lower()}" if results else ""
            results.append(TWINS.judge(judge_direction(difference), difference, encoding=encoding, name=suffix))
    return results


def judge_concatenation(table: pd.DataFrame) -> list[ClaimResult]:
    """C5 by adding minus concatenating, at the training length and at twice that length."""
    results = []
    for task, name, where in product(effects.MATCHED_PAIR, effects.WIDTHS, effects.LENGTHS):
        a, b, length = effects.compare_with_concatenated(table, task, effects.LENGTHS[where], name)
        if len(a):
            fields: dict[str, Any] = {"task": task, "name": name, "where": where, "length": length}
            word, estimate = effects.judge_effect(a, b)
            results.append(ADD.judge(word, estimate, sizes=effects.WIDTHS[name].description, **fields))
    return results


def answers(table: pd.DataFrame, results: dict[str, ClaimResult]) -> list[Answer]:
    """Does it do harm, and where does it help?"""
    return answer(table, results)


def summary(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """The effect of every encoding and sampler on every task, in one word with its numbers."""
    return "Harm or help: token accuracy in the encoder, with a position encoding and with none", summarize(table)


if __name__ == "__main__":
    cli.script(__file__)
