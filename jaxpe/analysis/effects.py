"""The effect of a position encoding on accuracy: with it minus with none over paired seeds, as a number and as a word."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from jaxpe.records.statistics import Estimate, estimate_difference, is_at_ceiling
from jaxpe.study.tables import pair_seeds, select_rows

ORDER_FREE = ("count", "majority", "histogram")  # the answer depends on counts alone
ORDER_DEPENDENT = ("copy", "reverse", "index", "relative_index")
MATCHED_PAIR = ("count", "index")  # one of each kind, with the same input and the same length of answer
MARGIN = 0.02  # in accuracy: less is no effect
SOLVED = 0.95  # mean token accuracy from which a task counts as solved
TURNS = {"count": (10.0, 0.0), "index": (1.0, 0.1)}  # C5.ratio: accuracy at the first factor minus that at the second
LENGTHS = {"seen": 1, "beyond": 2}  # the test length in multiples of the training length


class Widths(NamedTuple):
    """The widths of two models, one that adds a position and one that concatenates it."""

    added: int
    concatenated: int
    description: str


WIDTHS = {  # part of a claim's id
    "same-size": Widths(32, 32, "both of width 32, as many parameters"),
    "wide": Widths(40, 40, "both of width 40, as many parameters; concatenated, the token keeps 32"),
    "full-token": Widths(32, 40, "the token of width 32 in both; concatenated, the model is wider"),
}


def judge_effect(a: np.ndarray, b: np.ndarray) -> tuple[str, Estimate]:
    """'harmless', 'harmful', 'helpful' or 'undecided': accuracy with a position encoding (a) and with none (b), by seed.

    Harmless: both at the ceiling in all seeds, or the interval within ± MARGIN.
    """
    estimate = estimate_difference(a, b)
    if estimate.n >= 6 and is_at_ceiling(a.tolist(), b.tolist()):
        return "harmless", estimate
    if estimate.low is None or estimate.high is None:
        return "undecided", estimate
    if estimate.low > 0 and estimate.high > MARGIN:
        return "helpful", estimate
    if estimate.high < 0 and estimate.low < -MARGIN:
        return "harmful", estimate
    return ("harmless" if estimate.low > -MARGIN and estimate.high < MARGIN else "undecided"), estimate


def select_plain(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs with the encodings' own scales and the common width, tested with the positions of training."""
    rows = table[table["sweep"] == "none"]
    tested = np.where(rows["positions"] == "randomized", "randomized", "arange")
    return rows[(rows["test_positions"] == tested) & (rows["width"] == rows["width"].min())]


def compare_with_none(
    table: pd.DataFrame, task: str, times: int, encoding: str = "sinusoidal", positions: str = "arange"
) -> tuple[np.ndarray, np.ndarray, int]:
    """Token accuracy in the encoder at `times` N, with an encoding and with none, by paired seeds; and the length."""
    part = select_rows(select_plain(table), task=task, architecture="encoder", metric="token_accuracy")
    part = part[part["test_length"] == times * part["train_length"]]
    blind = {"encoding": "none", "positions": "arange"}
    a, b = pair_seeds(part, {"encoding": encoding, "positions": positions}, blind)
    return a, b, int(part["test_length"].iloc[0]) if len(part) else 0


def compare_with_concatenated(
    table: pd.DataFrame, task: str, times: int, name: str
) -> tuple[np.ndarray, np.ndarray, int]:
    """Token accuracy in the encoder at `times` N, with sinusoids added and concatenated, by paired seeds; and the length.

    `name`: a key of WIDTHS.
    """
    part = select_rows(table, task=task, sweep="none", metric="token_accuracy", positions="arange")
    part = part[(part["test_positions"] == "arange") & (part["test_length"] == times * part["train_length"])]
    added = {"encoding": "sinusoidal", "width": WIDTHS[name].added}
    a, b = pair_seeds(part, added, {"encoding": "concatenated", "width": WIDTHS[name].concatenated})
    return a, b, int(part["test_length"].iloc[0]) if len(part) else 0


def list_main_encodings(table: pd.DataFrame) -> list[str]:
    """The encodings whose verdicts are claims: sinusoids, or all that were run where they were not."""
    names = [str(name) for name in dict.fromkeys(select_plain(table)["encoding"]) if name != "none"]
    return ["sinusoidal"] if "sinusoidal" in names else names


def select_ratio_sweep(table: pd.DataFrame, task: str) -> pd.DataFrame:
    """The ratio sweep of a task at the training length, with its factor `s`; of sinusoids, or else the first encoding."""
    part = select_rows(table, task=task, sweep="ratio", metric="token_accuracy", architecture="encoder")
    part = part[(part["test_length"] == part["train_length"]) & (part["encoding"] != "none")]
    names = list(dict.fromkeys(part["encoding"]))
    encoding = "sinusoidal" if "sinusoidal" in names else names[0] if names else None
    part = part[part["encoding"] == encoding]
    return part.assign(s=(part["position_factor"] / part["token_factor"]).round(3))
