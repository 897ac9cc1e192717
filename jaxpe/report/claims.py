"""The claims of a results folder: what its experiments declare, with what their last run found.

A claim is known by its experiment and its id, so two experiments may use the same id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jaxpe.records.claims import Claim, Text, read_claims
from jaxpe.records.statistics import add_adjusted_p
from jaxpe.study.experiment import EXPERIMENTS, load_experiment

Entry = dict[str, Any]  # of claims.json
Key = tuple[str, str]  # experiment and id
DEFAULTS: Entry = {"note": "", "p": None, "family": "", "question": "", "figure": "", "headline": False}
DIRECTIONS = ("supported", "contradicted", "helpful", "harmful")  # verdicts that an effect is not 0
NUMBERS = ("effect", "low", "high", "n", "unit")


class Headline(NamedTuple):
    """A claim that the page lists first. `entry`: its result in the folder; None where it was not run."""

    experiment: str
    id: str
    title: Text
    effect: Text
    question: str
    figure: str  # EXPERIMENT/FIGURE
    entry: Entry | None

    @property
    def was_run(self) -> bool:
        return self.entry is not None and bool(self.entry["n"])


def read_all_claims(folders: Iterable[Path]) -> dict[Key, Entry]:
    """The claims of all experiments in a results folder, with p-values adjusted. Raises UserError for an altered file."""
    claims = {}
    for folder in folders:
        for entry in read_claims(folder):
            claims[folder.name, str(entry["id"])] = DEFAULTS | entry | {"experiment": folder.name}
    adjust_claims(list(claims.values()))
    return claims


def adjust_claims(claims: list[Entry]) -> None:
    """Adds `adjusted_p` by Holm's method, over the claims of one family.

    jaxpe's own experiments share families ("primary": the headline claims). Another experiment has its own.
    """
    families: dict[Key, list[Entry]] = {}
    for entry in claims:
        own = entry["experiment"] in EXPERIMENTS and entry["family"]
        families.setdefault(("" if own else entry["experiment"], entry["family"]), []).append(entry)
    for family in families.values():
        add_adjusted_p(family)


@cache
def list_declared() -> dict[Key, Claim]:
    """The headline claims that jaxpe's own experiments declare: C1, C2, ... C12."""
    declared = {
        (name, claim.id): claim
        for name in EXPERIMENTS
        for claim in load_experiment(name).module.CLAIMS
        if claim.headline
    }
    return dict(sorted(declared.items(), key=lambda item: split_digits(item[0][1])))


def split_digits(name: str) -> list[tuple[int, str]]:
    """A key that sorts C2 before C12."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def list_headlines(claims: dict[Key, Entry]) -> list[Headline]:
    """The headline claims of jaxpe's own experiments, run or not, then those of other experiments in the folder."""
    headlines = []
    for (experiment, name), claim in list_declared().items():
        title, effect = claim.title or Text(claim.statement, ""), claim.effect or Text(claim.unit, "")
        figure, entry = f"{experiment}/{claim.figure}", claims.get((experiment, name))
        headlines.append(Headline(experiment, name, title, effect, claim.question, figure, entry))
    for (experiment, name), entry in claims.items():
        if entry["headline"] and experiment not in EXPERIMENTS:
            title, effect = get_text(entry, "title", "statement"), get_text(entry, "measure", "unit")
            figure = f"{experiment}/{entry['figure']}"
            headlines.append(Headline(experiment, name, title, effect, entry["question"], figure, entry))
    return headlines


def get_text(entry: Entry, name: str, otherwise: str) -> Text:
    """A text of an entry in both languages; of an entry without it another value, which is English."""
    text = entry.get(name, {"en": entry[otherwise], "ja": ""})
    return Text(text["en"], text["ja"])


def list_verdicts(claims: dict[Key, Entry]) -> list[str]:
    """The verdict of every claim that was measured. A part that repeats its claim's numbers does not count."""
    return [entry["verdict"] for key, entry in claims.items() if entry["n"] and not repeats_whole(claims, key)]


def count_fragile(claims: dict[Key, Entry]) -> int:
    """How many verdicts that there is a difference have an adjusted p above 5 %."""
    decided = [entry for entry in claims.values() if entry["n"] and entry["verdict"] in DIRECTIONS]
    return sum((entry.get("adjusted_p") or 0) > 0.05 for entry in decided)


def repeats_whole(claims: dict[Key, Entry], key: Key) -> bool:
    """Whether a claim like C5.count has the numbers of C5 itself."""
    whole, _, part = key[1].partition(".")
    entry = claims.get((key[0], whole)) if part else None
    return entry is not None and all(entry[number] == claims[key][number] for number in NUMBERS)
