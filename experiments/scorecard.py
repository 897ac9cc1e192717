"""What is one encoding worth, what does it harm and what does it cost, compared with others?

Measured: in one architecture, over paired seeds (the same batches and the same initial blocks for every encoding): token
accuracy up to the training length and beyond it (`reverse`, `relative_index`), the same where order does not matter
(`count`), the loss on real text, the error of position read from the hidden states of `reverse`, and the cost. If the costs
of two encodings differ by more than one percent, they are also compared at equal cost on `reverse`. Equal FLOPs: the one with
the cheaper forward pass is trained for proportionally more steps. Equal parameters: the one with fewer parameters is made
wider, to the least width at which it has at least as many as the other.

Predicted: nothing; the encoding is yours.

Decided by: nothing. A scorecard describes and makes no claim; intervals are 95 % over paired seeds, p is adjusted by Holm's
method. `jaxpe scorecard ENCODING` is the short form of `jaxpe run scorecard --encodings ENCODING`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from jaxpe import cli, encodings
from jaxpe.analysis import scorecard as measurements
from jaxpe.analysis.comparisons import PLAIN, PRIMARY, compute_costs, compute_differences, find_encodings
from jaxpe.conformance import card, findings, suite
from jaxpe.encodings import label_encoding
from jaxpe.errors import UserError
from jaxpe.figures.scorecard import draw_differences, draw_lengths, format_place
from jaxpe.plugins.calls import get_first_line
from jaxpe.records.claims import Claim, ClaimResult
from jaxpe.report.answers import scorecard as sentences
from jaxpe.study import grids, plan, presets
from jaxpe.study.presets import GridRow, Overrides, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs


@dataclass(frozen=True)
class Options:
    """What this experiment takes besides a preset."""

    against: tuple[str, ...] = ("none", "sinusoidal", "rotary")
    """Encodings to compare with; `none` is always among them."""
    rivals: int | None = None
    """Baselines compared at equal cost, the best on `reverse` first (default: all with ten seeds, else one)."""


OPTIONS = Options
CLAIMS: tuple[Claim, ...] = ()
ARCHITECTURES = ("decoder", "encoder")  # the first one that the encoding takes
QUICK_TEXT: Overrides = {
    "heads": 2,
    **grids.QUICK_TEXT,
    "max_length_ratio": 8.0,
    "steps": 400,
    **grids.SIX,
}
STANDARD_TEXT: Overrides = {**grids.STANDARD_TEXT, "length_buckets": 2, **grids.SIX}
SHARED: dict[str, Any] = {"heads": 4, "batch": 32, "length_buckets": 1, "max_length_ratio": 5.0, "num_test_lengths": 6}


def make_grid(shorter: Overrides, text: Overrides, tasks: tuple[str, ...] = ("relative_index",)) -> tuple[GridRow, ...]:
    """`reverse`, `count` and real text for the encoding `rotary` unless another is requested. `shorter`: of `tasks`."""
    sizes: dict[str, Overrides] = {PRIMARY: {}, **dict.fromkeys(tasks, shorter), "count": {}}
    rows = [GridRow(task=task, architectures=ARCHITECTURES, overrides=size) for task, size in sizes.items()]
    rows += [grids.text_row(task=task, overrides=text) for task in ("causal_lm", "masked_lm")]
    return tuple(replace(row, encodings=("rotary",)) for row in rows)


PRESETS = {
    "smoke": Preset(
        make_grid({}, {"train_length": 8, "steps": 20, "vocabulary": 300}, ()), **(grids.SMOKE_SIZES | {"heads": 4})
    ),
    "quick": Preset(make_grid({"steps": 600}, QUICK_TEXT), seeds=6, train_length=8, steps=1000, examples=128, **SHARED),
    "standard": Preset(make_grid({}, STANDARD_TEXT), seeds=10, train_length=10, steps=1500, **SHARED),
}


def adapt(preset: Preset) -> Preset:
    """The preset for the requested encoding and its baselines, in one architecture. Raises UserError for an unusable one."""
    name = preset.grid[0].encodings[0]
    options = preset.options if isinstance(preset.options, Options) else Options()
    names = list(dict.fromkeys([name, *preset.grid[0].encodings[1:], "none", *options.against]))
    if len(names) == 1:
        raise UserError("none has no baseline to compare with: name encodings with --against.")
    if faults := suite.list_faults(name, ("shapes and dtypes",)):
        raise UserError(f"encoding {label_encoding(name)!r}: {faults[0].partition(': ')[2]}.")
    kinds = {"causal": "decoder", "bidirectional": "encoder"}
    subjects = card.build_subjects(name).subjects
    architectures = [kinds[one.attention] for one in subjects if one.attention in kinds]
    architecture = min(architectures, key=ARCHITECTURES.index)
    return presets.narrow_grid(preset, encoding_names=names, architectures=(architecture,))


def name_folder(preset: Preset) -> str:
    """The results of each encoding have a folder of their own."""
    label = label_encoding(preset.grid[0].encodings[0])
    return "scorecard-" + "".join(c if c.isalnum() or c in "_-+" else "_" for c in label)


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Properties, scores, costs, and scores at equal cost."""
    name = preset.grid[0].encodings[0]
    with explain_encoding_faults(name):
        rows = measure_properties(work, name)
        groups = group_runs(runs)
        rows += [row for group in groups.values() for row in measurements.measure_runs(work, group, preset)]
        primary = {config.encoding: config for config in groups if config.task == PRIMARY}
        rows += measurements.measure_costs(work, primary, name)
        return rows + measure_at_equal_cost(work, preset, primary, rows)


def measure_properties(work: Workspace, name: str) -> list[TableRow]:
    """The property card of `jaxpe check`. A property that does not hold is a failure of the command."""
    work.reporter.note(f"checking the properties of {label_encoding(name)}")
    subject_set = card.build_subjects(name)
    base: TableRow = {"experiment": "scorecard", "encoding": label_encoding(name)}
    about = suite.describe_encoding(subject_set)
    rows = [
        base | {"metric": "about", "property": name, "measured": value, "value": None} for name, value in about.items()
    ]
    for row in card.measure_rows(subject_set.subjects):
        columns: TableRow = {"metric": "property", "property": row.name, "measured": row.measured}
        rows.append(base | columns | {"fault": row.fault or None, "value": float(not row.fault)})
        if row.fault:
            work.failures.append(f"A property does not hold, {row.name}: {row.fault}")
    return rows


def measure_at_equal_cost(
    work: Workspace, preset: Preset, primary: Mapping[str, Any], rows: list[TableRow]
) -> list[TableRow]:
    """Trains what the comparisons at equal cost need, and scores it."""
    name = preset.grid[0].encodings[0]
    options = preset.options if isinstance(preset.options, Options) else Options()
    rivals = options.rivals or (len(primary) if preset.seeds >= 10 else 1)
    pairs = measurements.pair_at_equal_cost(work, primary, name, rows, rivals)
    runs = {c: work.list_runs(c, preset.list_seeds()) for pair in pairs for c in (pair.new, pair.baseline)}
    needed = [run for group in runs.values() for run in group]
    if announcement := plan.format_announcement(needed, work):
        work.reporter.note(announcement)
    work.train(needed)
    work.diverged_runs += [run for run in needed if work.has_diverged(run)]
    equal = []
    for pair in pairs:
        columns = {"condition": pair.kind, "rival": label_encoding(pair.baseline.encoding), "how": pair.how}
        for config in (pair.new, pair.baseline):
            equal += [row | columns for row in measurements.measure_scores(work, runs[config], preset)]
    return equal


@contextmanager
def explain_encoding_faults(name: str) -> Iterator[None]:
    """Turns an exception from the encoding's own file into a UserError that names the line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        own = name not in encodings.CATALOGUE
        where = findings.locate_error_in_class(error, encodings.ENCODINGS.get_class(name)) if own else ""
        if not where:
            raise
        message = f"{type(error).__name__}: {get_first_line(error)}{where}"
        raise UserError(f"encoding {label_encoding(name)!r}: {message}.") from error


def figures(table: pd.DataFrame) -> dict[str, Figure]:
    """Differences with intervals, and curves by test length."""
    name, baselines = find_encodings(table)
    differences = compute_differences(table, name, baselines)
    return {"differences": draw_differences(differences, baselines), "lengths": draw_lengths(table, name)}


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """None: a scorecard describes."""
    return []


def summary(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """The comparisons, one a row, under a sentence that counts the verdicts."""
    name, baselines = find_encodings(table)
    differences = compute_differences(table, name, baselines)
    rows = []
    for one in differences:
        interval = "–" if one["low"] is None else f"{one['low']:+z.3f} to {one['high']:+z.3f}"
        rows.append(
            {
                "measure": one["measure"],
                "on": format_place(one) + ("" if one["condition"] == PLAIN else f", {one['condition']}"),
                "compared with": one["baseline"],
                "verdict": one["verdict"],
                "difference": sentences.format_signed(one["difference"]),
                "95 % interval": interval,
                "n": str(one["n"]),
            }
        )
    lines = sentences.format_lines(differences, compute_costs(table, name, baselines))
    cost = next(text for title, text in lines if title == "cost")
    return f"{sentences.format_headline(name, baselines, differences)} Cost: {cost}", rows


files = sentences.make_files


if __name__ == "__main__":
    cli.script(__file__)
