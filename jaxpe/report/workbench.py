"""The workbench: every number, claim, run and figure of a results folder, to compare and to take away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from jaxpe.records.provenance import read_provenance
from jaxpe.records.statistics import EXPLORATORY
from jaxpe.report.claims import list_headlines, read_all_claims
from jaxpe.report.figures import describe_figure
from jaxpe.report.messages import Messages
from jaxpe.report.questions import list_questions
from jaxpe.report.runs import COLUMNS, NOT_RUN, complete_commands, list_runs
from jaxpe.report.sections import list_missing, read_section
from jaxpe.report.styles import describe_styles
from jaxpe.report.tables import find_own, list_encodings, list_line_names, pack_tables, pack_text, read_tables

PARTS = ("find", "compare", "numbers", "claims", "figures", "runs", "again")
NAMES = "names"  # the messages with the names of columns, measures and their values
# What a reader may look for, by the measures that hold it.
KINDS = {
    "learning": ("loss",),
    "attention": ("head_map", "attention_by_distance", "attention_by_key"),
    "tables": ("similarity", "code", "similarity_by_lag_raw", "spectrum"),
}


def collect(results: Path, folders: list[Path], messages: Messages) -> dict[str, Any]:
    """What the page shows of the experiments in these folders."""
    claims = read_all_claims(folders)
    sections = [read_section(folder, claims) for folder in folders]
    drawings = {drawing.key: drawing for section in sections for drawing in section.figures}
    headlines = list_headlines(claims)
    tables = read_tables(folders)
    commands = {section.name: section.provenance["command"] for section in sections}
    empty = [entry for entry in claims.values() if not entry["n"]]
    runs = {section.name: list_runs(section.name, tables[section.name], section.provenance) for section in sections}
    return {
        "data": {
            "styles": describe_styles(list_line_names(tables)),
            "figures": {key: drawing.packed for key, drawing in drawings.items()},
            "tables": pack_tables(folders),
            "encodings": list_encodings(tables),
            "exploratory": EXPLORATORY,
            "own": find_own({folder.name: read_provenance(folder) for folder in folders}),
            "names": messages.files[NAMES],
            "runs": pack_text(json.dumps([row for one in runs.values() for row in one.rows], ensure_ascii=False)),
            "run_columns": COLUMNS,
        },
        "exploratory": EXPLORATORY,
        "headlines": headlines,
        "drawings": drawings,
        "figures": {key: describe_figure(one, claims.values(), messages) for key, one in drawings.items()},
        "questions": list_questions(sections, headlines, claims, drawings),
        "kinds": find_kinds(tables),
        "runs": runs,
        "rows": sum(len(table) for table in tables.values()),
        "not_run": [
            {"claim": entry, "commands": complete_commands(entry, commands[entry["experiment"]])}
            for entry in empty
            if entry["note"].startswith(NOT_RUN)
        ],
        "not_measured": [entry for entry in empty if not entry["note"].startswith(NOT_RUN)],
        "missing": list_missing(results),
        "sections": sections,
    }


def find_kinds(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[tuple[str, str]]]:
    """Where the tables hold each of `KINDS`, as experiments and measures."""
    return {
        kind: [
            (name, metric) for name, table in tables.items() for metric in metrics if (table["metric"] == metric).any()
        ]
        for kind, metrics in KINDS.items()
    }
