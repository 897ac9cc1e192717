"""Claims: declared by an experiment as data before its first run, judged from its table afterwards.

A claim is known by its experiment and its id. Two experiments may use the same id; neither can overwrite the other's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from jaxpe.errors import UserError
from jaxpe.records.json_values import read_json
from jaxpe.records.statistics import EXPLORATORY, Estimate

REDRAW = "Restore it, or let `jaxpe plot` write it again."


class Text(NamedTuple):
    """A sentence in the languages of the page."""

    en: str
    ja: str


@dataclass(frozen=True)
class Claim:
    """A statement that an experiment tests.

    `id` and `statement` may hold {fields}, which `make_result` fills in: one declaration then stands for a group of results,
    for example one a task.
    """

    id: str  # unique within the experiment
    statement: str
    unit: str  # of the effect
    cell: str = ""  # the cell and the criterion that decide it, in words
    question: str = ""  # of the page that it helps to answer: harm, extract, help, panda; "": none
    figure: str = ""  # which figure of the experiment shows it
    family: str = ""  # claims that ask one question: Holm's method adjusts within a family; "": the experiment's own
    title: Text | None = None  # what is claimed, in plain words; only of claims that the page lists first
    effect: Text | None = None  # what the effect measures, in plain words; only of these too

    @property
    def headline(self) -> bool:
        """Whether the page lists the claim first, also where it was not run."""
        return self.title is not None

    def make_result(self, verdict: str, estimate: Estimate | None, note: str = "", **fields: object) -> ClaimResult:
        """What a run says of the claim. `estimate` is None where the cell was not run; `fields` fill id and statement."""
        return ClaimResult(
            self, self.id.format(**fields), self.statement.format(**fields), verdict, estimate, note.strip()
        )


@dataclass(frozen=True)
class ClaimResult:
    """A claim with the verdict of a run. `n` counts seeds, or pairs of seeds, unless the note says otherwise."""

    claim: Claim
    id: str
    statement: str
    verdict: str  # "supported", "contradicted", "undecided", or a word of the experiment's own
    estimate: Estimate | None
    note: str = ""

    @property
    def n(self) -> int:
        return 0 if self.estimate is None else self.estimate.n

    @property
    def value(self) -> float:
        """The effect; NaN where the cell was not run."""
        return float("nan") if self.estimate is None else self.estimate.value

    def to_json(self, experiment: str) -> dict[str, Any]:
        """The entry of claims.json. A result of fewer than ten seeds says in its note that it is exploratory."""
        texts = {"title": self.claim.title, "measure": self.claim.effect}  # of a headline claim, for the page
        estimate = self.estimate or Estimate(float("nan"), None, None, 0)
        few = f"Exploratory: n is below {EXPLORATORY}." if 1 < estimate.n < EXPLORATORY else ""
        return {
            "experiment": experiment,
            "id": self.id,
            "statement": self.statement,
            "verdict": self.verdict,
            "effect": None if self.estimate is None else estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "n": estimate.n,
            "unit": self.claim.unit,
            "note": " ".join(part for part in (few, self.note) if part),
            "p": estimate.p,
            "family": self.claim.family,
            "question": self.claim.question,
            "figure": self.claim.figure,
            "headline": self.claim.headline,
            **{name: text._asdict() for name, text in texts.items() if text is not None},
        }


@dataclass(frozen=True)
class Answer:
    """What a run says to a question of the page, in sentences made from claims and table rows.

    `short` is one sentence: the answer with its effect, interval and n, and the conditions under which it changes.
    """

    question: str  # harm, extract, help, panda; or a question of the experiment's own, in words
    text: str
    figure: str
    short: str = ""


def format_effect(result: ClaimResult) -> str:
    """'+0.312 token accuracy (+0.290 to +0.334, n = 6)'."""
    return format_estimate(result.estimate, result.claim.unit)


def format_estimate(estimate: Estimate | None, unit: str) -> str:
    """'+0.312 token accuracy (+0.290 to +0.334, n = 6)', or 'not run'."""
    if estimate is None:
        return "not run"
    low, high = estimate.low, estimate.high
    interval = "" if low is None or high is None else f"{low:+z.3f} to {high:+z.3f}, "
    return f"{estimate.value:+z.3f} {unit} ({interval}n = {estimate.n})"


def format_entry_effect(entry: Mapping[str, Any]) -> str:
    """The same, of an entry of claims.json."""
    run = entry["effect"] is not None
    estimate = Estimate(entry["effect"], entry["low"], entry["high"], entry["n"]) if run else None
    return format_estimate(estimate, entry["unit"])


# ── what is read back ───────────────────────────────────────────────────────────────────────────────────────────────


class RequiredClaimEntry(TypedDict):
    """What every entry of claims.json has."""

    id: str
    statement: str
    verdict: str
    effect: float | None
    low: float | None
    high: float | None
    n: int
    unit: str


class TextEntry(TypedDict):
    """A sentence in the languages of the page."""

    en: str
    ja: str


class ClaimEntry(RequiredClaimEntry, total=False):
    """An entry of claims.json."""

    experiment: str
    note: str
    p: float | None
    family: str
    question: str
    figure: str
    headline: bool
    title: TextEntry
    measure: TextEntry


class AnswerEntry(TypedDict):
    """An entry of answers.json."""

    question: str
    text: str
    figure: str
    short: str


class Summary(TypedDict):
    """A table for the page and the terminal, with its title: summary.json."""

    title: str
    columns: list[str]
    rows: list[list[str | float | None]]


def read_claims(folder: Path) -> list[dict[str, Any]]:
    """The claims of an experiment's folder; none where it was not run. Raises UserError where the file was altered."""
    path = folder / "claims.json"
    claims = read_json(path, [], list[ClaimEntry], REDRAW)
    ids = set[str]()
    for number, claim in enumerate(claims, 1):
        fault = ""
        if claim["id"] in ids:
            fault = f"the id {claim['id']!r} is used twice"
        elif (claim["low"] is None) != (claim["high"] is None) or (
            claim["low"] is not None and claim["effect"] is None
        ):
            fault = "its interval is not whole"
        if fault:
            raise UserError(f"{path} was altered: entry {number}: {fault}. {REDRAW}")
        ids.add(claim["id"])
    return claims


def read_answers(folder: Path) -> list[dict[str, Any]]:
    """The answers of an experiment's folder, if it has some. Raises UserError where the file was altered."""
    return read_json(folder / "answers.json", [], list[AnswerEntry], REDRAW)


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary of an experiment's folder; {} where it has none. Raises UserError where the file was altered."""
    path = folder / "summary.json"
    summary = read_json(path, {}, Summary, REDRAW)
    for number, row in enumerate(summary.get("rows", []), 1):
        if len(row) != len(summary["columns"]):
            fault = f"row {number} has {len(row)} entries for {len(summary['columns'])} columns"
            raise UserError(f"{path} was altered: {fault}. {REDRAW}")
    return summary


def read_captions(folder: Path) -> dict[str, str]:
    """The captions of an experiment's figures by name, if it gave some. Raises UserError where the file was altered."""
    return read_json(folder / "captions.json", {}, dict[str, str], REDRAW)
