"""What training does to a position table: the residual of a linear shift before it minus after it (claim C1).

A comparison with Gaussian rows alone says little about a table that began as Gaussian rows.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from jaxpe.analysis.structure import BEFORE
from jaxpe.study.tables import average_by_seed, select_rows

RESIDUAL = "shift_residual_1"
TABLES = (  # part of the claim, task, encoding; trained with random starts, so that every row is trained
    ("learned", "causal_lm", "learned"),
    ("learned-encoder", "masked_lm", "learned"),
    ("learned-reverse", "reverse", "learned"),
    ("learned-small", "causal_lm", "learned_bert"),
)


class TableChange(NamedTuple):
    """The residual of one trained table by seed. `before` is empty where it was not measured."""

    part: str
    task: str
    encoding: str
    rows: float
    before: pd.Series
    after: pd.Series
    gaussian: float  # of random rows of the same shape

    @property
    def note(self) -> str:
        """The three means in words."""
        before = f"Before training {self.before.mean():.3f}" if len(self.before) else "Not measured before training"
        return f"{before}; after it {self.after.mean():.3f} of the variance, Gaussian rows {self.gaussian:.3f}."


def compare_tables(table: pd.DataFrame) -> list[TableChange]:
    """Every table of TABLES that was run."""
    residuals, untrained = (select_rows(table, metric=metric) for metric in (RESIDUAL, RESIDUAL + BEFORE))
    changes = []
    for part, task, encoding in TABLES:
        where = {"task": task, "encoding": encoding, "positions": "offset"}
        trained = select_rows(residuals, **where)
        if len(trained):
            size = {"rows": trained["rows"].iloc[0], "width": trained["width"].iloc[0]}
            random = select_rows(residuals, encoding="control:gaussian", **size)["value"].mean()
            before, after = average_by_seed(untrained, **where), average_by_seed(trained)
            changes.append(TableChange(part, task, encoding, size["rows"], before, after, float(random)))
    return changes
