"""How far beyond the lengths seen in training does each encoding extrapolate?

Measured: models trained on lengths up to N are tested on lengths up to 10 N (real text up to 8 N). Variants of each
length curve separate position from other causes: attention logits times log n / log N beyond N visible keys, exact match
given the length of the answer, and the parameters after 25, 50 and 100 % of the steps. A test at N with all positions
shifted by N shows whether a model learned order or single rows of a table. A model trained with a random start is tested
from position 0, as published (Huang et al. 2025). One trained with randomly spaced positions is tested with such positions;
the variant `consecutive` tests it at 0, 1, 2, …. (Until 2026-11-27 that was its only test: the table showed .214 at N for
sinusoids on `reverse`, where randomly spaced positions give .699.)

Predicted: on `reverse` every encoding falls to the order-blind baseline or below it by 2 N. Plain `learned` meets rows
that were never trained and falls at N + 1; `learned + offset` keeps more. On `count`, `none` extrapolates furthest. On
real text, `sinusoidal` and `learned` lose bits per character beyond the training length, and `none` loses the least. (Added
on 2026-11-28, before these were trained on text: `alibi` and `t5` lose less than `sinusoidal`, `alibi` least, as Press et al.
2022 published; `rotary` loses too.)

Decided by: C3, token accuracy of `sinusoidal` on `reverse` in the encoder at 2 N: above the order-blind baseline, and
above `learned + offset`. Parts of C3: the same above the baseline alone on `index` (added on 2026-11-27); and on text in the
decoder (added on 2026-11-28, before the first of these runs), for `rotary`, `alibi` and `t5`, bits per character at 8 N minus
those at N, `sinusoidal` minus this encoding, paired by seed: above 0. A part of C9, token accuracy of `none` on `reverse` in the
encoder at N minus the order-blind baseline: within ± 0.03.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.figures.extrapolation import draw_all
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import Estimate, estimate_difference, estimate_mean, judge_direction
from jaxpe.report.answers.extrapolation import summarize
from jaxpe.report.answers.parts import add_parts
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.scores import PLAIN_SAMPLER, EvaluationConfig, make_published_test
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluated_lengths import choose_test_lengths
from jaxpe.training.scores import Scores

encoder = partial(GridRow, architectures=("encoder",))
PAIR = ("none", "sinusoidal")
SAMPLERS = ("arange", "offset", "randomized")
PRESETS = {
    "smoke": Preset((encoder(task="reverse"),), **grids.SMOKE_SIZES),
    "quick": Preset(
        (
            encoder(task="reverse", overrides=grids.SIX),
            encoder(task="reverse", encodings=("learned",), positions=("offset",), overrides=grids.SIX),
            encoder(task="count", encodings=PAIR, overrides=grids.QUICK_COUNT | grids.SIX),
            grids.text_row(task="causal_lm", overrides=grids.QUICK_TEXT, encodings=("none", "learned")),
        ),
        **grids.QUICK_SIZES,
    ),
    "standard": Preset(
        (
            encoder(task="reverse"),
            encoder(task="reverse", encodings=("learned",), positions=("offset",)),
            *[encoder(task=task, encodings=PAIR) for task in ("count", "index")],
            *[grids.descriptive_row(task) for task in ("reverse", "copy", "count")],
            encoder(
                task="reverse",
                encodings=("sinusoidal", "learned"),
                positions=("offset", "randomized"),
                overrides=grids.FIVE,
            ),
            grids.text_row(task="causal_lm", overrides=grids.STANDARD_TEXT | grids.SIX, encodings=grids.COMMON),
        ),
        **grids.STANDARD_SIZES,
    ),
    "full": Preset(
        (
            *[
                GridRow(task=task, architectures=grids.ALL, encodings=grids.SEVEN, positions=SAMPLERS)
                for task in ("reverse", "copy", "count", "index")
            ],
            GridRow(task="addition", architectures=("decoder",), encodings=grids.SEVEN, positions=SAMPLERS),
            grids.text_row(task="causal_lm", overrides=grids.STANDARD_TEXT, encodings=grids.SEVEN),
        ),
        **grids.FULL_SIZES,
    ),
}

BLIND_MARGIN = 0.03  # in token accuracy
BEYOND = Claim(
    "C3",
    "Sinusoids extrapolate on reverse in the encoder: token accuracy at length {length}, twice the training length, is "
    "above the order-blind baseline (effect) and above learned + offset.",
    "token accuracy",
    cell="reverse in the encoder at 2 N, sinusoidal minus the order-blind baseline and minus learned + offset: both "
    "intervals above 0",
    figure="length_curves",
    family="primary",
    title=Text(
        "With sinusoids an encoder reverses inputs twice as long as those in training better than by ignoring order",
        "正弦波を使えば、エンコーダは学習時の 2 倍の長さの系列を、順序を無視する方法よりも正しく逆順にできる",
    ),
    effect=Text(
        "accuracy on reverse at twice the training length minus the order-blind baseline",
        "2 倍の長さの系列を逆順にするときの正答率 − 順序を無視する方法の正答率",
    ),
)
BEYOND_ELSEWHERE = Claim(
    "C3.{task}",
    "Sinusoids extrapolate on {task} in the encoder: token accuracy at length {length}, twice the training length, is above "
    "the order-blind baseline.",
    "token accuracy",
    figure="length_curves",
    family="C3",
)
BEYOND_IN_TEXT = Claim(
    "C3.text-{encoding}",
    "On text, a decoder with {encoding} loses less than one with sinusoids at length {length}, {ratio} times the training length: "
    "rise of the loss over that at the training length, sinusoidal minus {encoding}.",
    "bits per character",
    cell="causal_lm: bits at 8 N minus bits at N, sinusoidal minus this encoding, by seed: interval above 0",
    figure="length_curves",
    family="C3",
)
BLIND = Claim(
    "C9.encoder-blind",
    "Without an encoding an encoder is blind to order: its token accuracy on reverse at length {length} minus the "
    "order-blind baseline.",
    "token accuracy",
    cell="reverse in the encoder with none at N, minus the order-blind baseline: interval within ± 0.03",
    question="help",
    figure="length_curves",
    family="C9",
)
CLAIMS = (BEYOND, BEYOND_ELSEWHERE, BEYOND_IN_TEXT, BLIND)
RELATIVE = ("rotary", "alibi", "t5")
LEARNED = 0.5  # exact match at N below which there is no half-life


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """The length curve of every run, its variants, and two summaries of it."""
    rows = []
    for config, group in group_runs(runs).items():
        source, n = work.open_source(config), config.train_length
        lengths = [k * n for k in (1, 2, 4, 8) if k <= preset.max_length_ratio]
        if not config.is_language:
            lengths = choose_test_lengths(source.stream, n, preset.max_length_ratio, preset.num_test_lengths)
        plain = make_published_test(config)
        scores = work.measure_scores(group, lengths, preset.examples, plain, preset.test_padding)
        curve = make_rows(work, config, "plain", plain, scores)
        rows += curve
        for length in [] if config.is_language else sorted({n, 2 * n} & set(lengths)):
            results = [result for (_, at), result in scores.items() if at == length]
            rows += average_places(config, length, plain, results)
        for variant, (tested, evaluation) in list_variants(plain, n, lengths).items():
            scores = work.measure_scores(group, tested, preset.examples, evaluation, preset.test_padding)
            rows += make_rows(work, config, variant, evaluation, scores)
        rows += [row for run in group for row in summarize_curve(run, curve)]
    return rows


def list_variants(plain: EvaluationConfig, n: int, lengths: list[int]) -> dict[str, tuple[list[int], EvaluationConfig]]:
    """The other tests of a model whose plain test is `plain`, each with its lengths."""
    beyond = [length for length in lengths if length > n]
    variants = {
        "length_scaled": (beyond, replace(plain, scaled=True)),
        "steps_25": ([n, *beyond[-1:]], replace(plain, snapshot="25")),
        "steps_50": ([n, *beyond[-1:]], replace(plain, snapshot="50")),
    }
    if plain.sampler == PLAIN_SAMPLER:
        return variants | {"shifted": ([n], replace(plain, shift=n))}
    return variants | {"consecutive": (lengths, replace(plain, sampler=PLAIN_SAMPLER))}


def make_rows(
    work: Workspace,
    config: RunConfig,
    variant: str,
    evaluation: EvaluationConfig,
    scores: dict[tuple[int, int], Scores],
) -> list[TableRow]:
    """The rows of one variant of a length curve."""
    source, metrics = work.open_source(config), tables.select_metrics(config)
    if variant == "plain" and not config.is_language:
        metrics = (*metrics, "exact_match_given_length")
    rows = []
    for (seed, length), result in scores.items():
        rows += tables.make_score_rows(
            "extrapolation", config, source, seed, length, result, metrics, evaluation, variant=variant
        )
    return rows


def average_places(
    config: RunConfig, length: int, evaluation: EvaluationConfig, scores: list[Scores]
) -> list[TableRow]:
    """Token accuracy at every place of the answer, the mean over seeds."""
    row = tables.make_base_row("extrapolation", config, None, length, evaluation)
    row |= {"variant": "index", "metric": "index_accuracy"}
    values = [result.index_correct / np.maximum(result.index_answers, 1) for result in scores]
    return [row | {"output_index": i, "value": float(value)} for i, value in enumerate(np.mean(values, 0))]


def summarize_curve(run: Run, curve: list[TableRow]) -> list[TableRow]:
    """Half-life of exact match, and area under token accuracy, of one run.

    Half-life is the first length with less than half the exact match at N; empty where it lies beyond the longest test.
    There is none where exact match at N is below LEARNED. The area is over log length, from N to the longest test.
    """
    n, rows = run.config.train_length, []
    plain = make_published_test(run.config)
    base = tables.make_base_row("extrapolation", run.config, run.seed, None, plain) | {"variant": "summary"}
    own = [row for row in curve if row["seed"] == run.seed and row["test_length"] >= n]
    exact = {row["test_length"]: row["value"] for row in own if row["metric"] == "exact_match"}
    tokens = {row["test_length"]: row["value"] for row in own if row["metric"] == "token_accuracy"}
    if exact and exact[n] >= LEARNED:
        half_life = next((float(length) for length in sorted(exact) if exact[length] < exact[n] / 2), None)
        rows.append(base | {"metric": "half_life", "value": half_life})
    if tokens:
        lengths = sorted(tokens)
        logs = np.log(lengths)
        area = np.trapezoid([tokens[length] for length in lengths], logs) / (logs[-1] - logs[0])
        rows.append(base | {"metric": "area", "value": float(area)})
    return rows


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C3 at twice the training length, on `reverse` and on `index`, and on text; C9 for the encoder at the training length."""
    encoders = tables.select_rows(table, architecture="encoder", metric="token_accuracy", variant="plain")
    results = list[ClaimResult]()
    if len(part := tables.select_rows(encoders, task="reverse")):
        n = int(part["train_length"].iloc[0])
        results += judge_beyond(part[part["test_length"] == 2 * n], 2 * n)
        results += judge_blind(part[part["test_length"] == n], n)
    part = tables.select_rows(encoders, task="index", encoding="sinusoidal", positions="arange")
    if len(part := part[part["test_length"] == 2 * part["train_length"]]):
        above = compare_with_baseline(part)
        length = int(part["test_length"].iloc[0])
        results.append(BEYOND_ELSEWHERE.make_result(judge_direction(above), above, task="index", length=length))
    return add_parts([*results, *judge_text(table)])


def judge_text(table: pd.DataFrame) -> list[ClaimResult]:
    """Parts of C3 on text: how much less than with sinusoids the loss rises from the training length to the longest test."""
    cell = {"task": "causal_lm", "positions": "arange", "variant": "plain", "metric": "bits_per_character"}
    part = tables.select_rows(table, **cell)
    n, longest = part["train_length"].min(), part["test_length"].max()
    losses = {key: tables.average_by_seed(own) for key, own in part.groupby(["encoding", "test_length"])}
    rises = {name: losses[name, longest] - losses[name, n] for name in part["encoding"].unique()}
    results = []
    for name in (one for one in RELATIVE if {one, "sinusoidal"} <= set(rises)):
        less = estimate_difference(*tables.align_seeds(rises["sinusoidal"], rises[name]))
        values = {"encoding": name, "length": str(int(longest)), "ratio": f"{longest / n:g}"}
        results.append(BEYOND_IN_TEXT.make_result(judge_direction(less), less, "", **values))
    return results


def compare_with_baseline(part: pd.DataFrame) -> Estimate:
    """Token accuracy minus the order-blind baseline, over seeds."""
    values = tables.average_by_seed(part).to_numpy()
    return estimate_difference(values, np.full(len(values), part["order_blind_baseline"].iloc[0]))


def judge_beyond(part: pd.DataFrame, length: int) -> list[ClaimResult]:
    """C3: sinusoids minus the order-blind baseline and minus learned positions with an offset; both decide."""
    sinusoidal = tables.select_rows(part, encoding="sinusoidal", positions="arange")
    if not len(sinusoidal):
        return []
    above = compare_with_baseline(sinusoidal)
    a, b = tables.pair_seeds(
        part, {"encoding": "sinusoidal", "positions": "arange"}, {"encoding": "learned", "positions": "offset"}
    )
    first = judge_direction(above)
    second = judge_direction(estimate_difference(a, b)) if len(a) else "undecided"
    both = {first, second}
    verdict = "contradicted" if "contradicted" in both else "supported" if both == {"supported"} else "undecided"
    difference = f"difference {np.mean(a - b):.3f}" if len(a) else "not run"
    return [
        BEYOND.make_result(verdict, above, f"Compared with learned + offset: {second}, {difference}.", length=length)
    ]


def judge_blind(part: pd.DataFrame, length: int) -> list[ClaimResult]:
    """C9 for the encoder: without an encoding it equals the order-blind baseline, within the margin."""
    none = tables.average_by_seed(part, encoding="none", positions="arange")
    if not len(none):
        return []
    gap = estimate_mean(none.to_numpy() - part["order_blind_baseline"].iloc[0])
    inside = gap.low is not None and gap.high is not None and gap.low > -BLIND_MARGIN and gap.high < BLIND_MARGIN
    return [BLIND.make_result("supported" if inside else "undecided", gap, length=length)]


figures, summary = draw_all, summarize


if __name__ == "__main__":
    cli.script(__file__)
