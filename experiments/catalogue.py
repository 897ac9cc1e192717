"""Every encoding of the catalogue on the same tasks: which is right within the lengths seen, and which beyond them?

A decoder on six tasks and an encoder on three, the same model (two blocks, four heads) and the same training for all. Tests
go to five times the training length N. Rows with a sampler: `offset` is tested from position 0, `randomized`, `abacus` and
`coupled` with the positions that they draw. A model trained with `rotary` is also tested with its frequencies or positions
changed at test time: `rotary_ntk`, `rotary_yarn` (four times) and `interpolated` (positions divided by four).

Prediction: within N every encoding but `none` and `scalar` solves `copy` in the decoder, and `none` comes near. Beyond N the
order of Kazemnejad et al. (2023) holds for copy: `t5` above `alibi` and `none`, and these above `sinusoidal` and rotary.
`binary` and `random_fixed` fall at once beyond N; `alibi` with a fixed slope of 1/4 helps `relative_index` and `induction`, and
harms `copy`. Rows scaled to N extrapolate better than the papers' own constants. Interpolated positions and the two rotary
scalings, which no training saw, lose accuracy within N and gain little beyond.

Primary cell. C11: `copy` in the decoder, mean exact match over the lengths from N + 1 to 2 N: Kendall's τ-b between the mean
over seeds of six encodings (rotary turns a quarter of the head, as in the paper) and the published order with its ties, its
interval above 0. Elsewhere: `reverse`; rotary that turns all of the head; token accuracy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from jaxpe import cli, encodings
from jaxpe.figures import style as draw
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import Estimate, direction_verdict
from jaxpe.study import tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.evaluate import test_lengths

DECODER = tuple(encodings.CATALOGUE)
ENCODER = tuple(name for name in DECODER if not encodings.class_of(encodings.CATALOGUE[name]).causal_only)
MERIT = ("none", "sinusoidal", "rotary_quarter", "rotary", "alibi", "t5")
SIZES = {"train_length": 8, "steps": 1000}
DIGITS = {"train_length": 3, "steps": 2000}
RECALL = {"train_length": 8, "steps": 2000}
RANDOM_ENDS = [
    GridRow(
        task="copy",
        architectures=("decoder",),
        encodings=("learned", "sinusoidal"),
        positions=("randomized",),
        overrides=SIZES,
    ),
    GridRow(task="copy", architectures=("decoder",), encodings=("learned",), positions=("offset",), overrides=SIZES),
    GridRow(
        task="reverse",
        architectures=("decoder",),
        encodings=("learned", "sinusoidal"),
        positions=("randomized",),
        overrides=SIZES,
    ),
    GridRow(task="reverse", architectures=("decoder",), encodings=("learned",), positions=("offset",), overrides=SIZES),
    GridRow(
        task="addition",
        architectures=("decoder",),
        encodings=("learned",),
        positions=("offset", "abacus", "coupled"),
        overrides=DIGITS,
    ),
]
SHARED: dict[str, Any] = {"heads": 4, "batch": 32, "length_buckets": 1, "max_length_ratio": 5.0, "num_test_lengths": 6}
PRESETS = {
    "smoke": Preset(
        (GridRow(task="copy", architectures=("decoder",), encodings=("rotary", "t5")),),
        seeds=1, train_length=5, max_length_ratio=4.0, num_test_lengths=4, examples=32, width=16, layers=1, heads=4, steps=40, batch=16, length_buckets=1,
    ),
    "quick": Preset(
        (GridRow(task="copy", architectures=("decoder",), encodings=("none", "sinusoidal", "rotary", "t5")),),
        seeds=6, train_length=8, steps=800, **SHARED,
    ),
    "standard": Preset(
        (
            *[GridRow(task=task, architectures=("decoder",), encodings=MERIT, overrides=SIZES) for task in ("copy", "reverse")],
            *[GridRow(task=task, architectures=("decoder",), encodings=DECODER, overrides=SIZES) for task in ("copy", "reverse", "relative_index", "histogram")],
            GridRow(task="addition", architectures=("decoder",), encodings=DECODER, overrides=DIGITS),
            GridRow(task="induction", architectures=("decoder",), encodings=DECODER, overrides=RECALL),
            *RANDOM_ENDS,
            *[GridRow(task=task, architectures=("encoder",), encodings=ENCODER, overrides=SIZES) for task in ("copy", "reverse", "histogram")],
        ),
        seeds=5, **SHARED,
    ),
    "full": Preset(
        (
            *[
                GridRow(task=task, architectures=architectures, encodings=DECODER if architectures == ("decoder",) else ENCODER, positions=positions)
                for task in ("copy", "reverse", "relative_index", "addition", "induction")
                for architectures in (("decoder",), ("encoder",), ("encoder_decoder",))
                for positions in (("arange",), ("randomized",))
            ],
            *[GridRow(task="histogram", architectures=(a,), encodings=DECODER if a == "decoder" else ENCODER) for a in ("decoder", "encoder")],
            *RANDOM_ENDS,
        ),
        seeds=10, train_length=20, steps=10_000, examples=1024, width=64, **(SHARED | {"batch": 64, "num_test_lengths": 12}),
    ),
}  # fmt: skip
SWITCHES: dict[str, dict[str, Any]] = {  # what a model trained with `rotary` is also tested with
    "rotary_ntk": {"test_encoding": "rotary_ntk"},
    "rotary_yarn": {"test_encoding": "rotary_yarn"},
    "interpolated": {"sampler": "interpolated"},
}
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
        "The published order of merit of encodings beyond the training length comes out here too",
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
DRAWN = ("randomized", "abacus", "coupled")  # samplers that a test uses too


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Scores from N to five times N, in the middle between N and 2 N too, and what training never visited."""
    rows = []
    for config in dict.fromkeys(run.config for run in runs):
        group = [run for run in runs if run.config == config]
        source, n = work.source(config), config.train_length
        lengths = [
            length
            for length in test_lengths(source.stream, n, preset.max_length_ratio, preset.num_test_lengths)
            if length >= n
        ]
        lengths = sorted({*lengths, *source.stream.lengths(n + n // 2, n + n // 2)})
        how = {"sampler": config.positions} if config.positions in DRAWN else {}
        published = config.task in PUBLISHED and config.architecture == "decoder"
        metrics = ("token_accuracy", "exact_match") if published else ("token_accuracy",)  # the table stays small
        tested: dict[str, dict[str, Any]] = {"": how}
        if config.encoding == "rotary" and config.positions == "arange":
            tested |= SWITCHES
        for switch, options in tested.items():
            scores = work.scores(group, lengths, preset.examples, **options)
            more = {"switch": switch, "test_positions": options.get("sampler", "arange"), "metrics": metrics}
            for (seed, length), found in scores.items():
                unvisited = share_unvisited(config, source, length)
                rows += tables.rows_of("catalogue", config, source, seed, length, found, **more, unvisited=unvisited)
    return condensed(rows)


def condensed(rows: list[TableRow]) -> list[TableRow]:
    """Beyond 2 N, where no claim looks, one row for all seeds with their mean: so the table stays below 1 MB."""
    kept, groups = list[TableRow](), dict[tuple[Any, ...], list[TableRow]]()
    for row in rows:
        if row["test_length"] <= 2 * row["train_length"]:
            kept.append(row)
        else:
            about = tuple(value for name, value in row.items() if name not in ("seed", "value"))
            groups.setdefault(about, []).append(row)
    return kept + [
        same[0] | {"seed": None, "value": float(np.mean([row["value"] for row in same]))} for same in groups.values()
    ]


def share_unvisited(config: Any, source: Any, length: int) -> float | None:
    """Of the rows, buckets or angles that a test asks for, the share that training with positions 0, 1, 2 … never met."""
    if config.positions != "arange":
        return None
    import jax

    attention: Any = "bidirectional" if config.architecture == "encoder" else "causal"
    sizes = {"model_width": config.width, "heads": config.heads, "max_length": config.table_length}
    options = dict(config.encoding_options)
    one = encodings.build(config.encoding, **sizes, attention=attention, key=jax.random.key(0), **options)
    trained, tested = (max(source.stream.sizes(size)) for size in (config.train_length, length))
    return one.unvisited(trained, tested)


def named(table: Any) -> Any:
    """The table with one name for each way of telling position: encoding, sampler where it is not arange, switch."""
    sampler = np.where(table["positions"] == "arange", "", " + " + table["positions"])
    switch = table["switch"].astype(object).fillna("").astype(str)
    switched = np.where(switch == "", "", ", tested with " + switch)
    return table.assign(encoding=table["encoding"] + sampler + switched)


def beyond(part: Any) -> Any:
    """The rows with N < length ≤ 2 N."""
    return part[(part["test_length"] > part["train_length"]) & (part["test_length"] <= 2 * part["train_length"])]


def figures(table: Any) -> dict[str, Any]:
    """A map for each task and architecture: encodings down, test lengths across, the mean over seeds in each field."""
    table, made = named(table), {}
    for (task, architecture), part in table.groupby(["task", "architecture"], sort=False):
        made[f"map_{task}_{architecture}"] = field(tables.select(part, metric="token_accuracy"), task, architecture)
    return made | {"merit": merit_figure(table)}


def field(part: Any, task: str, architecture: str) -> Any:
    lengths = sorted(part["test_length"].unique())
    n = int(part["train_length"].iloc[0])
    means = part.pivot_table(index="encoding", columns="test_length", values="value", sort=False)
    order = means[[length for length in lengths if length > n]].mean(axis=1).sort_values(ascending=False).index
    values = means.loc[order].to_numpy()
    figure, [axis] = draw.panels(1, width=4.2 + 0.45 * len(lengths), height=0.9 + 0.235 * len(order))
    axis.imshow(values, vmin=0, vmax=1, cmap="cividis", aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "black" if value > 0.55 else "white"
        axis.text(column, row, f"{value:.2f}".lstrip("0"), ha="center", va="center", color=colour, fontsize=7)
    baselines = part.groupby("test_length")[["length_baseline", "order_blind_baseline"]].first()
    labels = [
        f"{int(length)}\n{baselines.loc[length, 'length_baseline']:.2f}"
        + ("" if np.isnan(blind := baselines.loc[length, "order_blind_baseline"]) else f"\n{blind:.2f}")
        for length in lengths
    ]
    axis.set_xticks(range(len(lengths)), labels, fontsize=7.5)
    axis.set_yticks(range(len(order)), order, fontsize=7.5)
    axis.axvline(lengths.index(n) + 0.5, color="white", linewidth=2)
    axis.set_xlabel("test length; below it floor" + ("" if architecture == "decoder" else " and order-blind rule"))
    axis.set_title(f"{task}, {architecture.replace('_', '-')}: token accuracy, trained up to {n}", fontsize=9.5)
    draw.caption(figure, f"Mean over {draw.seeds_of(part)}; sorted by the mean beyond N (right of the white line).")
    return figure


def merit_figure(table: Any) -> Any:
    """Exact match from N to 2 N of the encodings that Kazemnejad et al. compared, theirs beside it."""
    groups = [task for task in PUBLISHED if len(tables.select(table, task=task, architecture="decoder"))]
    figure, axes = draw.panels(max(1, len(groups)), columns=2, width=4.4, height=3.0)
    for axis, task in zip(axes, groups, strict=False):
        part = beyond(tables.select(table, task=task, architecture="decoder", metric="exact_match"))
        part = part[part["encoding"].isin(MERIT)].groupby(["encoding", "seed"], as_index=False, sort=False)
        part = part[["value", "length_baseline", "order_blind_baseline"]].mean()  # over lengths
        draw.seeds_at(axis, part, [name for name in MERIT if name in set(part["encoding"])])
        for at, name in enumerate(name for name in MERIT if name in set(part["encoding"])):
            published = PUBLISHED[task][name.replace("rotary_quarter", "rotary")]
            axis.plot(
                [at - 0.3, at + 0.3], [published] * 2, color="#999999", linewidth=3, label="Kazemnejad et al.", zorder=0
            )
        axis.set_title(f"{task}, decoder, lengths from N + 1 to 2 N")
        axis.set_ylabel("exact match")
        axis.set_ylim(-0.03, 1.05)
    draw.legend(figure, axes, columns=6)
    draw.caption(
        figure,
        "Points: seeds, means over lengths. Grey: Kazemnejad et al. 2023, 138 M parameters, N = 20 (their rotary: a quarter).",
    )
    return figure


# Kazemnejad et al. 2023 (2305.19466), exact match at lengths 21-40 after training on 20 or less, three seeds.
PUBLISHED: dict[str, dict[str, float]] = {
    "copy": {"t5": 0.420, "alibi": 0.331, "none": 0.305, "sinusoidal": 0.028, "rotary": 0.011},
    "reverse": {"t5": 0.242, "none": 0.230, "alibi": 0.171, "rotary": 0.077, "sinusoidal": 0.023},
}
# Ranks with ties wherever the ranges of their seeds overlap, the best first.
RANKS: dict[str, dict[str, int]] = {
    "copy": {"t5": 1, "alibi": 2, "none": 2, "sinusoidal": 3, "rotary": 3},
    "reverse": {"t5": 1, "none": 1, "alibi": 2, "rotary": 3, "sinusoidal": 4},
}


def rank_correlation(table: pd.DataFrame, task: str, metric: str, rotary: str) -> Estimate | None:
    """τ-b between our means and the published ranks, with a bootstrap interval over seeds; None: fewer than 3 seeds."""
    part = beyond(tables.select(table, task=task, architecture="decoder", metric=metric, positions="arange"))
    part = part[part["switch"].isna() | (part["switch"] == "")]
    names = [rotary if name == "rotary" else name for name in RANKS[task]]
    by_seed = [tables.by_seed(part, encoding=name).to_numpy() for name in names]
    n = min(len(seeds) for seeds in by_seed)
    if n < 3:
        return None
    scores = np.stack([seeds[:n] for seeds in by_seed])
    ranks = -np.array(list(RANKS[task].values()))
    generator = np.random.default_rng(0)
    means = [scores[:, generator.integers(0, n, n)].mean(1) for _ in range(2000)]
    low, high = np.quantile([kendall(ranks, mean) for mean in means], (0.025, 0.975))
    return Estimate(kendall(ranks, scores.mean(1)), float(low), float(high), n)


def kendall(ranks: np.ndarray, scores: np.ndarray) -> float:
    """Kendall's τ-b; 0 where all scores are equal, which orders nothing."""
    tau = float(stats.kendalltau(ranks, scores).statistic)
    return 0.0 if np.isnan(tau) else tau


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C11: the published ranking beyond the training length."""
    results = []
    for part, (task, metric, rotary) in CASES.items():
        estimate = rank_correlation(table, task, metric, rotary)
        if estimate is None:
            continue
        claim, fields = (RANKING_PART, {"part": part}) if part else (RANKING, {})
        share = "a quarter of the head" if rotary == "rotary_quarter" else "the whole head"
        words = {"task": task, "metric": metric.replace("_", " "), "share": share}
        note = "Interval: bootstrap over seeds."
        results.append(claim.judge(direction_verdict(estimate), estimate, note, **words, **fields))
    return results


def summary(table: Any) -> tuple[str, list[dict[str, str]]]:
    """One row an encoding: token accuracy at N and from N + 1 to 2 N for every task and architecture."""
    table = named(table)
    part = tables.select(table, metric="token_accuracy")
    at = part[part["test_length"] == part["train_length"]]
    far = beyond(part)
    rows = []
    for name in dict.fromkeys(part["encoding"]):
        row = {"encoding": name}
        for task, architecture in dict.fromkeys(zip(part["task"], part["architecture"], strict=True)):
            where = {"encoding": name, "task": task, "architecture": architecture}
            inside, outside = (tables.select(some, **where)["value"].mean() for some in (at, far))
            if not np.isnan(inside):
                row[f"{task}, {architecture}"] = f"{inside:.2f} / {outside:.2f}"
        longest = tables.select(part, encoding=name)
        longest = longest[longest["test_length"] == 2 * longest["train_length"]]["unvisited"].max()
        row["not visited in training, at 2 N"] = tables.shown(longest, 2)
        rows.append(row)
    return "Every encoding: token accuracy at N / from N + 1 to 2 N (means over seeds)", rows


if __name__ == "__main__":
    cli.script(__file__)
