"""The figures of a results folder as the page takes them up: SVG files, checked, with their sizes and descriptions."""

from __future__ import annotations

import base64
import re
import zlib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from xml.parsers import expat

from markupsafe import Markup

from jaxpe.errors import UserError
from jaxpe.records.claims import REDRAW, read_captions
from jaxpe.records.stored_files import read_text
from jaxpe.report.templates import make_anchor

SIZE = re.compile(r'<svg[^>]* width="([\d.]{1,9})pt" height="([\d.]{1,9})pt"')
DESCRIPTION = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)
PIXELS = 4 / 3  # in a point
OUTSIDE = re.compile(r"""@import|url\(\s*["']?\s*(?!["']?\s*(?:#|data:image/))""")  # in styles: what would be loaded
ACTIVE = ("script", "foreignObject", "iframe", "embed", "object")  # elements that could run or load something


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
    caption: str = ""  # of the experiment that drew it

    @property
    def key(self) -> str:
        return f"{self.experiment}/{self.name}"

    @property
    def source(self) -> str:
        """Of an image without a file."""
        return f"data:image/svg+xml;base64,{base64.b64encode(zlib.decompress(base64.b64decode(self.packed))).decode()}"

    @property
    def id(self) -> str:
        """Of the element in the page."""
        return make_anchor("figure", self.experiment, self.name)

    @property
    def link(self) -> str:
        """From the results folder to the file."""
        return quote(self.path)


def read_drawings(folder: Path, command: str) -> list[Drawing]:
    """The figures of an experiment's folder, in the order of their names. Raises UserError for one that is no figure."""
    captions = read_captions(folder)
    drawings = [read_drawing(folder.name, path, command) for path in sorted((folder / "figures").glob("*.svg"))]
    return [drawing._replace(caption=captions.get(drawing.name, "")) for drawing in drawings]


def read_drawing(experiment: str, path: Path, command: str) -> Drawing:
    """A figure from its SVG file. `command` made it. Raises UserError where the file is no figure."""
    content = read_text(path, REDRAW)
    size, description = SIZE.search(content), DESCRIPTION.search(content)
    fault = find_svg_fault(content)
    try:
        width, height = (round(float(side) * PIXELS) for side in size.groups()) if size else (640, 480)
        path.name.encode()
    except ValueError as error:
        fault = fault or str(error)
    if fault:
        raise UserError(f"{path} was altered: {fault}. {REDRAW}")
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


def find_svg_fault(content: str) -> str:
    """What keeps a text from being an SVG figure that is safe to open; '' where nothing does."""
    faults = ["it would load something"] if OUTSIDE.search(content) else []
    seen: list[str] = []

    def check_element(name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        if not seen and tag != "svg":
            faults.append(f"it is not an SVG figure but <{name[:40]}>")
        seen[:] = [tag]
        links = [value for key, value in attributes.items() if key.rpartition(":")[2] == "href"]
        active = [key for key in attributes if key.lower().startswith("on")]
        if tag in ACTIVE or active or not all(link.startswith(("#", "data:image/")) for link in links):
            faults.append(f"<{tag[:40]}> could run or load something")

    def refuse(name: str, *_: object) -> None:
        raise ValueError(f"it has the declaration {name[:40]}")

    parser = expat.ParserCreate()
    parser.StartElementHandler = check_element
    parser.EntityDeclHandler = parser.ProcessingInstructionHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError) as error:
        faults.append(f"it is not plain XML ({error})")
    return faults[0] if faults else ""
