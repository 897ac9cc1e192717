"""The effect of a position encoding, with it minus with none over paired seeds, as a number and as a word.

Two effects: on token accuracy at one test length, and on the number of training steps to 95 % of the answers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from jaxpe.records.statistics import Estimate, estimate_difference, is_at_ceiling
from jaxpe.study.tables import pair_seeds, select_rows

ORDER_FREE = ("count", "majority", "histogram")  # the answer depends on counts alone
ORDER_DEPENDENT = ("copy", "reverse", "index", "relative_index")
MATCHED_PAIR = ("count", "index")  # one of each kind, with the same input and the same length of answer
MARGIN = 0.02  # in accuracy: less is no effect
SPEED_MARGIN = 0.25  # in log₂ of steps: less is no effect
SOLVED = 0.95  # token accuracy from which a task counts as solved
ALL_OR_NOTHING = ("induction",)  # tasks that a seed either learns or does not: seeds are counted, a mean says little
BELOW_BASELINE = "both below baseline"
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


class Pairs(NamedTuple):
    """Token accuracy of two models at one test length, by paired seeds, and the length-only baseline there."""

    a: np.ndarray
    b: np.ndarray
    length: int
    baseline: float  # NaN where there is none


class Effect(NamedTuple):
    """An effect in one word, and its estimate."""

    word: str
    estimate: Estimate

    @property
    def verdict(self) -> str:
        """The word as a verdict: of two values below a baseline none is the better one."""
        return "undecided" if self.word == BELOW_BASELINE else self.word


# ── accuracy ────────────────────────────────────────────────────────────────────────────────────────────────────────


def judge_effect(a: np.ndarray, b: np.ndarray, baseline: float = math.nan) -> Effect:
    """'harmless', 'harmful', 'helpful', 'undecided' or BELOW_BASELINE: accuracy with a position encoding (a) and with none (b).

    Both by seed. Harmless: both at the ceiling in all seeds, or the interval within ± MARGIN. BELOW_BASELINE: both means are
    below `baseline`, the score of a rule that knows the length alone; then the model does not do the task, and a difference is
    neither help nor harm.
    """
    estimate = estimate_difference(a, b)
    if max(np.mean(a), np.mean(b)) < baseline:
        return Effect(BELOW_BASELINE, estimate)
    if estimate.n >= 6 and is_at_ceiling(a.tolist(), b.tolist()):
        return Effect("harmless", estimate)
    return Effect(choose_word(estimate, MARGIN), estimate)


def choose_word(estimate: Estimate, margin: float, more_helps: bool = True) -> str:
    """'helpful' and 'harmful' where the interval lies on one side of 0 and reaches beyond the margin, 'harmless' within it."""
    if estimate.low is None or estimate.high is None:
        return "undecided"
    more, less = ("helpful", "harmful") if more_helps else ("harmful", "helpful")
    if estimate.low > 0 and estimate.high > margin:
        return more
    if estimate.high < 0 and estimate.low < -margin:
        return less
    return "harmless" if estimate.low > -margin and estimate.high < margin else "undecided"


def select_outside_sweeps(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs with the encodings' own scales and the common width, in plain tests.

    What is no test has the positions of training.
    """
    rows = table[table["sweep"] == "none"]
    return rows[is_plain_test(rows) & (rows["width"] == rows["width"].min())]


def is_plain_test(rows: pd.DataFrame) -> pd.Series:
    """Which rows are tested with the positions of training or, after random starts, from position 0, as published."""
    from_0 = (rows["positions"] == "offset") & (rows["test_positions"] == "arange")
    return (rows["test_positions"] == rows["positions"]) | from_0


def pair_accuracies(part: pd.DataFrame, first: Mapping[str, object], second: Mapping[str, object]) -> Pairs:
    """Two selections of rows at one test length."""
    a, b = pair_seeds(part, first, second)
    if not len(part):
        return Pairs(a, b, 0, math.nan)
    baseline = float(part["length_baseline"].iloc[0]) if "length_baseline" in part else math.nan
    return Pairs(a, b, int(part["test_length"].iloc[0]), baseline)


def compare_with_none(
    table: pd.DataFrame, task: str, times: int, encoding: str = "sinusoidal", positions: str = "arange"
) -> Pairs:
    """Token accuracy in the encoder at `times` N, with an encoding and with none."""
    part = select_rows(select_outside_sweeps(table), task=task, architecture="encoder", metric="token_accuracy")
    part = part[part["test_length"] == times * part["train_length"]]
    blind = {"encoding": "none", "positions": "arange"}
    return pair_accuracies(part, {"encoding": encoding, "positions": positions}, blind)


def compare_with_concatenated(table: pd.DataFrame, task: str, times: int, name: str) -> Pairs:
    """Token accuracy in the encoder at `times` N, with sinusoids added and concatenated. `name`: a key of WIDTHS."""
    part = select_rows(table, task=task, sweep="none", metric="token_accuracy", positions="arange")
    part = part[(part["test_positions"] == "arange") & (part["test_length"] == times * part["train_length"])]
    added = {"encoding": "sinusoidal", "width": WIDTHS[name].added}
    return pair_accuracies(part, added, {"encoding": "concatenated", "width": WIDTHS[name].concatenated})


def compare_samplers(table: pd.DataFrame, task: str, encoding: str = "sinusoidal") -> Pairs:
    """Token accuracy in the encoder at 2 N: randomly spaced positions in training and test, and 0, 1, 2, … in both."""
    part = select_rows(
        select_outside_sweeps(table), task=task, architecture="encoder", metric="token_accuracy", encoding=encoding
    )
    part = part[part["test_length"] == 2 * part["train_length"]]
    return pair_accuracies(part, {"positions": "randomized"}, {"positions": "arange"})


def list_main_encodings(table: pd.DataFrame) -> list[str]:
    """The encodings whose verdicts are claims: sinusoids, or all that were run where they were not."""
    names = [str(name) for name in dict.fromkeys(select_outside_sweeps(table)["encoding"]) if name != "none"]
    return ["sinusoidal"] if "sinusoidal" in names else names


def select_ratio_sweep(table: pd.DataFrame, task: str) -> pd.DataFrame:
    """The ratio sweep of a task at the training length, with its factor `s`; of sinusoids, or else the first encoding."""
    part = select_rows(table, task=task, sweep="ratio", metric="token_accuracy", architecture="encoder")
    part = part[(part["test_length"] == part["train_length"]) & (part["encoding"] != "none")]
    names = list(dict.fromkeys(part["encoding"]))
    encoding = "sinusoidal" if "sinusoidal" in names else names[0] if names else None
    part = part[part["encoding"] == encoding]
    return part.assign(s=(part["position_factor"] / part["token_factor"]).round(3))


# ── speed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def compare_speed(table: pd.DataFrame, task: str, encoding: str = "sinusoidal") -> Effect | None:
    """log₂ of the steps to 95 % in the encoder, with an encoding minus with none: 1 is twice as many.

    A run that never reached 95 % counts at its last step. None where the task was not run with both, or where no run without
    an encoding reached 95 %: there is no speed of learning what cannot be learned.
    """
    part = select_rows(
        select_outside_sweeps(table), task=task, architecture="encoder", metric="steps_to_95", positions="arange"
    )
    blind = part[part["encoding"] == "none"]["value"]
    if not blind.notna().any():
        return None
    logs = part.assign(value=np.log2(part["value"].fillna(part["steps"])))
    a, b = pair_seeds(logs, {"encoding": encoding}, {"encoding": "none"})
    if not len(a):
        return None
    estimate = estimate_difference(a, b)
    return Effect(choose_word(estimate, SPEED_MARGIN, more_helps=False), estimate)
