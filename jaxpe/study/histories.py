"""The course of training, averaged over seeds: `history.csv` in the folder of every experiment that trains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxpe.records.csv_tables import write_table
from jaxpe.records.provenance import HISTORY
from jaxpe.study import tables
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs

POINTS = 30  # steps that are kept of a history
METRICS = ("loss", "token_accuracy")  # of the training batches: nats per answer, share of answers that are right


def average_histories(experiment: str, runs: Sequence[Run], work: Workspace) -> list[TableRow]:
    """For every run config (`config`, a number), metric and kept step: the mean, the least and the greatest of the seeds, and n.

    A value is the mean over the ten steps that end at `step`. A seed that stopped early or diverged counts up to there.
    """
    rows: list[TableRow] = []
    for number, (config, group) in enumerate(group_runs(runs).items()):
        histories = [work.read_record(run)["history"] for run in group]
        steps = sorted({step for history in histories for step in history["step"]})
        kept = sorted({steps[i] for i in np.linspace(0, len(steps) - 1, min(POINTS, len(steps))).round().astype(int)})
        base = tables.make_base_row(experiment, config, None, None) | {"config": number}
        for metric in METRICS:
            courses = [dict(zip(history["step"], history[metric], strict=True)) for history in histories]
            for step in kept:
                values = [course[step] for course in courses if step in course]
                bounds = {"value": float(np.mean(values)), "least": min(values), "greatest": max(values)}
                rows.append(base | {"metric": metric, "step": step, "n": len(values)} | bounds)
    return rows


def write_history(folder: Path, experiment: str, runs: Sequence[Run], work: Workspace) -> None:
    """Writes the averaged histories of runs; where there are no runs, removes an earlier file."""
    if rows := average_histories(experiment, runs, work):
        write_table(folder / HISTORY, rows)
    else:
        (folder / HISTORY).unlink(missing_ok=True)
