"""The page of a results folder: one self-contained HTML file made from stored tables, claims and figures.

It holds its styles, its script, the figures and their data, and asks for nothing from outside. Where an experiment is
missing it says "not run".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from jaxpe.errors import UnknownName
from jaxpe.figures.style import find_style
from jaxpe.records.experiment_folders import list_members
from jaxpe.records.files import write_text
from jaxpe.records.statistics import EXPLORATORY
from jaxpe.report import brief, guide
from jaxpe.report.claims import Entry, Key, list_decisions, list_headlines, read_all_claims
from jaxpe.report.edits import explain_faults, group_edits
from jaxpe.report.messages import LANGUAGES, Messages
from jaxpe.report.questions import list_questions
from jaxpe.report.sections import check_names, list_missing, read_section, sort_folders
from jaxpe.report.series import read_series
from jaxpe.report.templates import make_environment
from jaxpe.study.experiment import EXPERIMENTS

PAGE = "index.html"
SHIFT = "C1"  # the claim, with its parts, that the guide shows next to the clocks
DASHES = {"-": "", "--": "6 3", "-.": "7 3 2 3", ":": "2 3"}  # of SVG, by matplotlib's names


def write_page(results: Path, language: str = "en") -> Path:
    """Writes `index.html` and returns its path. Raises UserError for a language that the page does not have."""
    if language not in LANGUAGES:
        raise UnknownName("language", language, LANGUAGES)
    path = results / PAGE
    write_text(path, render_page(results, language, Messages()))
    return path


def render_page(results: Path, language: str, messages: Messages) -> str:
    """The page as HTML; what comes from results is escaped. Raises UserError where a file cannot be used."""
    members = check_names(list_members(results))
    folders = sort_folders(members.folders)
    edits = members.find_edits()
    with explain_faults(edits, f"No page can be made of {results}"):
        contents = collect_contents(results, folders, messages)
        return (
            make_environment()
            .get_template("page.html.jinja")
            .render(
                t=messages,
                language=language,
                languages=LANGUAGES,
                exploratory=EXPLORATORY,
                css=read_asset("page.css"),
                script=read_asset("page.js"),
                edits=group_edits(edits),
                ignored=[folder.name.encode(errors="replace").decode() for folder in members.ignored],
                missing=list_missing(results),
                **contents,
            )
        )


def collect_contents(results: Path, folders: Sequence[Path], messages: Messages) -> dict[str, Any]:
    """What the page shows of the experiments in these folders."""
    claims = read_all_claims(folders)
    sections = [read_section(folder, claims) for folder in folders]
    drawings = {drawing.key: drawing for section in sections for drawing in section.figures}
    headlines = list_headlines(claims)
    questions = list_questions(sections, headlines, claims, drawings)
    (series, unclear), parts = read_series(folders), guide.read_parts(results)
    sentences = brief.compute_sentences(results, claims, parts)
    data = {
        "messages": messages.select_for_scripts(),
        "styles": describe_styles(series),
        "figures": {key: drawing.packed for key, drawing in drawings.items()},
        "guide": parts | {"shift": {}},
        "series": series,
    }
    return {
        "data": Markup(embed_json(data)),
        "brief": brief.fill_sentences(sentences, messages),
        "brief_missing": sorted({brief.MEASURED_BY[name] for name, values in sentences.items() if values is None}),
        "decisions": list_decisions(claims),
        "headlines": headlines,
        "drawings": drawings,
        "shifts": list_shifts(claims),
        "guide": parts,
        "questions": questions,
        "shown_above": {drawing.id for question in questions for drawing in question.figures},
        "has_series": bool(series),
        "unclear": unclear,
        "sections": sections,
    }


def read_asset(name: str) -> Markup:
    """A file that the page holds as it is."""
    return Markup((Path(__file__).parent / name).read_text(encoding="utf-8"))


def embed_json(data: Any) -> str:
    """JSON that may be placed inside a script element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def list_shifts(claims: Mapping[Key, Entry]) -> list[Entry]:
    """What jaxpe's own experiments found about a shift as a linear map."""
    return [
        entry
        for (experiment, name), entry in claims.items()
        if experiment in EXPERIMENTS and name.partition(".")[0] == SHIFT
    ]


def describe_styles(series: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """How each series is drawn, for the script: the figures' own colour, marker and dashes."""
    names = {one["encoding"] for one in series} | {f"{one['encoding']} + {one['positions']}" for one in series}
    return {name: describe_style(name) for name in sorted(names | {"sinusoidal", "learned", "none"})}


def describe_style(name: str) -> dict[str, str]:
    """Colour, marker and SVG dashes of a series."""
    style = find_style(name)
    dashes = style.dashes
    dash = DASHES[dashes] if isinstance(dashes, str) else " ".join(f"{2 * part:g}" for part in dashes[1])
    return {"colour": style.colour, "marker": style.marker, "dash": dash}
