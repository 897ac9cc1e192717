"""Claims: declared by an experiment as data before its first run, judged from its table afterwards.

A claim is known by its experiment and its id. Two experiments may use the same id; neither can overwrite the other's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from jaxpe.errors import UserError
from jaxpe.records.json_values import read_json
from jaxpe.records.statistics import EXPLORATORY, Estimate

REDRAW = "Restore it, or let `jaxpe plot` write it again."
UNDECIDED = "undecided"
VERDICTS = ("supported", "contradicted", UNDECIDED, "helpful", "harmless", "harmful")
ROUNDING = 1e-6  # of a value and of the ends of its interval, relative to the largest of them


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
    verdicts: tuple[str, ...] = ()  # words of the experiment's own, further than `VERDICTS`

    @property
    def headline(self) -> bool:
        """Whether the page lists the claim first, also where it was not run."""
        return self.title is not None

    def make_result(self, verdict: str, estimate: Estimate | None, note: str = "", **fields: object) -> ClaimResult:
        """What a run says of the claim. `estimate` is None where the cell was not run; `fields` fill id and statement.

        Raises UserError for a field without a value, and for what `ClaimResult` refuses.
        """
        name, statement = (self.fill(text, fields) for text in (self.id, self.statement))
        return ClaimResult(self, name, statement, verdict, estimate, note.strip())

    def fill(self, text: str, fields: Mapping[str, object]) -> str:
        """A text with its {fields} filled in. Raises UserError where one has no value, and for a brace that opens none."""
        if not isinstance(text, str):
            raise UserError(f"The claim {self.id!r}: its id and its statement must be texts, not {text!r}.")
        try:
            return text.format(**fields)
        except (KeyError, IndexError) as error:
            fault = f"make_result was given no value for the field {{{error.args[0]}}}" if error.args else str(error)
        except (ValueError, AttributeError, TypeError) as error:
            fault = f"its braces hold no field ({error})"
        raise UserError(f"The claim {self.id!r}: {fault}: give it as a keyword, or write {{{{ and }}}} for braces.")


@dataclass(frozen=True)
class ClaimResult:
    """A claim with the verdict of a run. `n` counts seeds, or pairs of seeds, unless the note says otherwise.

    Raises UserError for a verdict that is none, and for an estimate that is none.
    """

    claim: Claim
    id: str
    statement: str
    verdict: str  # one of `VERDICTS` or of the claim's own
    estimate: Estimate | None
    note: str = ""

    def __post_init__(self) -> None:
        if fault := find_result_fault(self.verdict, self.estimate, self.claim.verdicts):
            raise UserError(f"The claim {self.id!r}: {fault}.")

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


def find_result_fault(verdict: object, estimate: object, own: tuple[str, ...] = ()) -> str:
    """What keeps a verdict and its estimate from being a result, and what to do; '' where nothing does. `own`: further verdicts.

    An estimate without a finite value, as after a diverged training, decides nothing.
    """
    if verdict not in (*VERDICTS, *own):
        return f"{verdict!r} is no verdict: give one of {', '.join((*VERDICTS, *own))}, or declare it as Claim(…, verdicts=…)"
    if not isinstance(estimate, (Estimate, type(None))):
        return "`Claim.make_result` takes an Estimate, or None"
    if verdict != UNDECIDED and (estimate is None or not math.isfinite(estimate.value)):
        return f"it cannot be {verdict!r} without an estimate that has a finite value: give one, or {UNDECIDED!r}"
    if estimate is None:
        return ""
    if estimate.n < 1:
        return f"its estimate has n = {estimate.n}: n counts what was measured; give None where nothing was"
    ends = [end for end in (estimate.low, estimate.high) if end is not None]
    if not ends:
        return ""
    if len(ends) < 2 or not all(map(math.isfinite, (estimate.value, *ends))):
        return "its interval is not whole: give two finite ends of a finite value, or None for both"
    value, low, high = estimate.value, *ends
    slack = ROUNDING * max(map(abs, (value, low, high)))
    if not low - slack <= value <= high + slack:
        return (
            f"its value {value:g} does not lie in its interval, {low:g} to {high:g}: give Estimate(value, low, high, n)"
        )
    return ""


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
    """'+0.312 token accuracy (+0.290 to +0.334, n = 6)', or 'not run'; of a value that is not finite 'no value (n = 6)'."""
    if estimate is None:
        return "not run"
    if not math.isfinite(estimate.value):
        return f"no value (n = {estimate.n})"
    low, high = estimate.low, estimate.high
    interval = "" if low is None or high is None else f"{low:+z.3f} to {high:+z.3f}, "
    return f"{estimate.value:+z.3f} {unit} ({interval}n = {estimate.n})"


def format_entry_effect(entry: Mapping[str, Any]) -> str:
    """The same, of an entry of claims.json."""
    value = math.nan if entry["effect"] is None else entry["effect"]
    estimate = Estimate(value, entry["low"], entry["high"], entry["n"]) if entry["n"] else None
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
