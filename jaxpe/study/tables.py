"""Rows of tidy tables: from scores to rows with both baselines, and selections of stored rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxpe.data.text_sources import compute_majority_accuracy, compute_unigram_bits
from jaxpe.encodings import label_encoding
from jaxpe.plugins.registry import ANY
from jaxpe.study.scores import EvaluationConfig
from jaxpe.tasks import label_task
from jaxpe.tasks.formatting import TaskStream
from jaxpe.tasks.validate import compute_task_baselines
from jaxpe.training.config import RunConfig
from jaxpe.training.scores import Scores
from jaxpe.training.sources import Source

if TYPE_CHECKING:
    import pandas as pd

compute_baselines_once = cache(compute_task_baselines)  # some are simulated
TableRow = dict[str, Any]
AS_TRAINED = EvaluationConfig()  # tested at the positions of training
Measurements = list[tuple[TableRow, float]]  # what was measured in a model: further columns of a row, and the value
OWN_RATE, VALIDATION_LOSS = "own_learning_rate", "validation_nats_per_answer"  # metrics that record a choice of rate
CONFIG_COLUMNS = ["task", "architecture", "encoding", "positions"]  # the columns that name a config within a table
METRICS: dict[str, Callable[[Scores], float]] = {
    "token_accuracy": lambda s: compute_share(s.correct, s.answers),
    "exact_match": lambda s: compute_share(s.exact, s.examples),
    "exact_match_given_length": lambda s: compute_share(s.exact_given_length, s.examples),
    "bits_per_character": lambda s: compute_share(s.nats, s.characters) / math.log(2),
}


def compute_share(part: Any, whole: Any) -> float:
    """part / whole for sums of scores; NaN for nothing of nothing."""
    return float(part) / float(whole) if whole else math.nan


def select_metrics(config: RunConfig) -> tuple[str, ...]:
    """The metrics that a task is judged by."""
    return ("bits_per_character", "token_accuracy") if config.is_language else ("token_accuracy", "exact_match")


def make_score_rows(
    experiment: str,
    config: RunConfig,
    source: Source,
    seed: int,
    length: int,
    scores: Scores,
    metrics: Sequence[str] = (),
    evaluation: EvaluationConfig = AS_TRAINED,
    **columns: Any,
) -> list[TableRow]:
    """A row for each metric, by default for those of the task, with its baselines and further columns."""
    return [
        make_base_row(experiment, config, seed, length, evaluation)
        | {"metric": metric, "value": METRICS[metric](scores), "n_examples": int(scores.examples)}
        | compute_baselines(config, source, length, metric)
        | columns
        for metric in metrics or select_metrics(config)
    ]


def make_base_row(
    experiment: str,
    config: RunConfig,
    seed: int | None,
    length: int | None,
    evaluation: EvaluationConfig = AS_TRAINED,
) -> TableRow:
    """The columns that say which run was tested, at which test length and at which positions."""
    return {
        "experiment": experiment,
        "task": label_task(config.task),
        "architecture": config.architecture,
        "encoding": label_encoding(config.encoding),
        "positions": config.positions,
        "test_positions": evaluation.name_positions(config),
        "seed": seed,
        "train_length": config.train_length,
        "test_length": length,
        "learning_rate": config.training.learning_rate,
    }


def compute_baselines(config: RunConfig, source: Source, length: int, metric: str) -> TableRow:
    """`length_baseline` and `order_blind_baseline` of a metric; None where there is none."""
    length_baseline, order_blind_baseline = None, None
    if config.is_language:
        length_baseline = compute_text_baseline(source, metric)
    elif (name := metric.removesuffix("_given_length")) in ("token_accuracy", "exact_match"):
        assert isinstance(source.stream, TaskStream)
        task = source.stream.task
        pair = compute_baselines_once(config.task, task, length, name, config.architecture)
        length_baseline, order_blind_baseline = pair
    return {"length_baseline": length_baseline, "order_blind_baseline": order_blind_baseline}


def compute_text_baseline(source: Source, metric: str) -> float:
    """The best score without context: bits per character by token frequencies, or the share of the commonest token."""
    if metric == "bits_per_character":
        return compute_unigram_bits(source.train, source.validation)
    return compute_majority_accuracy(source.train, source.validation)


def format_number(value: float, digits: int = 3) -> str:
    """A number of a summary; a dash for NaN."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def select_rows(table: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """The rows of a table in which every given column has the given value.

    A column that no row of a run has a value in is not in its table: then there is no such row.
    """
    for name, value in columns.items():
        table = table[table[name] == value] if name in table else table.iloc[:0]
    return table


def select_rate(table: pd.DataFrame, chosen: bool = False) -> pd.DataFrame:
    """The results at the common learning rate or, with `chosen`, at the rate that a config chose (`jaxpe.study.tuning`)."""
    results = table[~table["metric"].isin([OWN_RATE, VALIDATION_LOSS])]
    rates = {
        tuple(row[name] for name in CONFIG_COLUMNS): row["value" if chosen else "learning_rate"]
        for _, row in table[table["metric"] == OWN_RATE].iterrows()
    }
    configs_and_rates = results[[*CONFIG_COLUMNS, "learning_rate"]].itertuples(index=False)
    return results[np.array([rates.get(tuple(config), rate) == rate for *config, rate in configs_and_rates], bool)]


def select_plain(table: pd.DataFrame) -> pd.DataFrame:
    """The results of single seeds at the common learning rate.

    Without rows that are means over seeds (no seed), that are the same for every encoding ("any"), or that record tuning.
    """
    if "learning_rate" in table:
        table = select_rate(table)
    return table[table["seed"].notna() & table["encoding"].notna() & (table["encoding"] != ANY)]


def average_by_seed(table: pd.DataFrame, **columns: Any) -> pd.Series:
    """The mean value of the selected rows for each seed, in the order of seeds. Every length has the same weight."""
    return select_rows(table, **columns).groupby("seed")["value"].mean().sort_index()


def pair_seeds(
    table: pd.DataFrame, first: Mapping[str, Any], second: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """The mean values of two selections by seed, on the seeds that both have."""
    a, b = align_seeds(average_by_seed(table, **first), average_by_seed(table, **second))
    return a, b


def align_seeds(*series: pd.Series) -> list[np.ndarray]:
    """Values by seed, on the seeds that all series have, in the order of seeds."""
    seeds = sorted(set.intersection(*[set(values.index) for values in series]))
    return [values[seeds].to_numpy() for values in series]
