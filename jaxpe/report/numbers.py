"""Numbers in hand-written sentences: each place in a text names the cell of a table, or the claim, that it comes from.

A text begins with the names of cells, then has a line `---`:

    index = results/standard/accuracy task=index architecture=encoder test_length=12 seeds=10
    harm = results/standard/harm claim=C5
    ---
    It reaches {index encoding=none}: a mean over seeds. The best rule reaches {index encoding=none of=order_blind_baseline}.
    It is {index encoding=none minus encoding=learned digits=3} lower: a difference of two means. The effect is {harm effect}.

Words `name=value` select rows by a column. `of` is another column than `value`, `seeds` how many rows there have to be, one for
each seed, `digits` how many decimals are shown (2); `.25` is written for 0.25. Of a claim: effect, low, high or n.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pandas as pd

from jaxpe.errors import UserError
from jaxpe.records.claims import read_claims
from jaxpe.records.csv_tables import read_table
from jaxpe.records.provenance import TABLE
from jaxpe.records.stored_files import read_text

WIDTH = 126  # of a line
PLACE = re.compile(r"\{(\w+) ([^{}]+)\}")
OPTIONS = {"of": "value", "seeds": "", "digits": "2", "claim": ""}  # words that select no rows
MINUS = ("minus", "")  # the word between two selections


def fill_numbers(text: str, folder: Path) -> str:
    """A text with its numbers. Paths are relative to `folder`. Raises UserError for a place without exactly one number."""
    head, _, body = text.partition("\n---\n")
    named = read_cells(head)

    def fill(match: re.Match[str]) -> str:
        if match[1] not in named:
            raise UserError(f"{match[0]}: there is no cell {match[1]!r} before the line ---.")
        return format_query([*named[match[1]], *match[2].split()], folder)

    return "\n".join(map(wrap_item, re.split(r"\n(?=\* )", PLACE.sub(fill, body).strip())))


def wrap_item(item: str) -> str:
    """An item of a list, or a paragraph, in lines of the page's width."""
    return textwrap.fill(
        " ".join(item.split()), WIDTH, subsequent_indent="  " * item.startswith("* "), break_on_hyphens=False
    )


def read_cells(head: str) -> dict[str, list[str]]:
    """The cells that a text names before the line ---: a path and words each."""
    lines = (line.partition("=") for line in head.splitlines())
    return {name.strip(): words.split() for name, _, words in lines}


def list_cell_folders(path: Path, folder: Path) -> list[Path]:
    """The folders of experiments that a file with such a text takes numbers from."""
    return [folder / words[0] for words in read_cells(read_text(path, "Restore it.").partition("\n---\n")[0]).values()]


def format_query(words: list[str], folder: Path) -> str:
    """The number of one place."""
    name, *words = words
    pairs = [(key, value) for key, _, value in (word.partition("=") for word in words)]
    options = OPTIONS | {key: value for key, value in pairs if key in OPTIONS}
    if options["claim"]:
        value = look_up_claim(folder / name, options["claim"], next((word for word in words if "=" not in word), ""))
    else:
        rows = [(column, value) for column, value in pairs if column not in OPTIONS]
        cut = rows.index(MINUS) if MINUS in rows else len(rows)
        first, second = dict(rows[:cut]), dict(rows[cut + 1 :])
        table = read_table(folder / name / TABLE)
        value = average_selection(table, first, options, f"{name} {' '.join(words)}")
        if second:
            value -= average_selection(table, first | second, options, f"{name} {' '.join(words)}")
    text = f"{value:.{options['digits']}f}"
    return re.sub(r"^(-?)0(?=\.)", r"\1", text)


def average_selection(table: pd.DataFrame, columns: dict[str, str], options: dict[str, str], query: str) -> float:
    """The mean of a column over the selected rows, one for each seed. Raises UserError where they are not that."""
    for name in (*columns, options["of"]):
        if name not in table:
            raise UserError(f"{{{query}}}: the table has no column {name!r}.")
    for name, value in columns.items():
        table = table[table[name] == parse_value(value, pd.api.types.is_numeric_dtype(table[name]), query)]
    seeds = table["seed"].nunique()
    if not len(table) or seeds != len(table) or (options["seeds"] and seeds != int(options["seeds"])):
        due = f"{options['seeds']} rows" if options["seeds"] else "one row"
        raise UserError(
            f"{{{query}}} selects {len(table)} rows of {seeds} seeds, where {due}, one for each seed, are due."
        )
    return float(table[options["of"]].mean())


def parse_value(word: str, is_number: bool, query: str) -> str | float:
    """The value of a selection. Raises UserError for a word that is none of its column."""
    try:
        return float(word) if is_number else word
    except ValueError as error:
        raise UserError(f"{{{query}}}: {word!r} is no number.") from error


def look_up_claim(folder: Path, name: str, field: str) -> float:
    """A number of a claim. Raises UserError where the folder does not have it."""
    numbers = [claim.get(field) for claim in read_claims(folder) if claim["id"] == name]
    if not numbers or not isinstance(numbers[0], (int, float)):
        raise UserError(f"{folder} has no claim {name} with a number {field}.")
    return float(numbers[0])
