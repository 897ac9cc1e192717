"""Documents of CSV, TSV, JSON and JSON lines. Line numbers in errors count from 1, rows of a list too."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping

from jaxpe.errors import UserError

MARK = "\ufeff"  # byte order mark
WIDE = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
DELIMITERS = (",", ";", "\t")
KINDS = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
Row = tuple[str, dict[str, object]]  # where it is in the file, values by column


def decode_text(content: bytes, name: str) -> str:
    """The text without its byte order mark. Raises UserError if it is not UTF-8, or has zero bytes."""
    for mark, encoding in WIDE.items():
        if content.startswith(mark):
            raise UserError(f"{name} is not text in UTF-8, but in {encoding}: save it as UTF-8.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        problem, place = f"the byte 0x{content[error.start]:02X}", error.start
    else:
        if "\0" not in text:
            return text.removeprefix(MARK)
        problem, place = "a zero byte", content.index(b"\0")
    line = content.count(b"\n", 0, place) + 1
    raise UserError(f"{name} is not text in UTF-8 ({problem} in line {line}): give a text file, and save it as UTF-8.")


def choose_column(holds_strings: Mapping[str, bool], name: str, wanted: str = "") -> str:
    """The column that is wanted or, where none is, the column `text` or, without one, the only column of strings.

    Raises UserError, which lists the columns, if there is none of these.
    """
    strings = [column for column, holds in holds_strings.items() if holds]
    listed = (", ".join(map(repr, holds_strings)) or "none")[:300]
    if wanted:
        if wanted not in holds_strings:
            raise UserError(f"{name} has no column {wanted!r}: choose another --text-column. Its columns: {listed}.")
        return wanted
    if "text" not in holds_strings and len(strings) != 1:
        raise UserError(
            f"{name} has no column 'text' and not exactly one column of strings: choose the column of the documents "
            f"with --text-column. Its columns: {listed}."
        )
    return "text" if "text" in holds_strings else strings[0]


def read_csv(content: bytes, name: str, column: str = "", default: str = ",") -> list[str]:
    """The documents of one column (`choose_column`). The first line names the columns, and tells what separates them.

    Raises UserError that names the line with another number of fields, or with a quote that is not closed.
    """
    text = decode_text(content, name)
    first = next(filter(str.strip, io.StringIO(text, newline=None)), "")
    found_in = [delimiter for delimiter in (default, *DELIMITERS) if delimiter in first]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=(found_in or [default])[0], strict=True)
    limit = csv.field_size_limit(len(text) + 1)
    rows = list[Row]()
    try:
        header = next((fields for fields in reader if fields), [])
        for fields in reader:
            if fields and len(fields) != len(header):
                raise UserError(
                    f"{name}, line {reader.line_num}: {len(fields)} fields, but the first line has {len(header)}: put "
                    "fields with a separator in quotes."
                )
            rows.append((f"line {reader.line_num}", dict(zip(header, fields, strict=False))))
    except csv.Error as error:
        raise UserError(
            f"{name}, line {reader.line_num}: this is not CSV ({error}): close every quote, and double those in text."
        ) from error
    finally:
        csv.field_size_limit(limit)
    is_text = {key: any(not is_number(row[key]) for _, row in rows if row.get(key)) for key in header}
    return select_texts(rows, choose_column(is_text, name, column), name)


def read_tsv(content: bytes, name: str, column: str = "") -> list[str]:
    """The same of a file whose fields are separated by tabs, unless its first line says otherwise."""
    return read_csv(content, name, column, "\t")


def is_number(value: object) -> bool:
    """Whether a field can be read as a number."""
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def read_json(content: bytes, name: str, column: str = "") -> list[str]:
    """The documents of one key (`choose_column`): of the objects of a list, or of one object a line. Strings are documents themselves.

    Raises UserError that names the line of what is not JSON, or of what is not a string.
    """
    text = decode_text(content, name)
    rows = list[Row]()
    for place, value in parse_json(text, name):
        if value is not None and not isinstance(value, str | dict):
            raise UserError(f"{name}, {place}: {KINDS[type(value)]}, but an object with the key 'text' is needed.")
        rows.append((place, value if isinstance(value, dict) else {"text": value}))
    columns = dict.fromkeys(key for _, row in rows for key in row)
    is_text = {key: all(isinstance(row.get(key), str | None) for _, row in rows) for key in columns}
    return select_texts(rows, choose_column(is_text, name, column), name)


def parse_json(text: str, name: str) -> Iterator[tuple[str, object]]:
    """The rows of a list, or the values of lines, with their places in the file."""
    if text.lstrip().startswith("["):
        rows = decode_json(text, name, 1, may_have_more=True)
        if isinstance(rows, list):
            yield from ((f"row {i}", row) for i, row in enumerate(rows, 1))
            return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"line {number}", decode_json(line, name, number)


def decode_json(text: str, name: str, line: int, may_have_more: bool = False) -> object:
    """The value of a text that begins in a line; None if more follows, where it may."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if may_have_more and error.msg == "Extra data":
            return None
        line, reason = line + error.lineno - 1, error.msg
    except (ValueError, RecursionError) as error:  # a number of too many digits, too deep
        reason = str(error).partition(";")[0]
    raise UserError(f"{name}, line {line}: this is not JSON ({reason}): give one object a line, or a list of objects.")


def select_texts(rows: Iterable[Row], column: str, name: str) -> list[str]:
    """The values of a column that are not null or empty. Raises UserError for what is not a string."""
    texts = []
    for place, row in rows:
        value = row.get(column)
        if value is not None and not isinstance(value, str):
            raise UserError(f"{name}, {place}: {column!r} is {KINDS[type(value)]}, but a string is needed.")
        if value and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise UserError(f"{name}, {place}: {column!r} has half of a surrogate pair, which is not text: remove it.")
        if value:
            texts.append(value)
    return texts
