"""Where does a position encoding help, within the lengths seen in training?

Every task and architecture of the grid is trained with every encoding and tested on fresh examples of the training
lengths. Order-free tasks (`count`, `histogram`, `majority`) are the matched controls of order-needing ones: `count` has
the shapes of `index`, and its answer is a function of counts alone.

Prediction: with `none`, an encoder stays at the order-blind rule on every order-needing task and solves the order-free
ones as well as with any encoding; a decoder with `none` does better than that, since its causal mask tells places apart.
`sinusoidal` and `learned` both reach the ceiling, the learned table in fewer steps; on real text they differ by less than
0.02 bits per character.

Primary cells. C8: (`index` minus `count`) in the encoder, gain of `sinusoidal` over `none` in token accuracy, above 0. C2:
`translation`, bits per character, `learned` against `sinusoidal`, each at its own learning rate where a grid was searched,
margin 0.02. Elsewhere (C2): masked and causal LM; steps to 95 % on `reverse` in the encoder, margin 0.25 in log₂.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.figures import style as draw
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import SOLVED, direction_verdict, equivalent, paired_difference, solved_share
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training import train
from jaxpe.training.evaluate import seen_in_training, test_lengths

# Beside those of catalogue.py, where every encoding is compared.
TOYS = ("sort", "parity", "odds_first", "missing_duplicate", "recall")
OTHERS = (
    "majority", "first", "last", "even_pairs", "copy", "relative_index", "induction", "cycle", "unique_copy",
    "repeat_copy", "addition",
)  # fmt: skip
PRESETS = {
    "smoke": Preset(
        (GridRow(task="reverse", architectures=("encoder",)), GridRow(task="count", architectures=("encoder",), encodings=("none",))),
        seeds=1, train_length=5, max_length_ratio=4.0, num_test_lengths=4, examples=32, width=16, layers=1, steps=40, batch=16, length_buckets=1,
    ),
    "quick": Preset(
        (
            GridRow(task="reverse", architectures=("encoder",), overrides=grids.SIX),
            GridRow(task="reverse", architectures=("encoder_decoder",), encodings=("none", "sinusoidal")),
            GridRow(task="count", architectures=("encoder",), encodings=("none", "sinusoidal"), overrides=grids.QUICK_COUNT | grids.SIX),
            GridRow(task="index", architectures=("encoder",), encodings=("none", "sinusoidal"), overrides=grids.SIX),
            grids.text_row(task="masked_lm", overrides=grids.QUICK_TEXT, encodings=("learned",)),
            grids.text_row(task="causal_lm", overrides=grids.QUICK_TEXT),
        ),
        seeds=3, train_length=8, steps=800, num_test_lengths=7,
    ),
    "standard": Preset(
        (
            *[GridRow(task=task, architectures=("encoder",), encodings=("none", "sinusoidal")) for task in ("index", "count")],
            GridRow(task="reverse", architectures=("encoder",)),
            *[grids.descriptive_row(task) for task in ("reverse", "copy", "count", "index")],
            *[GridRow(task=task, architectures=("encoder",), overrides=grids.LIGHT) for task in TOYS],
            grids.text_row(task="translation", overrides=grids.STANDARD_PAIRS | grids.OWN_LEARNING_RATES),
            grids.text_row(task="masked_lm", overrides=grids.STANDARD_TEXT | grids.SIX),
            grids.text_row(task="causal_lm", overrides=grids.STANDARD_TEXT | grids.SIX),
        ),
        seeds=10, train_length=12, steps=3000, num_test_lengths=14, examples=512,
    ),
    "full": Preset(
        (
            *[GridRow(task=task, architectures=grids.ALL, encodings=grids.SEVEN) for task in ("reverse", "count", "index", *TOYS, *OTHERS)],
            GridRow(task="histogram", architectures=("encoder",), encodings=grids.SEVEN),
            *[
                grids.text_row(task=task, overrides=sizes | grids.OWN_LEARNING_RATES, encodings=grids.SEVEN)
                for task, sizes in (
                    ("masked_lm", grids.STANDARD_TEXT),
                    ("causal_lm", grids.STANDARD_TEXT),
                    ("translation", grids.STANDARD_PAIRS),
                )
            ],
        ),
        seeds=10, train_length=20, steps=10_000, num_test_lengths=20, examples=1024, width=64, heads=4,
    ),
}  # fmt: skip


MARGIN, SPEED_MARGIN = 0.02, 0.25  # bits per character; log2 of steps
HELP = Claim(
    "C8",
    "Position helps where order is asked for: gain of sinusoidal over none on index, minus that on count (encoder).",
    "token accuracy",
    cell="index minus count in the encoder, gain of sinusoidal over none in token accuracy: interval above 0",
    question="help",
    figure="accuracy",
    family="primary",
    title=Text("Position helps where order is asked for", "位置エンコーディングは、順序を問う課題で役立つ"),
    effect=Text(
        "gain on a task of order minus gain on its twin without, mean over the lengths trained",
        "順序を問う課題での利得 − 対になる、順序を問わない課題での利得。学習した長さの平均",
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
        "Learned and sinusoidal encodings do equally well", "学習型と正弦波のエンコーディングは、同等の性能を示す"
    ),
    effect=Text("learned minus sinusoidal", "学習型 − 正弦波"),
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
    "Learned and sinusoidal learn reverse (encoder) equally fast: log₂ of steps to 95 %, learned minus sinusoidal, "
    "margin 0.25.",
    "log₂ of steps",
    figure="steps_to_95",
    family="C2",
)
CLAIMS = (HELP, EQUAL, EQUAL_ELSEWHERE, SPEED)


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Scores at training lengths, and the steps until 95 % of the answers in training were right."""
    rows = []
    for config in dict.fromkeys(run.config for run in runs):
        group = [run for run in runs if run.config == config]
        source = work.source(config)
        lengths = test_lengths(source.stream, config.train_length, 1.0, 6)
        if config.language:
            lengths = [config.train_length]
        for (seed, length), scores in work.scores(group, lengths, preset.examples).items():
            rows += tables.rows_of("accuracy", config, source, seed, length, scores)
        for run in [] if config.language else group:
            reached = train.step_reaching(work.results.read_record(run.id)["history"], "token_accuracy", 0.95)
            row = tables.base_row("accuracy", config, run.seed, None)
            rows.append(row | {"metric": "steps_to_95", "value": reached, "steps": config.training.steps})
    return rows + overlaps(work, runs, preset)


def overlaps(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """How many test examples the training of seed 0 met: the same for every architecture and encoding, hence "any"."""
    rows = []
    firsts = {run.config.task: run.config for run in reversed(runs) if not run.config.language}
    for config in reversed(firsts.values()):
        stream = work.source(config).stream
        lengths = test_lengths(stream, config.train_length, 2.0, 10)
        shares = seen_in_training(config, stream, 0, lengths, preset.examples)
        for length, share in zip(lengths, shares, strict=True):
            row = tables.base_row("accuracy", config, 0, length) | {"architecture": "any", "encoding": "any"}
            rows.append(row | {"metric": "seen_in_training", "value": share, "n_examples": preset.examples})
    return rows


def headline(task: str) -> str:
    """The metric that a task is shown by."""
    return "bits_per_character" if task in ("masked_lm", "causal_lm", "translation") else "token_accuracy"


def with_own_rates(table: Any) -> Any:
    """Results at the common learning rate, and under a name of their own those at a rate that an encoding chose."""
    common, own = tables.at_rate(table), tables.at_rate(table, own=True)
    other = own[~own.index.isin(common.index)]
    names = [f"{row.encoding}, rate {row.learning_rate:g}" for row in other.itertuples()]
    return pd.concat([common, other.assign(encoding=names)]) if names else common


def figures(table: Any) -> dict[str, Any]:
    """One panel a task and architecture: a column an encoding, a point a seed."""
    table = with_own_rates(table)
    trained = table[table["encoding"] != "any"]
    groups = list(dict.fromkeys(zip(trained["task"], trained["architecture"], strict=True)))
    figure, axes = draw.panels(len(groups), columns=3, height=2.5)
    for axis, (task, architecture) in zip(axes, groups, strict=True):
        metric = headline(task)
        part = tables.select(table, task=task, architecture=architecture, metric=metric)
        last = part[part["test_length"] == part["test_length"].max()]
        draw.seeds_at(axis, last, list(dict.fromkeys(last["encoding"])))
        axis.set_title(f"{task}, {architecture.replace('_', '-')}, N = {last['train_length'].iloc[0]:g}", fontsize=9.5)
        axis.set_ylabel(
            "bits per character (lower is better)" if metric != "token_accuracy" else "token accuracy", fontsize=8
        )
        if metric == "token_accuracy":
            axis.set_ylim(-0.03, 1.05)
    draw.legend(figure, axes, columns=6)
    draw.caption(figure, f"At N, the longest training length; a point is a seed ({draw.seeds_of(trained)}).")
    toys = [group for group in groups if headline(group[0]) == "token_accuracy"]
    if not toys:
        return {"accuracy": figure}
    return {"accuracy": figure, "steps_to_95": speed_figure(table, toys), "seen_in_training": overlap_figure(table)}


def speed_figure(table: Any, groups: list[tuple[str, str]]) -> Any:
    """Steps until training was right: a panel a task and architecture, a point a seed."""
    speed, axes = draw.panels(len(groups), columns=3, height=2.3)
    for axis, (task, architecture) in zip(axes, groups, strict=True):
        part = tables.select(table, task=task, architecture=architecture, metric="steps_to_95")
        missed = part["value"].isna()
        shown = part.assign(
            value=part["value"].fillna(part["steps"]), length_baseline=float("nan"), order_blind_baseline=float("nan")
        )
        draw.seeds_at(axis, shown, list(dict.fromkeys(part["encoding"])))
        if missed.any():
            axis.axhline(part["steps"].max(), color="black", linewidth=0.7, linestyle=":")
        axis.set_ylim(0, 1.08 * part["steps"].max())
        axis.set_title(f"{task}, {architecture.replace('_', '-')}")
        axis.set_ylabel("steps to 95 %", fontsize=8)
    draw.legend(speed, axes, columns=6)
    draw.caption(speed, "Steps until 95 % of the answers in a training batch were right; on the dotted line: never.")
    return speed


def overlap_figure(table: Any) -> Any:
    """Share of test examples that training met, against length: a line a task."""
    part = tables.select(table, metric="seen_in_training")
    figure, [axis] = draw.panels(1, width=5.5, height=3.2)
    for i, (task, rows) in enumerate(part.groupby("task", sort=False)):
        lines = rows.set_index("test_length")["value"]
        look = draw.style_at(i)
        axis.plot(lines.index, lines, color=look.colour, marker=look.marker, linestyle=look.dashes, label=task)
        axis.axvline(rows["train_length"].iloc[0], color="black", linewidth=0.7, linestyle=":")
    axis.set_ylim(-0.03, 1.05)
    axis.set_xlabel("test length (dotted: training length)")
    axis.set_ylabel("share of test examples met in training")
    axis.legend(frameon=False, fontsize=7, ncols=2)
    draw.caption(figure, "Counted by drawing the batches of seed 0 again; the same for every encoding.")
    return figure


def summary(table: Any) -> tuple[str, list[dict[str, str]]]:
    """The share of seeds that solve a task at the longest training length, and their mean token accuracy."""
    rows = []
    table = tables.at_rate(table)
    at_end = table[table["test_length"] == table["train_length"]]
    exact = at_end[at_end["metric"] == "exact_match"]
    for (task, architecture, encoding), seeds in exact.groupby(["task", "architecture", "encoding"], sort=False):
        where = {"task": task, "architecture": architecture, "encoding": encoding, "metric": "token_accuracy"}
        tokens, solved = tables.select(at_end, **where), solved_share(seeds["value"])
        rows.append(
            {
                "task": task,
                "architecture": architecture,
                "encoding": encoding,
                "solved": f"{round(solved.value * solved.n)} of {solved.n} seeds",
                "95 % interval": f"{solved.low:.2f} to {solved.high:.2f}",
                "token accuracy": f"{tokens['value'].mean():.3f}",
                "order-blind rule": tables.shown(tokens["order_blind_baseline"].mean()),
                "length_baseline": tables.shown(tokens["length_baseline"].mean()),
            }
        )
    return f"Solved at the training length: exact match at least {SOLVED} (means over seeds)", rows


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C8 from index against count, C2 from real text and from the speed of learning."""
    results = []
    own, table = tables.at_rate(table, own=True), tables.at_rate(table)
    gains = []
    for task in ("index", "count"):
        where = {"task": task, "architecture": "encoder", "metric": "token_accuracy"}
        gains.append(tables.paired(table, where | {"encoding": "sinusoidal"}, where | {"encoding": "none"}))
    n = min(len(gain[0]) for gain in gains)
    if n:
        (a, b), (c, d) = ((gain[0][:n], gain[1][:n]) for gain in gains)
        difference = paired_difference(a - b, c - d)
        results.append(HELP.judge(direction_verdict(difference), difference))
    results += [one for task in ("translation", "masked_lm", "causal_lm") for one in text_claims(task, own, table)]
    return results + speed_claims(table)


def speed_claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C2 by the speed of learning; a training that never got there counts at its last step."""
    speed = {"task": "reverse", "architecture": "encoder", "metric": "steps_to_95", "positions": "arange"}
    reached = tables.select(table, **speed)
    if not len(reached):
        return []
    logs = reached.assign(value=np.log2(reached["value"].fillna(reached["steps"])))
    a, b = tables.paired(logs, {"encoding": "learned"}, {"encoding": "sinusoidal"})
    none = tables.by_seed(logs, encoding="none")
    if not (len(a) and len(none)):
        return []
    verdict, difference = equivalent(a, b, none, SPEED_MARGIN)
    never = reached[reached["encoding"] != "none"]["value"].isna().sum()
    return [SPEED.judge(verdict, difference, f"{never} trainings never reached 95 %." if never else "")]


def text_claims(task: str, own: pd.DataFrame, common: pd.DataFrame) -> list[ClaimResult]:
    """C2 on one language task, each encoding at its own learning rate; the difference at the common rate in the note."""
    where = {"task": task, "metric": "bits_per_character"}
    claim, fields = (
        (EQUAL, {}) if task == "translation" else (EQUAL_ELSEWHERE, {"task": task, "part": task.replace("_", "-")})
    )
    a, b = tables.paired(own, where | {"encoding": "learned"}, where | {"encoding": "sinusoidal"})
    none = tables.by_seed(own, **where, encoding="none")
    if not (len(a) and len(none)):
        note = "Not run: its data is fetched by `jaxpe fetch translation`, then `--tasks translation`."
        return [claim.judge("undecided", None, note)] if task == "translation" else []
    verdict, difference = equivalent(a, b, none, MARGIN)
    first, second = tables.paired(common, where | {"encoding": "learned"}, where | {"encoding": "sinusoidal"})
    note = (
        f"`none` differs from both by {np.mean(none) - np.mean([*a, *b]):+.3f} ({5 * MARGIN:g} is needed to decide); "
    )
    note += f"at the common learning rate the difference is {np.mean(first - second):+.3f}."
    return [claim.judge(verdict, difference, note, **fields)]


if __name__ == "__main__":
    cli.script(__file__)
