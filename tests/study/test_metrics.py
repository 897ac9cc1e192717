"""What a training says while it runs: numbers of the history, and sinks that fail without harm."""

import errno
import sys
from dataclasses import replace
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import CONFIG

from jaxpe.study.metrics import Metrics
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.optimizer import compute_learning_rate_factor
from jaxpe.training.population import RoundProgress
from jaxpe.training.train import HISTORY_EVERY, Replica


class Keeping:
    """A sink that keeps what it is given, and fails where it is told to."""

    def __init__(self, error=None):
        self.lines, self.error = [], error

    def write(self, metrics):
        print("a remark")
        self.lines.append(metrics)
        if self.error is not None:
            raise self.error


class Named(NamedTuple):
    config: RunConfig
    seed: int
    id: str


TRAINING = Training(steps=250, learning_rate=0.01, warmup=10)
RUNS = [Named(replace(CONFIG, training=TRAINING), seed, f"id{seed}") for seed in (3, 4)]


def report(round_, done, losses, seconds, alive=(True, True), stopped=None):
    """What `train_round` reports of two replicas and an unused place with these losses of all steps that they took."""
    history = np.zeros((3, -(-TRAINING.steps // HISTORY_EVERY), 4), np.float32)
    for i, of_replica in enumerate(losses):
        for step, loss in enumerate(of_replica):
            history[i, step // HISTORY_EVERY] += [loss, loss / 2, loss / 4, 1]
    arrays = [None if flags is None else jnp.asarray([*flags, True]) for flags in (alive, stopped)]
    replicas = Replica(None, None, arrays[0], None, None, jnp.asarray(history), stopped=arrays[1])
    round_.follow(RoundProgress(0, done, seconds, replicas))


def watch(error=None):
    sink = Keeping(error)
    return sink, Metrics([sink]).watch("a program", RUNS)


def test_a_line_has_the_means_since_the_line_before_and_the_rate_of_the_last_step():
    sink, round_ = watch()
    losses = np.linspace(4, 1, 250), np.linspace(2, 1, 250)
    for done, seconds in ((62, 1.0), (100, 2.0), (125, 2.5), (200, 4.0), (250, 5.0)):
        report(round_, done, [of[:done] for of in losses], seconds)
    assert [line.step for line in sink.lines] == [100, 200, 250]  # not where parameters alone are kept
    assert [line.steps_per_second for line in sink.lines] == pytest.approx([50, 50, 50])
    assert {(line.program, line.steps) for line in sink.lines} == {("a program", 250)}
    for line, (first, stop) in zip(sink.lines, ((0, 100), (100, 200), (200, 250)), strict=True):
        factor = float(compute_learning_rate_factor(jnp.asarray(stop - 1), TRAINING))
        for replica, of, run in zip(line.replicas, losses, RUNS, strict=True):
            mean = of[first:stop].mean()
            expected = {
                "loss": mean,
                "token_accuracy": mean / 2,
                "exact_match": mean / 4,
                "learning_rate": 0.01 * factor,
            }
            assert (replica.run, replica.seed, replica.state) == (run.id, run.seed, "training")
            assert replica.values == pytest.approx(expected, rel=1e-5)


def test_a_resumed_round_says_what_it_trained_since():
    sink, round_ = watch()
    report(round_, 125, [[9.0] * 125, [9.0] * 125], 0.0)
    report(round_, 200, [[9.0] * 125 + [1.0] * 75, [9.0] * 125 + [2.0] * 75], 3.0)
    [line] = sink.lines
    assert [replica.values["loss"] for replica in line.replicas] == [1.0, 2.0] and line.steps_per_second == 25


def test_a_training_that_ended_early_says_so_and_has_no_numbers():
    sink, round_ = watch()
    for done in (100, 200):
        report(round_, done, [[1.0] * 40, [1.0] * 30], done / 10, alive=(False, True), stopped=(False, True))
    assert [replica.values["loss"] for replica in sink.lines[0].replicas] == [1.0, 1.0]
    assert [(replica.state, replica.values) for replica in sink.lines[1].replicas] == [
        ("diverged", {}),
        ("stopped", {}),
    ]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
        (ConnectionError("no route to host\nand more"), "ConnectionError: no route to host."),
        (SystemExit(1), "SystemExit: 1."),
    ],
)
def test_a_sink_that_fails_gives_one_line_and_the_others_go_on(error, says, caplog, capsys):
    broken, good = Keeping(error), Keeping()
    round_ = Metrics([broken, good]).watch("a program", RUNS)
    for done in (100, 200):
        report(round_, done, [[1.0] * done] * 2, done)
    assert (len(broken.lines), len(good.lines)) == (1, 2)
    [record] = caplog.records
    assert record.levelname == "WARNING" and says in record.getMessage() and "\n" not in record.getMessage()
    assert capsys.readouterr().out == "" and sys.stdout is not sys.stderr  # stdout is for results


def test_ctrl_c_in_a_sink_stops_the_training():
    _, round_ = watch(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        report(round_, 100, [[1.0] * 100] * 2, 1.0)
