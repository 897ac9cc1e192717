"""The page's answer in plain sentences, filled with numbers of the folder; one that lacks them is not said.

`holds` says whether the opening words of a sentence follow from its numbers; without, the numbers stand alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeGuard

import pandas as pd
from markupsafe import Markup

from jaxpe.records.csv_tables import read_table
from jaxpe.report.language import Messages
from jaxpe.study import tables

# Each sentence and the experiment that it is measured by.
MEASURED_BY = {
    "harm": "harm", "size": "harm", "read": "extraction", "inside": "extraction", "help": "accuracy", "ends": "extrapolation",
    "panda": "superposition",
}  # fmt: skip
ENCODER = {"architecture": "encoder", "metric": "token_accuracy", "positions": "arange", "test_positions": "arange"}
CLEARLY = 0.2  # a difference of accuracy that is told in words
MUCH = 10.0  # times as much position as token


def sentences(
    results: Path, claims: dict[str, dict[str, Any]], played: dict[str, Any]
) -> dict[str, dict[str, Any] | None]:
    """By sentence the values that it is filled with; None where the folder does not have them.

    `claims` are those of the folder by name, `played` what the guided part plays with.
    """
    held = {name: table_of(results / name) for name in dict.fromkeys(MEASURED_BY.values())}
    return {
        "harm": harm(held["harm"], claims),
        "size": size(played.get("ratio")),
        "read": read(claims.get("C6"), played.get("readers")),
        "inside": inside(held["extraction"]),
        "help": helps(held["accuracy"]),
        "ends": ends(held["extrapolation"]),
        "panda": panda(held["superposition"]),
    }


def spoken(told: dict[str, dict[str, Any] | None], say: Messages) -> dict[str, Markup]:
    """The sentences that the folder has numbers for, in every language, by name."""
    made = {}
    for name, values in told.items():
        if values is None:
            continue
        verdicts: dict[str, Any] = {key: say(f"verdict.{values[key]}") for key in ("seen", "beyond") if key in values}
        opening = say(f"brief.{name}.holds") if values["holds"] else ""
        made[name] = say(f"brief.{name}", **(values | verdicts | {"opening": opening}))
    return made


def table_of(folder: Path) -> pd.DataFrame:
    path = folder / "table.csv"
    return read_table(path) if path.is_file() else pd.DataFrame(columns=["metric", "task", "encoding"])


def harm(table: pd.DataFrame, claims: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """`count` with sinusoids and without: within the lengths seen and at twice the length."""
    seen, beyond = (claims.get(f"C5.count-{where}-sinusoidal") for where in ("seen", "beyond"))
    part = tables.select_rows(table, task="count", metric="token_accuracy")
    if seen is None or beyond is None or part.empty:
        return None
    part = tables.select_rows(part, sweep="none", **ENCODER)
    part = part[part["width"] == part["width"].min()]
    n = part["train_length"].min()
    values = {
        f"{name}_{where}": mean(part, encoding=encoding, test_length=length)
        for name, encoding in (("with", "sinusoidal"), ("without", "none"))
        for where, length in (("seen", n), ("beyond", 2 * n))
    }
    holds = seen["verdict"] != "harmful" and beyond["verdict"] == "harmful"
    told = {"seen": seen["verdict"], "beyond": beyond["verdict"], "n": seen["n"], "holds": holds}
    return percent(values) | told if complete(values) else None


def size(ratio: dict[str, Any] | None) -> dict[str, Any] | None:
    """`count` and `index` within the lengths seen, with ten times as much position as token."""
    tasks = ratio["tasks"] if ratio else {}
    found = {task: dict(map(tuple, own["within"])).get(MUCH) for task, own in tasks.items()}
    if len(found) < 2 or not complete(found):
        return None
    beside = {
        "length_baseline": tasks["count"]["within_length_baseline"],
        "blind": tasks["index"]["within_order_blind_baseline"],
    }
    near = found["count"] < beside["length_baseline"] + CLEARLY and found["index"] < beside["blind"] + CLEARLY
    return percent(found | beside) | {"n": ratio["seeds"], "holds": near} if ratio else None


def read(claim: dict[str, Any] | None, readers: dict[str, Any] | None) -> dict[str, Any] | None:
    """Who knows both tables, in trained models; who knows positions only, by the width of drawn tables."""
    own = (readers or {}).get("position table", {}).get("sinusoids")
    if claim is None or claim["effect"] is None or not own:
        return None
    (narrow, low), (wide, high) = own[0], own[-1]
    return percent({"share": claim["effect"], "low": low, "high": high}) | {
        "n": claim["n"], "narrow": narrow, "wide": wide, "holds": claim["effect"] == 1,
    }  # fmt: skip


def inside(table: pd.DataFrame) -> dict[str, Any] | None:
    """Where an encoder that reverses writes its answer: position's share of the variance, layer by layer, and the answer's."""
    part = tables.select_rows(table, task="reverse", encoding="learned")
    if part.empty:
        return None
    part = tables.select_rows(part, architecture="encoder", network="trained", places="answers")
    probes = tables.select_rows(part, metric="probe_error", target="position")
    part = tables.select_rows(part, metric="variance_share")
    layers = sorted(part["layer"].unique())
    values = {
        "first": mean(part, part="position", layer=layers[0]),
        "last": mean(part, part="position", layer=layers[-1]),
        "answer": mean(part, part="answer", layer=layers[-1]),
        "error": mean(probes, layer=layers[-1]),
    }
    if not complete(values):
        return None
    told = {"n": part["seed"].nunique(), "layers": int(layers[-1]), "holds": values["last"] < values["first"] / 2}
    return percent(values) | told


def helps(table: pd.DataFrame) -> dict[str, Any] | None:
    """`index` with sinusoids, without, and by the best rule that is blind to order."""
    part = tables.select_rows(table, task="index", metric="token_accuracy")
    if part.empty:
        return None
    part = tables.select_rows(part, **ENCODER)
    part = part[part["test_length"] == part["train_length"]]
    values = {name: mean(part, encoding=encoding) for name, encoding in (("with", "sinusoidal"), ("without", "none"))}
    values["blind"] = None if part.empty else float(part["order_blind_baseline"].mean())
    if not complete(values):
        return None
    return percent(values) | {
        "n": part["seed"].nunique(),
        "holds": values["with"] - max(values["without"], values["blind"]) > CLEARLY,
    }


def ends(table: pd.DataFrame) -> dict[str, Any] | None:
    """`reverse` with sinusoids: at the longest length trained, and one symbol beyond."""
    part = tables.select_rows(table, task="reverse", metric="token_accuracy", encoding="sinusoidal")
    if part.empty:
        return None
    part = tables.select_rows(part, companion="plain", **ENCODER)
    n = int(part["train_length"].min())
    past = tables.select_rows(part, test_length=n + 1)
    values = {"at": mean(part, test_length=n), "past": mean(past)}
    values["blind"] = None if past.empty else float(past["order_blind_baseline"].mean())
    if not complete(values):
        return None
    told = {"length": n, "next": n + 1, "n": part["seed"].nunique(), "holds": values["at"] - values["past"] > CLEARLY}
    return percent(values) | told


def panda(table: pd.DataFrame) -> dict[str, Any] | None:
    """Both of two added digits named, by a reader that never saw sums and by one trained on them."""
    part = tables.select_rows(table, metric="both_named")
    if part.empty:
        return None
    part = tables.select_rows(part, parts="digit + digit")
    values = {
        name: mean(part, reader=reader)
        for name, reader in (("never", "never shown sums"), ("trained", "trained on sums"))
    }
    if not complete(values):
        return None
    return percent(values) | {
        "n": part["seed"].nunique(),
        "holds": values["trained"] >= 0.5 and values["trained"] - values["never"] > CLEARLY,
    }


def mean(table: pd.DataFrame, **columns: Any) -> float | None:
    """The mean value over seeds; None where there are no rows."""
    part = tables.select_rows(table, **columns)
    return None if part.empty else float(part["value"].mean())


def complete(values: dict[str, float | None]) -> TypeGuard[dict[str, float]]:
    """Whether no value is missing."""
    return all(value is not None for value in values.values())


def percent(values: dict[str, Any]) -> dict[str, str]:
    """Shares as whole percents."""
    return {name: f"{100 * value:.0f}" for name, value in values.items()}
