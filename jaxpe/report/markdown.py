"""Markdown made from results: tables, claims, figures, and the generated blocks of a page such as README.md.

A block lies between `<!-- KIND: PATH -->` and `<!-- end -->`; PATH is relative to the page. Kinds: `table`, a summary.json;
`claims`, the headline claims of a results folder; `findings`, its plain sentences; `text`, sentences with the numbers that
`jaxpe.report.numbers` fills in.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jaxpe.errors import UserError
from jaxpe.records.claims import REDRAW, Summary
from jaxpe.records.json_values import read_json
from jaxpe.records.statistics import EXPLORATORY
from jaxpe.records.stored_files import read_text
from jaxpe.report import brief, guide
from jaxpe.report.claims import Entry, Headline, list_headlines, read_all_claims
from jaxpe.report.messages import Messages, fill_sentence
from jaxpe.report.numbers import fill_numbers
from jaxpe.report.sections import list_folders
from jaxpe.report.templates import find_reason, format_change, format_short

BLOCK = re.compile(r"<!-- (?P<kind>table|claims|findings|text): (?P<path>\S+) -->\n.*?<!-- end -->", re.DOTALL)
TAGS = {"strong": "**", "em": "*", "code": "`"}


def make_table(columns: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""

    def make_line(entries: Iterable[object]) -> str:
        return "| " + " | ".join(str(entry).replace("|", "\\|") for entry in entries) + " |"

    columns = list(columns)
    return "\n".join([make_line(columns), "|" + "---|" * len(columns), *map(make_line, rows)])


def make_summary(path: Path) -> str:
    """A summary.json: its title, then its rows."""
    summary: dict[str, Any] = read_json(path, {}, Summary, REDRAW)
    return f"{summary['title']}.\n\n{make_table(summary['columns'], summary['rows'])}"


def make_headlines(folder: Path, link: str) -> str:
    """The headline claims of a results folder as a table; `link` leads from the Markdown page to the folder."""
    headlines = list_headlines(read_all_claims(list_folders(folder)))
    columns = ["claim", "verdict", "effect", "95 % interval", "n", ""]
    return make_table(columns, [make_headline_row(headline, folder, link) for headline in headlines])


def make_headline_row(headline: Headline, folder: Path, link: str) -> list[str]:
    """Claim, verdict, effect, interval, n, and a link to the figure."""
    claim, entry = f"{headline.id}: {headline.title.en}", headline.entry
    if entry is None or not entry["n"]:
        return [claim, "not run", "", "", "", ""]
    path = f"{headline.figure.replace('/', '/figures/')}.svg"
    figure = f"[figure]({link}/{path})" if (folder / path).is_file() else ""
    effect = f"{format_change(entry['effect'])} ({headline.effect.en})"
    return [claim, format_verdict(entry), effect, format_interval(entry), format_seed_count(entry), figure]


def make_claims(claims: Iterable[Entry]) -> str:
    """Claims with their statements as a table."""
    rows = [
        [
            f"{entry['id']}: {entry['statement']}",
            format_verdict(entry),
            f"{format_change(entry['effect'])} {entry['unit']}" if entry["effect"] is not None else "–",
            format_interval(entry),
            format_seed_count(entry),
            format_short(entry.get("adjusted_p"), 2),
        ]
        for entry in claims
    ]
    return make_table(["claim", "verdict", "effect", "95 % interval", "n", "p (Holm)"], rows)


def format_verdict(entry: Entry) -> str:
    """The verdict, and of an undecided claim the reason that its note gives."""
    if not entry["n"]:
        return "not run"
    reason = find_reason(entry["note"]) if entry["verdict"] == "undecided" else ""
    return f"{entry['verdict']}: {reason}" if reason else entry["verdict"]


def format_interval(entry: Entry) -> str:
    return "–" if entry["low"] is None else f"{format_change(entry['low'])} to {format_change(entry['high'])}"


def format_seed_count(entry: Entry) -> str:
    return f"{entry['n']}, exploratory" if 1 < entry["n"] < EXPLORATORY else str(entry["n"])


def make_sentences(folder: Path) -> dict[str, str]:
    """The plain sentences of a results folder in English, as Markdown; those without numbers are left out."""
    claims, messages = read_all_claims(list_folders(folder)), Messages()
    sentences = {}
    for name, values in brief.compute_sentences(folder, claims, guide.read_parts(folder)).items():
        if values is not None:
            sentences[name] = convert_html(str(fill_sentence(name, values, messages, "en")))
    return sentences


def convert_html(text: str) -> str:
    """A message as Markdown."""
    for tag, mark in TAGS.items():
        text = text.replace(f"<{tag}>", mark).replace(f"</{tag}>", mark)
    return " ".join(html.unescape(text).split())


def fill_blocks(page: str, folder: Path) -> str:
    """A Markdown page with its blocks made anew. Raises UserError where one has no results."""

    def fill(match: re.Match[str]) -> str:
        path = folder / match["path"]
        if not path.exists():
            raise UserError(f"There is no {match['path']}, from which a table is made: run its experiment first.")
        if match["kind"] == "table":
            text = make_summary(path)
        elif match["kind"] == "claims":
            text = make_headlines(path, match["path"])
        elif match["kind"] == "text":
            text = fill_numbers(read_text(path, "Restore it."), folder).strip()
        else:
            text = "\n".join(f"* {sentence}" for sentence in make_sentences(path).values())
        return f"<!-- {match['kind']}: {match['path']} -->\n{text}\n<!-- end -->"

    return BLOCK.sub(fill, page)
