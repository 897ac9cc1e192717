"""How the language models of an experiment are named in its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

OBJECTIVES = {
    "masked_lm": "bidirectional,\nmasked tokens",
    "causal_masked_lm": "causal,\nmasked tokens",
    "sampled_causal_lm": "causal,\nnext token (15 %)",
    "causal_lm": "causal,\nnext token (all)",
}
SHORT = {"masked_lm": "masked LM, encoder", "causal_lm": "causal LM, decoder"}


def name_models(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `name`, which tells the run configs apart."""
    corpora = list_corpora(table)
    return table.assign(name=[name_model(row, corpora) for row in table.itertuples()])


def name_model(row: Any, corpora: Sequence[str]) -> str:
    """'learned, masked LM, encoder, random starts'; a control has its own name."""
    if row.task == "controls":
        return str(row.encoding)
    words = [row.encoding, SHORT.get(row.task, name_objective(row.task))]
    if row.positions == "offset":
        words.append("random starts")
    elif getattr(row, "starts", None) == "document":
        words.append("document starts")
    corpus = getattr(row, "corpus", None)
    if isinstance(corpus, str) and len(corpora) > 1 and corpus != corpora[0]:
        words.append(corpus)
    return ", ".join(words)


def name_objective(task: str) -> str:
    """'causal, next token (all)' in one line; a task that is no language objective by its own name."""
    return OBJECTIVES.get(task, task).replace("\n", " ")


def list_corpora(table: pd.DataFrame) -> list[str]:
    """The corpora of a table; the first is that of the matched pair."""
    return list(dict.fromkeys(table["corpus"].dropna())) if "corpus" in table else []


def order_controls_last(names: pd.Series) -> list[str]:
    """Names in their order, controls at the end."""
    return sorted(dict.fromkeys(names), key=lambda name: name.startswith("control:"))
