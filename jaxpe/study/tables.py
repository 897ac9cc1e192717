"""From scores to the rows of a tidy table: one value of one metric at one length, with both baselines beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from jaxpe.data import language
from jaxpe.encodings import label
from jaxpe.training.config import Setting, Source, task_of
from jaxpe.training.evaluate import Scores

Row = dict[str, Any]
Found = list[tuple[Row, float]]  # what was found in a model: columns of a row, and the value
OWN_RATE, VALIDATION_LOSS = "own_learning_rate", "validation_nats_per_answer"  # metrics that record a choice of rate
CELL = ["task", "architecture", "encoding", "positions"]  # the columns that name a setting within a table
METRICS: dict[str, Callable[[Scores], float]] = {
    "token_accuracy": lambda s: share(s.correct, s.answers),
    "exact_match": lambda s: share(s.exact, s.examples),
    "exact_match_imposed": lambda s: share(s.exact_imposed, s.examples),
    "bits_per_character": lambda s: share(s.nats, s.characters) / math.log(2),
}


def share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else math.nan


def metrics_of(setting: Setting) -> tuple[str, ...]:
    """The metrics that tell something about a task."""
    return ("bits_per_character", "token_accuracy") if setting.language else ("token_accuracy", "exact_match")


def rows_of(
    experiment: str,
    setting: Setting,
    source: Source,
    seed: int,
    length: int,
    scores: Scores,
    metrics: Any = None,
    **more: Any,
) -> list[Row]:
    """A row for each metric. `more` are further columns; `test_positions` is "arange" unless given."""
    return [
        base_row(experiment, setting, seed, length)
        | {"metric": metric, "value": METRICS[metric](scores), "n_examples": int(scores.examples)}
        | baselines(setting, source, length, metric)
        | more
        for metric in metrics or metrics_of(setting)
    ]


def base_row(experiment: str, setting: Setting, seed: int | None, length: int | None) -> Row:
    return {
        "experiment": experiment,
        "task": setting.task,
        "architecture": setting.architecture,
        "encoding": label(setting.encoding),
        "positions": setting.positions,
        "test_positions": "arange",
        "seed": seed,
        "train_length": setting.train_length,
        "test_length": length,
        "learning_rate": setting.training.learning_rate,
    }


def baselines(setting: Setting, source: Source, length: int, metric: str) -> Row:
    """`floor` and `order_blind` of a metric, None where there is none."""
    if setting.language:
        return {"floor": text_floor(source, metric), "order_blind": None}
    name = metric.replace("_imposed", "")
    if name not in ("token_accuracy", "exact_match"):
        return {"floor": None, "order_blind": None}
    floor, order_blind = task_baselines(setting, length, name)
    return {"floor": floor, "order_blind": order_blind}


@cache
def task_baselines(setting: Setting, length: int, metric: str) -> tuple[float, float | None]:
    task = task_of(setting)
    return task.floor(length, metric), task.order_blind(length, metric, setting.architecture)


def text_floor(source: Source, metric: str) -> float:
    """The best rule without context: bits per character of the token frequencies, or the commonest token's share."""
    if metric == "bits_per_character":
        return language.unigram_bits(source.train, source.validation)
    return language.commonest_share(source.train, source.validation)


def shown(value: float, digits: int = 3) -> str:
    """A number of a summary; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def select(table: Any, **columns: Any) -> Any:
    """The rows of a table in which every given column has the given value."""
    for name, value in columns.items():
        table = table[table[name] == value]
    return table


def at_rate(table: Any, own: bool = False) -> Any:
    """Results at the common learning rate, or at each encoding's own where it chose one (`jaxpe.study.tuning`)."""
    results = table[~table["metric"].isin([OWN_RATE, VALIDATION_LOSS])]
    wanted = {
        tuple(row[name] for name in CELL): row["value" if own else "learning_rate"]
        for _, row in table[table["metric"] == OWN_RATE].iterrows()
    }
    cells_and_rates = results[[*CELL, "learning_rate"]].itertuples(index=False)
    return results[np.array([wanted.get(tuple(cell), rate) == rate for *cell, rate in cells_and_rates], bool)]


def by_seed(table: Any, **columns: Any) -> Any:
    """The mean value of the selected rows for each seed (over lengths: a macro-average), in the order of seeds."""
    return select(table, **columns).groupby("seed")["value"].mean().sort_index()


def paired(table: Any, first: dict[str, Any], second: dict[str, Any]) -> tuple[Any, Any]:
    """Two selections by seed, on the seeds that both have."""
    a, b = by_seed(table, **first), by_seed(table, **second)
    both = a.index.intersection(b.index)
    return a[both].to_numpy(), b[both].to_numpy()
