"""`jaxpe study` and `jaxpe run`: from options to results."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jaxpe import devices
from jaxpe.cli.columns import format_columns
from jaxpe.cli.options import EncodingName, RunOptions, TaskName, format_command
from jaxpe.cli.overrides import parse_overrides, parse_seeds
from jaxpe.cli.plot import print_notes
from jaxpe.data import cache
from jaxpe.data.language import OBJECTIVES
from jaxpe.encodings import ENCODINGS
from jaxpe.errors import UserError
from jaxpe.plugins.files import freeze_code
from jaxpe.records.claims import format_entry_effect, read_claims
from jaxpe.records.csv_tables import read_table
from jaxpe.records.json_values import read_json, to_json_value
from jaxpe.records.provenance import TABLE
from jaxpe.records.results import open_results
from jaxpe.records.stored_files import exists
from jaxpe.report.means import list_means
from jaxpe.report.page import write_pages
from jaxpe.report.redraw import redraw
from jaxpe.study import plan, presets
from jaxpe.study.evaluators import describe_config
from jaxpe.study.experiment import Experiment, TrainingPlan, load_experiment, plan_experiment, run_experiment
from jaxpe.study.origins import check_folder
from jaxpe.study.preset_checks import override
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.progress import ProgressWorkspace, Terminal
from jaxpe.study.workspace import Workspace
from jaxpe.tasks import TASKS

# Fields that only language tasks use.
TEXT_FIELDS = ("corpus", "text_column", "tokenizer", "vocabulary", "starts")
# Options that set the field of a preset with their name.
FIELD_OPTIONS = ("steps", "corpus", "text_column", "tokenizer")


def run_experiments(names: Sequence[str], options: RunOptions, own_options: object | None = None) -> int:
    """Runs experiments one after the other into one results folder. Returns the exit code.

    `own_options` are those of the one experiment; without them, every experiment takes its defaults.
    """
    if not options.dry_run and (options.machines != 1 or options.gpu is not None):
        raise UserError("--machines and --gpu plan and train nothing: give them with --dry-run.")
    devices.prepare_jax(options.devices)
    options = replace(
        options,
        encodings=tuple(EncodingName(ENCODINGS.replace_alias(name)) for name in options.encodings),
        tasks=tuple(TaskName(TASKS.replace_alias(name)) for name in options.tasks),
    )
    with freeze_code():
        return run_frozen([load_experiment(name) for name in names], options, own_options)


def run_frozen(experiments: Sequence[Experiment], options: RunOptions, own_options: object | None) -> int:
    """The same for loaded experiments, while code is frozen."""
    adapted = [choose_preset(experiment, options, own_options) for experiment in experiments]
    with Terminal(options.quiet) as terminal:
        work = ProgressWorkspace(open_results(options.results, write=False), terminal, options.log_to)
        plans = [plan_experiment(*pair, work) for pair in zip(experiments, adapted, strict=True)]
        for one, planned in zip(experiments, plans, strict=True):
            check_folder(one.name, one.origin, options.results, planned.folder)
        stages = {one.name: planned.list_stages(work) for one, planned in zip(experiments, plans, strict=True)}
        if options.dry_run:
            description = plan.describe_plan(stages, work, plan.choose_machines(work, options.machines, options.gpu))
            print(json.dumps(description, indent=1) if options.json else plan.format_plan(description))
            return 0
        open_results(options.results)  # makes the folder: all input was checked
        if options.engine == "ray":
            from jaxpe.study.ray_engine import RayEngine

            work.engine = RayEngine(options.ray_address)
        all_runs = plan.merge_runs(runs for of_one in stages.values() for runs in of_one)
        if announcement := plan.format_announcement(all_runs, work):
            terminal.note(announcement)
        parts = list(zip(experiments, plans, strict=True))
        with work.expecting(all_runs):
            for experiment, planned in [*list_first_look(parts, work), *parts]:
                terminal.end()
                terminal.note(f"{experiment.name}: {experiment.question}")
                run_experiment(experiment, planned, work, format_command())
                redraw(experiment, options.results / planned.folder)
                page = write_pages(options.results)
                for gap in list_gaps(experiment, options.results / planned.folder):
                    terminal.note(gap)
                if planned not in plans:
                    terminal.note(format_first_look(options.results / planned.folder, page))
    print_notes(options.results)
    diverged = list_diverged(work)
    print_results(options, [planned.folder for planned in plans], page, diverged)
    if diverged:
        print("Trainings that diverged, counted as failures: " + "; ".join(diverged), file=sys.stderr)
    for failure in work.failures:
        print(failure, file=sys.stderr)
    return 3 if diverged or work.failures else 0


def list_first_look(
    parts: Sequence[tuple[Experiment, TrainingPlan]], work: Workspace
) -> list[tuple[Experiment, TrainingPlan]]:
    """The first row of the first of several experiments, as a part of its own, where any of its runs is missing.

    A study takes many minutes: with this row there is something to see after the first one or two.
    """
    experiment, planned = parts[0]
    if len(parts) == 1 or len(planned.preset.grid) < 2 or exists(work.results.folder / planned.folder / TABLE):
        return []
    first = plan_experiment(experiment, replace(planned.preset, grid=planned.preset.grid[:1]), work)
    return [(experiment, first)] if work.select_missing(first.runs) else []


def list_gaps(experiment: Experiment, folder: Path) -> list[str]:
    """What an experiment of the user's own declares and does not give: claims that are not judged, figures that are not drawn."""
    if experiment.origin is None:
        return []
    judged = {claim["id"] for claim in read_claims(folder)}
    drawn = {path.stem for path in (folder / "figures").glob("*.svg")}
    declared = [claim for claim in experiment.module.CLAIMS if "{" not in claim.id]
    gaps = [
        f"{claim.id} was not judged: `claims` gave no result for it." for claim in declared if claim.id not in judged
    ]
    return gaps + [
        f"{claim.id} names the figure {claim.figure!r}, which `figures` did not draw."
        for claim in declared
        if claim.figure and claim.figure not in drawn
    ]


def format_first_look(folder: Path, page: Path) -> str:
    """What is printed of the first row, and where it can be seen while the rest is trained."""
    stored = read_json(folder / "summary.json", {})
    shown = f"{format_summary(**stored)}\n" if stored else ""
    return f"{shown}Figures are in {folder}/figures. {page} has them, and grows with every experiment."


# ── the preset ──────────────────────────────────────────────────────────────────────────────────────────────────────


def choose_preset(experiment: Experiment, options: RunOptions, own_options: object | None) -> Preset:
    """The preset with the command line's overrides and the experiment's own options."""
    preset = presets.narrow_grid(
        experiment.get_preset(options.preset),
        options.tasks,
        options.encodings,
        options.architectures,
        options.positions,
    )
    if left_out := presets.list_left_out(preset.grid, options.encodings):
        print(f"Left out, for causal attention only: {', '.join(left_out)}.", file=sys.stderr)
    preset = replace(preset, grid=tuple(row for row in preset.grid if has_text(row, options)))
    values = parse_overrides(options.set)
    typed: dict[str, object] = {name: getattr(options, name) for name in FIELD_OPTIONS}
    typed |= {} if options.seeds is None else parse_seeds(options.seeds)
    for name, value in typed.items():
        if value is not None and name in values:
            option = "--seeds" if name == "first_seed" else f"--{name.replace('_', '-')}"
            raise UserError(f"{name} is given more than once: give either {option} or --set {name}=….")
        if value is not None:
            values[name] = value
    if unused := list_unused(experiment, preset, options, values):
        print(f"{experiment.name} has no use for {', '.join(unused)}: nothing changes.", file=sys.stderr)
    default_options = getattr(experiment.module, "OPTIONS", lambda: None)
    return replace(override(preset, values), options=own_options or default_options())


def list_unused(experiment: Experiment, preset: Preset, options: RunOptions, values: Mapping[str, object]) -> list[str]:
    """What was typed and changes nothing: 'tasks', 'steps' in an experiment without a grid, 'corpus' where no task has a text."""
    if preset.grid:
        has_texts = any(row.task in OBJECTIVES for row in preset.grid)
        return [] if has_texts else [name for name in values if name in TEXT_FIELDS]
    names = [name for name in ("tasks", "encodings", "architectures", "positions") if getattr(options, name)]
    return [name for name in (*names, *values) if name not in getattr(experiment.module, "PRESET_FIELDS", ())]


def has_text(row: GridRow, options: RunOptions) -> bool:
    """Whether the text of a row is in the cache, needs no download, or was asked for by name."""
    if row.task == "translation":
        corpus, named = "translation", row.task in options.tasks
    else:
        corpus, named = str(row.overrides.get("corpus", "kjv")), options.corpus is not None
    return named or corpus not in cache.DOWNLOADS or cache.is_fetched(corpus)


# ── what is printed ─────────────────────────────────────────────────────────────────────────────────────────────────


def list_diverged(work: Workspace) -> list[str]:
    """'reverse, encoder, learned, seed 0' for every training that diverged."""
    return sorted({f"{describe_config(run.config)}, seed {run.seed}" for run in work.diverged_runs})


def print_results(options: RunOptions, names: Sequence[str], page: Path, diverged: Sequence[str]) -> None:
    """Prints claims, and of one experiment its summary; everything as JSON where that was asked for."""
    claims = {name: read_claims(options.results / name) for name in names}
    stored: dict[str, dict[str, Any]] = {name: read_json(options.results / name / "summary.json", {}) for name in names}
    summaries = {name: summary for name, summary in stored.items() if summary}
    if options.json:
        means = {name: list_means(read_table(options.results / name / TABLE)) for name in names}
        results = {
            "page": page.as_posix(),
            "claims": claims,
            "summaries": summaries,
            "means": means,
            "diverged": diverged,
        }
        print(json.dumps(to_json_value(results), indent=1, ensure_ascii=False))
        return
    if len(names) == 1:
        print("\n".join(format_summary(**summary) for summary in summaries.values()))
    for claim in [claim for of_experiment in claims.values() for claim in of_experiment if "." not in claim["id"]]:
        print(f"{claim['id']} {claim['verdict']}: {format_entry_effect(claim)}")
    folders = "{" + ",".join(names) + "}" if len(names) > 1 else names[0]
    print(f"The report is {page}\nFigures are in {options.results}/{folders}/figures")


def format_summary(title: str, columns: list[str], rows: list[list[str]]) -> str:
    """A summary as lines of text, in columns."""
    lines = [columns, *([str(entry) for entry in row] for row in rows)]
    return f"{title}\n{format_columns(lines)}\n"
