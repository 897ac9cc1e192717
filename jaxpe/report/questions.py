"""The questions of the workbench and of RESULTS.md, and what a results folder says to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jaxpe.report.claims import Entry, Headline, Key
from jaxpe.report.drawings import Drawing
from jaxpe.report.sections import Section

QUESTIONS = ("harm", "extract", "help", "panda")  # experiments may ask further questions, in words


class Question(NamedTuple):
    """A question with the claims, answers and figures of a folder that belong to it."""

    name: str  # of its messages; of a question in words: the words
    claims: list[Entry]  # headline claims first
    answers: list[dict[str, Any]]
    figures: list[Drawing]

    @property
    def in_words(self) -> bool:
        return self.name not in QUESTIONS


def list_questions(
    sections: Sequence[Section],
    headlines: Sequence[Headline],
    claims: Mapping[Key, Entry],
    drawings: Mapping[str, Drawing],
) -> list[Question]:
    """The questions of every folder, then those that an experiment's claims or answers ask in words."""
    asked = [entry["question"] for entry in claims.values()]
    asked += [answer["question"] for section in sections for answer in section.answers]
    names = dict.fromkeys([*QUESTIONS, *(name for name in asked if name)])
    return [make_question(name, sections, headlines, claims, drawings) for name in names]


def make_question(
    name: str,
    sections: Sequence[Section],
    headlines: Sequence[Headline],
    claims: Mapping[Key, Entry],
    drawings: Mapping[str, Drawing],
) -> Question:
    """A question with its headline claims first; figures are those that the answers name, else the first claim's."""
    first = [headline for headline in headlines if headline.question == name]
    entries = sorted(
        (entry for entry in claims.values() if entry["question"] == name), key=lambda entry: not entry["headline"]
    )
    answers = [
        (section.name, answer) for section in sections for answer in section.answers if answer["question"] == name
    ]
    keys = [f"{experiment}/{answer['figure']}" for experiment, answer in answers] or [one.figure for one in first[:1]]
    return Question(
        name=name,
        claims=entries,
        answers=[answer for _, answer in answers],
        figures=[drawings[key] for key in dict.fromkeys(keys) if key in drawings],
    )
