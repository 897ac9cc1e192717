"""One encoding against others: what it is worth, what it harms, what it costs. The command `jaxpe scorecard`.

The compared experiments in small, in one architecture: accuracy within the lengths seen and beyond them (`reverse`,
`relative_index`), the same where order is not asked for (`count`), the loss on real text, how well position is read back
from the states of `reverse`, and the cost. Seeds are paired: the same batches and the same blocks for every encoding.

On `reverse` the comparison is made once more where two encodings differ by over one percent. Equal FLOPs: the one whose
forward pass takes fewer is trained for as many more steps. Equal parameters: the one with fewer is made wider, to the
least width at which it has at least as many as the other.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe import encodings
from jaxpe.analysis import cost, hidden, probes
from jaxpe.cli import check
from jaxpe.cli.options import format_command
from jaxpe.conformance import subject, suite
from jaxpe.encodings import label_encoding
from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins import get_first_line
from jaxpe.records.json_values import to_json_value
from jaxpe.records.provenance import collect_provenance
from jaxpe.records.results import Results, open_results
from jaxpe.report import scorecard as report
from jaxpe.study import grids, plan, presets, progress, run_configs, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import Measurements, TableRow
from jaxpe.study.workspace import Run, describe_config
from jaxpe.training import evaluate, parameters
from jaxpe.training.config import RunConfig

MEASUREMENT = 1  # version of what is read from states, and of costs: raise it when the numbers change
PRIMARY = report.PRIMARY  # the task that is compared at equal cost too
TOLERANCE = 0.01  # what counts as a difference in cost
HERE = ("decoder", "encoder")  # the first of them that the encoding has
TEXT_LENGTHS = (1, 2, 4)  # tests on text, in training lengths
SHORT = {"steps": 600}  # `relative_index` is learned early
QUICK_TEXT = {"heads": 2, **grids.QUICK_TEXT, "steps": 400, **grids.SIX}
STANDARD_TEXT = {**grids.STANDARD_TEXT, "length_buckets": 2, **grids.SIX}
SHARED: dict[str, Any] = {"heads": 4, "batch": 32, "length_buckets": 1, "max_length_ratio": 5.0, "num_test_lengths": 6}


def tiny(task: str) -> GridRow:
    return grids.text_row(task=task, overrides={"train_length": 8, "steps": 20, "vocabulary": 300})


# Beside each: how many baselines, the best on `reverse` first, are compared at equal cost too.
PRESETS: dict[str, tuple[Preset, int]] = {
    "smoke": (
        Preset(
            (GridRow(task="reverse", architectures=HERE), GridRow(task="count", architectures=HERE), tiny("causal_lm"), tiny("masked_lm")),
            seeds=1, train_length=5, max_length_ratio=4.0, num_test_lengths=4, examples=32, width=16, layers=1, heads=4, steps=40, batch=16, length_buckets=1,
        ),
        1,
    ),
    "quick": (
        Preset(
            (
                GridRow(task="reverse", architectures=HERE),
                GridRow(task="relative_index", architectures=HERE, overrides=SHORT),
                GridRow(task="count", architectures=HERE),
                grids.text_row(task="causal_lm", overrides=QUICK_TEXT),
                grids.text_row(task="masked_lm", overrides=QUICK_TEXT),
            ),
            seeds=6, train_length=8, steps=1000, examples=128, **SHARED,
        ),
        1,
    ),
    "standard": (
        Preset(
            (
                *[GridRow(task=task, architectures=HERE) for task in ("reverse", "relative_index", "count")],
                grids.text_row(task="causal_lm", overrides=STANDARD_TEXT),
                grids.text_row(task="masked_lm", overrides=STANDARD_TEXT),
            ),
            seeds=10, train_length=10, steps=1500, **SHARED,
        ),
        99,
    ),
}  # fmt: skip


class Even(NamedTuple):
    """A comparison at equal cost: two configs, of which one was given more."""

    kind: str  # "equal FLOPs" or "equal parameters"
    new: RunConfig
    baseline: RunConfig
    how: str


class SharedEvaluationWorkspace(plan.ProgressWorkspace):
    """A workspace in which one program scores all lengths of a config: here compiling takes longer than padding."""

    def __init__(self, results: Results, terminal: progress.Terminal) -> None:
        super().__init__(results, terminal)
        self.longest: dict[RunConfig, int] = {}

    def evaluator(self, config: RunConfig, top: int, *rest: Any) -> evaluate.Evaluator:
        return super().evaluator(config, self.longest[config], *rest)


# ── what is run ─────────────────────────────────────────────────────────────────────────────────────────────────────


def examined(name: str) -> tuple[dict[str, Any], str]:
    """The property card, and the architecture that the encoding is compared in."""
    found, refused = check.build_subjects(name)
    had = {"causal": "decoder", "bidirectional": "encoder"}
    architectures = [had[one.attention] for one in found if one.attention in had]
    card = check.card_to_json(name, suite.about(name, found, refused), list(check.measure_rows(found)))
    return card, min(architectures, key=HERE.index)


def chosen(name: str, against: Sequence[str], preset: str, overrides: Mapping[str, object]) -> tuple[Preset, int]:
    """The preset for these encodings, the new one first; `none` is always among the baselines."""
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    names = list(dict.fromkeys([name, "none", *against]))
    if len(names) == 1:
        raise UserError("none is compared with nothing: name encodings with --against.")
    size, rivals = PRESETS[preset]
    return presets.override(presets.narrow_grid(size, encoding_names=names), overrides), rivals


def score(
    name: str, against: Sequence[str], preset: str, results: Path, overrides: Mapping[str, object], quiet: bool
) -> int:
    """The command: a scorecard in a results folder. `overrides`: fields of the preset and their values."""
    for one in (name, *against):
        encodings.resolve_encoding(one)
    size, rivals = chosen(name, against, preset, overrides)
    with progress.Terminal(quiet) as terminal:
        work = SharedEvaluationWorkspace(open_results(results), terminal)
        try:
            said, failed = run(
                name, size, rivals, work, {"command": format_command(), "size": preset, "rivals": rivals}
            )
        except UserError:
            raise
        except Exception as error:  # of the encoding's own file: met on inputs that the check does not try
            where = subject.place_of_error(error, subject.kind_of(name)) if name not in encodings.CATALOGUE else ""
            if not where:
                raise
            raise UserError(
                f"encoding {label_encoding(name)!r}: {type(error).__name__}: {get_first_line(error)}{where}."
            ) from error
    print(said)
    if failed:
        print("\n".join(failed), file=sys.stderr)
    return 3 if failed else 0


def run(
    name: str, size: Preset, rivals: int, work: SharedEvaluationWorkspace, facts: dict[str, Any]
) -> tuple[str, list[str]]:
    """Trains what is missing, measures, writes the scorecard. Says how it came out, and what failed."""
    began = time.monotonic()
    work.reporter.note(f"checking the properties of {label_encoding(name)}")
    card, architecture = examined(name)
    size = presets.narrow_grid(size, architectures=(architecture,))
    asked = run_configs.expand_grid(size, work.sources)
    checked(work, asked, card)
    runs = trained(work, {config: one.seeds for config, one in asked.items()})
    rows = [row for group in runs.values() for row in measured(work, group, size)]
    primary = {config.encoding: config for config in asked if config.task == PRIMARY}
    rows += cost_rows(work, primary, name)
    pairs = evened(work, primary, name, rows, rivals)
    evens = trained(work, {s: asked[primary[name]].seeds for pair in pairs for s in (pair.new, pair.baseline)})
    for pair in pairs:
        beside = {"condition": pair.kind, "rival": label_encoding(pair.baseline.encoding), "how": pair.how}
        rows += [row | beside for s in (pair.new, pair.baseline) for row in scored(work, evens[s], size)]
    everything = [run for group in (runs | evens).values() for run in group]
    diverged = sorted({f"{describe_config(c.config)}, seed {c.seed}" for c in everything if work.has_diverged(c)})
    facts = facts | {
        **collect_provenance(facts["command"], devices=work.mesh.size, seconds=time.monotonic() - began),
        "preset": to_json_value(size),
        "runs": len(everything),
        "training_seconds": sum(work.results.read_record(run.id)["seconds"] for run in everything),
        "diverged": diverged,
        "encoding_source": encodings.hash_encoding_source(name),
    }
    page, headline = report.write(
        work.results.folder, label_encoding(name), [label_encoding(o) for o in primary][1:], rows, card, facts
    )
    return f"{headline}\nThe scorecard is {page}", failures(card, diverged)


def trained(work: SharedEvaluationWorkspace, seeds: dict[RunConfig, int]) -> dict[RunConfig, list[Run]]:
    """The runs of every config, trained where the folder lacks them."""
    runs = {config: work.list_runs(config, range(count)) for config, count in seeds.items()}
    every = [run for group in runs.values() for run in group]
    if line := plan.format_announcement(every, work):
        work.reporter.note(line)
    work.train(every)
    return runs


def checked(work: SharedEvaluationWorkspace, configs: Iterable[RunConfig], card: dict[str, Any]) -> None:
    """Refuses what cannot be trained. A wrong shape is told in the words of the property check, which name the line."""
    try:
        work.check_configs(configs)
    except UserError as error:
        faults = [one["fault"] for one in card["properties"] if one["name"] == "shapes and dtypes" and one["fault"]]
        if not faults:
            raise
        raise UserError(f"encoding {label_encoding(card['encoding'])!r}: {faults[0]}.") from error


def failures(card: dict[str, Any], diverged: list[str]) -> list[str]:
    """A sentence for all trainings that diverged, and one for every property that does not hold."""
    trainings = [f"Trainings that diverged, counted as failures: {'; '.join(diverged)}"] if diverged else []
    failed = [one for one in card["properties"] if not one["holds"]]
    return trainings + [f"A property does not hold, {one['name']}: {one['fault']}" for one in failed]


# ── what is measured ────────────────────────────────────────────────────────────────────────────────────────────────


def measured(work: SharedEvaluationWorkspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Scores by length, and on the primary task what a probe reads."""
    config, rows = runs[0].config, scored(work, runs, preset)
    if config.task != PRIMARY:
        return rows
    look = cache(lambda: hidden.draw_probe_data(config, work.open_source(config), preset.examples))
    key = {"kind": "scorecard-probe", "version": MEASUREMENT, "examples": preset.examples}
    for run in runs:
        base = tables.make_base_row("scorecard", config, run.seed, config.train_length) | {"condition": report.PLAIN}
        found = work.measure_once(run, key, lambda run=run: position_errors(work, run, look()))  # type: ignore[misc]
        rows += [base | columns | {"value": value} for columns, value in found]
    return rows


def scored(work: SharedEvaluationWorkspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Scores within the training length and beyond it."""
    config, rows = runs[0].config, list[TableRow]()
    source, n = work.open_source(config), config.train_length
    sizes = {"condition": report.PLAIN, "steps": config.training.steps, "width": config.width}
    lengths = evaluate.test_lengths(source.stream, n, preset.max_length_ratio, preset.num_test_lengths)
    if config.language:
        lengths = [times * n for times in TEXT_LENGTHS if max(source.stream.sizes(times * n)) <= config.table_length]
    work.longest[config] = max(lengths)
    for (seed, length), scores in work.measure_scores(runs, lengths, preset.examples).items():
        rows += tables.make_rows("scorecard", config, source, seed, length, scores, **sizes)
    return rows


def position_errors(work: SharedEvaluationWorkspace, run: Run, look: hidden.ProbeData) -> Measurements:
    """Position read by ridge regression from the states before the last block, trained and untrained, sequences held out."""
    sample, shares = look.sample, []
    untrained = parameters.fresh(run.config, work.open_source(run.config).stream, run.seed)
    for model in (work.load_model(run), untrained):
        states = hidden.record_hidden_states(jax.tree.map(jnp.asarray, model), sample.inputs)[-2]
        x = np.asarray(states, np.float64)[sample.real]
        whole = probes.by_sequence(sample.sequence)
        shares.append(probes.regressed(x, sample.position, whole).error_share if np.isfinite(x).all() else math.nan)
    return [({"metric": "position_error_trained"}, shares[0]), ({"metric": "position_gained"}, shares[1] - shares[0])]


def cost_rows(work: SharedEvaluationWorkspace, primary: dict[str, RunConfig], name: str) -> list[TableRow]:
    """Every cost, on the primary task. Measured once, also times: kept beside a run of the new encoding."""
    configs = {label_encoding(encoding): config for encoding, config in primary.items()}
    runs = {encoding: work.list_runs(config, [0])[0] for encoding, config in configs.items()}
    key = {"kind": "scorecard-cost", "version": MEASUREMENT, "runs": [run.id for run in runs.values()]}

    def measure() -> Measurements:
        found, calls = list[tuple[TableRow, float]](), []
        for encoding, config in configs.items():
            work.reporter.note(f"counting the cost of {encoding}")
            source = work.open_source(config)
            flops, tokens = cost.forward_operations(config, source, config.train_length)
            call, memory = cost.training(config, source, work.mesh)
            calls.append(call)
            values = {"parameters": cost.count(config, source), "forward_flops": flops, "training_bytes": memory}
            found += [({"encoding": encoding, "metric": m, "tokens": tokens}, float(v)) for m, v in values.items()]
        times = zip(configs, cost.ratios(cost.interleaved(calls)), strict=True)
        ratio = {"encoding": label_encoding(name), "metric": "step_time_ratio"}
        return found + [(ratio | {"rival": other}, float(v)) for other, v in times if other != label_encoding(name)]

    rows = []
    for columns, value in work.measure_once(runs[label_encoding(name)], key, measure):
        base = tables.make_base_row("scorecard", configs[columns["encoding"]], None, None) | {"condition": report.PLAIN}
        exact = int(value) if value.is_integer() else value  # tables round what is no whole number
        rows.append(base | columns | {"value": exact})
    return rows


# ── at equal cost ───────────────────────────────────────────────────────────────────────────────────────────────────


def evened(
    work: SharedEvaluationWorkspace, primary: dict[str, RunConfig], name: str, rows: list[TableRow], rivals: int
) -> list[Even]:
    """The comparisons at equal cost, with the baselines that do best at the training length."""
    n = primary[name].train_length
    spent = {(row["encoding"], row["metric"]): row["value"] for row in rows if row["metric"] in report.COUNTED}

    def reached(encoding: str) -> float:
        wanted = {"task": PRIMARY, "encoding": label_encoding(encoding), "metric": "token_accuracy", "test_length": n}
        return float(np.mean([row["value"] for row in rows if wanted.items() <= row.items()]))

    pairs: list[Even] = []
    for other in sorted((one for one in primary if one != name), key=reached, reverse=True)[:rivals]:
        for metric, kind, more in (("forward_flops", "equal FLOPs", longer), ("parameters", "equal parameters", wider)):
            both = {one: spent[label_encoding(one), metric] for one in (name, other)}
            low, high = sorted(both, key=both.__getitem__)
            apart = both[high] > (1 + TOLERANCE) * both[low]
            if apart and (changed := more(work, primary[low], both[low], both[high])):
                now = primary | {low: changed[0]}
                pairs.append(Even(kind, now[name], now[other], f"{label_encoding(low)} {changed[1]}"))
    return pairs


def longer(work: SharedEvaluationWorkspace, config: RunConfig, own: float, other: float) -> tuple[RunConfig, str]:
    """The config trained for as many more steps as its forward pass takes fewer operations."""
    before = config.training
    after = replace(before, steps=round(before.steps * other / own))
    return replace(config, training=after), f"is trained for {after.steps} steps, not {before.steps}"


def wider(work: SharedEvaluationWorkspace, config: RunConfig, own: float, other: float) -> tuple[RunConfig, str] | None:
    """The config at the least width at which it has as many parameters as the other; None where it takes no such width."""
    for width in range(config.width + config.heads, 8 * config.width, config.heads):
        candidate = replace(config, width=width)
        numbers = cost.count(candidate, work.open_source(candidate))
        if numbers >= other and admitted(work, candidate):
            return candidate, f"is of width {width}, not {config.width}: {numbers} parameters against {other:.0f}"
    return None


def admitted(work: SharedEvaluationWorkspace, config: RunConfig) -> bool:
    """Does the encoding take this width?"""
    try:
        work.check_configs([config])
    except UserError:
        return False
    return True
