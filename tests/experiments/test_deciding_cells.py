"""Which cell decides a claim: for every claim of the experiments that are described in `deciding_cells.json`.

The cells are found by changing values of the table and judging again, whatever the code of the experiment says.
"""

import json

import deciding_cells
import numpy as np
import pandas as pd
import pytest
from deciding_cells import (
    CELL,
    COMMAND,
    COMMITTED,
    Judge,
    few_resamples,
    find_deciding_cells,
    format_value,
    list_tables,
)  # fmt: skip

from jaxpe.records.csv_tables import read_table
from jaxpe.study.experiment import load_experiment

CELLS = json.loads(COMMITTED.read_text(encoding="utf-8"))
EACH = list(CELLS)


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_claims_are_decided_by_the_committed_cells(name):
    """If the change is meant, write the description again, and review its diff."""
    decided = find_deciding_cells(name, read_table(list_tables()[name]))
    assert decided == CELLS[name], f"{COMMAND} {name}"
    results = load_experiment(name).module.claims(read_table(list_tables()[name]))
    assert {result.id for result in results if result.estimate} == {
        claim for claim in decided if decided[claim]["cells"]
    }


@pytest.mark.parametrize("name", EACH)
def test_every_claim_is_declared_and_its_primary_cell_is_named(name):
    module = load_experiment(name).module
    declared = {claim.id.partition("{")[0] for claim in module.CLAIMS}
    for claim in CELLS[name]:
        assert any(claim.startswith(prefix) for prefix in declared), claim
    assert all(claim.cell for claim in module.CLAIMS if claim.headline)


def drop_seed(table, seed, cell=None):
    """The table without the rows of a seed, in one cell or everywhere."""
    rows = table["seed"] == seed
    if cell is not None:
        names = table[CELL].map(format_value).agg(" ".join, axis=1)
        rows &= names == cell
    return table[~rows]


UNPAIRED = ("C11",)  # ranks of means, over the seeds that all encodings have


@pytest.mark.parametrize("name", EACH)
def test_a_seed_that_one_side_lacks_counts_on_neither(name):
    """Claims over paired seeds: a seed missing in one deciding cell has the same effect and n as one missing everywhere."""
    table = read_table(list_tables()[name])
    module = load_experiment(name).module
    paired = {claim: list(entry["cells"]) for claim, entry in CELLS[name].items() if len(entry["cells"]) == 2}
    with few_resamples():
        whole = {result.id: result for result in module.claims(table)}
        nowhere = {result.id: result for result in module.claims(drop_seed(table, 1))}
        for cell in dict.fromkeys(cells[1] for cells in paired.values()):
            for result in module.claims(drop_seed(table, 1, cell)):
                if cell in paired.get(result.id, ()) and not result.id.startswith(UNPAIRED):
                    expected = nowhere[result.id]
                    assert (result.value, result.n) == (pytest.approx(expected.value), expected.n), (result.id, cell)
                    assert expected.n < whole[result.id].n


# ── the search itself ───────────────────────────────────────────────────────────────────────────────────────────────


class Difference:
    """An experiment with one claim: accuracy of `a` minus `b` on `index` at length 8."""

    def __init__(self, length=8, closed=True):
        self.length, self.closed = length, closed

    def claims(self, table):
        from jaxpe.records.claims import Claim
        from jaxpe.records.statistics import estimate_difference, judge_direction
        from jaxpe.study.tables import pair_seeds

        part = table[(table["task"] == "index") & (table["test_length"] == self.length)]
        part = part[part["architecture"] == "encoder"] if self.closed else part
        estimate = estimate_difference(*pair_seeds(part, {"encoding": "a"}, {"encoding": "b"}))
        return [Claim("C", "s", "u").make_result(judge_direction(estimate), estimate)]


@pytest.fixture
def table():
    generator = np.random.default_rng(0)
    rows = [
        {"task": task, "architecture": "encoder", "encoding": encoding, "positions": "arange", "test_positions": None, "metric": metric,
         "test_length": length, "seed": seed, "value": generator.random()}
        for task in ("index", "count") for encoding in ("a", "b", "c") for metric in ("m",)
        for length in (8, 16) for seed in range(6)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("experiment", "length", "opened"),
    [(Difference(), "8", ["positions"]), (Difference(length=16), "16", ["positions"]),
     (Difference(closed=False), "8", ["architecture", "positions"])],
)  # fmt: skip
def test_the_search_finds_cells_signs_lengths_and_what_is_left_open(table, monkeypatch, experiment, length, opened):
    loaded = type("Loaded", (), {"module": experiment})
    monkeypatch.setattr(deciding_cells, "load_experiment", lambda name: loaded)
    entry = find_deciding_cells("small", table)["C"]
    assert entry == {
        "cells": {"index encoder a arange": "+", "index encoder b arange": "-"},
        "test_length": [length],
        "open": opened,
    }
    assert Judge("small", table).find_changes(np.zeros(len(table), bool)) == {}
