"""A learning rate of each encoding's own: the best of a common grid, by two extra seeds on examples of a validation stream.

The grid, the lengths (those of training) and the seeds are the same for every encoding; no result uses these seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from jaxpe.study import tables
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluate import test_lengths

SEEDS = (1000, 1001)
RateGrids = Mapping[RunConfig, tuple[float, ...]]  # configs that choose a rate, and from which


def replace_learning_rate(config: RunConfig, rate: float) -> RunConfig:
    """The config at another learning rate."""
    return replace(config, training=replace(config.training, learning_rate=rate))


def list_candidates(work: Workspace, grids: RateGrids) -> list[Run]:
    """What is trained to choose from."""
    return [run for config, rates in grids.items() for rate in rates for run in work.list_runs(replace_learning_rate(config, rate), SEEDS)]


def measure_losses(work: Workspace, config: RunConfig, examples: int) -> list[float]:
    """Nats per answer on the validation stream, by seed; infinite where a training diverged."""
    runs = work.list_runs(config, SEEDS)
    stream = work.open_source(config).stream
    lengths = [config.train_length] if config.language else test_lengths(stream, config.train_length, 1.0, 6)
    scores = work.measure_scores(runs, lengths, examples, part="validation")
    found = []
    for run in runs:
        own = [scores[run.seed, length] for length in lengths]
        loss = float(sum(s.nats for s in own) / sum(s.answers for s in own))
        found.append(loss if math.isfinite(loss) and not work.has_diverged(run) else math.inf)
    return found


def choose_rates(
    work: Workspace, grids: RateGrids, experiment: str, examples: int
) -> tuple[dict[RunConfig, float], list[TableRow]]:
    """The rate with the least mean loss for each config, and the rows that record the choice."""
    chosen, rows = dict[RunConfig, float](), list[TableRow]()
    work.train(list_candidates(work, grids))
    for config, rates in grids.items():
        found = {rate: measure_losses(work, replace_learning_rate(config, rate), examples) for rate in rates}
        chosen[config] = min(rates, key=lambda rate: float(np.mean(found[rate])))
        for rate, by_seed in found.items():
            for seed, loss in zip(SEEDS, by_seed, strict=True):
                row = tables.make_base_row(experiment, replace_learning_rate(config, rate), seed, None)
                rows.append(row | {"metric": tables.VALIDATION_LOSS, "value": loss, "n_examples": examples})
        rows.append(
            tables.make_base_row(experiment, config, None, None) | {"metric": tables.OWN_RATE, "value": chosen[config]}
        )
    return chosen, rows


def list_own_rate_runs(work: Workspace, runs: Iterable[Run], chosen: Mapping[RunConfig, float]) -> list[Run]:
    """The runs of some configs once more at their own rates, where these differ from the common one."""
    return [
        own
        for run in runs
        if run.config in chosen and chosen[run.config] != run.config.training.learning_rate
        for own in work.list_runs(replace_learning_rate(run.config, chosen[run.config]), [run.seed])
    ]
