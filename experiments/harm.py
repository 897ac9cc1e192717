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
below 0 that reaches below −0.02, no harm one within ± 0.02 or above 0. Where both are below the length-only baseline there is
neither (until 2026-11-27 `histogram` at 2 N was called helped: .130 and .070, baseline .239). Parts of C5, each kind a family of
its own for Holm's method: every task at N (seen) and at 2 N (beyond); added minus concatenated (add); and the turning point
(ratio): in the third sweep, sinusoids at width 32 and the training length, `count` at s = 10 minus s = 0 and `index` at s = 1
minus s = 0.1, fixed after a first standard run with three seeds of the ten. Added on 2026-11-27, after the results: log₂ of the
steps to 95 % on order-free tasks (speed). A part of C8: share of twins of `index` with both right, `sinusoidal` minus `none`,
above 0.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pandas as pd

from jaxpe import cli
from jaxpe.analysis import effects
from jaxpe.analysis.harm import SWEEPS, describe_scales, make_scales, measure_run
from jaxpe.figures.harm import draw_all
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import estimate_difference, judge_direction
from jaxpe.report.answers.harm import answer, describe_means, summarize
from jaxpe.report.answers.parts import add_parts
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Overrides, Preset
from jaxpe.study.scores import PLAIN_SAMPLER, make_published_test
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs

STDS = (0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # of a learned table before training
NONE_OR_SINUSOIDS, SINUSOIDS, LEARNED = ("none", "sinusoidal"), ("sinusoidal",), ("learned",)
FIVE = ("none", "sinusoidal", "learned", "random_fixed", "concatenated")
FROZEN = ("sinusoidal", "random_fixed")
PAIR = effects.MATCHED_PAIR
TASKS = ("count", "index", "majority", "histogram", "copy", "reverse", "relative_index")
ALL_SWEEPS, RATIO = make_scales([*SWEEPS]), make_scales(["ratio"])
QUICK_SCALES = make_scales(["ratio"], (0.0, 0.1, 1.0, 10.0, 100.0))
WIDE: Overrides = {"width": 40, "seeds": 10}  # a token of width 32 and a position of width 8; or both in all 40, added
SWEEP: Overrides = {"steps": 1500, "seeds": 3}
encoders = grids.encoder_rows


def vary_std(overrides: Overrides) -> list[GridRow]:
    """Learned tables of several initial sizes."""
    options = [(("scale", std),) for std in STDS]
    grid = [encoders(PAIR, encodings=LEARNED, encoding_options=one, overrides=overrides) for one in options]
    return [row for rows in grid for row in rows]


WIDE_ROWS = (
    *encoders(PAIR, encodings=SINUSOIDS, overrides=WIDE),
    *encoders(PAIR, encodings=("concatenated",), overrides=WIDE, encoding_options=(("share", 0.2),)),
)
ADD_ROWS = (*encoders(PAIR, encodings=("sinusoidal", "concatenated")), *WIDE_ROWS)  # those of C5.add
TURN_ROWS = [
    row
    for task, factors in effects.TURNS.items()
    for row in encoders(
        [task], encodings=SINUSOIDS, scales=make_scales(["ratio"], factors), overrides=SWEEP | grids.TEN
    )
]
PRESETS = {
    "smoke": Preset(
        (
            *encoders(["count"], encodings=("none",)),
            *encoders(["reverse"], encodings=NONE_OR_SINUSOIDS),
            *encoders(["reverse"], encodings=SINUSOIDS, scales=make_scales(["ratio"], (0.1, 10.0))),
        ),
        **grids.SMOKE_SIZES,
    ),
    "quick": Preset(
        (
            *encoders(["count"], encodings=NONE_OR_SINUSOIDS, overrides=grids.QUICK_COUNT | grids.SIX),
            *encoders(["index"], encodings=NONE_OR_SINUSOIDS, overrides=grids.QUICK_INDEX | grids.SIX),
            *encoders(["reverse"], overrides=grids.SIX),
            *encoders(["reverse"], encodings=LEARNED, positions=("offset",), overrides=grids.SIX),
            *encoders(["count"], encodings=SINUSOIDS, scales=QUICK_SCALES, overrides={"seeds": 2}),
            *encoders(["index"], encodings=SINUSOIDS, scales=QUICK_SCALES, overrides=grids.QUICK_INDEX | {"seeds": 2}),
        ),
        **grids.QUICK_SIZES,
    ),
    "standard": Preset(
        (
            *encoders(TASKS, encodings=NONE_OR_SINUSOIDS),
            *encoders(effects.ORDER_FREE + effects.ORDER_DEPENDENT, encodings=FIVE, overrides=grids.SIX),
            *encoders(
                ("count", "index", "majority", "reverse"),
                encodings=("sinusoidal", "learned"),
                positions=("offset", "randomized"),
                overrides=grids.SIX,
            ),
            *ADD_ROWS,
            *encoders(PAIR, encodings=SINUSOIDS, scales=RATIO, overrides=SWEEP | grids.SIX),
            *TURN_ROWS,
            *vary_std(SWEEP),
            *encoders(PAIR, encodings=FROZEN, scales=ALL_SWEEPS, overrides=SWEEP | {"width": 32}),
            *encoders(PAIR, encodings=FROZEN, scales=RATIO, overrides=SWEEP | {"width": 16}),
            *encoders(PAIR, encodings=SINUSOIDS, scales=RATIO, overrides=SWEEP | {"width": 64}),
            *encoders(PAIR, encodings=SINUSOIDS, scales=RATIO, overrides=SWEEP | {"width": 128, "seeds": 1}),
        ),
        **grids.STANDARD_SIZES,
    ),
    "add": Preset(ADD_ROWS, **grids.STANDARD_SIZES),
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
                for width in (16, 32, 64, 128)
                for row in encoders(PAIR, encodings=FROZEN, scales=ALL_SWEEPS, overrides={"width": width})
            ],
            *vary_std({}),
            *WIDE_ROWS,
        ),
        **(grids.STANDARD_SIZES | {"steps": 10_000, "examples": 1024}),
    ),
}

HARM = Claim(
    "C5", "Sinusoids do no harm where the answer does not depend on order and the input is longer than in training: count in "
    "the encoder at length {length}, twice the training length (sinusoidal minus none).", "token accuracy",
    cell="count in the encoder at 2 N, sinusoidal minus none: interval not below −0.02", question="harm",
    figure="within_and_beyond", family="primary",
    title=Text("Sinusoids do no harm when an encoder counts a symbol in inputs twice as long as those in training",
               "エンコーダが学習時の 2 倍の長さの系列で記号を数えるとき、正弦波に害はない"),
    effect=Text("accuracy of counting at twice the training length, with minus without",
                "2 倍の長さの系列で数えるときの正答率、正弦波あり − なし"),
)  # fmt: skip
PART = replace(HARM, cell="", title=None, effect=None)
BY_TASK = {
    where: replace(
        PART, id=f"C5.{{task}}-{where}-{{name}}", family=f"C5.{where}",
        statement=f"{{encoding}} on {{task}} in the encoder at length {{length}} ({where}): accuracy minus that with none.",
    )
    for where in effects.LENGTHS
}  # fmt: skip
BY_RATIO = replace(
    PART, id="C5.ratio-{task}", figure="ratio", family="C5.ratio",
    statement="The ratio of position to token alone, {task} in the encoder ({conditions}): accuracy at s = {s} minus "
    "s = {other}.",
)  # fmt: skip
ADD = replace(
    PART, id="C5.add-{name}-{task}-{where}", figure="add_or_concatenate", family="C5.add",
    statement="Adding sinusoids minus concatenating them, {task} in the encoder at length {length} ({where}); {sizes}.",
)  # fmt: skip
SPEED = replace(
    PART, id="C5.speed-{task}-{name}", unit="log₂ of steps", figure="loss", family="C5.speed",
    statement="{encoding} does not slow the learning of {task} in the encoder: log₂ of the steps to 95 %, minus that with none.",
)  # fmt: skip
TWINS = Claim(
    "C8.twins{name}", "Twins of index, the same symbols with different answers: share with both right, {encoding} minus none.",
    "share of pairs", question="help", figure="twins", family="C8",
)  # fmt: skip
CLAIMS = (HARM, *BY_TASK.values(), BY_RATIO, ADD, SPEED, TWINS)
VERDICTS = {"harmless": "supported", "helpful": "supported", "harmful": "contradicted"}
ADDED_LATER = "Added on 2026-11-27, after the results."


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Accuracy at N, 2 N, 4 N and 10 N, and what `measure_run` says about every run."""
    rows = []
    for config, group in group_runs(runs).items():
        source, n = work.open_source(config), config.train_length
        ratios = [k for k in (1, 2, 4, 10) if k <= preset.max_length_ratio]
        lengths = [k * n for k in ratios if source.stream.lengths(k * n, k * n)]
        if config.scales is not None:
            lengths = lengths[:2]
        scales, plain = describe_scales(config), make_published_test(config)
        for evaluation in dict.fromkeys((replace(plain, sampler=PLAIN_SAMPLER), plain)):
            scores = work.measure_scores(group, lengths, preset.examples, evaluation, preset.test_padding)
            for (seed, length), result in scores.items():
                rows += tables.make_score_rows(
                    "harm", config, source, seed, length, result, ("token_accuracy",), evaluation, **scales
                )
        for run in group:
            base = tables.make_base_row("harm", config, run.seed, None) | scales
            rows += [base | row for row in measure_run(work, run)]
    return rows


figures = draw_all


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C5 in its primary cell and its parts; C8 by twins. The summary has more encodings."""
    results = []
    pairs = effects.compare_with_none(table, "count", 2)
    if len(pairs.a):
        effect = effects.judge_effect(pairs.a, pairs.b, pairs.baseline)
        verdict = VERDICTS.get(effect.word, "undecided")
        results.append(HARM.make_result(verdict, effect.estimate, describe_means(pairs), length=pairs.length))
    for task, encoding in product(dict.fromkeys(table["task"]), effects.list_main_encodings(table)):
        results += judge_task(table, task, encoding)
    return add_parts(results + judge_ratio(table) + judge_twins(table) + judge_concatenation(table))


def judge_task(table: pd.DataFrame, task: str, encoding: str) -> list[ClaimResult]:
    """C5 on one task: accuracy at N and at 2 N, and the speed of learning."""
    results = []
    fields: dict[str, Any] = {"task": task, "encoding": encoding, "name": encoding.lower()}
    for where, times in effects.LENGTHS.items():
        pairs = effects.compare_with_none(table, task, times, encoding)
        results += judge_pairs(BY_TASK[where], pairs, **fields)
    speed = effects.compare_speed(table, task, encoding) if task in effects.ORDER_FREE else None
    if speed:
        note = f"{2**speed.estimate.value:.2f} times as many steps (geometric mean). {ADDED_LATER}"
        results.append(SPEED.make_result(speed.verdict, speed.estimate, note, **fields))
    return results


def judge_pairs(claim: Claim, pairs: effects.Pairs, **fields: Any) -> list[ClaimResult]:
    """The result of a claim on the accuracy of two models; none where no seed has both."""
    if not len(pairs.a):
        return []
    effect = effects.judge_effect(pairs.a, pairs.b, pairs.baseline)
    note = describe_means(pairs) if effect.word == effects.BELOW_BASELINE else ""
    return [claim.make_result(effect.verdict, effect.estimate, note, length=pairs.length, **fields)]


def judge_ratio(table: pd.DataFrame) -> list[ClaimResult]:
    """C5 by the ratio of position to token alone, on both tasks of the matched pair, at the common width."""
    results = []
    for task, (s, other) in effects.TURNS.items():
        part = effects.select_ratio_sweep(table, task)
        part = part[part["width"] == effects.select_outside_sweeps(table)["width"].min()]
        pairs = effects.pair_accuracies(part, {"s": s}, {"s": other})
        if len(pairs.a):
            first = part.iloc[0]
            conditions = f"{first['encoding']}, width {first['width']:g}, length {pairs.length}"
            fields = {"task": task, "conditions": conditions, "s": f"{s:g}", "other": f"{other:g}"}
            results += judge_pairs(BY_RATIO, pairs, **fields)
    return results


def judge_twins(table: pd.DataFrame) -> list[ClaimResult]:
    """C8 by twins of index. The id of the first encoding has no suffix."""
    plain = effects.select_outside_sweeps(table)
    part = tables.select_rows(plain, task="index", metric="twins_both_right", positions="arange")
    results: list[ClaimResult] = []
    for encoding in effects.list_main_encodings(table):
        a, b = tables.pair_seeds(part, {"encoding": encoding}, {"encoding": "none"})
        if len(a):
            difference, suffix = estimate_difference(a, b), f"-{encoding.lower()}" if results else ""
            results.append(TWINS.make_result(judge_direction(difference), difference, encoding=encoding, name=suffix))
    return results


def judge_concatenation(table: pd.DataFrame) -> list[ClaimResult]:
    """C5 by adding minus concatenating, at the training length and at twice that length."""
    results = []
    for task, name, where in product(effects.MATCHED_PAIR, effects.WIDTHS, effects.LENGTHS):
        pairs = effects.compare_with_concatenated(table, task, effects.LENGTHS[where], name)
        fields = {"task": task, "name": name, "where": where, "sizes": effects.WIDTHS[name].description}
        results += judge_pairs(ADD, pairs, **fields)
    return results


answers = answer


def summary(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """The effect of every encoding and sampler on every task, in one word with its numbers."""
    return "Harm or help: token accuracy in the encoder, with a position encoding and with none", summarize(table)


if __name__ == "__main__":
    cli.script(__file__)
