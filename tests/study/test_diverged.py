"""Rows of diverged trainings are marked, those of their neighbours are not."""

from dataclasses import replace

import pytest
from small_runs import CONFIG

from jaxpe.study.diverged import mark_diverged
from jaxpe.study.tables import make_base_row
from jaxpe.study.workspace import Run

LOST = Run(replace(CONFIG, scales=(0.6, 0.8)), 2, "id")
ROW = make_base_row("mine", LOST.config, 2, 8) | {"metric": "token_accuracy", "value": 0.1}
SCALED = ROW | {"token_factor": 0.6, "position_factor": 0.8, "width": 16, "steps": 40}


def is_marked(row, runs=(LOST,)):
    [marked] = mark_diverged([row], runs)
    assert marked == row | marked
    return "diverged" in marked


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"test_length": 64, "test_positions": "offset", "metric": "exact_match"},
        {"seed": None},
        {"learning_rate": None},
        {"experiment": "another"},
        {"train_length": float(CONFIG.train_length)},
    ],
)
def test_every_row_of_the_run_is_marked(columns):
    """A mean over seeds too, and a row that does not say at which rate."""
    assert is_marked(ROW | columns) and is_marked(SCALED | columns)


@pytest.mark.parametrize(
    "columns",
    [
        {"task": "copy"}, {"architecture": "decoder"}, {"encoding": "none"}, {"positions": "offset"}, {"seed": 3},
        {"train_length": 9}, {"learning_rate": 1e-2}, {"width": 32}, {"steps": 80}, {"token_factor": 0.8}, {"position_factor": 1.0},
        {"layers": 2}, {"encoding": "any"},
    ],
)  # fmt: skip
def test_no_row_of_another_run_is_marked(columns):
    assert not is_marked(SCALED | columns)


def test_without_a_diverged_run_nothing_is_marked():
    assert mark_diverged([ROW, SCALED], []) == [ROW, SCALED]
    assert not is_marked({"metric": "property", "encoding": "learned"})
