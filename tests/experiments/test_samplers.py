"""Every experiment tests a model at the positions it was trained with, or its table says where else.

The grids of `standard` are measured without any model: scores count the calls, so that a row shows which call it is from.
"""

import ast
from dataclasses import replace

import numpy as np
import pytest

from jaxpe.data.language import OBJECTIVES
from jaxpe.study import experiment, run_configs, tables
from jaxpe.study.run_configs import expand_grid
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.workspace import Run
from jaxpe.training.scores import Scores

TESTING = (
    "accuracy",
    "extrapolation",
    "catalogue",
    "randomized",
    "reproduction",
    "harm",
    "tour",
)  # call measure_scores
WHOLE = 1e6  # answers of a test
LEFT_OUT = {"accuracy": ["measure_overlap"], "harm": ["measure_run"], "tour": ["measure_code"]}  # what needs models


class Recorder:
    """A workspace without models, which remembers what is tested and how."""

    def __init__(self):
        self.calls, self.sources, self.results = [], {}, self

    def open_source(self, config):
        return run_configs.open_source(config, self.sources)

    def read_record(self, run_id):
        return {"history": {"step": [1], "token_accuracy": [1.0], "loss": [0.0]}}

    def measure_scores(self, runs, lengths, examples, evaluation=EvaluationConfig(), padding=0.0):  # noqa: B008
        number, none = float(len(self.calls)), np.zeros(1)
        self.calls.append((runs[0].config, evaluation))
        scores = Scores(WHOLE, WHOLE, number, number, number, number, WHOLE, none + 1, none, none, none)
        return {(run.seed, length): scores for run in runs for length in lengths}


@pytest.fixture
def measure(monkeypatch):
    """Measures a grid of an experiment: what was tested, and the rows of scores with the number of their call."""

    def measure(name, preset="standard"):
        module, work = experiment.load_experiment(name).module, Recorder()
        for part in LEFT_OUT.get(name, []):
            monkeypatch.setattr(module, part, lambda *arguments: [])
        monkeypatch.setattr(tables, "compute_baselines", lambda *arguments: {})
        if name == "catalogue":
            monkeypatch.setattr(module, "measure_untrained_share", lambda *arguments: None)
        size = module.PRESETS[preset]
        configs = [config for config in expand_grid(no_text(size), work.sources) if config.scales is None]
        rows = module.measure(work, [Run(config, 0, "id") for config in configs], size)
        scored = [row for row in rows if row["metric"] == "token_accuracy"]
        return work.calls, [(row, round(row["value"] * WHOLE)) for row in scored]

    return measure


def no_text(preset):
    return replace(preset, grid=tuple(row for row in preset.grid if row.task not in OBJECTIVES))


@pytest.mark.parametrize("name", TESTING)
def test_the_table_names_the_positions_of_every_test(measure, name):
    calls, rows = measure(name)
    assert rows
    for row, number in rows:
        config, evaluation = calls[number]
        expected = f"shifted by {evaluation.shift}" if evaluation.shift else evaluation.sampler
        assert (row["positions"], row["test_positions"]) == (config.positions, expected), row


@pytest.mark.parametrize("name", TESTING)
def test_a_model_is_tested_as_trained_and_after_random_starts_from_0_as_published(measure, name):
    calls, rows = measure(name)
    plain = {number for row, number in rows if row.get("variant", "plain") in ("plain", "randomized")}
    plain = {number for number in plain if calls[number][1].encoding is None and not calls[number][1].shift}
    tested = {}
    for number in plain:
        config, evaluation = calls[number]
        tested.setdefault(config, set()).add(evaluation.sampler)
    for config, samplers in tested.items():
        assert ("arange" if config.positions == "offset" else config.positions) in samplers, config


def test_randomly_spaced_positions_are_the_plain_test_of_extrapolation_and_consecutive_ones_a_variant(measure):
    _, rows = measure("extrapolation")
    variants = {(row["variant"], row["test_positions"]) for row, _ in rows if row["positions"] == "randomized"}
    assert ("plain", "randomized") in variants and ("consecutive", "arange") in variants
    assert {tested for variant, tested in variants if variant != "consecutive"} == {"randomized"}


def test_every_experiment_that_tests_models_is_among_these():
    folder = experiment.find_experiments_folder()
    testing = {path.stem for path in folder.glob("*.py") if "work.measure_scores(" in path.read_text()}
    assert testing == set(TESTING)


def test_no_experiment_writes_the_positions_of_a_test_by_hand():
    """They come from `make_base_row`. Selections of rows, which are keyword arguments, may name them."""
    for path in experiment.find_experiments_folder().glob("*.py"):
        keys = [
            key for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Dict) for key in node.keys
        ]
        assert "test_positions" not in [key.value for key in keys if isinstance(key, ast.Constant)], path.name
