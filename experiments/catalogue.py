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
means over seeds of the encodings (rotary turns a quarter of each head, as in the paper) and the published ranking with its
ties, interval above 0. Parts of C11: `reverse`; rotary that turns the whole head; token accuracy.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from jaxpe import cli, encodings
from jaxpe.analysis.ranking import PUBLISHED, RANKS, estimate_agreement, select_beyond
from jaxpe.figures.catalogue import RANKED, draw_all, name_series
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import Estimate, judge_direction
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs
from jaxpe.training.config import RunConfig
from jaxpe.training.lengths import choose_test_lengths
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
SHARED: dict[str, Any] = {"heads": 4, "batch": 32, "length_buckets": 1, "max_length_ratio": 5.0, "num_test_lengths": 6}
PRESETS = {
    "smoke": Preset(
        (decoder(task="copy", encodings=("rotary", "t5")),), **(grids.SMOKE_SIZES | {"heads": 4})
    ),
    "quick": Preset(
        (decoder(task="copy", encodings=("none", "sinusoidal", "rotary", "t5")),),
        seeds=6, train_length=8, steps=800, **SHARED,
    ),
    "standard": Preset(
        (
            *[decoder(task=task, encodings=RANKED, overrides=SIZES) for task in ("copy", "reverse")],
            *[decoder(task=task, encodings=DECODER, overrides=SIZES) for task in ("copy", "reverse", "relative_index", "histogram")],
            decoder(task="addition", encodings=DECODER, overrides=DIGITS),
            decoder(task="induction", encodings=DECODER, overrides=RECALL),
            *SAMPLED,
            *[encoder(task=task, encodings=ENCODER, overrides=SIZES) for task in ("copy", "reverse", "histogram")],
        ),
        seeds=5, **SHARED,
    ),
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
    "The ranking that Kazemnejad et al. report beyond the training length holds on {task} ({metric}, rotary on {share}): "
    "Kendall's τ-b with it.",
    "τ-b",
    cell="copy in the decoder, exact match from N + 1 to 2 N, rotary on a quarter of the head: bootstrap interval above 0",
    question="help",
    figure="merit",
    family="primary",
    title=Text(
        "The published ranking of encodings beyond the training length is found here too",
        "学習時より長い系列でのエンコーディングの優劣について、論文で報告された順位がここでも再現される",
    ),
    effect=Text("rank correlation", "順位相関"),
)
RANKING_PART = replace(RANKING, id="C11.{part}", cell="", family="C11", title=None, effect=None)
CLAIMS = (RANKING, RANKING_PART)
CASES = {  # part of the claim -> task, metric, which rotary encoding; "": the claim itself
    "": ("copy", "exact_match", "rotary_quarter"),
    "reverse": ("reverse", "exact_match", "rotary_quarter"),
    "copy-whole-head": ("copy", "exact_match", "rotary"),
    "reverse-whole-head": ("reverse", "exact_match", "rotary"),
    "copy-tokens": ("copy", "token_accuracy", "rotary_quarter"),
    "reverse-tokens": ("reverse", "token_accuracy", "rotary_quarter"),
}
CHANGES = {  # what a model trained with `rotary` is also tested with
    "rotary_ntk": EvaluationConfig(encoding="rotary_ntk"),
    "rotary_yarn": EvaluationConfig(encoding="rotary_yarn"),
    "interpolated": EvaluationConfig(sampler="interpolated"),
}
TESTED = ("randomized", "abacus", "coupled")  # samplers that tests use too


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
        tests = {"": EvaluationConfig(sampler=config.positions if config.positions in TESTED else "arange")}
        if config.encoding == "rotary" and config.positions == "arange":
            tests |= CHANGES
        for change, evaluation in tests.items():
            columns: dict[str, Any] = {"tested_with": change, "test_positions": evaluation.sampler}
            for (seed, length), scores in work.measure_scores(group, lengths, preset.examples, evaluation).items():
                columns["untrained_share"] = measure_untrained_share(config, source, length)
                rows += tables.make_score_rows("catalogue", config, source, seed, length, scores, metrics, **columns)
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
    attention: Any = "bidirectional" if config.architecture == "encoder" else "causal"
    sizes = {"model_width": config.width, "heads": config.heads, "max_length": config.table_length}
    options = dict(config.encoding_options)
    encoding = encodings.build_encoding(config.encoding, **sizes, attention=attention, key=jax.random.key(0), **options)
    trained, tested = (max(source.stream.sizes(size)) for size in (config.train_length, length))
    return encoding.compute_untrained_share(trained, tested)


def figures(table: pd.DataFrame) -> dict[str, Figure]:
    """A map for each task and architecture, and the encodings of the published ranking."""
    return draw_all(table)


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C11: the published ranking beyond the training length."""
    results = []
    for part, (task, metric, rotary) in CASES.items():
        estimate = estimate_case(table, task, metric, rotary)
        if estimate is None:
            continue
        claim, fields = (RANKING_PART, {"part": part}) if part else (RANKING, {})
        share = "a quarter of the head" if rotary == "rotary_quarter" else "the whole head"
        fields |= {"task": task, "metric": metric.replace("_", " "), "share": share}
        results.append(claim.judge(judge_direction(estimate), estimate, "Interval: bootstrap over seeds.", **fields))
    return results


def estimate_case(table: pd.DataFrame, task: str, metric: str, rotary: str) -> Estimate | None:
    """Agreement with the published ranking. `rotary`: the encoding that stands for their rotary encoding."""
    where = {"task": task, "architecture": "decoder", "metric": metric, "positions": "arange"}
    part = select_beyond(tables.select_rows(table, **where))
    part = part[part["tested_with"].isna() | (part["tested_with"] == "")]
    names = [rotary if name == "rotary" else name for name in RANKS[task]]
    scores = [tables.average_by_seed(part, encoding=name).to_numpy() for name in names]
    return estimate_agreement(scores, task)


def summary(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """A row for each encoding: token accuracy at N and from N + 1 to 2 N, for every task and architecture."""
    part = tables.select_rows(name_series(table), metric="token_accuracy")
    trained, beyond = part[part["test_length"] == part["train_length"]], select_beyond(part)
    twice = part[part["test_length"] == 2 * part["train_length"]]
    rows = []
    for name in dict.fromkeys(part["encoding"]):
        row = {"encoding": name}
        for task, architecture in dict.fromkeys(zip(part["task"], part["architecture"], strict=True)):
            where = {"encoding": name, "task": task, "architecture": architecture}
            inside, outside = (tables.select_rows(rows, **where)["value"].mean() for rows in (trained, beyond))
            if not np.isnan(inside):
                row[f"{task}, {architecture}"] = f"{inside:.2f} / {outside:.2f}"
        share = tables.select_rows(twice, encoding=name)["untrained_share"].max()
        row["not used in training, at 2 N"] = tables.format_number(share, 2)
        rows.append(row)
    return "Every encoding: token accuracy at N / from N + 1 to 2 N (means over seeds)", rows


if __name__ == "__main__":
    cli.script(__file__)
