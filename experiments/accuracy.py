"""Where does a position encoding help, at the lengths seen in training?

Measured: every task and architecture of the grid is trained with every encoding and tested on fresh examples of the
training lengths. Order-free tasks (`count`, `histogram`, `majority`) are matched controls of tasks that depend on order:
`count` has inputs of the same shape as `index`, and its answer depends on counts alone.

Predicted: without an encoding, an encoder stays at the order-blind baseline on every task that depends on order, and
solves the order-free ones as well as with any encoding. A decoder without an encoding does better than that, since its
causal mask distinguishes positions. `sinusoidal` and `learned` both reach the ceiling; the learned table needs fewer
steps. On real text they differ by less than 0.02 bits per character. (Added on 2026-11-28, before these were trained on text:
`rotary`, `alibi` and `t5`, which act on attention instead of words, need fewer bits in `causal_lm` than both.)

Decided by: C8, the gain of `sinusoidal` over `none` in token accuracy on `index`, minus the gain on `count`, in the
encoder: above 0. C2, `learned` minus `sinusoidal` in bits per character on `translation`, each at its own learning rate
where several were tried: within ± 0.02. Parts of C2: masked and causal language modelling, with the same margin; and
log₂ of the steps to 95 % on `reverse` in the encoder: within ± 0.25.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.figures.accuracy import draw_all
from jaxpe.figures.draw import format_series
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import (
    SOLVED_SCORE,
    estimate_difference,
    estimate_solved_share,
    judge_direction,
    judge_equivalence,
)
from jaxpe.report.answers.parts import add_parts
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs
from jaxpe.training import train
from jaxpe.training.evaluated_lengths import choose_test_lengths, pad_lengths
from jaxpe.training.overlap import compute_seen_shares

encoder = partial(GridRow, architectures=("encoder",))
PAIR = ("none", "sinusoidal")
TOYS = ("sort", "parity", "odds_first", "missing_duplicate", "recall")
OTHERS = (
    "majority", "first", "last", "even_pairs", "copy", "relative_index", "induction", "cycle", "unique_copy",
    "repeat_copy", "addition",
)  # fmt: skip
PRESETS = {
    "smoke": Preset((encoder(task="reverse"), encoder(task="count", encodings=("none",))), **grids.SMOKE_SIZES),
    "quick": Preset(
        (
            encoder(task="reverse", overrides=grids.SIX),
            encoder(task="count", encodings=PAIR, overrides=grids.QUICK_COUNT | grids.SIX),
            encoder(task="index", encodings=PAIR, overrides=grids.QUICK_INDEX | grids.SIX),
            grids.text_row(task="masked_lm", overrides=grids.QUICK_TEXT, encodings=("learned",)),
            grids.text_row(task="causal_lm", overrides=grids.QUICK_TEXT, encodings=("none", "learned")),
        ),
        **grids.QUICK_SIZES,
    ),
    "standard": Preset(
        (
            *[encoder(task=task, encodings=PAIR) for task in ("index", "count")],
            encoder(task="reverse"),
            *[grids.descriptive_row(task) for task in ("reverse", "copy", "count", "index")],
            *[encoder(task=task, overrides=grids.LIGHT) for task in TOYS],
            grids.text_row(task="translation", overrides=grids.STANDARD_PAIRS | grids.OWN_LEARNING_RATES),
            grids.text_row(task="masked_lm", overrides=grids.STANDARD_TEXT | grids.SIX),
            grids.text_row(task="causal_lm", overrides=grids.STANDARD_TEXT | grids.SIX, encodings=grids.COMMON),
        ),
        **grids.STANDARD_SIZES,
    ),
    "full": Preset(
        (
            *[
                GridRow(task=task, architectures=grids.ALL, encodings=grids.SEVEN)
                for task in ("reverse", "count", "index", *TOYS, *OTHERS)
            ],
            encoder(task="histogram", encodings=grids.SEVEN),
            *[
                grids.text_row(task=task, overrides=sizes | grids.OWN_LEARNING_RATES, encodings=grids.SEVEN)
                for task, sizes in (
                    ("masked_lm", grids.STANDARD_TEXT),
                    ("causal_lm", grids.STANDARD_TEXT),
                    ("translation", grids.STANDARD_PAIRS),
                )
            ],
        ),
        **grids.FULL_SIZES,
    ),
}

MARGIN, SPEED_MARGIN = 0.02, 0.25  # bits per character; log₂ of steps
HELP = Claim(
    "C8",
    "Position helps where the answer depends on order: gain of sinusoidal over none on index, minus that on count "
    "(encoder).",
    "token accuracy",
    cell="index minus count in the encoder, gain of sinusoidal over none in token accuracy: interval above 0",
    question="help",
    figure="accuracy",
    family="primary",
    title=Text(
        "In an encoder, position helps to look up a place more than to count",
        "エンコーダでは、位置エンコーディングは、数え上げよりも、位置を指定して答える課題で役立つ",
    ),
    effect=Text(
        "gain on a task where order matters minus gain on its twin where it does not, mean over all trained lengths",
        "順序を問う課題での正答率の伸び − 対になる、順序を問わない課題での伸び。学習した長さ全体の平均",
    ),
)
EQUAL = Claim(
    "C2",
    "Learned and sinusoidal give nearly the same loss on translation (learned minus sinusoidal, margin 0.02).",
    "bits per character",
    cell="translation, each encoding at its own learning rate where a grid was searched: interval within ± 0.02",
    figure="accuracy",
    family="primary",
    title=Text(
        "Learned and sinusoidal encodings translate equally well",
        "学習型と正弦波のエンコーディングは、翻訳で同等の性能を示す",
    ),
    effect=Text(
        "bits per character of the translation, learned minus sinusoidal",
        "訳文の 1 文字あたりのビット数、学習型 − 正弦波",
    ),
)
EQUAL_ELSEWHERE = Claim(
    "C2.{part}",
    "Learned and sinusoidal give nearly the same loss on {task} (learned minus sinusoidal, margin 0.02).",
    "bits per character",
    figure="accuracy",
    family="C2",
)
SPEED = Claim(
    "C2.steps-reverse",
    "Learned and sinusoidal learn reverse (encoder) equally fast: log₂ of the steps to 95 %, learned minus sinusoidal, "
    "margin 0.25.",
    "log₂ of steps",
    figure="steps_to_95",
    family="C2",
)
CLAIMS = (HELP, EQUAL, EQUAL_ELSEWHERE, SPEED)
READS_LEARNING_RATES = True


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Scores at training lengths, and the steps until 95 % of the answers in training were right."""
    rows = []
    for config, group in group_runs(runs).items():
        source, n = work.open_source(config), config.train_length
        lengths = [n] if config.is_language else choose_test_lengths(source.stream, n, 1.0, 6)
        evaluation = EvaluationConfig().resolve(config)
        for (seed, length), scores in work.measure_scores(
            group, lengths, preset.examples, evaluation, preset.test_padding
        ).items():
            rows += tables.make_score_rows("accuracy", config, source, seed, length, scores, evaluation=evaluation)
        for run in [] if config.is_language else group:
            steps = train.find_first_step(work.results.read_record(run.id)["history"], "token_accuracy", 0.95)
            row = tables.make_base_row("accuracy", config, run.seed, None)
            rows.append(row | {"metric": "steps_to_95", "value": steps, "steps": config.training.steps})
    return rows + measure_overlap(work, runs, preset)


def measure_overlap(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """The share of test examples that the training of seed 0 contains, by task.

    It is the same for every architecture and encoding, hence "any".
    """
    rows = []
    configs = {run.config.task: run.config for run in reversed(runs) if not run.config.is_language}
    for config in reversed(configs.values()):
        source = work.open_source(config)
        lengths = choose_test_lengths(source.stream, config.train_length, 2.0, 10)
        top = pad_lengths(lengths, source.stream, config.train_length, preset.test_padding)[lengths[0]]
        shares = compute_seen_shares(config, source, work.mesh, 0, lengths, preset.examples, top)
        for length, share in zip(lengths, shares, strict=True):
            row = tables.make_base_row("accuracy", config, 0, length) | {"architecture": "any", "encoding": "any"}
            rows.append(row | {"metric": "seen_in_training", "value": share, "n_examples": preset.examples})
    return rows


figures = draw_all


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C8 from index minus count; C2 from real text and from the speed of learning."""
    own, common = tables.select_rate(table, chosen=True), tables.select_rate(table)
    results = judge_help(common)
    for task in ("translation", "masked_lm", "causal_lm"):
        results += judge_text(task, own, common)
    return add_parts(results + judge_speed(common))


def judge_help(table: pd.DataFrame) -> list[ClaimResult]:
    """C8: the gain on index minus that on count, over the seeds that both have."""
    part = tables.select_rows(table, architecture="encoder", metric="token_accuracy")
    index, index_blind, count, count_blind = tables.align_seeds(
        *[
            tables.average_by_seed(part, task=task, encoding=encoding)
            for task in ("index", "count")
            for encoding in ("sinusoidal", "none")
        ]
    )
    if not len(index):
        return []
    difference = estimate_difference(index - index_blind, count - count_blind)
    return [HELP.make_result(judge_direction(difference), difference)]


def judge_text(task: str, own: pd.DataFrame, common: pd.DataFrame) -> list[ClaimResult]:
    """C2 on one language task, each encoding at its own learning rate; the note has the difference at the common rate."""
    where = {"task": task, "metric": "bits_per_character"}
    learned, sinusoidal = where | {"encoding": "learned"}, where | {"encoding": "sinusoidal"}
    claim, fields = EQUAL, dict[str, str]()
    if task != "translation":
        claim, fields = EQUAL_ELSEWHERE, {"task": task, "part": task.replace("_", "-")}
    a, b, none = tables.align_seeds(
        *[tables.average_by_seed(own, **where, encoding=name) for name in ("learned", "sinusoidal", "none")]
    )
    if not len(a):
        note = "Not run: fetch its data with `jaxpe fetch translation`, then run with `--tasks translation`."
        return [claim.make_result("undecided", None, note)] if task == "translation" else []
    verdict, difference = judge_equivalence(a, b, none, MARGIN)
    gap = np.mean(none) - np.mean([*a, *b])
    first, second = tables.pair_seeds(common, learned, sinusoidal)
    note = (
        f"`none` differs from both by {gap:+.3f} (to call them equal takes at least {5 * MARGIN:g}); "
        f"at the common learning rate the difference is {np.mean(first - second):+.3f}."
    )
    return [claim.make_result(verdict, difference, note, **fields)]


def judge_speed(table: pd.DataFrame) -> list[ClaimResult]:
    """C2 by the speed of learning; a run that never reached 95 % counts as reaching it at its last step."""
    speed = {"task": "reverse", "architecture": "encoder", "metric": "steps_to_95", "positions": "arange"}
    rows = tables.select_rows(table, **speed)
    if not len(rows):
        return []
    logs = rows.assign(value=np.log2(rows["value"].fillna(rows["steps"])))
    a, b, none = tables.align_seeds(
        *[tables.average_by_seed(logs, encoding=name) for name in ("learned", "sinusoidal", "none")]
    )
    if not len(a):
        return []
    verdict, difference = judge_equivalence(a, b, none, SPEED_MARGIN)
    never = rows[rows["encoding"] != "none"]["value"].isna().sum()
    return [SPEED.make_result(verdict, difference, f"{never} runs never reached 95 %." if never else "")]


def summary(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """Means over seeds at the longest training length: of tasks the accuracy and the share that is solved, of text the bits."""
    table = tables.select_rate(table)
    longest = table[table["test_length"] == table["train_length"]]
    rows = []
    longest = longest.assign(encoding=[format_series(row) for row in longest.itertuples()])
    for (task, architecture, encoding), part in longest.groupby(["task", "architecture", "encoding"], sort=False):
        metrics = {str(name): own for name, own in part.groupby("metric")}
        if {"token_accuracy"} < set(metrics):
            row = {"task": task, "architecture": architecture, "encoding": encoding}
            rows.append(row | (describe_tasks(metrics) if "exact_match" in metrics else describe_text(metrics)))
    return f"At the training length, means over seeds; solved: exact match at least {SOLVED_SCORE}", rows


def describe_tasks(metrics: dict[str, pd.DataFrame]) -> dict[str, str]:
    """The cells of a synthetic task, from its rows by metric."""
    tokens, solved = metrics["token_accuracy"], estimate_solved_share(metrics["exact_match"]["value"])
    return {
        "seeds": str(solved.n),
        "solved": f"{round(solved.value * solved.n)} of {solved.n}",
        "95 % interval": f"{solved.low:.2f} to {solved.high:.2f}",
        "token accuracy": f"{tokens['value'].mean():.3f}",
        "order-blind baseline": tables.format_number(tokens["order_blind_baseline"].mean()),
        "length-only baseline": tables.format_number(tokens["length_baseline"].mean()),
    }


def describe_text(metrics: dict[str, pd.DataFrame]) -> dict[str, str]:
    """The cells that a language task has: its length-only baseline is the commonest token."""
    tokens, bits = metrics["token_accuracy"], metrics["bits_per_character"]["value"]
    return {
        "seeds": str(len(bits)),
        "token accuracy": f"{tokens['value'].mean():.3f}",
        "length-only baseline": tables.format_number(tokens["length_baseline"].mean()),
        "bits per character": f"{bits.mean():.3f}",
    }


if __name__ == "__main__":
    cli.script(__file__)
