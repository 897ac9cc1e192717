"""The published ranking of encodings beyond the training length, and how well another one agrees with it.

Kazemnejad et al. 2023 (arXiv:2305.19466): decoders of 138 M parameters trained on lengths up to 20, exact match at lengths
21 to 40, three seeds. Their rotary encoding turns a quarter of each head. Here it is compared twice, at a quarter and at the
whole head: with their five encodings alone, no permutation test can reach 5 %.

A rank correlation has one point for each encoding, so encodings are its unit and not seeds: however many seeds the means
have, five points stay five points.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import permutations

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
STANDS_FOR = {"rotary_quarter": "rotary"}  # an encoding here, and the published one whose rank it has
RANKED = ("none", "sinusoidal", "rotary_quarter", "rotary", "alibi", "t5")  # the encodings with a published rank
DECIDING = {
    "train_length": 20,
    "layers": 4,
    "width": 64,
    "steps": 6000,
}  # the setting that decides; any other describes
LEAST_ENCODINGS, LEAST_SEEDS = 6, 10  # of the setting that decides
P_LIMIT = 0.05


def select_beyond(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with N < test length ≤ 2 N."""
    return table[(table["test_length"] > table["train_length"]) & (table["test_length"] <= 2 * table["train_length"])]


def is_deciding(table: pd.DataFrame) -> pd.Series:
    """Which rows are of the setting that decides. A table without columns of sizes has none."""
    if not set(DECIDING) <= set(table.columns):
        return pd.Series(False, index=table.index)
    return pd.concat([table[name] == value for name, value in DECIDING.items()], axis=1).all(axis=1)


def select_deciding(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the setting that decides; all rows where it was not run."""
    deciding = is_deciding(table)
    return table[deciding] if deciding.any() else table


def select_common(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of all encodings in one size: without the setting that decides, unless nothing else was run."""
    common = ~is_deciding(table)
    return table[common] if common.any() else table


def get_rank(task: str, encoding: str) -> int:
    """The published rank of an encoding on a task, 1 for the best."""
    return RANKS[task][STANDS_FOR.get(encoding, encoding)]


def estimate_agreement(scores: Mapping[str, float], task: str) -> Estimate | None:
    """Kendall's τ-b between the scores of encodings and their published ranks on a task; None for fewer than three.

    `n` counts encodings, and p is that of a permutation test over them. There is no interval: resampling seeds leaves out
    that the encodings are few.
    """
    if len(scores) < 3:
        return None
    ranks = -np.array([get_rank(task, name) for name in scores])
    values = np.array(list(scores.values()))
    return Estimate(compute_tau(ranks, values), None, None, len(scores), compute_permutation_p(ranks, values))


def compute_tau(ranks: np.ndarray, scores: np.ndarray) -> float:
    """Kendall's τ-b; 0 where all scores are equal, which gives no order."""
    tau = float(stats.kendalltau(ranks, scores).statistic)
    return 0.0 if np.isnan(tau) else tau


def compute_permutation_p(ranks: np.ndarray, scores: np.ndarray) -> float:
    """The two-sided p-value of τ-b: the share of all n! orders of the scores whose |τ-b| is at least that of the scores.

    Ties are the same in every order, so τ-b is compared by its numerator.
    """
    of_ranks, of_scores = (np.sign(values[:, None] - values) for values in (ranks, scores))
    numerators = np.array([(of_ranks * of_scores[np.ix_(order, order)]).sum() for order in list_orders(len(ranks))])
    return float((np.abs(numerators) >= abs(numerators[0])).mean())


@cache
def list_orders(n: int) -> tuple[tuple[int, ...], ...]:
    """All permutations of 0 … n − 1, the identity first."""
    return tuple(permutations(range(n)))


def judge_ranking(estimate: Estimate, seeds: int, is_deciding: bool) -> str:
    """'supported' or 'contradicted' where the setting that decides was run in full and p is at most 5 %, else 'undecided'."""
    enough = is_deciding and seeds >= LEAST_SEEDS and estimate.n >= LEAST_ENCODINGS
    if not enough or estimate.p is None or estimate.p > P_LIMIT:
        return "undecided"
    return "supported" if estimate.value > 0 else "contradicted"


def describe_sizes(rows: pd.DataFrame) -> str:
    """'N = 20, layers 4, width 64, steps 6000', as far as the table says so."""
    first = rows.iloc[0]
    known = [name for name in ("layers", "width", "steps") if name in rows and not pd.isna(first[name])]
    return ", ".join([f"N = {first['train_length']:g}", *(f"{name} {first[name]:g}" for name in known)])
