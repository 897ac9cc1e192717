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
Grids = Mapping[RunConfig, tuple[float, ...]]  # configs that choose a rate, and from which


def at(config: RunConfig, rate: float) -> RunConfig:
    """The config at another learning rate."""
    return replace(config, training=replace(config.training, learning_rate=rate))


def candidates(work: Workspace, grids: Grids) -> list[Run]:
    """What is trained to choose from."""
    return [run for config, rates in grids.items() for rate in rates for run in work.runs(at(config, rate), SEEDS)]


def losses(work: Workspace, config: RunConfig, examples: int) -> list[float]:
    """Nats per answer on the validation stream, by seed; infinite where a training diverged."""
    runs = work.runs(config, SEEDS)
    stream = work.source(config).stream
    lengths = [config.train_length] if config.language else test_lengths(stream, config.train_length, 1.0, 6)
    scores = work.scores(runs, lengths, examples, part="validation")
    found = []
    for run in runs:
        own = [scores[run.seed, length] for length in lengths]
        loss = float(sum(s.nats for s in own) / sum(s.answers for s in own))
        found.append(loss if math.isfinite(loss) and not work.diverged(run) else math.inf)
    return found


def choose(
    work: Workspace, grids: Grids, experiment: str, examples: int
) -> tuple[dict[RunConfig, float], list[TableRow]]:
    """The rate with the least mean loss for each config, and the rows that record the choice."""
    chosen, rows = dict[RunConfig, float](), list[TableRow]()
    work.train(candidates(work, grids))
    for config, rates in grids.items():
        found = {rate: losses(work, at(config, rate), examples) for rate in rates}
        chosen[config] = min(rates, key=lambda rate: float(np.mean(found[rate])))
        for rate, by_seed in found.items():
            for seed, loss in zip(SEEDS, by_seed, strict=True):
                row = tables.base_row(experiment, at(config, rate), seed, None)
                rows.append(row | {"metric": tables.VALIDATION_LOSS, "value": loss, "n_examples": examples})
        rows.append(
            tables.base_row(experiment, config, None, None) | {"metric": tables.OWN_RATE, "value": chosen[config]}
        )
    return chosen, rows


def own_rate_runs(work: Workspace, runs: Iterable[Run], chosen: Mapping[RunConfig, float]) -> list[Run]:
    """The runs of some configs once more at their own rates, where these differ from the common one."""
    return [
        own
        for run in runs
        if run.config in chosen and chosen[run.config] != run.config.training.learning_rate
        for own in work.runs(at(run.config, chosen[run.config]), [run.seed])
    ]
