"""One encoding compared with others: differences over paired seeds, and costs, computed from the scorecard's table.

Also one published table compared with draws of a random control.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from jaxpe.records.statistics import EXPLORATORY, Estimate, add_adjusted_p, compare_paired, is_at_ceiling, to_finite
from jaxpe.study.tables import pair_seeds, select_rows

PRIMARY = "reverse"  # the task that is also compared at equal cost
PLAIN = "as they are"  # the condition: the same steps and width for every encoding
EQUAL = ("equal FLOPs", "equal parameters")
COSTS = ("parameters", "forward_flops", "training_bytes")
LONGEST = 0
TEXT, TOKENS, BITS = ("causal_lm", "masked_lm"), "token_accuracy", "bits_per_character"
Difference = dict[str, Any]


class Measure(NamedTuple):
    """A number by which encodings are compared. `times`: the test length in training lengths N, or LONGEST."""

    kind: str
    tasks: tuple[str, ...]
    metric: str
    times: int
    better: int  # 1: higher is better; -1: lower is better; 0: neither
    against: str = ""  # the only baseline that it is compared with; '' for all

    @property
    def words(self) -> tuple[str, str]:
        """The verdict if the new encoding has more of it, and if it has less."""
        return {1: ("better", "worse"), -1: ("worse", "better"), 0: ("higher", "lower")}[self.better]


MEASURES = (
    *[Measure("accuracy", (task,), TOKENS, 1, 1) for task in (PRIMARY, "relative_index")],
    *[Measure("extrapolation", (task,), TOKENS, t, 1) for task in (PRIMARY, "relative_index") for t in (2, LONGEST)],
    *[Measure("harm", ("count",), TOKENS, times, 1, "none") for times in (1, 2)],
    *[Measure("language", TEXT, BITS, times, -1) for times in (1, 2, LONGEST)],
    Measure("extraction", (PRIMARY,), "position_error_trained", 1, 0),
    Measure("extraction", (PRIMARY,), "position_gained", 1, 0),
)
AT_EQUAL_COST = tuple(m for m in MEASURES if m.tasks == (PRIMARY,) and m.metric == TOKENS and m.times in (1, 2))


def find_encodings(table: pd.DataFrame) -> tuple[str, list[str]]:
    """The new encoding of a scorecard's table, and its baselines in their order."""
    new = str(select_rows(table, metric="step_time_ratio")["encoding"].iloc[0])
    names = dict.fromkeys(select_rows(table, metric="parameters")["encoding"])
    return new, [name for name in names if name != new]


def compute_differences(table: pd.DataFrame, name: str, baselines: Sequence[str]) -> list[Difference]:
    """Every measure, the new encoding minus each baseline over paired seeds; p also adjusted over all of them (Holm)."""
    differences = []
    for condition in (PLAIN, *EQUAL):
        for measure in MEASURES if condition == PLAIN else AT_EQUAL_COST:
            part = table[table["task"].isin(measure.tasks)]
            part = select_rows(part, condition=condition, metric=measure.metric)
            for baseline in baselines:
                if measure.against in ("", baseline):
                    rows = part if condition == PLAIN else select_rows(part, rival=baseline)
                    differences += compute_difference(rows, measure, name, baseline)
    add_adjusted_p(differences)
    return differences


def compute_difference(part: pd.DataFrame, measure: Measure, name: str, baseline: str) -> list[Difference]:
    """One measure compared with one baseline; empty if the table does not have it."""
    if part.empty:
        return []
    first, longest = part.iloc[0], int(part["test_length"].max())
    n = int(first["train_length"])
    length = longest if measure.times == LONGEST else measure.times * n
    a, b = pair_seeds(select_rows(part, test_length=length), {"encoding": name}, {"encoding": baseline})
    if not len(a) or (measure.times == LONGEST and longest <= 2 * n):
        return []
    how = list(part["how"].dropna()) if "how" in part else []
    comparison = compare_paired(a, b)
    return [
        {
            "measure": measure.kind,
            "task": first["task"],
            "architecture": first["architecture"],
            "metric": measure.metric,
            "train_length": n,
            "test_length": length,
            "condition": first["condition"],
            "how": how[0] if how else "",
            "baseline": baseline,
            "new_mean": to_finite(a.mean()),
            "baseline_mean": to_finite(b.mean()),
            **comparison,
            "verdict": choose_verdict(comparison["verdict"], measure, a, b),
            "exploratory": len(a) < EXPLORATORY,
        }
    ]


def choose_verdict(verdict: str, measure: Measure, a: np.ndarray, b: np.ndarray) -> str:
    """better, worse or undecided; both at the ceiling; higher or lower for what is neither good nor bad."""
    if measure.metric == TOKENS and is_at_ceiling(list(a), list(b)):
        return "both at the ceiling"
    up, down = measure.words
    return {"supported": up, "contradicted": down}.get(verdict, verdict)


def compute_costs(table: pd.DataFrame, name: str, baselines: Sequence[str]) -> list[dict[str, Any]]:
    """The cost of each encoding. `step_time_ratio`: a training step of the new encoding over one of this."""
    costs = []
    for encoding in (name, *baselines):
        rows = select_rows(table, encoding=encoding)
        values = {metric: float(select_rows(rows, metric=metric)["value"].iloc[0]) for metric in COSTS}
        ratio = select_rows(table, metric="step_time_ratio", rival=encoding)["value"]
        tokens = int(select_rows(rows, metric="forward_flops")["tokens"].iloc[0])
        time = 1.0 if encoding == name else float(ratio.iloc[0])
        costs.append({"encoding": encoding, **values, "tokens": tokens, "step_time_ratio": time})
    return costs


def make_wide_row(name: str, differences: list[Difference], costs: list[dict[str, Any]], failed: int) -> dict[str, Any]:
    """The scorecard as one row: every mean, difference and interval, and the costs. `failed`: properties that do not hold."""
    row: dict[str, Any] = {"encoding": name, "architecture": differences[0]["architecture"]}
    row["properties that do not hold"] = failed
    for difference in differences:
        condition = "" if difference["condition"] == PLAIN else f", {difference['condition']}"
        what = f"{difference['task']} {difference['metric']} at {difference['test_length']}{condition}"
        row |= {f"{what} n": difference["n"]} | ({} if condition else {what: difference["new_mean"]})
        values = {"": difference["difference"], " low": difference["low"], " high": difference["high"]}
        row |= {f"{what} minus {difference['baseline']}{end}": value for end, value in values.items()}
    row |= {metric: costs[0][metric] for metric in COSTS}
    return row | {f"step time over {cost['encoding']}": cost["step_time_ratio"] for cost in costs[1:]}


def compare_with_controls(controls: np.ndarray, value: float) -> tuple[str, Estimate]:
    """The verdict that a value lies below a random control, and the mean of the control's draws minus the value.

    'supported' where every draw lies above the value, 'contradicted' where every draw lies below, else 'undecided'. Of k draws
    and one more from the same control, that one is the smallest once in k + 1 times: fewer than `EXPLORATORY` draws decide
    nothing. n is 1, the one value, and there is neither interval nor p-value: more draws do not make more published tables.
    """
    difference = Estimate(float(controls.mean() - value), None, None, 1)
    if len(controls) < EXPLORATORY:
        return "undecided", difference
    if (controls > value).all():
        return "supported", difference
    return ("contradicted" if (controls < value).all() else "undecided"), difference
