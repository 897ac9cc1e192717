"""Results folders side by side: what differs in how they were made, and in what they found. The command `jaxpe compare`.

Nothing is trained: tables, claims and provenance are read. Differences are taken over the seeds that both sides have.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from jaxpe.errors import UserError, unknown
from jaxpe.records import store
from jaxpe.records.statistics import at_ceiling, compared, finite, holm

TABLE = "table.csv"
KEYS = ["experiment", "task", "architecture", "encoding", "positions", "test_positions", "test_length", "metric"]
VALUES = ("seed", "value", "length_baseline", "order_blind_baseline", "n_examples")
ACCURACIES = ("token_accuracy", "exact_match")
DECIDED = ("higher", "lower")
SAME, CEILING = "the same", "both at the ceiling"
CONFIGURATION = ("command", "preset", "versions", "commit", "system", "backend", "device", "devices")
NOTHING = "–"
ONE_ENCODING = "as named"  # the encoding of a row where each side is one encoding
Found = dict[str, Any]


class Run(NamedTuple):
    """What an experiment left in its folder."""

    table: pd.DataFrame
    claims: list[Found]
    facts: Found


class Side(NamedTuple):
    """One of the things compared: its name as it was typed, and its experiments by name."""

    name: str
    runs: dict[str, Run]


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def opened(words: Sequence[str]) -> list[Side]:
    """The sides that a user named. Raises UserError where one is none, or is there twice."""
    if len(words) < 2:
        raise UserError("compare takes two results folders or more, or single runs in them (FOLDER/EXPERIMENT).")
    places = [located(word) for word in words]
    for (one, first), (other, second) in combinations(zip(words, places, strict=True), 2):
        if (first[0].resolve(), first[1]) == (second[0].resolve(), second[1]):
            raise UserError(f"{one} and {other} are the same: compare takes different ones.")
    return [Side(word, runs_of(*place)) for word, place in zip(words, places, strict=True)]


def located(word: str) -> tuple[Path, str]:
    """'results/accuracy:learned' -> the folder and the encoding, '' where none is named."""
    path = Path(word).expanduser()
    if path.exists() or ":" not in word:
        return path, ""
    folder, _, encoding = word.rpartition(":")
    return Path(folder).expanduser(), encoding


def runs_of(folder: Path, encoding: str) -> dict[str, Run]:
    """The runs of a folder by experiment; only the rows of one encoding where it is named, and then no claims."""
    tables = [folder / TABLE] if (folder / TABLE).is_file() else sorted(folder.glob(f"*/{TABLE}"))
    if not tables:
        raise nothing_in(folder)
    runs = {}
    for path in tables:
        table = store.read_table(path)
        name = str(table["experiment"].iloc[0]) if len(table) else path.parent.name
        facts = store.read_json(path.with_name("provenance.json"), {})
        runs[name] = Run(table, store.read_claims(path.parent), facts)
    return {name: only(run, encoding, runs) for name, run in runs.items()} if encoding else runs


def nothing_in(folder: Path) -> UserError:
    runs = [path.parent for path in folder.parent.glob(f"*/{TABLE}")]
    folders = [path.parent for path in folder.parent.glob(f"*/{store.MARKER}")]
    if runs or get_close_matches(folder.name, [path.name for path in folders]):
        return unknown("run or results folder", str(folder), [str(path) for path in (*folders, *runs)])
    return UserError(f"There is no table in {folder}: give a results folder, or the folder of an experiment in one.")


def only(run: Run, encoding: str, runs: dict[str, Run]) -> Run:
    """The rows of one encoding, called the same on every side."""
    known = {str(name) for one in runs.values() for name in one.table["encoding"].dropna()}
    if encoding not in known:
        raise unknown("encoding", encoding, sorted(known))
    return Run(run.table[run.table["encoding"] == encoding].assign(encoding=ONE_ENCODING), [], run.facts)


# ── differences ─────────────────────────────────────────────────────────────────────────────────────────────────────


def differences(sides: Sequence[Side]) -> list[Found]:
    """Every number that two sides share, later minus earlier: the decided and the largest first. Raises UserError for none."""
    found = []
    for a, b in combinations(sides, 2):
        shared = [of_tables(a.runs[name].table, b.runs[name].table) for name in a.runs if name in b.runs]
        pair = ordered([row for rows in shared for row in rows])
        tested = [row for row in pair if row["p"] is not None]
        for row, p in zip(tested, holm([row["p"] for row in tested]), strict=True):
            row["adjusted_p"] = p
        found += [{"a": a.name, "b": b.name} | row for row in pair]
    if not found:
        names = " and ".join(side.name for side in sides)
        raise UserError(f"{names} share no rows: they need an experiment, its configs and a seed in common.")
    return found


def of_tables(first: pd.DataFrame, second: pd.DataFrame) -> list[Found]:
    """Paired differences, second minus first, of what has the same key in two tables."""
    keys = keys_of((first, second))
    both = pd.concat({"a": by_seed(first, keys), "b": by_seed(second, keys)}, axis=1, join="inner")
    if both.empty:
        return []
    found = []
    for key, part in both.groupby(level=keys, sort=False):
        row = dict(zip(keys, key, strict=True))
        found.append(row | difference(part["a"].to_numpy(), part["b"].to_numpy(), row["metric"]))
    return found


def keys_of(tables: Sequence[pd.DataFrame]) -> list[str]:
    """The columns that name a row: the usual ones, and whatever tells rows of one seed apart."""

    def varies(name: str) -> bool:
        parts = [table.groupby([*KEYS, "seed"], dropna=False)[name] for table in tables if name in table]
        return any(part.nunique(dropna=False).max() > 1 for part in parts)

    others = dict.fromkeys(name for table in tables for name in table if name not in (*KEYS, *VALUES))
    return [*KEYS, *[name for name in others if varies(name)]]


def by_seed(table: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Values by key and seed; what has no seed (a count, a chosen rate) cannot be paired."""
    table = table.dropna(subset=["seed"]).reindex(columns=[*keys, "seed", "value"])
    table[keys] = table[keys].map(text)
    table["value"] = pd.to_numeric(table["value"], errors="coerce")
    return table.groupby([*keys, "seed"], sort=False)["value"].mean()


def text(value: Any) -> str:
    """An entry of a key column: the same for 8 and 8.0, and '' for none."""
    if pd.isna(value):
        return ""
    return str(int(value)) if isinstance(value, (float, np.floating)) and value == round(value) else str(value)


def difference(a: np.ndarray, b: np.ndarray, metric: str) -> Found:
    """b − a over paired seeds, with both means."""
    found = compared(b, a)
    return {"a_mean": finite(a.mean()), "b_mean": finite(b.mean())} | found | {"verdict": verdict(found, a, b, metric)}


def verdict(found: Found, a: np.ndarray, b: np.ndarray, metric: str) -> str:
    if not found["without_value"] and (a == b).all():
        return SAME
    if metric in ACCURACIES and at_ceiling(list(a), list(b)):
        return CEILING
    words = {"supported": "higher", "contradicted": "lower"}
    return words.get(found["verdict"], str(found["verdict"]))


def ordered(rows: list[Found]) -> list[Found]:
    """The decided first, then by the size of the difference as a share of the metric's largest value."""
    largest: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        of = (row["experiment"], row["metric"])
        largest[of] = max(largest[of], *(abs(row[name] or 0.0) for name in ("a_mean", "b_mean")))
    for row in rows:
        row["scale"] = largest[row["experiment"], row["metric"]] or 1.0
    return sorted(rows, key=lambda row: (row["verdict"] not in DECIDED, -abs(row["difference"] or 0.0) / row["scale"]))


# ── configuration and claims ────────────────────────────────────────────────────────────────────────────────────────


def configuration(sides: Sequence[Side]) -> list[Found]:
    """What differs in command, preset, versions and devices, with the experiments where it does."""
    found: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for name in shared_experiments(sides):
        facts = [fields_of(side.runs[name].facts) if name in side.runs else {} for side in sides]
        for field in dict.fromkeys(field for one in facts for field in one):
            given = [one.get(field, NOTHING) for one in facts]
            if any(value != given[0] for value in given[1:]):
                values = tuple(unlike(value, given) for value in given)
                found.setdefault(field, {}).setdefault(values, []).append(name)
    return [
        {"field": field, "values": list(values), "experiments": names}
        for field, by_values in found.items()
        for values, names in by_values.items()
    ]


def shared_experiments(sides: Sequence[Side]) -> list[str]:
    """The experiments that two sides or more have."""
    counts = Counter(name for side in sides for name in side.runs)
    return [name for name, count in counts.items() if count > 1]


def fields_of(facts: Found) -> dict[str, Any]:
    """{'preset.steps': '800', …}; the grid of a preset as a list of its rows."""
    parts: Found = {}
    for name in CONFIGURATION:
        value = facts.get(name)
        parts |= {f"{name}.{part}": own for part, own in value.items()} if isinstance(value, dict) else {name: value}
    grid = [compact(list(row.values())) for row in parts.pop("preset.grid", [])]
    return {name: compact(value) for name, value in parts.items()} | {"preset.grid": grid}


def compact(value: Any) -> str:
    """'reverse · encoder · none, learned · seeds=6': a preset's field, or a row of its grid, for people."""
    if not isinstance(value, list):
        return NOTHING if value in (None, "") else str(value)
    if value and all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in value):
        return ", ".join(f"{name}={compact(own)}" for name, own in value)
    if any(isinstance(part, list) for part in value):
        return " · ".join(compact(part) for part in value if part not in ([], ["arange"], [None]))
    return ", ".join(compact(part) for part in value) or NOTHING


def unlike(value: Any, given: Sequence[Any]) -> str:
    """A value as it is shown; of a grid only the rows that not every side has."""
    if isinstance(value, str):
        return value
    own = [row for row in value if not all(isinstance(other, list) and row in other for other in given)]
    return "\n".join(own) or NOTHING


def claims(sides: Sequence[Side]) -> list[Found]:
    """The claims that two sides or more make, those with different verdicts first."""
    found = []
    for name in shared_experiments(sides):
        made = [{one["id"]: one for one in side.runs[name].claims} if name in side.runs else {} for side in sides]
        for key in dict.fromkeys(key for one in made for key in one):
            own = [one.get(key) for one in made]
            had = [claim for claim in own if claim]
            if len(had) > 1:
                differs = len({claim["verdict"] for claim in had}) > 1
                statement = had[0]["statement"]
                found.append({"experiment": name, "id": key, "statement": statement, "differs": differs, "sides": own})
    return sorted(found, key=lambda claim: not claim["differs"])


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────────────


def compare(words: Sequence[str], output: Path, as_json: bool) -> int:
    """Writes the page and the table, and prints a summary of them (or everything, as JSON)."""
    from jaxpe.report import compare as report

    sides = opened(words)
    if (output.parent / store.MARKER).is_file() or any(
        (output / n).exists() for n in (store.MARKER, "provenance.json")
    ):
        raise UserError(f"{output} belongs to a results folder: choose an --output outside of it.")
    found = {
        "sides": [side.name for side in sides],
        "configuration": configuration(sides),
        "differences": differences(sides),
        "claims": claims(sides),
    }
    page = report.write(output, found)
    if as_json:
        print(json.dumps(store.plain(found | {"page": page}), indent=1, ensure_ascii=False))
    else:
        print(f"{report.summary(found)}\nThe comparison is {page}")
    return 0
