"""From scores to the rows of a tidy table: one value of one metric at one length, with both baselines beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from jaxpe.data import language
from jaxpe.encodings import label_encoding
from jaxpe.training.config import RunConfig, Source, task_of
from jaxpe.training.evaluate import Scores

TableRow = dict[str, Any]
Measurements = list[tuple[TableRow, float]]  # what was found in a model: columns of a row, and the value
OWN_RATE, VALIDATION_LOSS = "own_learning_rate", "validation_nats_per_answer"  # metrics that record a choice of rate
CONFIG_COLUMNS = ["task", "architecture", "encoding", "positions"]  # the columns that name a config within a table
METRICS: dict[str, Callable[[Scores], float]] = {
    "token_accuracy": lambda s: compute_share(s.correct, s.answers),
    "exact_match": lambda s: compute_share(s.exact, s.examples),
    "exact_match_given_length": lambda s: compute_share(s.exact_given_length, s.examples),
    "bits_per_character": lambda s: compute_share(s.nats, s.characters) / math.log(2),
}


def compute_share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else math.nan


def select_metrics(config: RunConfig) -> tuple[str, ...]:
    """The metrics that tell something about a task."""
    return ("bits_per_character", "token_accuracy") if config.language else ("token_accuracy", "exact_match")


def make_rows(
    experiment: str,
    config: RunConfig,
    source: Source,
    seed: int,
    length: int,
    scores: Scores,
    metrics: Any = None,
    **more: Any,
) -> list[TableRow]:
    """A row for each metric. `more` are further columns; `test_positions` is "arange" unless given."""
    return [
        make_base_row(experiment, config, seed, length)
        | {"metric": metric, "value": METRICS[metric](scores), "n_examples": int(scores.examples)}
        | compute_baselines(config, source, length, metric)
        | more
        for metric in metrics or select_metrics(config)
    ]


def make_base_row(experiment: str, config: RunConfig, seed: int | None, length: int | None) -> TableRow:
    return {
        "experiment": experiment,
        "task": config.task,
        "architecture": config.architecture,
        "encoding": label_encoding(config.encoding),
        "positions": config.positions,
        "test_positions": "arange",
        "seed": seed,
        "train_length": config.train_length,
        "test_length": length,
        "learning_rate": config.training.learning_rate,
    }


def compute_baselines(config: RunConfig, source: Source, length: int, metric: str) -> TableRow:
    """`length_baseline` and `order_blind_baseline` of a metric, None where there is none."""
    if config.language:
        return {"length_baseline": compute_text_baseline(source, metric), "order_blind_baseline": None}
    name = metric.replace("_given_length", "")
    if name not in ("token_accuracy", "exact_match"):
        return {"length_baseline": None, "order_blind_baseline": None}
    floor, order_blind_baseline = compute_task_baselines(config, length, name)
    return {"length_baseline": floor, "order_blind_baseline": order_blind_baseline}


@cache
def compute_task_baselines(config: RunConfig, length: int, metric: str) -> tuple[float, float | None]:
    task = task_of(config)
    return task.length_baseline(length, metric), task.order_blind_baseline(length, metric, config.architecture)


def compute_text_baseline(source: Source, metric: str) -> float:
    """The best rule without context: bits per character of the token frequencies, or the commonest token's share."""
    if metric == "bits_per_character":
        return language.unigram_bits(source.train, source.validation)
    return language.commonest_share(source.train, source.validation)


def format_number(value: float, digits: int = 3) -> str:
    """A number of a summary; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def select_rows(table: Any, **columns: Any) -> Any:
    """The rows of a table in which every given column has the given value."""
    for name, value in columns.items():
        table = table[table[name] == value]
    return table


def select_rate(table: Any, own: bool = False) -> Any:
    """Results at the common learning rate, or at each encoding's own where it chose one (`jaxpe.study.tuning`)."""
    results = table[~table["metric"].isin([OWN_RATE, VALIDATION_LOSS])]
    wanted = {
        tuple(row[name] for name in CONFIG_COLUMNS): row["value" if own else "learning_rate"]
        for _, row in table[table["metric"] == OWN_RATE].iterrows()
    }
    runs_and_rates = results[[*CONFIG_COLUMNS, "learning_rate"]].itertuples(index=False)
    return results[np.array([wanted.get(tuple(run), rate) == rate for *run, rate in runs_and_rates], bool)]


def average_by_seed(table: Any, **columns: Any) -> Any:
    """The mean value of the selected rows for each seed (over lengths: a macro-average), in the order of seeds."""
    return select_rows(table, **columns).groupby("seed")["value"].mean().sort_index()


def pair_seeds(table: Any, first: dict[str, Any], second: dict[str, Any]) -> tuple[Any, Any]:
    """Two selections by seed, on the seeds that both have."""
    a, b = average_by_seed(table, **first), average_by_seed(table, **second)
    both = a.index.intersection(b.index)
    return a[both].to_numpy(), b[both].to_numpy()
