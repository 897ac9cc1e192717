"""The page's answer in plain sentences, with numbers of the results folder; a sentence whose numbers are missing is left out.

`holds` says whether the opening words of a sentence follow from its numbers; otherwise the numbers stand alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import pandas as pd

from jaxpe.analysis.effects import SOLVED, compare_speed
from jaxpe.analysis.readers import POSITIONS
from jaxpe.records.csv_tables import read_table
from jaxpe.records.stored_files import exists
from jaxpe.report.claims import Entry, Key
from jaxpe.study.tables import select_rows

Values = dict[str, Any]  # of the places in a sentence
# Each sentence and the experiment that measures it.
MEASURED_BY = {
    "harm": "harm", "size": "harm", "read": "extraction", "inside": "extraction", "help": "accuracy", "ends": "extrapolation",
    "panda": "superposition",
}  # fmt: skip
ENCODER = {"architecture": "encoder", "metric": "token_accuracy", "positions": "arange", "test_positions": "arange"}
CLEARLY = 0.2  # a difference of accuracy that the opening words mention
MUCH = 10.0  # times as much position as token


def compute_sentences(results: Path, claims: Mapping[Key, Entry], guide: Mapping[str, Any]) -> dict[str, Values | None]:
    """The values of each sentence; None where the folder does not have them.

    `claims` are those of the folder, `guide` is the data of the page's guided part.
    """
    stored = {name: read_stored(results / name) for name in dict.fromkeys(MEASURED_BY.values())}
    return {
        "harm": compute_harm(stored["harm"], claims),
        "size": compute_size(guide.get("ratio")),
        "read": compute_read(claims.get(("extraction", "C6")), guide.get("readers")),
        "inside": compute_inside(stored["extraction"]),
        "help": compute_help(stored["accuracy"]),
        "ends": compute_ends(stored["extrapolation"]),
        "panda": compute_panda(stored["superposition"]),
    }


def read_stored(folder: Path) -> pd.DataFrame:
    """The table of an experiment; one without rows where it was not run."""
    path = folder / "table.csv"
    return read_table(path) if exists(path) else pd.DataFrame(columns=["metric", "task", "encoding"])


# ── one function a sentence ─────────────────────────────────────────────────────────────────────────────────────────


def compute_harm(table: pd.DataFrame, claims: Mapping[Key, Entry]) -> Values | None:
    """`count` with sinusoids and without: within the training lengths, at twice the length, and the steps to learn it."""
    seen, beyond = (claims.get(("harm", f"C5.count-{where}-sinusoidal")) for where in ("seen", "beyond"))
    part = select_rows(table, task="count", metric="token_accuracy")
    if seen is None or beyond is None or part.empty:
        return None
    speed = compare_speed(table, "count")
    if speed is None:
        return None
    part = select_rows(part, sweep="none", **ENCODER)
    part = part[part["width"] == part["width"].min()]
    n = part["train_length"].min()
    values = {
        f"{name}_{where}": compute_mean(part, encoding=encoding, test_length=length)
        for name, encoding in (("with", "sinusoidal"), ("without", "none"))
        for where, length in (("seen", n), ("beyond", 2 * n))
    }
    holds = seen["verdict"] != "harmful" and beyond["verdict"] == "harmful" and speed.word == "harmful"
    facts = {"seen": seen["verdict"], "beyond": beyond["verdict"], "n": seen["n"], "holds": holds}
    facts |= {"speed": f"{2**speed.estimate.value:.1f}", "solved": f"{100 * SOLVED:.0f}"}
    if not is_complete(values):
        return None
    close = {f"{name}_seen": f"{100 * values[f'{name}_seen']:.1f}" for name in ("with", "without")}
    return format_percents(values) | close | facts


def compute_size(ratio: Mapping[str, Any] | None) -> Values | None:
    """`count` and `index` within the training lengths, with ten times as much position as token."""
    if ratio is None:
        return None
    tasks = ratio["tasks"]
    scores = {task: dict(map(tuple, part["within"])).get(MUCH) for task, part in tasks.items()}
    if len(scores) < 2 or not is_complete(scores):
        return None
    baselines = {
        "length_only": tasks["count"]["within_length_baseline"],
        "blind": tasks["index"]["within_order_blind_baseline"],
    }
    near = scores["count"] < baselines["length_only"] + CLEARLY and scores["index"] < baselines["blind"] + CLEARLY
    return format_percents(scores | baselines) | {"n": ratio["seeds"], "width": ratio["width"], "holds": near}


def compute_read(claim: Entry | None, readers: Mapping[str, Any] | None) -> Values | None:
    """A reader that knows both tables, in trained models; readers of sinusoids without one or both, by the vectors' width."""
    known, examples = ((readers or {}).get(name, {}).get("sinusoids") for name in ("position table", "neither"))
    if claim is None or claim["effect"] is None or not known or not examples:
        return None
    (narrow, low), (wide, high) = known[0], known[-1]
    return format_percents({"share": claim["effect"], "low": low, "high": high, "learned": examples[-1][1]}) | {
        "n": claim["n"], "narrow": narrow, "wide": wide, "places": POSITIONS,
        "holds": claim["effect"] == 1 and examples[-1][1] > 0.5,
    }  # fmt: skip


def compute_inside(table: pd.DataFrame) -> Values | None:
    """What the vectors of an encoder that reverses are made of, before the first layer, after it, and after the last.

    Where it writes its answer: position and answer, and the error of a probe that reads position; at its input, after the first
    layer: what depends on several parts together.
    """
    cell = {"task": "reverse", "encoding": "learned", "architecture": "encoder", "network": "trained"}
    probes = select_rows(table, **cell, metric="probe_error", target="position", places="answers")
    part = select_rows(table, **cell, metric="variance_share")
    if part.empty:
        return None
    first, last = part["layer"].min(), part["layer"].max()
    inputs, answers = (select_rows(part, places=places) for places in ("input", "answers"))
    values = {
        "mixed": compute_mean(inputs, part="mixed", layer=first + 1),
        "first": compute_mean(answers, part="position", layer=first),
        "last": compute_mean(answers, part="position", layer=last),
        "answer": compute_mean(answers, part="answer", layer=last),
        "error": compute_mean(probes, layer=last),
    }
    if not is_complete(values):
        return None
    facts = {"n": part["seed"].nunique(), "layers": int(last), "holds": values["last"] < values["first"] / 2}
    return format_percents(values) | facts


def compute_help(table: pd.DataFrame) -> Values | None:
    """`index` with sinusoids and without, and the order-blind baseline."""
    part = select_rows(table, task="index", **ENCODER)
    if part.empty:
        return None
    part = part[part["test_length"] == part["train_length"]]
    values = {
        "with": compute_mean(part, encoding="sinusoidal"),
        "without": compute_mean(part, encoding="none"),
        "blind": float(part["order_blind_baseline"].mean()),
    }
    if not is_complete(values):
        return None
    holds = values["with"] - max(values["without"], values["blind"]) > CLEARLY
    return format_percents(values) | {"n": part["seed"].nunique(), "holds": holds}


def compute_ends(table: pd.DataFrame) -> Values | None:
    """`reverse` with sinusoids: at the longest training length, and one symbol beyond; what if only new places failed.

    Input and answer stand one behind the other, so that one symbol more has two new places, both of the answer.
    """
    part = select_rows(table, task="reverse", encoding="sinusoidal", variant="plain", **ENCODER)
    if part.empty:
        return None
    n = int(part["train_length"].min())
    past = select_rows(part, test_length=n + 1)
    values = {
        "at": compute_mean(part, test_length=n),
        "past": compute_mean(past),
        "blind": None if past.empty else float(past["order_blind_baseline"].mean()),
    }
    if not is_complete(values):
        return None
    holds = values["at"] - values["past"] > CLEARLY
    values["spared"] = (n - 1) / (n + 1) * values["at"]
    return format_percents(values) | {"length": n, "next": n + 1, "n": part["seed"].nunique(), "holds": holds}


def compute_panda(table: pd.DataFrame) -> Values | None:
    """Both of two added digits named, by a reader that never saw sums and by one trained on them."""
    part = select_rows(table, metric="both_named", parts="digit + digit")
    readers = {"never": "never shown sums", "trained": "trained on sums"}
    values = {name: compute_mean(part, reader=reader) for name, reader in readers.items()}
    if not is_complete(values):
        return None
    holds = values["trained"] >= 0.5 and values["trained"] - values["never"] > CLEARLY
    return format_percents(values) | {"n": part["seed"].nunique(), "holds": holds}


# ── values ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def compute_mean(table: pd.DataFrame, **columns: object) -> float | None:
    """The mean value over seeds; None where there are no rows, and where a seed has several: they are of different tests."""
    part = select_rows(table, **columns)
    is_mixed = "seed" in part and part["seed"].dropna().duplicated().any()
    return None if part.empty or is_mixed else float(part["value"].mean())


def is_complete(values: dict[str, float | None]) -> TypeGuard[dict[str, float]]:
    """Whether no value is missing."""
    return all(value is not None for value in values.values())


def format_percents(values: Mapping[str, float]) -> dict[str, str]:
    """Shares as whole percents."""
    return {name: f"{100 * value:.0f}" for name, value in values.items()}
