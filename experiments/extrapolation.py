"""How far beyond the lengths seen in training does each encoding carry?

Models trained on lengths up to N are tested up to 10 N (real text up to 8 N). Every curve has companions that tell
position from other causes: attention logits times log n / log N beyond N visible keys, exact match with the true length
of the answer imposed, and the parameters after 25, 50 and 100 % of the steps. `shifted` positions (all by N) tell whether
order or table rows were learned.

Prediction: on `reverse` every encoding falls to the order-blind rule or below it by 2 N; plain `learned` meets rows that
were never trained and falls at N + 1, `learned + offset` keeps more. On `count`, `none` carries furthest. On real text,
`sinusoidal` and `learned` lose bits per character beyond the training length, `none` loses the least.

Primary cell. C3: `reverse` in the encoder, token accuracy at 2 N: `sinusoidal` above the order-blind rule, and above
`learned + offset`. C9 in part: `reverse` in the encoder with `none` at N sits at the order-blind rule (within 0.03).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.figures import style as draw
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import direction_verdict, mean_interval, paired_difference
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.evaluate import test_lengths

LEARNED = 0.5  # exact match at N below which there is no half-life
WITH_OFFSET = GridRow(task="reverse", architectures=("encoder",), encodings=("learned",), positions=("offset",))
PRESETS = {
    "smoke": Preset(
        (GridRow(task="reverse", architectures=("encoder",)),),
        seeds=1, train_length=5, max_length_ratio=4.0, num_test_lengths=4, examples=32, width=16, layers=1, steps=40, batch=16, length_buckets=1,
    ),
    "quick": Preset(
        (
            GridRow(task="reverse", architectures=("encoder",), overrides=grids.SIX),
            replace(WITH_OFFSET, overrides=grids.SIX),
            GridRow(task="count", architectures=("encoder",), encodings=("none", "sinusoidal"), overrides=grids.QUICK_COUNT | grids.SIX),
            grids.text_row(task="causal_lm", overrides=grids.QUICK_TEXT),
        ),
        train_length=8, steps=800, num_test_lengths=7,
    ),
    "standard": Preset(
        (
            GridRow(task="reverse", architectures=("encoder",)),
            WITH_OFFSET,
            GridRow(task="count", architectures=("encoder",), encodings=("none", "sinusoidal")),
            *[grids.descriptive_row(task) for task in ("reverse", "copy", "count")],
            GridRow(task="reverse", architectures=("encoder",), encodings=("sinusoidal", "learned"), positions=("offset", "randomized"), overrides=grids.FIVE),
            grids.text_row(task="causal_lm", overrides=grids.STANDARD_TEXT | grids.SIX),
        ),
        seeds=10, train_length=12, steps=3000, num_test_lengths=14, examples=512,
    ),
    "full": Preset(
        (
            *[GridRow(task=t, architectures=grids.ALL, encodings=grids.SEVEN, positions=("arange", "offset", "randomized")) for t in ("reverse", "copy", "count", "index")],
            GridRow(task="addition", architectures=("decoder",), encodings=grids.SEVEN, positions=("arange", "offset", "randomized")),
            grids.text_row(task="causal_lm", overrides=grids.STANDARD_TEXT, encodings=grids.SEVEN),
        ),
        seeds=10, train_length=20, steps=10_000, num_test_lengths=20, examples=1024, width=64, heads=4,
    ),
}  # fmt: skip


BLIND_MARGIN = 0.03  # in token accuracy
BEYOND = Claim(
    "C3",
    "Sinusoids extrapolate: token accuracy at length {length} is above the order-blind baseline (effect) and above "
    "learned + offset.",
    "token accuracy",
    cell="reverse in the encoder at 2 N, sinusoidal minus the order-blind baseline and minus learned + offset: both "
    "intervals above 0",
    figure="length_curves",
    family="primary",
    title=Text(
        "Sinusoids carry a model beyond the lengths it was trained on",
        "正弦波を使えば、モデルは学習時より長い系列にも通用する",
    ),
    effect=Text(
        "accuracy at twice the length above the best rule that is blind to order",
        "2 倍の長さでの正答率 − 順序を見ない規則の正答率",
    ),
)
BLIND = Claim(
    "C9.encoder-blind",
    "Without an encoding an encoder is blind to order: its token accuracy at length {length} minus the order-blind "
    "baseline.",
    "token accuracy",
    cell="reverse in the encoder with none at N, minus the order-blind baseline: interval within ± 0.03",
    question="help",
    figure="length_curves",
    family="C9",
)
CLAIMS = (BEYOND, BLIND)


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """The length curve of every run, its companions, and two summaries of it."""
    rows = []
    for config in dict.fromkeys(run.config for run in runs):
        group = [run for run in runs if run.config == config]
        source, n = work.source(config), config.train_length
        max_length_ratio = 8.0 if config.language else preset.max_length_ratio
        lengths = test_lengths(source.stream, n, max_length_ratio, preset.num_test_lengths)
        if config.language:
            lengths = [n, 2 * n, 4 * n, 8 * n]
        beyond = [length for length in lengths if length > n]
        # companion -> (lengths, how scores are taken)
        companions: dict[str, tuple[list[int], dict[str, Any]]] = {
            "plain": (lengths, {}),
            "length_scaled": (beyond, {"scaled": True}),
            "shifted": ([n], {"shift": n}),
            "steps_25": ([n, *beyond[-1:]], {"checkpoint": "25"}),
            "steps_50": ([n, *beyond[-1:]], {"checkpoint": "50"}),
        }
        for companion, (wanted, how) in companions.items():
            scores = work.scores(group, wanted, preset.examples, **how)
            positions = f"shifted by {n}" if companion == "shifted" else "arange"
            for (seed, length), found in scores.items():
                more = {"companion": companion, "test_positions": positions}
                metrics = tables.metrics_of(config)
                if companion == "plain" and not config.language:
                    metrics = (*metrics, "exact_match_given_length")
                rows += tables.rows_of("extrapolation", config, source, seed, length, found, metrics, **more)
            if companion == "plain" and not config.language:
                for length in sorted({n, 2 * n} & set(lengths)):
                    rows += by_index(config, length, [found for (_, at), found in scores.items() if at == length])
        rows += summaries([row for row in rows if row["companion"] == "plain"], config, group)
    return rows


def by_index(config: Any, length: int, scores: list[Any]) -> list[TableRow]:
    """Token accuracy at every place of the answer, the mean over seeds."""
    base = tables.base_row("extrapolation", config, None, length) | {"companion": "index", "metric": "index_accuracy"}
    values = [found.index_correct / np.maximum(found.index_answers, 1) for found in scores]
    return [base | {"output_index": i, "value": float(value)} for i, value in enumerate(np.mean(values, 0))]


def summaries(rows: list[TableRow], config: Any, group: list[Run]) -> list[TableRow]:
    """Per seed: half-life (first length with less than half the exact match at N; empty = beyond the longest tested; only
    where N itself is at least half solved) and the area under token accuracy over log length, from N to the longest."""
    made = []
    for run in group:
        wanted = tables.base_row("extrapolation", config, run.seed, None)
        own = [r for r in rows if all(r[k] == wanted[k] for k in wanted if k != "test_length")]
        for metric, summary in (("exact_match", "half_life"), ("token_accuracy", "area")):
            curve = {r["test_length"]: r["value"] for r in own if r["metric"] == metric}
            beyond = sorted(length for length in curve if length >= config.train_length)
            if not beyond:
                continue
            if summary == "half_life":
                if curve[config.train_length] < LEARNED:
                    continue  # nothing was learned that could fall to a half
                half = curve[config.train_length] / 2
                value = next((float(length) for length in beyond if curve[length] < half), None)
            else:
                logs = np.log(beyond)
                value = float(np.trapezoid([curve[length] for length in beyond], logs) / (logs[-1] - logs[0]))
            made.append(wanted | {"metric": summary, "value": value, "companion": "summary"})
    return made


def summary(table: Any) -> tuple[str, list[dict[str, str]]]:
    """How far each encoding carries: accuracy at N, 2 N and the longest, and the half-life of exact match."""
    rows = []
    part = table[(table["companion"] == "plain") & (table["metric"] == "token_accuracy")]
    toys = part[part["task"].isin(table["task"][table["metric"] == "exact_match"])]
    keys = ["task", "architecture", "encoding", "positions"]
    for names, own in toys.groupby(keys, sort=False):
        n, longest = int(own["train_length"].iloc[0]), int(own["test_length"].max())
        means = own.groupby("test_length")["value"].mean()
        blind = own.groupby("test_length")["order_blind_baseline"].first()
        halves = tables.select(table, metric="half_life", **dict(zip(keys, names, strict=True)))["value"]
        row = dict(zip(("task", "architecture", "encoding", "positions in training"), names, strict=True))
        row["seeds"] = str(own["seed"].nunique())
        for length, label in ((n, "N"), (2 * n, "2 N"), (longest, "the longest")):
            if length in means:
                row[f"at {label} ({length})"] = f"{means[length]:.3f} (order-blind {tables.shown(blind[length])})"
        row["half-life, by seed"] = (
            ", ".join(f"> {longest}" if np.isnan(half) else f"{half:.0f}" for half in halves) or "not learned"
        )
        rows.append(row)
    return "How far each carries: token accuracy, and the length at which exact match has halved", rows


def figures(table: Any) -> dict[str, Any]:
    """Length curves, their companions, and accuracy by output index."""
    groups = list(dict.fromkeys(zip(table["task"], table["architecture"], strict=True)))
    made = {"length_curves": length_curves(table, groups)}
    toys = [group for group in groups if "token_accuracy" in set(tables.select(table, task=group[0])["metric"])]
    made["companions"] = companions(table, toys[:1] or groups[:1])
    indexed = table[table["metric"] == "index_accuracy"]
    if len(indexed) and indexed["output_index"].max() > 0:
        made["output_index"] = output_index(indexed)
    return made


def length_curves(table: Any, groups: list[tuple[str, str]]) -> Any:
    figure, axes = draw.panels(len(groups), columns=3, width=3.8, height=3.0)
    for axis, (task, architecture) in zip(axes, groups, strict=True):
        text = task == "causal_lm"
        metric = "bits_per_character" if text else "token_accuracy"
        part = tables.select(table, task=task, architecture=architecture, metric=metric, companion="plain")
        draw.curve(axis, part)
        draw.by_length(axis, part, f"{task}, {architecture.replace('_', '-')}", "tokens" if text else "symbols of x")
        axis.set_ylabel("bits per character (lower is better)" if text else "token accuracy", fontsize=8.5)
    draw.legend(figure, axes, columns=6)
    examples = ", ".join(str(int(count)) for count in sorted(table["n_examples"].dropna().unique()))
    draw.caption(
        figure,
        f"Lines: mean over {draw.seeds_of(table)}; points: seeds, each over {examples} examples a length.",
    )
    return figure


def companions(table: Any, groups: list[tuple[str, str]]) -> Any:
    """What else could explain a loss: softmax over more keys, the length of the answer, too much training."""
    task, architecture = groups[0]
    part = tables.select(table, task=task, architecture=architecture)
    names = list(dict.fromkeys(part["encoding"][part["positions"] == "arange"]))
    figure, axes = draw.panels(len(names), columns=3, width=3.8, height=3.0)
    lines = (
        ("plain", "token_accuracy", "as it is", draw.Style("#0072B2", "s", "-")),
        ("length_scaled", "token_accuracy", "logits × log n / log N", draw.Style("#D55E00", "^", "--")),
        ("plain", "exact_match", "exact match", draw.Style("#009E73", "D", "-.")),
        ("plain", "exact_match_given_length", "exact match, true length imposed", draw.Style("#CC79A7", "P", ":")),
    )
    for axis, name in zip(axes, names, strict=True):
        own = tables.select(part, encoding=name, positions="arange")
        for companion, metric, label, look in lines:
            means = tables.select(own, companion=companion, metric=metric).groupby("test_length")["value"].mean()
            draw.line(axis, means, look, label)
        for companion, marker in (("steps_25", "v"), ("steps_50", "^"), ("shifted", "x")):
            means = (
                tables.select(own, companion=companion, metric="token_accuracy").groupby("test_length")["value"].mean()
            )
            label = {
                "steps_25": "after 25 % of the steps",
                "steps_50": "after 50 % of the steps",
                "shifted": "positions shifted by N",
            }[companion]
            axis.scatter(means.index, means, marker=marker, color="black", s=24, label=label, zorder=3)
        plain = tables.select(own, companion="plain", metric="token_accuracy")
        draw.by_length(axis, plain, f"{task}, {architecture.replace('_', '-')}, {name}")
        axis.set_ylabel("token accuracy or exact match", fontsize=8.5)
    draw.legend(figure, axes, columns=4)
    draw.caption(figure, f"Means over {draw.seeds_of(part)}. Both baselines are those of token accuracy.")
    return figure


def output_index(indexed: Any) -> Any:
    indexed = indexed[indexed.groupby(["task", "architecture"])["output_index"].transform("max") > 0]
    groups = list(dict.fromkeys(zip(indexed["task"], indexed["architecture"], indexed["test_length"], strict=True)))
    figure, axes = draw.panels(len(groups), columns=2, width=4.6, height=2.7, sharey=True)
    for axis, (task, architecture, length) in zip(axes, groups, strict=True):
        draw.curve(
            axis, tables.select(indexed, task=task, architecture=architecture, test_length=length), x="output_index"
        )
        axis.set_title(f"{task}, {architecture.replace('_', '-')}, test length {length:g}")
        axis.set_xlabel("place in the answer")
        axis.set_ylabel("token accuracy")
        axis.set_ylim(-0.03, 1.05)
    draw.legend(figure, axes, columns=5)
    draw.caption(figure, f"Trained on lengths up to {indexed['train_length'].iloc[0]:g}; means over seeds.")
    return figure


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C3 at twice the training length, and C9 for the encoder at the training length."""
    where = {"task": "reverse", "architecture": "encoder", "metric": "token_accuracy", "companion": "plain"}
    part = tables.select(table, **where)
    if not len(part):
        return []
    n = int(part["train_length"].iloc[0])
    return beyond_claims(part[part["test_length"] == 2 * n], 2 * n) + blind_claims(part[part["test_length"] == n], n)


def beyond_claims(part: pd.DataFrame, length: int) -> list[ClaimResult]:
    """C3: sinusoids against the order-blind baseline and against learned positions with an offset, both needed."""
    sinusoidal = tables.by_seed(part, encoding="sinusoidal", positions="arange")
    if not len(sinusoidal):
        return []
    baseline = np.full(len(sinusoidal), part["order_blind_baseline"].iloc[0])
    above = paired_difference(sinusoidal.to_numpy(), baseline)
    a, b = tables.paired(
        part, {"encoding": "sinusoidal", "positions": "arange"}, {"encoding": "learned", "positions": "offset"}
    )
    first = direction_verdict(above)
    second = direction_verdict(paired_difference(a, b)) if len(a) else "undecided"
    both = {first, second}
    verdict = "contradicted" if "contradicted" in both else "supported" if both == {"supported"} else "undecided"
    difference = f"difference {np.mean(a - b):.3f}" if len(a) else "not run"
    return [BEYOND.judge(verdict, above, f"Against learned + offset: {second}, {difference}.", length=length)]


def blind_claims(part: pd.DataFrame, length: int) -> list[ClaimResult]:
    """C9 for the encoder: without an encoding it equals the order-blind baseline, within the margin."""
    none = tables.by_seed(part, encoding="none", positions="arange")
    if not len(none):
        return []
    gap = mean_interval(none.to_numpy() - part["order_blind_baseline"].iloc[0])
    inside = gap.low is not None and gap.high is not None and gap.low > -BLIND_MARGIN and gap.high < BLIND_MARGIN
    return [BLIND.judge("supported" if inside else "undecided", gap, length=length)]


if __name__ == "__main__":
    cli.script(__file__)
