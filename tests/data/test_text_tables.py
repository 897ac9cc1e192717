"""CSV, TSV, JSON and JSON lines: the documents of one column, and sentences that name the line."""

import csv
import io
import json

import pytest

from jaxpe.data.text_files import parse_documents
from jaxpe.errors import UserError

LINES = [f"Line {i}, of a book." for i in range(60)]


def write_csv(rows, **options):
    file = io.StringIO()
    csv.writer(file, **options).writerows(rows)
    return file.getvalue().encode()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".CSV"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_column_text_is_read_whatever_separates_the_fields(suffix, delimiter, mark):
    rows = [["id", "text", "note"], *[[i, line, "a note"] for i, line in enumerate(LINES)]]
    for end in ("\r\n", "\n", "\r"):
        content = mark + write_csv(rows, delimiter=delimiter, lineterminator=end)
        assert parse_documents(content, suffix, "book") == LINES


def test_the_only_column_of_strings_is_read():
    rows = [["id", "score", "sentence"], *[[i, i / 7, line] for i, line in enumerate(LINES)]]
    assert parse_documents(write_csv(rows), ".csv", "book") == LINES
    assert parse_documents(write_csv([["sentence"], *[[line] for line in LINES]]), ".csv", "book") == LINES


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl"])
def test_a_column_can_be_chosen(suffix):
    """Also one of numbers, where a file has no types; a wrong one lists the columns."""
    rows = [{"text": "-", "body": line, "n": str(i)} for i, line in enumerate(LINES)]
    content = write_json_lines(rows)
    if suffix in (".csv", ".tsv"):
        content = write_csv([list(rows[0]), *[list(row.values()) for row in rows]])
    assert parse_documents(content, suffix, "book", "body") == LINES
    assert parse_documents(content, suffix, "book", "n") == [str(i) for i in range(60)]
    assert parse_documents(content, suffix, "book", "text") == ["-"] * 60 == parse_documents(content, suffix, "book")
    with pytest.raises(UserError, match=r"book has no column 'Body': .* Its columns: 'text', 'body', 'n'\."):
        parse_documents(content, suffix, "book", "Body")


def test_a_chosen_column_without_strings_is_refused_as_ever():
    content = write_json_lines([{"text": line, "n": i} for i, line in enumerate(LINES)])
    with pytest.raises(UserError, match="book, line 1: 'n' is a number, but a string is needed"):
        parse_documents(content, ".jsonl", "book", "n")


@pytest.mark.parametrize("suffix", ["", ".txt", ".md"])
def test_lines_have_no_column(suffix):
    with pytest.raises(UserError, match="book is read line by line and has no column 'text': leave out --text-column"):
        parse_documents("\n".join(LINES).encode(), suffix, "book", "text")


def test_fields_keep_their_letters():
    """Quotes, ends of lines, what looks like a missing value or a number, long texts; empty ones are left out."""
    texts = ['He said "no".', "two\nlines", "NA", "null", "007", " padded ", "long " * 50_000]
    content = write_csv([["text", "n"], *[[text, 1] for text in texts], ["", 2]])
    assert parse_documents(content + b"\n\n", ".csv", "book") == texts
    assert csv.field_size_limit() == 131072  # as before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"text\n" + b"Line 1, of a book.\n" * 30, r"book\.csv, line 2: 2 fields, but the first line has 1"),
        (b"id,text\n1,a\n2,b\n3\n", r"book\.csv, line 4: 1 fields, but the first line has 2"),
        (b'id,text\n1,"a\n2,b\n', r"book\.csv, line \d: this is not CSV \(.*\): close every quote"),
        (b'id,text\n1,"a"b\n2,b\n', r"book\.csv, line 2: this is not CSV"),
        (b"first,second\na,b\nc,d\n", "no column 'text' and not exactly one column of strings.*'first', 'second'"),
        (b"a,b\n1,2\n", "no column 'text'"),
        (b"\n\n", "no column 'text'.*none"),
    ],
)
def test_csv_that_cannot_be_read_is_one_sentence(content, says):
    with pytest.raises(UserError, match=says):
        parse_documents(content, ".csv", "book.csv")


def write_json_lines(rows):
    return "\n".join(map(json.dumps, rows)).encode()


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_objects_are_read_one_a_line_or_as_a_list(suffix):
    rows = [{"id": i, "text": line} for i, line in enumerate(LINES)]
    odd = [{"text": None}, {"id": 7}, {"text": ""}]
    contents = [
        write_json_lines([*rows, *odd]),
        write_json_lines([{"body": line, "n": 1} for line in LINES]),
        write_json_lines(LINES),
        write_json_lines(rows).replace(b"\n", b"\r\n\r\n") + b"\n",
        b"\xef\xbb\xbf" + json.dumps(rows + odd, indent=1).encode(),
        json.dumps(LINES).encode(),
    ]
    for content in contents:
        assert parse_documents(content, suffix, "book") == LINES


def test_a_line_of_json_ends_at_the_end_of_the_line_only():
    rows = [{"text": f"a\u2028b\x85c {i}"} for i in range(30)]
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
    assert parse_documents(content, ".jsonl", "book") == [row["text"] for row in rows]


@pytest.mark.parametrize(
    ("odd", "kind"),
    [(1984, "a number"), (1.5, "a number"), (["a"], "a list"), ({"a": 1}, "an object"), (True, "true or")],
)
def test_a_row_whose_text_is_no_string_is_named(odd, kind):
    rows = [{"text": line} for line in LINES]
    rows[40] = {"text": odd}
    with pytest.raises(UserError, match=rf"book, line 41: 'text' is {kind}.*, but a string is needed"):
        parse_documents(write_json_lines(rows), ".jsonl", "book")
    with pytest.raises(UserError, match=rf"book, row 41: 'text' is {kind}"):
        parse_documents(json.dumps(rows).encode(), ".json", "book")
    rows[40] = {"text": None}
    assert len(parse_documents(write_json_lines(rows), ".jsonl", "book")) == 59


GOOD = b'{"text": "a"}\n'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (GOOD * 3 + b'{"text": "a"\n' + GOOD, "book, line 4: this is not JSON"),
        (GOOD * 3 + b"{'text': 'a'}\n" + GOOD, "book, line 4: this is not JSON"),
        (GOOD * 2 + b"[1, 2]\n", "book, line 3: a list, but an object"),
        (GOOD * 2 + b"17\n", "book, line 3: a number, but an object"),
        (b"[1]\n[2]\n", "book, line 1: a list, but an object"),
        (b'[\n{"text": "a"},\n{"text" "b"}\n]', "book, line 3: this is not JSON"),
        (b'[{"text": "a"}, 5]', "book, row 2: a number, but an object"),
        (b'{\n"text": "a"\n}', "book, line 1: this is not JSON"),
        (GOOD + b"[" * 100_000, "book, line 2: this is not JSON"),
        (GOOD + b'{"text": ' + b"9" * 5000 + b"}", "book, line 2: this is not JSON"),
        (GOOD + b'{"text": "\\ud800"}', "book, line 2: 'text' has half of a surrogate pair"),
        (b'{"a": "x", "b": "y"}\n' * 30, "no column 'text'.*'a', 'b'"),
        (b'{"a": 1}\n' * 30, "no column 'text'"),
    ],
    ids=range(13),
)
def test_json_that_cannot_be_read_is_one_sentence(content, says):
    with pytest.raises(UserError, match=says):
        parse_documents(content, ".jsonl", "book")
