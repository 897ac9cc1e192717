"""The choice of a learning rate: by the mean loss of two seeds of its own."""

import math

import pytest

from jaxpe.study import tables, tuning
from jaxpe.study.workspace import Run
from jaxpe.training.config import RunConfig, Training

CONFIG = RunConfig("reverse", "encoder", "learned", 6, 60, training=Training(learning_rate=3e-3))
LOSSES = {1e-3: (0.5, 0.4), 3e-3: (0.1, math.inf), 1e-2: (0.3, 0.2)}  # the second rate has the best seed, and diverges


class RecordingWorkspace:
    """Lists runs without opening anything, and remembers what it trains."""

    def __init__(self):
        self.trained = []

    def list_runs(self, config, seeds):
        return [Run(config, seed, f"{config.training.learning_rate:g}-{seed}") for seed in seeds]

    def train(self, runs):
        self.trained += [run.id for run in runs]

    def select_missing(self, runs):
        return [run for run in runs if run.id not in self.trained]


@pytest.fixture
def work(monkeypatch):
    monkeypatch.setattr(
        tuning, "measure_validation_losses", lambda work, config, n: LOSSES[config.training.learning_rate]
    )
    return RecordingWorkspace()


def test_the_rate_with_the_least_mean_loss_is_chosen_and_recorded(work):
    choices, rows = tuning.choose_rates(work, {CONFIG: tuple(LOSSES)}, "accuracy", 16)
    assert choices == {CONFIG: 1e-2} and len(work.trained) == 6
    losses = [row for row in rows if row["metric"] == tables.VALIDATION_LOSS]
    assert [(row["learning_rate"], row["seed"], row["value"]) for row in losses] == [
        (rate, seed, loss) for rate, pair in LOSSES.items() for seed, loss in zip(tuning.SEEDS, pair, strict=True)
    ]
    assert rows[-1]["metric"] == tables.OWN_RATE and rows[-1]["value"] == 1e-2


def test_only_a_rate_other_than_the_common_one_is_trained_again(work):
    runs = work.list_runs(CONFIG, [0, 1])
    assert [run.id for run in tuning.list_own_rate_runs(work, runs, {CONFIG: 1e-2})] == ["0.01-0", "0.01-1"]
    assert tuning.list_own_rate_runs(work, runs, {CONFIG: 3e-3}) == tuning.list_own_rate_runs(work, runs, {}) == []


def test_a_config_whose_candidates_could_not_be_trained_has_no_choice(work, monkeypatch):
    monkeypatch.setattr(work, "select_missing", lambda runs: runs)
    choices, rows = tuning.choose_rates(work, {CONFIG: (1e-3, 1e-2)}, "accuracy", 8)
    assert choices == {} and rows == []
