"""Tables of a Markdown page that are generated: `python -m jaxpe.report.readme` writes those of README.md anew.

A table stands between the comments `<!-- table: PATH -->` or `<!-- claims: PATH -->` and `<!-- end -->`. PATH is, seen from the
page, a `summary.json`, or a results folder whose primary claims are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jaxpe.errors import UserError
from jaxpe.records.claims import read_claims
from jaxpe.records.files import write_text
from jaxpe.records.json_values import read_json
from jaxpe.records.statistics import EXPLORATORY
from jaxpe.report import index
from jaxpe.report.language import Messages
from jaxpe.report.pages import signed

BLOCK = re.compile(r"<!-- (?P<kind>table|claims): (?P<path>\S+) -->\n.*?<!-- end -->", re.DOTALL)


def markdown(columns: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table."""

    def line(cells: Iterable[Any]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    columns = list(columns)
    return "\n".join([line(columns), "|" + "---|" * len(columns), *map(line, rows)])


def table(path: Path) -> str:
    """A summary: its title, then its rows."""
    summary = read_json(path, {})
    return f"{summary['title']}.\n\n{markdown(summary['columns'], summary['rows'])}"


def claims(folder: Path, shown: str) -> str:
    """The primary claims of a results folder, in the words of its page; `shown` leads from the Markdown page to the folder."""
    made = {claim["id"]: claim for part in index.ordered(folder) for claim in read_claims(part)}
    say, rows = Messages(), []
    for one in index.PRIMARY:
        told, claim = f"{one}: {say.only(f'claim.{one}', 'en')}", made.get(one)
        if claim is None or not claim["n"]:
            rows.append([told, "not run", "", "", "", ""])
            continue
        value, low, high, n = (claim[key] for key in ("effect", "low", "high", "n"))
        interval = "–" if low is None else f"{signed(low)} to {signed(high)}"
        seeds = f"{n}, exploratory" if 1 < n < EXPLORATORY else n
        drawing = f"{index.SHOWN_BY[one].replace('/', '/figures/')}.svg"
        figure = f"[figure]({shown}/{drawing})" if (folder / drawing).is_file() else ""
        rows.append(
            [told, claim["verdict"], f"{signed(value)} ({say.only(f'effect.{one}', 'en')})", interval, seeds, figure]
        )
    return markdown(["claim", "verdict", "effect", "95 % interval", "n", ""], rows)


def rendered(page: str, folder: Path) -> str:
    """The page with its tables anew. Raises UserError where one has no results."""

    def block(found: re.Match[str]) -> str:
        path = folder / found["path"]
        if not path.exists():
            raise UserError(f"There is no {found['path']}, from which a table is made: run its experiment first.")
        made = table(path) if found["kind"] == "table" else claims(path, found["path"])
        return f"<!-- {found['kind']}: {found['path']} -->\n{made}\n<!-- end -->"

    return BLOCK.sub(block, page)


if __name__ == "__main__":
    readme = Path("README.md")
    write_text(readme, rendered(readme.read_text(encoding="utf-8"), Path(".")))
