"""What each experiment left in a results folder: claims, summary, answers, provenance and figures."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from jaxpe.records.json_values import read_json
from jaxpe.report.claims import Entry, Key
from jaxpe.study.experiment import EXPERIMENTS, STUDY

SIZE = re.compile(r'<svg[^>]* width="([\d.]+)pt" height="([\d.]+)pt"')
DESCRIPTION = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)
PIXELS = 4 / 3  # in a point
# What stands for missing provenance.
UNKNOWN: dict[str, Any] = {
    "runs": 0, "diverged": 0, "training_seconds": 0.0, "prediction": "", "question": "", "devices": 1, "device": "–",
    "versions": {"jaxpe": "–"}, "command": "–", "date": "–",
}  # fmt: skip


class Drawing(NamedTuple):
    """A figure of the page. `packed`: the SVG, compressed. `alt`: what it shows, for screen readers."""

    experiment: str
    name: str
    path: str  # from the results folder
    packed: str
    width: int  # pixels
    height: int
    alt: str
    command: str

    @property
    def key(self) -> str:
        return f"{self.experiment}/{self.name}"

    @property
    def id(self) -> str:
        """Of the element in the page."""
        return f"figure-{self.experiment}-{self.name}"


class Section(NamedTuple):
    """One experiment of a results folder."""

    name: str
    claims: list[Entry]
    provenance: dict[str, Any]
    summary: dict[str, Any]
    answers: list[dict[str, Any]]
    figures: list[Drawing]


def list_folders(results: Path) -> list[Path]:
    """Folders with a table: jaxpe's own experiments in their order, then others."""
    folders = {path.parent.name: path.parent for path in sorted(results.glob("*/table.csv"))}
    own = [name for name in EXPERIMENTS if name in folders]
    return [folders[name] for name in [*own, *(name for name in folders if name not in EXPERIMENTS)]]


def list_missing(results: Path) -> list[str]:
    """jaxpe's own experiments that were not run."""
    return [name for name in STUDY if not (results / name / "table.csv").is_file()]


def read_section(folder: Path, claims: Mapping[Key, Entry]) -> Section:
    """One experiment. Raises UserError where one of its files was altered."""
    provenance = UNKNOWN | read_json(folder / "provenance.json", {})
    return Section(
        name=folder.name,
        claims=[entry for (experiment, _), entry in claims.items() if experiment == folder.name],
        provenance=provenance,
        summary=read_json(folder / "summary.json", {}),
        answers=read_json(folder / "answers.json", []),
        figures=[
            read_drawing(folder.name, path, provenance["command"])
            for path in sorted((folder / "figures").glob("*.svg"))
        ],
    )


def read_drawing(experiment: str, path: Path, command: str) -> Drawing:
    """A figure from its SVG file."""
    content = path.read_text(encoding="utf-8")
    size, description = SIZE.search(content), DESCRIPTION.search(content)
    width, height = (round(float(side) * PIXELS) for side in size.groups()) if size else (640, 480)
    return Drawing(
        experiment=experiment,
        name=path.stem,
        path=f"{experiment}/figures/{path.name}",
        packed=base64.b64encode(zlib.compress(content.encode(), 9)).decode(),
        width=width,
        height=height,
        alt=Markup(description[1]).unescape() if description else f"{experiment}: {path.stem.replace('_', ' ')}",
        command=command,
    )
