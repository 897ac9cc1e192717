"""Which encodings solve a task at the lengths seen in training, and which beyond them?

Measured: every encoding of the catalogue is trained on the same tasks, six in a decoder and three in an encoder, with the
same model (two blocks, four heads) and the same training. Tests go to five times the training length N. Models trained
with other positions than 0, 1, 2, …: `offset` is tested from position 0; `randomized`, `abacus` and `coupled` with the
positions that they draw. A model trained with `rotary` is also tested with other frequencies or positions: `rotary_ntk`,
`rotary_yarn` (for four times the length) and `interpolated` (positions divided by four).

Predicted: within N every encoding except `none` and `scalar` solves `copy` in the decoder, and `none` comes close. Beyond N
the ranking of Kazemnejad et al. (2023) holds for copy: `t5` above `alibi` and `none`, and these above `sinusoidal` and
rotary. `binary` and `random_fixed` fail at once beyond N. `alibi` with a fixed slope of 1/4 helps `relative_index` and
`induction`, and harms `copy`. Encodings scaled to N extrapolate better than those with the constants of their papers.
Interpolated positions and the two rotary scalings, which no training saw, lose accuracy within N and gain little beyond.

Decided by: C11, exact match on `copy` in the decoder, the mean over lengths from N + 1 to 2 N: Kendall's τ-b between the
means over seeds of six encodings (rotary on a quarter of each head, as in the paper, and on the whole head) and the published
ranking with its ties, p by permuting encodings at most .05. It is decided in one setting alone, the preset `ranking`: N = 20,
four layers, width 64, 6,000 steps, ten seeds. Any other describes. Parts of C11: `reverse`; token accuracy. (Until 2026-11-27
the interval was a bootstrap over seeds at N = 8, where all encodings but ALiBi are at 0; it called τ-b = .447 of five encodings
supported. Permuting them gives p = .23.)
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
import pandas as pd

from jaxpe import cli, encodings
from jaxpe.analysis import ranking
from jaxpe.analysis.effects import ALL_OR_NOTHING, SOLVED
from jaxpe.analysis.ranking import PUBLISHED, RANKED, select_beyond
from jaxpe.figures.catalogue import draw_all, name_series
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.report.answers.parts import add_parts
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.scores import EvaluationConfig, make_published_test
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluated_lengths import choose_test_lengths
from jaxpe.training.sources import Source

DECODER = tuple(encodings.CATALOGUE)
ENCODER = tuple(name for name in DECODER if not encodings.get_encoding_class(encodings.CATALOGUE[name]).causal_only)
SIZES = {"train_length": 8, "steps": 1000}
DIGITS = {"train_length": 3, "steps": 2000}
RECALL = {"train_length": 8, "steps": 2000}
decoder = partial(GridRow, architectures=("decoder",))
encoder = partial(GridRow, architectures=("encoder",))
SAMPLED = (  # rows with other positions than 0, 1, 2, …
    decoder(task="copy", encodings=("learned", "sinusoidal"), positions=("randomized",), overrides=SIZES),
    decoder(task="copy", encodings=("learned",), positions=("offset",), overrides=SIZES),
    decoder(task="reverse", encodings=("learned", "sinusoidal"), positions=("randomized",), overrides=SIZES),
    decoder(task="reverse", encodings=("learned",), positions=("offset",), overrides=SIZES),
    decoder(task="addition", encodings=("learned",), positions=("offset", "abacus", "coupled"), overrides=DIGITS),
)
RANKING_ROWS = (
    decoder(task="copy", encodings=RANKED, overrides=ranking.DECIDING | grids.TEN),
)  # those that decide C11
SHARED: dict[str, Any] = {"heads": 4, "batch": 32, "length_buckets": 1, "max_length_ratio": 5.0, "num_test_lengths": 6}
PRESETS = {
    "smoke": Preset(
        (decoder(task="copy", encodings=("rotary", "t5")),), **(grids.SMOKE_SIZES | {"heads": 4})
    ),
    "quick": Preset(
        (decoder(task="copy", encodings=("none", "rotary", "t5")),),
        seeds=3, train_length=8, steps=600, examples=128, share_tests=True, **SHARED,
    ),
    "standard": Preset(
        (
            *[decoder(task=task, encodings=DECODER, overrides=SIZES) for task in ("copy", "reverse", "relative_index", "histogram")],
            decoder(task="addition", encodings=DECODER, overrides=DIGITS),
            decoder(task="induction", encodings=DECODER, overrides=RECALL),
            *SAMPLED,
            *[encoder(task=task, encodings=ENCODER, overrides=SIZES) for task in ("copy", "reverse", "histogram")],
            *RANKING_ROWS,
        ),
        seeds=5, **SHARED,
    ),
    "ranking": Preset(RANKING_ROWS, **SHARED),
    "full": Preset(
        (
            *[
                GridRow(task=task, architectures=(architecture,), encodings=names, positions=(sampler,))
                for task in ("copy", "reverse", "relative_index", "addition", "induction")
                for architecture, names in (("decoder", DECODER), ("encoder", ENCODER), ("encoder_decoder", ENCODER))
                for sampler in ("arange", "randomized")
            ],
            decoder(task="histogram", encodings=DECODER),
            encoder(task="histogram", encodings=ENCODER),
            *SAMPLED,
        ),
        seeds=10, train_length=20, steps=10_000, examples=1024, width=64, **(SHARED | {"batch": 64, "num_test_lengths": 12}),
    ),
}  # fmt: skip

RANKING = Claim(
    "C11",
    "The ranking that Kazemnejad et al. report beyond the training length holds on {task} in the decoder ({metric}; "
    "{sizes}): Kendall's τ-b with it over {encodings} encodings.",
    "τ-b",
    cell="copy in the decoder, N = 20, 4 layers, width 64, 6,000 steps, six encodings, ten seeds: exact match from N + 1 to "
    "2 N, τ-b above 0 with p at most .05 by permuting encodings",
    question="help",
    figure="ranking",
    family="primary",
    title=Text(
        "When decoders copy beyond their training length, encodings rank as Kazemnejad et al. (2023) published",
        "学習時より長い系列をコピーするデコーダで、Kazemnejad et al. (2023) が報告したエンコーディングの順位が再現される",
    ),
    effect=Text("rank correlation over encodings; 1 is the same order", "エンコーディングの順位相関。1 なら同じ順位"),
)
RANKING_PART = replace(RANKING, id="C11.{part}", cell="", family="C11", title=None, effect=None)
CLAIMS = (RANKING, RANKING_PART)
CASES = {  # part of the claim -> task, metric; "": the claim itself
    "": ("copy", "exact_match"),
    "reverse": ("reverse", "exact_match"),
    "copy-tokens": ("copy", "token_accuracy"),
    "reverse-tokens": ("reverse", "token_accuracy"),
}
DESCRIPTIVE = (
    "Undecided: this setting describes, and the verdict is left to N = 20, 4 layers, width 64, 6,000 steps, six encodings and ten seeds "
    "(preset ranking)."
)
CHANGES = {  # what a model trained with `rotary` is also tested with
    "rotary_ntk": EvaluationConfig(encoding="rotary_ntk"),
    "rotary_yarn": EvaluationConfig(encoding="rotary_yarn"),
    "interpolated": EvaluationConfig(sampler="interpolated"),
}


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Scores at N, half-way to 2 N, and on to five times N; and the share of a table that training never used."""
    rows = []
    for config, group in group_runs(runs).items():
        source, n = work.open_source(config), config.train_length
        lengths = choose_test_lengths(source.stream, n, preset.max_length_ratio, preset.num_test_lengths)
        between = source.stream.lengths(n + n // 2, n + n // 2)
        lengths = sorted({*[length for length in lengths if length >= n], *between})
        published = config.task in PUBLISHED and config.architecture == "decoder"
        metrics = ("token_accuracy", "exact_match") if published else ("token_accuracy",)  # keeps the table small
        sizes = {"layers": config.layers, "width": config.width, "steps": config.training.steps} if published else {}
        tests = {"": make_published_test(config)}
        if config.encoding == "rotary" and config.positions == "arange":
            tests |= {name: change.resolve(config) for name, change in CHANGES.items()}
        for change, evaluation in tests.items():
            columns: dict[str, Any] = sizes | {"tested_with": change}
            for (seed, length), scores in work.measure_scores(
                group, lengths, preset.examples, evaluation, preset.test_padding
            ).items():
                columns["untrained_share"] = measure_untrained_share(config, source, length)
                rows += tables.make_score_rows(
                    "catalogue", config, source, seed, length, scores, metrics, evaluation, **columns
                )
    return average_far_rows(rows)


def average_far_rows(rows: list[TableRow]) -> list[TableRow]:
    """Beyond 2 N, where no claim looks, one row with the mean over seeds: this keeps the table below 1 MB."""
    near, groups = list[TableRow](), dict[tuple[Any, ...], list[TableRow]]()
    for row in rows:
        if row["test_length"] <= 2 * row["train_length"]:
            near.append(row)
        else:
            key = tuple(value for name, value in row.items() if name not in ("seed", "value"))
            groups.setdefault(key, []).append(row)
    means = [float(np.mean([row["value"] for row in group])) for group in groups.values()]
    far = [group[0] | {"seed": None, "value": mean} for group, mean in zip(groups.values(), means, strict=True)]
    return near + far


def measure_untrained_share(config: RunConfig, source: Source, length: int) -> float | None:
    """The share of rows, buckets or angles of a test that training with positions 0, 1, 2, … never used."""
    if config.positions != "arange":
        return None
    options = dict(config.encoding_options)
    encoding = encodings.build_encoding(config.encoding, config.context, key=jax.random.key(0), **options)
    trained, tested = (max(source.stream.sizes(size)) for size in (config.train_length, length))
    return encoding.compute_untrained_share(trained, tested)


figures = draw_all


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C11: the published ranking beyond the training length."""
    return add_parts([result for part in CASES for result in judge_case(table, part)])


def judge_case(table: pd.DataFrame, part: str) -> list[ClaimResult]:
    """C11 or a part of it, in the setting that decides, or else in the one that was run; none where too little was run."""
    task, metric = CASES[part]
    where = {"task": task, "architecture": "decoder", "metric": metric, "positions": "arange"}
    rows = ranking.select_deciding(select_beyond(tables.select_rows(table, **where)))
    rows = rows[rows["tested_with"].isna() | (rows["tested_with"] == "")]
    names = [name for name in RANKED if (rows["encoding"] == name).any()]
    if not names:
        return []
    scores = tables.align_seeds(*[tables.average_by_seed(rows, encoding=name) for name in names])
    seeds = len(scores[0])
    means = {name: float(values.mean()) for name, values in zip(names, scores, strict=True)} if seeds else {}
    estimate = ranking.estimate_agreement(means, task)
    if estimate is None:
        return []
    decides = bool(ranking.is_deciding(rows).all())
    claim, fields = (RANKING_PART, {"part": part}) if part else (RANKING, {})
    fields |= {"task": task, "metric": metric.replace("_", " "), "sizes": ranking.describe_sizes(rows)}
    note = f"n counts encodings, each the mean over {seeds} seeds; p by all permutations of the encodings: {estimate.p:.3f}."
    note += "" if decides else f" {DESCRIPTIVE}"
    verdict = ranking.judge_ranking(estimate, seeds, decides)
    return [claim.make_result(verdict, estimate, note, encodings=estimate.n, **fields)]


def summary(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """A row for each encoding: token accuracy at N and from N + 1 to 2 N, for every task and architecture.

    On tasks that a seed either learns or does not, a mean over seeds says little: there the seeds that solve it are counted.
    """
    part = tables.select_rows(name_series(ranking.select_common(table)), metric="token_accuracy")
    trained, beyond = part[part["test_length"] == part["train_length"]], select_beyond(part)
    twice = part[part["test_length"] == 2 * part["train_length"]]
    rows = []
    for name in dict.fromkeys(part["encoding"]):
        row = {"encoding": name}
        for task, architecture in dict.fromkeys(zip(part["task"], part["architecture"], strict=True)):
            where = {"encoding": name, "task": task, "architecture": architecture}
            scores = [tables.average_by_seed(rows, **where) for rows in (trained, beyond)]
            if len(scores[0]):
                form = format_solved if task in ALL_OR_NOTHING else format_mean
                row[f"{task}, {architecture}"] = " / ".join(map(form, scores))
        share = tables.select_rows(twice, encoding=name)["untrained_share"].max()
        row["not used in training, at 2 N"] = tables.format_number(share, 2)
        rows.append(row)
    counted = f"of {' and '.join(ALL_OR_NOTHING)} the seeds with at least {SOLVED:g}"
    return f"Every encoding: token accuracy at N / from N + 1 to 2 N (means over seeds; {counted})", rows


def format_mean(values: pd.Series) -> str:
    return f"{values.mean():.2f}"


def format_solved(values: pd.Series) -> str:
    """'2 of 5': the seeds whose token accuracy is at least SOLVED."""
    return f"{int((values >= SOLVED).sum())} of {len(values)}"


if __name__ == "__main__":
    cli.script(__file__)
