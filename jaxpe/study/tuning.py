"""A learning rate of each encoding's own: the best of a common grid, by two extra seeds on examples of a validation stream.

The grid, the lengths (those of training) and the seeds are the same for every encoding; no result uses these seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from jaxpe.study import tables
from jaxpe.study.workspace import Cell, Workspace
from jaxpe.training.config import Setting
from jaxpe.training.evaluate import test_lengths

SEEDS = (1000, 1001)
Grids = Mapping[Setting, tuple[float, ...]]  # settings that choose a rate, and from which


def at(setting: Setting, rate: float) -> Setting:
    """The setting at another learning rate."""
    return replace(setting, training=replace(setting.training, learning_rate=rate))


def candidates(work: Workspace, grids: Grids) -> list[Cell]:
    """What is trained to choose from."""
    return [cell for setting, rates in grids.items() for rate in rates for cell in work.cells(at(setting, rate), SEEDS)]


def losses(work: Workspace, setting: Setting, examples: int) -> list[float]:
    """Nats per answer on the validation stream, by seed; infinite where a training diverged."""
    cells = work.cells(setting, SEEDS)
    stream = work.source(setting).stream
    lengths = [setting.train_length] if setting.language else test_lengths(stream, setting.train_length, 1.0, 6)
    scores = work.scores(cells, lengths, examples, part="validation")
    found = []
    for cell in cells:
        own = [scores[cell.seed, length] for length in lengths]
        loss = float(sum(s.nats for s in own) / sum(s.answers for s in own))
        found.append(loss if math.isfinite(loss) and not work.diverged(cell) else math.inf)
    return found


def choose(
    work: Workspace, grids: Grids, experiment: str, examples: int
) -> tuple[dict[Setting, float], list[tables.Row]]:
    """The rate with the least mean loss for each setting, and the rows that record the choice."""
    chosen, rows = dict[Setting, float](), list[tables.Row]()
    work.train(candidates(work, grids))
    for setting, rates in grids.items():
        found = {rate: losses(work, at(setting, rate), examples) for rate in rates}
        chosen[setting] = min(rates, key=lambda rate: float(np.mean(found[rate])))
        for rate, by_seed in found.items():
            for seed, loss in zip(SEEDS, by_seed, strict=True):
                row = tables.base_row(experiment, at(setting, rate), seed, None)
                rows.append(row | {"metric": tables.VALIDATION_LOSS, "value": loss, "n_examples": examples})
        rows.append(
            tables.base_row(experiment, setting, None, None) | {"metric": tables.OWN_RATE, "value": chosen[setting]}
        )
    return chosen, rows


def own_cells(work: Workspace, cells: Iterable[Cell], chosen: Mapping[Setting, float]) -> list[Cell]:
    """The cells of some settings once more at their own rates, where these differ from the common one."""
    return [
        own
        for cell in cells
        if cell.setting in chosen and chosen[cell.setting] != cell.setting.training.learning_rate
        for own in work.cells(at(cell.setting, chosen[cell.setting]), [cell.seed])
    ]
