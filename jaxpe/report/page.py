"""The pages of a results folder, made from its tables, claims and figures: the article and the workbench.

Each is one HTML file that holds its styles, its scripts and its data, and asks for nothing from outside. Where an experiment is
missing, a page says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from jaxpe.errors import UnknownName
from jaxpe.records.experiment_folders import list_members
from jaxpe.records.files import write_text
from jaxpe.report import article, workbench
from jaxpe.report.edits import explain_faults, group_edits
from jaxpe.report.messages import LANGUAGES, Messages
from jaxpe.report.sections import check_names, sort_folders
from jaxpe.report.templates import make_environment

ASSETS = Path(__file__).with_name("html")


class Page(NamedTuple):
    """A page: its template, styles, scripts and messages in `html` and `texts` bear its name; `parts` has its sections.

    `collect` makes what the template shows from a results folder, the folders of its experiments and the messages; its entry
    `data` is what the scripts read. `assets`: names of further styles, scripts and messages, which come before its own.
    """

    name: str
    parts: tuple[str, ...]
    collect: Callable[[Path, list[Path], Messages], dict[str, Any]]
    assets: tuple[str, ...] = ()


PAGES = {
    "index.html": Page("article", article.PARTS, article.collect, assets=("live",)),
    "compare.html": Page("workbench", workbench.PARTS, workbench.collect),
}


def write_pages(results: Path, language: str = "en", folder: Path | None = None) -> Path:
    """Writes both pages of a results folder into it, or into another folder; returns the path of the article.

    Raises UserError for a language that they do not have.
    """
    if language not in LANGUAGES:
        raise UnknownName("language", language, LANGUAGES)
    folder = folder or results
    for file in PAGES:
        write_text(folder / file, render_page(results, file, language, Messages(), folder))
    return folder / next(iter(PAGES))


def render_page(results: Path, file: str, language: str, messages: Messages, folder: Path | None = None) -> str:
    """A page as HTML, to lie in `results` or in another folder; what comes from results is escaped.

    Raises UserError where a file of the results cannot be used.
    """
    page = PAGES[file]
    members = check_names(list_members(results))
    edits = members.find_edits()
    with explain_faults(edits, f"No page can be made of {results}"):
        contents = page.collect(results, sort_folders(members.folders), messages)
    assets = ("common", *page.assets, page.name)
    data = contents.pop("data") | {"messages": messages.select_for_scripts(*assets)}
    return (
        make_environment()
        .get_template(f"html/{page.name}.html.jinja")
        .render(
            t=messages,
            name=page.name,
            parts=page.parts,
            language=language,
            languages=LANGUAGES,
            base=make_link(folder or results, results),
            css=read_assets(*(f"{asset}.css" for asset in assets)),
            script=read_assets(*(name for asset in assets for name in list_scripts(asset)), "start.js"),
            data=Markup(embed_json(data)),
            edits=group_edits(edits),
            ignored=[folder.name.encode(errors="replace").decode() for folder in members.ignored],
            **contents,
        )
    )


def make_link(folder: Path, results: Path) -> str:
    """From a page in a folder to the results: './', './../results/standard/'."""
    path = Path(os.path.relpath(results.resolve(), folder.resolve())).as_posix()
    return "./" if path == "." else f"./{quote(path)}/"


def list_scripts(asset: str) -> list[str]:
    """The scripts of an asset: `NAME.js`, `NAME_PART.js`."""
    return sorted(path.name for path in ASSETS.glob(f"{asset}*.js"))


def read_assets(*names: str) -> Markup:
    """Files that a page holds as they are, one after the other."""
    return Markup("\n").join(Markup((ASSETS / name).read_text(encoding="utf-8")) for name in names)


def embed_json(data: Any) -> str:
    """JSON that may be placed inside a script element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
