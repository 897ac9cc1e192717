"""`jaxpe table`: a table for a paper from a stored table of results. Nothing is trained."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from jaxpe.cli.options import TableOptions
from jaxpe.encodings import replace_alias
from jaxpe.errors import UnknownName, UserError
from jaxpe.records.files import write_text
from jaxpe.records.results import check_output
from jaxpe.report.edits import explain_faults
from jaxpe.report.paper_tables import format_paper_table, make_paper_table
from jaxpe.report.selection import Choice, select_results
from jaxpe.report.sides import StoredExperiment, read_experiments


def print_table(results: Path, experiment: str, options: TableOptions) -> int:
    """Prints the table, or writes it to a file."""
    check_output(options.output)
    name, stored = choose_experiment(results, experiment)
    choice = Choice(
        options.metric,
        options.tasks,
        [replace_alias(encoding) for encoding in options.encodings],
        options.architectures,
        options.lengths,
        options.columns,
        parse_conditions(options.where),
    )
    with explain_faults(stored.edits, f"No table can be made of {name} in {results}"):
        selected = select_results(stored.table, choice, name)
        text = format_paper_table(make_paper_table(selected, name, stored.provenance), options.format)
    for edit in stored.edits:
        print(edit.sentence, file=sys.stderr)
    if options.output is None:
        print(text, end="")
    else:
        write_text(options.output, text)
        print(f"The table is {options.output}", file=sys.stderr)
    return 0


def choose_experiment(results: Path, name: str) -> tuple[str, StoredExperiment]:
    """An experiment of a results folder, or of its own folder. Raises UserError where it is not there or one must be named."""
    experiments, _ = read_experiments(results, "")
    if name and name not in experiments:
        raise UnknownName("experiment", name, experiments)
    if not name and len(experiments) > 1:
        raise UserError(f"{results} holds several experiments: name one of {', '.join(experiments)}.")
    name = name or next(iter(experiments))
    return name, experiments[name]


def parse_conditions(words: Sequence[str]) -> dict[str, str]:
    """['variant=plain'] -> {'variant': 'plain'}. Raises UserError for another form, and for a column that is named twice."""
    conditions = dict[str, str]()
    for word in words:
        column, equals, value = word.partition("=")
        if not equals or column in conditions:
            raise UserError(f"--where takes COLUMN=VALUE, each column once, got {word!r}.")
        conditions[column] = value
    return conditions
