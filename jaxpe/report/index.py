"""The page of a results folder: one self-contained HTML file, a function of the stored tables, claims and figures.

It carries its styles, its script, the figures and the numbers that it plays with, and asks for nothing from outside. Where a
folder lacks an experiment it says "not run".
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from jaxpe.errors import UnknownName
from jaxpe.figures.style import find_style
from jaxpe.records.claims import read_claims
from jaxpe.records.files import write_text
from jaxpe.records.json_values import read_json
from jaxpe.records.statistics import EXPLORATORY, adjust_p_values
from jaxpe.report import brief, comparison, guide, pages
from jaxpe.report.language import LANGUAGES, Messages
from jaxpe.study import experiment

PRIMARY = [f"C{number}" for number in range(1, 13)]
# The figure that shows a primary claim.
SHOWN_BY = {
    "C1": "structure/measures", "C2": "accuracy/accuracy", "C3": "extrapolation/length_curves",
    "C4": "structure/use", "C5": "harm/within_and_beyond", "C6": "extraction/readers", "C7": "superposition/digits",
    "C8": "accuracy/accuracy", "C9": "structure/layers", "C10": "reproduction/copying",
    "C11": "catalogue/merit", "C12": "randomized/gain",
}  # fmt: skip


class Question(NamedTuple):
    """What answers a question."""

    claims: str  # a pattern of their names
    first: str  # the claim that is told beside the question
    brief: tuple[str, ...]  # plain sentences
    experiment: str  # whose own answers stand below
    figures: tuple[str, ...]


QUESTIONS = {
    "harm": Question(r"C5(\.|$)", "C5", ("harm", "size"), "harm", ("harm/ratio",)),
    "extract": Question(
        r"C6(\.|$)", "C6", ("read", "inside"), "extraction", ("extraction/readers", "extraction/mixing_reverse_encoder")
    ),
    "help": Question(r"(C8|C9|C10|C11|C12)(\.|$)", "C8", ("help", "ends"), "harm", ("accuracy/accuracy",)),
    "panda": Question(r"C7(\.|$)", "C7", ("panda",), "superposition", ("superposition/bridge",)),
}
SIZE = re.compile(r'<svg[^>]* width="([\d.]+)pt" height="([\d.]+)pt"')
PIXELS = 4 / 3  # in a point
# What provenance may lack.
UNKNOWN: dict[str, Any] = {
    "runs": 0, "diverged": 0, "training_seconds": 0.0, "prediction": "", "question": "", "devices": 1, "device": "–",
    "versions": {"jaxpe": "–"}, "command": "–", "date": "–",
}  # fmt: skip


def write(results: Path, language: str = "en") -> Path:
    """Writes `index.html` and returns its path. Raises UserError for a language that the page does not have."""
    if language not in LANGUAGES:
        raise UnknownName("language", language, LANGUAGES)
    path = results / "index.html"
    write_text(path, page(results, language, Messages()))
    return path


def page(results: Path, language: str, messages: Messages) -> str:
    """The page as HTML; what comes from results is escaped."""
    folders = ordered(results)
    sections = [section(folder) for folder in folders]
    claims = {claim["id"]: claim for part in sections for claim in part["claims"]}
    adjust(list(claims.values()))
    drawings = {one["key"]: one for part in sections for one in part["figures"]}
    asked = questions(sections, claims, drawings)
    series = comparison.series(folders)
    played = guide.parts(results)
    told = brief.sentences(results, claims, played)
    names = {one["encoding"] for one in series} | {one["encoding"] + " + " + one["positions"] for one in series}
    data = {
        "messages": messages.for_scripts(),
        "styles": {name: look(name) for name in sorted(names | {"sinusoidal", "learned", "none"})},
        "figures": {key: one["packed"] for key, one in drawings.items()},
        "guide": played | {"shift": {}},
        "series": series,
    }
    return (
        pages.environment()
        .get_template("page.html.jinja")
        .render(
            t=messages,
            language=language,
            languages=LANGUAGES,
            exploratory=EXPLORATORY,
            css=asset("page.css"),
            script=asset("page.js"),
            data=Markup(embedded(data)),
            brief=brief.spoken(told, messages),
            lacking=sorted({brief.MEASURED_BY[name] for name, values in told.items() if values is None}),
            decided=decided(claims),
            primary=[
                {"id": one, "claim": claims.get(one), "figure": drawings.get(SHOWN_BY[one], {}).get("id")}
                for one in PRIMARY
            ],
            shifts=[claim for name, claim in claims.items() if name.partition(".")[0] == "C1"],
            guide=played,
            questions=asked,
            shown_above={one["id"] for question in asked for one in question["figures"]},
            has_series=bool(series),
            sections=sections,
            missing=missing(results),
        )
    )


def asset(name: str) -> Markup:
    """A file that the page carries as it is."""
    return Markup((Path(__file__).parent / name).read_text(encoding="utf-8"))


def embedded(data: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def ordered(results: Path) -> list[Path]:
    """Folders with a table: the study's experiments in their order, then others."""
    found = {path.parent.name: path.parent for path in sorted(results.glob("*/table.csv"))}
    names = [*[name for name in experiment.EXPERIMENTS if name in found], *[n for n in found if n not in experiment.EXPERIMENTS]]
    return [found[name] for name in names]


def missing(results: Path) -> list[str]:
    return [name for name in experiment.EXPERIMENTS if not (results / name / "table.csv").is_file()]


def section(folder: Path) -> dict[str, Any]:
    """What one experiment has to say."""
    provenance = UNKNOWN | read_json(folder / "provenance.json", {})
    return {
        "name": folder.name,
        "claims": read_claims(folder),
        "provenance": provenance,
        "summary": read_json(folder / "summary.json", {}),
        "answers": read_json(folder / "answers.json", []),
        "figures": [drawing(folder, path, provenance) for path in sorted((folder / "figures").glob("*.svg"))],
    }


def drawing(folder: Path, path: Path, provenance: dict[str, Any]) -> dict[str, Any]:
    """A figure: compressed, its size, what is told to those who do not see it, and the command that makes it."""
    content = path.read_text(encoding="utf-8")
    size = SIZE.search(content)
    width, height = (round(float(one) * PIXELS) for one in size.groups()) if size else (640, 480)
    described = re.search(r"<dc:description>(.*?)</dc:description>", content, re.DOTALL)
    return {
        "key": f"{folder.name}/{path.stem}",
        "id": f"figure-{folder.name}-{path.stem}",
        "name": path.stem,
        "experiment": folder.name,
        "path": f"{folder.name}/figures/{path.name}",
        "packed": base64.b64encode(zlib.compress(content.encode(), 9)).decode(),
        "width": width,
        "height": height,
        "alt": Markup(described[1]).unescape() if described else f"{folder.name}: {path.stem.replace('_', ' ')}",
        "command": provenance["command"],
    }


def questions(sections: list[dict[str, Any]], claims: dict[str, Any], drawings: dict[str, Any]) -> list[dict[str, Any]]:
    """The questions with what this run says to them."""
    made = []
    for name, asked in QUESTIONS.items():
        own = sorted(
            (one for key, one in claims.items() if re.match(asked.claims, key)),
            key=lambda one: one["id"] != asked.first,
        )
        answers = [answer for part in sections if part["name"] == asked.experiment for answer in part["answers"]]
        if asked.experiment == "harm":
            answers = [answer for answer in answers if ("help" in answer["question"]) == (name == "help")]
        shown = [drawings[key] for key in asked.figures if key in drawings]
        made.append(asked._asdict() | {"name": name, "claims": own, "answers": answers, "figures": shown})
    return made


def look(name: str) -> dict[str, str]:
    """How a series is drawn, for the script: the figures' own colour, marker and dashes."""
    one = find_style(name)
    dashes = {"-": "", "--": "6 3", "-.": "7 3 2 3", ":": "2 3"}
    dash = dashes[one.dashes] if isinstance(one.dashes, str) else " ".join(f"{2 * part:g}" for part in one.dashes[1])
    return {"colour": one.colour, "marker": one.marker, "dash": dash}


def decided(claims: dict[str, dict[str, Any]]) -> list[bool]:
    """Of every claim that was measured whether it is decided; a part that is its claim told once more does not count."""

    def repeats(name: str) -> bool:
        whole, _, part = name.partition(".")
        numbers = ("effect", "low", "high", "n", "unit")
        return bool(part) and whole in claims and all(claims[whole][key] == claims[name][key] for key in numbers)

    return [one["verdict"] != "undecided" for name, one in claims.items() if one["n"] and not repeats(name)]


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
        for claim, p in zip(family, adjust_p_values([claim["p"] for claim in family]), strict=True):
            claim["adjusted_p"] = p
