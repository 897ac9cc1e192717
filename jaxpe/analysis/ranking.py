"""The published ranking of encodings beyond the training length, and how well another one agrees with it.

Kazemnejad et al. 2023 (arXiv:2305.19466): decoders of 138 M parameters trained on lengths up to 20, exact match at lengths
21 to 40, three seeds. Their rotary encoding turns a quarter of each head.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from jaxpe.records.statistics import Estimate

PUBLISHED: dict[str, dict[str, float]] = {  # by task
    "copy": {"t5": 0.420, "alibi": 0.331, "none": 0.305, "sinusoidal": 0.028, "rotary": 0.011},
    "reverse": {"t5": 0.242, "none": 0.230, "alibi": 0.171, "rotary": 0.077, "sinusoidal": 0.023},
}
RANKS: dict[str, dict[str, int]] = {  # the best first; a tie wherever the ranges of their seeds overlap
    "copy": {"t5": 1, "alibi": 2, "none": 2, "sinusoidal": 3, "rotary": 3},
    "reverse": {"t5": 1, "none": 1, "alibi": 2, "rotary": 3, "sinusoidal": 4},
}
RESAMPLES = 2000  # of the seeds, for an interval
LEAST_SEEDS = 3


def select_beyond(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with N < test length ≤ 2 N."""
    return table[(table["test_length"] > table["train_length"]) & (table["test_length"] <= 2 * table["train_length"])]


def estimate_agreement(scores: Sequence[np.ndarray], task: str) -> Estimate | None:
    """Kendall's τ-b between the mean scores of encodings and their published ranks on a task.

    `scores` has the seeds of each encoding, in the order of RANKS[task]. The interval is a bootstrap over seeds. None where
    an encoding has fewer than LEAST_SEEDS seeds.
    """
    n = min(len(seeds) for seeds in scores)
    if n < LEAST_SEEDS:
        return None
    stacked = np.stack([seeds[:n] for seeds in scores])
    ranks = -np.array(list(RANKS[task].values()))
    generator = np.random.default_rng(0)
    means = [stacked[:, generator.integers(0, n, n)].mean(1) for _ in range(RESAMPLES)]
    low, high = np.quantile([compute_tau(ranks, mean) for mean in means], (0.025, 0.975))
    return Estimate(compute_tau(ranks, stacked.mean(1)), float(low), float(high), n)


def compute_tau(ranks: np.ndarray, scores: np.ndarray) -> float:
    """Kendall's τ-b; 0 where all scores are equal, which gives no order."""
    tau = float(stats.kendalltau(ranks, scores).statistic)
    return 0.0 if np.isnan(tau) else tau
