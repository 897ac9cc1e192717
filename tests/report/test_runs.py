"""Runs as the tables tell them apart, and what was planned and is not there."""

import pandas as pd
import pytest
from page_folders import PROVENANCE, make_scores
from results_folders import PROVENANCE as PLANNED
from support import ROOT

from jaxpe.records.csv_tables import read_table
from jaxpe.records.provenance import read_provenance
from jaxpe.report.runs import COLUMNS, complete_commands, list_runs
from jaxpe.report.tables import find_own


def list_about(table, provenance=PROVENANCE):
    return [dict(zip(COLUMNS, row, strict=True)) for row in list_runs("mine", table, provenance).rows]


@pytest.mark.parametrize("name", ["accuracy", "catalogue", "extrapolation", "randomized", "reproduction", "tour"])
def test_every_run_that_was_counted_is_listed(name):
    folder = ROOT / "results" / "standard" / name
    runs = list_runs(name, read_table(folder / "table.csv"), read_provenance(folder))
    assert len(runs.rows) == runs.counted and not runs.absent


def test_a_run_has_its_configuration_its_steps_and_whether_it_diverged():
    rows = [row | ({"diverged": True} if row["seed"] == 1 else {}) for row in make_scores(width=32)]
    rows += make_scores(width=64)
    runs = list_about(pd.DataFrame(rows), PLANNED | {"runs": 24})
    assert len(runs) == 24 and {run["configuration"] for run in runs} == {"width 32", "width 64"}
    assert [run["seed"] for run in runs if run["diverged"] == "yes"] == ["1", "1"]
    assert {run["steps"] for run in runs} == {"800"}


def test_what_was_planned_and_has_no_row_is_named():
    runs = list_runs("mine", pd.DataFrame(make_scores(("none",))), PLANNED | {"runs": 6})
    assert runs.absent == ["reverse, encoder, learned", "count, encoder, none"]


@pytest.mark.parametrize(
    ("note", "commands"),
    [
        (
            "Not run: fetch its data with `jaxpe fetch translation`, then run with `--tasks translation`.",
            ["jaxpe fetch translation", "jaxpe run accuracy --preset quick --tasks translation"],
        ),
        ("Not run: `jaxpe fetch photographs`.", ["jaxpe fetch photographs", "jaxpe run accuracy --preset quick"]),
        ("Not run.", ["jaxpe run accuracy --preset quick"]),
    ],
)
def test_what_was_not_run_has_complete_commands(note, commands):
    claim = {"experiment": "accuracy", "note": note}
    assert complete_commands(claim, "jaxpe run accuracy --preset quick --tasks count") == commands


def test_without_a_command_the_preset_is_standard():
    assert complete_commands({"experiment": "mine", "note": ""}, "–") == ["jaxpe run mine --preset standard"]


def test_what_is_the_users_own_is_found():
    grid = [{"task": "count", "encodings": ["none", "path/to/file.py:Mine"]}]
    own = {"accuracy": {"preset": {"grid": grid}}}
    assert find_own({"harm": {}} | own) == {"experiment": "accuracy", "task": "count", "encoding": "Mine"}
    assert find_own(own | {"mine": {}}) == {"experiment": "mine"}
    assert find_own({"accuracy": {}, "harm": {}}) == {"experiment": ""}
