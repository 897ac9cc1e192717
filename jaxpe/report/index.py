"""The page of a results folder: claims and figures of every experiment, as plain HTML that opens from disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2

from jaxpe import experiment, store
from jaxpe.statistics import holm


def write(results: Path) -> Path:
    """Writes `index.html` from the stored claims, provenance and figures, and returns its path."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number
    sections = [section(folder) for folder in ordered(results)]
    adjust([claim for part in sections for claim in part["claims"]])
    answers = [answer for part in sections for answer in part["answers"]]
    page = environment.get_template("index.html.jinja").render(
        sections=sections, answers=answers, missing=missing(results)
    )
    path = results / "index.html"
    store.write_text(path, page)
    return path


def ordered(results: Path) -> list[Path]:
    """Folders with a table: the study's experiments in their order, then others."""
    found = {path.parent.name: path.parent for path in sorted(results.glob("*/table.csv"))}
    names = [*[name for name in experiment.NAMES if name in found], *[n for n in found if n not in experiment.NAMES]]
    return [found[name] for name in names]


def missing(results: Path) -> list[str]:
    return [name for name in experiment.NAMES if not (results / name / "table.csv").is_file()]


def section(folder: Path) -> dict[str, Any]:
    figures = sorted((folder / "figures").glob("*.svg"))
    return {
        "name": folder.name,
        "claims": stored(folder / "claims.json"),
        "provenance": stored(folder / "provenance.json"),
        "summary": stored(folder / "summary.json"),
        "answers": [
            answer | {"figure": f"{folder.name}/figures/{answer['figure']}.svg"}
            for answer in stored(folder / "answers.json") or []
        ],
        "figures": [f"{folder.name}/figures/{path.name}" for path in figures],
    }


def stored(path: Path) -> Any:
    """What a JSON file holds; None where there is none."""
    return json.loads(path.read_text()) if path.is_file() else None


def adjust(claims: list[dict[str, Any]]) -> None:
    """Adds Holm's adjusted p-value to each claim, over its family.

    The primary cells are one family. The parts of a claim are another, unless they name families of their own: those of C5
    within the lengths seen, beyond them, added against concatenated, and by ratio are four questions.
    """
    families: dict[str, list[dict[str, Any]]] = {}
    for claim in claims:
        name, _, part = claim["id"].partition(".")
        if claim.get("p") is not None:
            families.setdefault(f"{name}.{claim.get('family', '')}" if part else "primary", []).append(claim)
    for family in families.values():
        for claim, p in zip(family, holm([claim["p"] for claim in family]), strict=True):
            claim["adjusted_p"] = p


def number(value: float | None, digits: int = 3) -> str:
    """A number for people; a dash for none."""
    return "–" if value is None else f"{value:.{digits}g}"
