"""The training runs behind a results folder: what the tables tell of each, and what was planned and is not in a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from jaxpe.plugins.registry import ANY, label_name
from jaxpe.records.csv_tables import DIVERGED, RUN_COLUMNS
from jaxpe.study.tables import CONFIG_COLUMNS

# Columns that tell runs apart besides `RUN_COLUMNS`. A table may leave `width` empty in rows of some runs.
CONFIGURATION = (
    "width", "layers", "heads", "corpus", "starts", "position_factor", "token_factor", "initial_std", "learning_rate",
)  # fmt: skip
COLUMNS = ("experiment", *RUN_COLUMNS, "steps", "diverged", "configuration")
COMMAND = re.compile(r"`([^`]+)`")  # in a note
PRESET = re.compile(r"--preset (\S+)")
NOT_RUN = "Not run"  # how the note of a claim begins that lacks its runs


class Runs(NamedTuple):
    """The runs of an experiment. `rows`: entries of `COLUMNS`. `absent`: planned, but without a row in the table, in words."""

    rows: list[list[str]]
    counted: int  # by provenance
    absent: list[str]


def list_runs(experiment: str, table: pd.DataFrame, provenance: Mapping[str, Any]) -> Runs:
    """The runs of an experiment, told apart by the columns of its table."""
    preset = provenance.get("preset", {})
    if not provenance["runs"]:
        return Runs([], 0, [])
    rows = table[table["seed"].notna() & table["train_length"].notna() & table["architecture"].notna()]
    rows = rows[~rows["encoding"].str.startswith("control:") & (rows["encoding"] != ANY)]
    names = [name for name in CONFIGURATION if name in rows and rows[name].notna().any()]
    if "width" in names and rows["width"].isna().any():
        names.remove("width")
    diverged = [DIVERGED] if DIVERGED in rows else []
    columns = [*RUN_COLUMNS, *names, *diverged]
    steps = index_steps(preset)
    runs = []
    for entries in rows[columns].drop_duplicates([*RUN_COLUMNS, *names]).itertuples(index=False, name=None):
        about = dict(zip(columns, entries, strict=True))
        place = tuple(about[name] for name in CONFIG_COLUMNS)
        configuration = ", ".join(f"{name} {format_entry(about[name])}" for name in names if pd.notna(about[name]))
        runs.append(
            [
                experiment,
                *(format_entry(about[name]) for name in RUN_COLUMNS),
                " / ".join(f"{count}" for count in sorted(steps.get(place, {preset.get("steps", 0)}))),
                "yes" if str(about.get(DIVERGED)) == "True" else "no",
                configuration,
            ]
        )
    measured = {tuple(row[1 : 1 + len(CONFIG_COLUMNS)]) for row in runs}
    absent = [", ".join(part for part in place if part != "arange") for place in steps if place not in measured]
    return Runs(runs, provenance["runs"], absent)


def index_steps(preset: Mapping[str, Any]) -> dict[tuple[str, ...], set[int]]:
    """The planned training steps by task, architecture, encoding and positions."""
    steps: dict[tuple[str, ...], set[int]] = {}
    for row in preset.get("grid", []):
        for architecture in row["architectures"]:
            for encoding in row["encodings"]:
                for positions in row["positions"]:
                    place = (label_name(row["task"]), architecture, label_name(encoding), positions)
                    steps.setdefault(place, set()).add(row["overrides"].get("steps", preset["steps"]))
    return steps


def format_entry(value: Any) -> str:
    """An entry of a table as text; '' where it is missing, and no '.0' in whole numbers."""
    if pd.isna(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def complete_commands(claim: Mapping[str, Any], command: str) -> list[str]:
    """The commands with which a claim that was not run is run, from its note and the command of its experiment.

    A note that names only options or only data is completed: `jaxpe fetch translation`, `--tasks translation` becomes
    'jaxpe fetch translation' and 'jaxpe run accuracy --preset standard --tasks translation'.
    """
    preset = PRESET.search(command)
    run = f"jaxpe run {claim['experiment']} --preset {preset[1] if preset else 'standard'}"
    named = COMMAND.findall(claim["note"])
    commands = [f"{run} {one}" if one.startswith("--") else one for one in named if one.startswith(("--", "jaxpe "))]
    return commands if any(one.startswith("jaxpe run ") for one in commands) else [*commands, run]
