"""From scores to paired numbers: metrics, seeds of which some are missing, learning rates, and trained positions."""

import math

import numpy as np
import pandas as pd
import pytest

from jaxpe.study import tables, tuning
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.run_configs import expand_grid
from jaxpe.study.tables import METRICS, pair_seeds
from jaxpe.study.workspace import Run
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.scores import Scores


def make_table(values):
    """Rows of encodings, by seed and length: {encoding: {seed: [value at each length]}}."""
    return pd.DataFrame(
        [
            {"encoding": name, "seed": seed, "test_length": length, "value": value, "metric": "m"}
            for name, seeds in values.items()
            for seed, numbers in seeds.items()
            for length, value in enumerate(numbers, 1)
        ]
    )


TABLE = make_table({"a": {3: [0.9], 0: [0.1], 1: [0.2]}, "b": {1: [0.5], 2: [0.6], 3: [0.75]}})


def test_seeds_0_1_3_and_1_2_3_have_two_pairs():
    a, b = pair_seeds(TABLE, {"encoding": "a"}, {"encoding": "b"})
    assert a.tolist() == [0.2, 0.9] and b.tolist() == [0.5, 0.75]
    b, a = pair_seeds(TABLE, {"encoding": "b"}, {"encoding": "a"})
    assert a.tolist() == [0.2, 0.9] and b.tolist() == [0.5, 0.75]


def test_without_a_common_seed_there_is_no_pair():
    a, b = pair_seeds(TABLE[TABLE["seed"] != 3].query("seed != 1"), {"encoding": "a"}, {"encoding": "b"})
    assert len(a) == len(b) == 0


def test_a_seed_has_the_mean_over_its_lengths():
    """Not the median, and whatever the order of the rows."""
    table = make_table({"a": {1: [0.0, 0.1, 0.8], 0: [1.0, 1.0, 0.1]}}).sample(frac=1, random_state=3)
    means = tables.average_by_seed(table, encoding="a")
    assert means.index.tolist() == [0, 1] and means.tolist() == pytest.approx([0.7, 0.3])


def test_every_metric_of_scores():
    """Sums that differ all: 20 examples, 80 answers, 50 right, 9 exact, 12 given the length, 40 nats, 160 characters."""
    nothing = np.zeros(0)
    scores = Scores(*map(np.float32, (20, 80, 50, 9, 12, 40.0, 160)), nothing, nothing, nothing, nothing)
    values = {name: compute(scores) for name, compute in METRICS.items()}
    assert values == pytest.approx(
        {
            "token_accuracy": 50 / 80,
            "exact_match": 9 / 20,
            "exact_match_given_length": 12 / 20,
            "bits_per_character": 40 / 160 / math.log(2),
        }
    )
    assert math.isnan(METRICS["bits_per_character"](scores._replace(characters=np.float32(0))))


class OneScore:
    """A workspace whose models have made-up scores; it remembers how they were tested."""

    def __init__(self):
        self.tests = []

    def list_runs(self, config, seeds):
        return [Run(config, seed, f"{seed}") for seed in seeds]

    def open_source(self, config):
        from jaxpe.training.sources import load_source

        return load_source(config)

    def has_diverged(self, run):
        return False

    def measure_scores(self, runs, lengths, examples, evaluation):
        self.tests.append((evaluation, list(lengths), examples))
        nothing = np.zeros(0)

        def score(seed, length):
            values = (examples, length * examples, 0, 0, 0, length * examples * (1 + seed % 10), 0)
            return Scores(*map(np.float32, values), nothing, nothing, nothing, nothing)

        return {(run.seed, length): score(run.seed, length) for run in runs for length in lengths}


def test_rates_are_chosen_on_the_validation_stream():
    """By nats per answer over all lengths of training, for the two seeds that no result uses."""
    work = OneScore()
    config = RunConfig("reverse", "encoder", "learned", 6, 60, training=Training(learning_rate=3e-3))
    assert tuning.measure_validation_losses(work, config, 16) == [1.0, 2.0]
    [(evaluation, lengths, examples)] = work.tests
    assert evaluation.part == "validation" and evaluation.snapshot == "100" and evaluation.shift == 0
    assert max(lengths) == 6 and examples == 16 and not set(tuning.SEEDS) & set(range(100))


@pytest.mark.parametrize(
    ("architecture", "sampler", "positions"),
    [("encoder", "arange", 12), ("decoder", "arange", 15), ("encoder", "offset", 36)],
)
def test_an_encoding_is_scaled_to_the_positions_of_training(architecture, sampler, positions):
    """Six symbols and six slots, or <bos> x <sep> y <eos>; random starts reach the whole table."""
    row = GridRow(task="reverse", architectures=(architecture,), encodings=("t5_scaled",), positions=(sampler,))
    [config] = expand_grid(Preset((row,), train_length=6, max_length_ratio=2.5), {})
    assert config.trained_positions == positions
    longest = 30 if architecture == "encoder" else 33
    assert config.table_length == longest + 6
