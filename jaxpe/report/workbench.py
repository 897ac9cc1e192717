"""The workbench: every claim, score and figure of a results folder, to compare and to take away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jaxpe.records.statistics import EXPLORATORY
from jaxpe.report.claims import list_headlines, read_all_claims
from jaxpe.report.messages import Messages
from jaxpe.report.questions import list_questions
from jaxpe.report.sections import list_missing, read_section
from jaxpe.report.series import read_series
from jaxpe.report.styles import describe_styles

PARTS = ("claims", "questions", "compare", "sure", "again")


def collect(results: Path, folders: list[Path], messages: Messages) -> dict[str, Any]:
    """What the page shows of the experiments in these folders."""
    claims = read_all_claims(folders)
    sections = [read_section(folder, claims) for folder in folders]
    drawings = {drawing.key: drawing for section in sections for drawing in section.figures}
    headlines = list_headlines(claims)
    questions = list_questions(sections, headlines, claims, drawings)
    series, unclear = read_series(folders)
    names = [one["encoding"] for one in series] + [f"{one['encoding']} + {one['positions']}" for one in series]
    return {
        "data": {
            "styles": describe_styles(names),
            "figures": {key: drawing.packed for key, drawing in drawings.items()},
            "series": series,
        },
        "exploratory": EXPLORATORY,
        "headlines": headlines,
        "drawings": drawings,
        "questions": questions,
        "shown_above": {drawing.id for question in questions for drawing in question.figures},
        "has_series": bool(series),
        "unclear": unclear,
        "missing": list_missing(results),
        "sections": sections,
    }
