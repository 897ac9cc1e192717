"""Pages of a run of some of an experiment's tasks, architectures or encodings: its table lacks rows and whole columns."""

import pytest
from support import ROOT

from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.records.json_values import write_json
from jaxpe.records.provenance import UNSEALED, read_provenance
from jaxpe.records.results import open_results
from jaxpe.report.page import write_pages
from jaxpe.study.experiment import STUDY

STANDARD = ROOT / "results" / "standard"
FAST = "structure"  # the experiment whose tasks have the fewest columns in common


def cut_tables(table):
    """The first and the last part of a table by each choice that the command line has, without the columns that are empty."""
    for choice in ("task", "architecture", "encoding"):
        values = list(dict.fromkeys(table[choice].dropna()))
        for value in dict.fromkeys((values[0], values[-1])) if len(values) > 1 else ():
            yield f"{choice} {value}", table[table[choice] == value].dropna(axis="columns", how="all")


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name == FAST else pytest.mark.slow) for name in STUDY])
def test_a_part_of_an_experiment_has_both_pages(tmp_path, name):
    table = read_table(STANDARD / name / "table.csv")
    facts = {key: value for key, value in read_provenance(STANDARD / name).items() if key not in UNSEALED}
    for what, part in cut_tables(table):
        folder = tmp_path / what
        open_results(folder)
        write_table(folder / name / "table.csv", part.to_dict("records"))
        write_json(folder / name / "claims.json", [])
        write_json(folder / name / "provenance.json", facts)
        write_pages(folder)  # raises what it cannot read
