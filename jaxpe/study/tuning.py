"""A learning rate for each encoding: the best of a common grid, by two extra seeds on a validation stream.

Grid, lengths (those of training) and seeds are the same for every encoding. No result uses these seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from jaxpe.study import tables
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluated_lengths import choose_test_lengths

SEEDS = (1000, 1001)
RateGrids = Mapping[RunConfig, tuple[float, ...]]  # the rates that each config chooses from


def replace_learning_rate(config: RunConfig, rate: float) -> RunConfig:
    """The config at another learning rate."""
    return replace(config, training=replace(config.training, learning_rate=rate))


def list_rate_candidates(work: Workspace, grids: RateGrids) -> list[Run]:
    """The runs that the rates are chosen by."""
    return [
        run
        for config, rates in grids.items()
        for rate in rates
        for run in work.list_runs(replace_learning_rate(config, rate), SEEDS)
    ]


def measure_validation_losses(work: Workspace, config: RunConfig, examples: int) -> list[float]:
    """Nats per answer on the validation stream for each seed; infinity where the training diverged."""
    runs = work.list_runs(config, SEEDS)
    stream = work.open_source(config).stream
    lengths = [config.train_length] if config.is_language else choose_test_lengths(stream, config.train_length, 1.0, 6)
    scores = work.measure_scores(runs, lengths, examples, EvaluationConfig(part="validation").resolve(config))
    losses = []
    for run in runs:
        by_length = [scores[run.seed, length] for length in lengths]
        loss = float(sum(s.nats for s in by_length) / sum(s.answers for s in by_length))
        losses.append(loss if math.isfinite(loss) and not work.has_diverged(run) else math.inf)
    return losses


def choose_rates(
    work: Workspace, grids: RateGrids, experiment: str, examples: int
) -> tuple[dict[RunConfig, float], list[TableRow]]:
    """The rate with the least mean loss for each config, and the table rows that record losses and choice.

    A config has no choice where an engine gave up one of its candidates.
    """
    choices, rows = dict[RunConfig, float](), list[TableRow]()
    work.train(list_rate_candidates(work, grids))
    for config, rates in grids.items():
        if work.select_missing(list_rate_candidates(work, {config: rates})):  # which no machine could train
            continue
        losses = {
            rate: measure_validation_losses(work, replace_learning_rate(config, rate), examples) for rate in rates
        }
        choices[config] = min(rates, key=lambda rate: float(np.mean(losses[rate])))
        for rate, by_seed in losses.items():
            for seed, loss in zip(SEEDS, by_seed, strict=True):
                row = tables.make_base_row(experiment, replace_learning_rate(config, rate), seed, None)
                rows.append(row | {"metric": tables.VALIDATION_LOSS, "value": loss, "n_examples": examples})
        row = tables.make_base_row(experiment, config, None, None)
        rows.append(row | {"metric": tables.OWN_RATE, "value": choices[config]})
    return choices, rows


def list_own_rate_runs(work: Workspace, runs: Iterable[Run], choices: Mapping[RunConfig, float]) -> list[Run]:
    """The runs of some configs at the rates that these chose, where they differ from the common rate."""
    return [
        own_rate_run
        for run in runs
        if run.config in choices and choices[run.config] != run.config.training.learning_rate
        for own_rate_run in work.list_runs(replace_learning_rate(run.config, choices[run.config]), [run.seed])
    ]
