"""Tables of a Markdown page that are generated: `python -m jaxpe.report.readme` writes those of README.md anew.

A table stands between the comments `<!-- table: PATH -->` and `<!-- end -->`, where PATH is a `summary.json` beside the page.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jaxpe import store
from jaxpe.errors import UserError

BLOCK = re.compile(r"<!-- table: (?P<path>\S+) -->\n.*?<!-- end -->", re.DOTALL)


def table(summary: dict[str, Any]) -> str:
    """A summary as Markdown: its title, then its rows."""

    def line(cells: list[Any]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    rule = "|" + "---|" * len(summary["columns"])
    return "\n".join([f"{summary['title']}.", "", line(summary["columns"]), rule, *map(line, summary["rows"])])


def rendered(page: str, folder: Path) -> str:
    """The page with its tables anew. Raises UserError where one has no results."""

    def block(found: re.Match[str]) -> str:
        path = folder / found["path"]
        if not path.is_file():
            raise UserError(f"There is no {found['path']}, from which a table is made: run its experiment first.")
        return f"<!-- table: {found['path']} -->\n{table(json.loads(path.read_text(encoding='utf-8')))}\n<!-- end -->"

    return BLOCK.sub(block, page)


if __name__ == "__main__":
    readme = Path("README.md")
    store.write_text(readme, rendered(readme.read_text(encoding="utf-8"), Path(".")))
