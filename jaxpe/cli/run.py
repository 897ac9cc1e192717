"""From options to results: what `jaxpe study` and `jaxpe run` do, apart from parsing."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jaxpe.errors import UserError
from jaxpe.records.statistics import Claim, told

if TYPE_CHECKING:
    from jaxpe.cli.options import Options
    from jaxpe.study.experiment import Experiment
    from jaxpe.study.presets import Preset


def chosen(preset: Preset, options: Options) -> Preset:
    """A preset with the command line's overrides, without the rows whose text was neither fetched nor asked for."""
    from jaxpe.cli import overrides
    from jaxpe.cli.options import words
    from jaxpe.data import cache
    from jaxpe.study import presets

    tasks = words(options.tasks)
    preset = presets.narrow(preset, tasks, words(options.encodings), words(options.architectures))

    def at_hand(row: presets.Row) -> bool:
        needed = "translation" if row.task == "translation" else row.overrides.get("corpus", "kjv")
        asked = row.task in tasks if row.task == "translation" else options.corpus is not None
        return asked or needed not in cache.DOWNLOADS or cache.is_fetched(needed)

    preset = replace(preset, grid=tuple(row for row in preset.grid if at_hand(row)))
    given = {"seeds": options.seeds, "steps": options.steps, "corpus": options.corpus}
    values = {name: value for name, value in given.items() if value is not None}
    assigned = overrides.parse_overrides(words(options.set))
    if twice := [name for name in values if name in assigned]:
        raise UserError(f"{twice[0]} is given more than once: give one value.")
    return presets.override(preset, values | assigned)


def with_options(experiment: Experiment, preset: Preset, options: Options) -> Preset:
    """The preset with what the experiment itself takes."""
    if not (kind := getattr(experiment.module, "OPTIONS", None)):
        return preset
    return replace(preset, options=kind(**{field.name: getattr(options, field.name) for field in fields(kind)}))


def check_tables(names: Sequence[str], options: Options) -> None:
    """Refuses --table, --model and --name where no experiment looks at them (one of the user's own may)."""
    given = {"--table": options.table, "--model": options.model, "--name": options.name}
    asked = [word for word, value in given.items() if value]
    if asked and not any(name == "pretrained" or name.endswith(".py") for name in names):
        raise UserError(
            f"{' and '.join(asked)} can be given to `jaxpe run pretrained` only: {names[0]} has no use for it."
        )
    if options.name is not None and not options.name.strip():
        raise UserError("--name is empty: give a name, or leave it out.")
    if options.name and not (options.table or options.model):
        raise UserError("--name says what a table is called: give --table or --model with it.")


def run(names: Sequence[str], options: Options) -> int:
    """Runs experiments one after the other into one results folder. Returns the exit code."""
    check_tables(names, options)
    from jaxpe.devices import prepare

    prepare(options.devices)
    from jaxpe.cli.options import typed
    from jaxpe.records import store
    from jaxpe.report import index
    from jaxpe.report.redraw import redraw
    from jaxpe.study import experiment, plan, progress, workspace

    loaded = [experiment.load(name) for name in names]
    pairs = [(one, with_options(one, chosen(one.preset(options.preset), options), options)) for one in loaded]
    with progress.Terminal(options.quiet) as terminal:
        work = plan.ProgressWorkspace(store.open_results(options.results, write=not options.dry_run), terminal)
        planned = [(one, experiment.plan(one, preset, work)) for one, preset in pairs]
        wanted = {one.name: ours.everything(work) for one, ours in planned}
        if options.dry_run:
            plan_of_all = plan.planned(wanted, work)
            print(json.dumps(plan_of_all, indent=1) if options.json else plan.summary(plan_of_all))
            return 0
        if line := plan.announced(plan.together(wanted.values()), work):
            terminal.note(line)
        for one, ours in planned:
            terminal.end()
            terminal.note(f"{one.name}: {one.question}")
            experiment.run(one, ours, work, typed())
            redraw(one, options.results / one.name)
    page = index.write(options.results)
    failed = sorted({workspace.describe(run.config) + f", seed {run.seed}" for run in work.failed})
    claims = {one.name: store.read_claims(options.results / one.name) for one in loaded}
    summaries = {
        one.name: found for one in loaded if (found := store.read_json(options.results / one.name / "summary.json", {}))
    }
    if options.json:
        found = {"page": page.as_posix(), "claims": claims, "summaries": summaries, "failed": failed}
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        if len(loaded) == 1:
            print("\n".join(plain_table(**found) for found in summaries.values()))
        for claim in [claim for made in claims.values() for claim in made if "." not in claim["id"]]:
            print(f"{claim['id']} {claim['verdict']}: {told(Claim(**claim))}")
        print(f"The report is {page}\nFigures are in {options.results}/NAME/figures")
    if failed:
        print("Trainings that diverged, counted as failures: " + "; ".join(failed), file=sys.stderr)
    return 3 if failed else 0


def plain_table(title: str, columns: list[str], rows: list[list[str]]) -> str:
    """A summary as lines of text."""
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) for row in [columns, *rows]]
    return "\n".join(line.rstrip() for line in [title, *lines, ""])


def plot(names: Sequence[str], results: Path, medium: str = "web") -> int:
    """Claims, figures (also for print or slides) and the page again from the tables of a results folder."""
    from jaxpe.report import index
    from jaxpe.report.redraw import redraw
    from jaxpe.study import experiment

    found = tables_in(results)
    for name in names or found:
        redraw(experiment.load(name), results / Path(name).stem, medium)
    print(f"The report is {index.write(results)}")
    if medium != "web":
        print(f"Figures for {medium} are in {results}/NAME/figures/{medium}")
    return 0


def report(results: Path, language: str) -> int:
    """The page again from what a results folder holds."""
    from jaxpe.report import index

    tables_in(results)
    print(f"The report is {index.write(results, language)}")
    return 0


def tables_in(results: Path) -> list[str]:
    """The experiments that a results folder has tables of. Raises UserError where there are none."""
    from jaxpe.records import store

    store.open_results(results, write=False)
    found = [path.parent.name for path in sorted(results.glob("*/table.csv"))]
    if not found:
        raise UserError(f"There is no table in {results}: run `jaxpe study --results {results}` first.")
    return found
