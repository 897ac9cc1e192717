"""Tables on disk: what is kept, and what is refused."""

import gzip
import subprocess

import pytest
from support import ROOT

from jaxpe.errors import UserError
from jaxpe.records import csv_tables
from jaxpe.records.csv_tables import COLUMNS, LARGE, PREVIOUS, compress_tables, keep_previous, read_table, write_table
from jaxpe.records.provenance import find_edits, write_provenance
from jaxpe.records.stored_files import LARGEST, exists, read_text


def test_tables_keep_the_name_none_and_leave_gaps_empty(tmp_path):
    rows = [
        {"encoding": "none", "value": 1 / 3, "length_baseline": None, "extra": 2},
        {"encoding": "other", "value": float("nan")},
    ]
    write_table(tmp_path / "t.csv", rows)
    table = read_table(tmp_path / "t.csv")
    assert list(table.columns) == [*COLUMNS, "extra"]
    assert list(table["encoding"]) == ["none", "other"] and table["value"][0] == 0.333333 and table["value"].isna()[1]


def test_a_smaller_table_does_not_make_a_larger_one_disappear(tmp_path):
    path = tmp_path / "table.csv"
    rows = [{"task": "copy", "encoding": name, "seed": seed, "value": 0.5} for name in ("a", "none") for seed in (0, 1)]
    assert not keep_previous(path, rows)
    write_table(path, rows)
    before = path.read_bytes()
    assert not keep_previous(path, rows) and not keep_previous(path, [*rows, {"task": "index"}])
    assert keep_previous(path, rows[:3]) == PREVIOUS and (tmp_path / PREVIOUS).read_bytes() == before
    assert keep_previous(path, rows[:3]) == "table.previous-2.csv" and (tmp_path / PREVIOUS).read_bytes() == before


DAMAGES = {
    "no rows": (lambda text: text.partition("\n")[0] + "\n", "has no rows"),
    "nothing": (lambda text: "", "no column 'experiment'"),
    "another file": (lambda text: "no table\n", "no column 'experiment'"),
    "a column less": (lambda text: text.replace("metric", "meter"), "no column 'metric'"),
    "a column twice": (lambda text: text.replace("extra", "value"), "two columns 'value'"),
    "the end of a line cut": (lambda text: text[:-1], "was cut off"),
    "entries cut": (lambda text: text[:-12], "line 3 has 9 entries where the first has 15"),
    "an entry more": (lambda text: text.replace("sort", "so,rt"), "line 3 has 16 entries"),
    "a word in value": (lambda text: text.replace("0.25", "0.2S"), "row 2, 'value': a number is due, not '0.2S'"),
    "a truth value": (lambda text: text.replace("0.25", "True").replace("0.5", "False"), "row 1, 'value': a number is due"),
    "a word in a seed": (lambda text: text.replace(",7,", ",seven,"), "row 2, 'seed'"),
    "a quote": (lambda text: text.replace("sort", '"sort'), "is not CSV|entries"),
    "a zero byte": (lambda text: text.replace("sort", "so\0rt"), "is 0, which no text has"),
}  # fmt: skip


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    rows = [{"task": "copy", "value": 0.5, "seed": 0}, {"task": "sort", "value": 0.25, "seed": 7}]
    write_table(path, [row | {"extra": 1} for row in rows])
    return path


@pytest.mark.parametrize("name", DAMAGES)
def test_a_table_that_was_cut_off_or_altered_is_refused(table, name):
    """The sentence names the file and the place."""
    damage, says = DAMAGES[name]
    assert len(read_table(table)) == 2
    table.write_bytes(damage(table.read_text()).encode())
    with pytest.raises(UserError, match=says) as refusal:
        read_table(table)
    assert str(table) in str(refusal.value) and "run its experiment again" in str(refusal.value)


def test_a_byte_order_mark_is_no_part_of_the_first_column(table):
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert len(read_table(table)) == 2


def test_names_that_look_like_numbers_stay_names(table):
    table.write_text(table.read_text().replace("copy", "1").replace("sort", "02"))
    assert read_table(table)["task"].tolist() == ["1", "02"]


# ── compressed tables ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """A table of an experiment that was compressed, its path, and its text."""
    monkeypatch.setattr(csv_tables, "LARGE", 100)
    path = tmp_path / "mine" / "table.csv"
    write_table(path, [{"experiment": "mine", "encoding": "none", "seed": seed, "value": 0.5} for seed in range(9)])
    write_provenance(path.parent, {"experiment": "mine"})
    text = path.read_text()
    compress_tables(tmp_path)
    return path, path.with_name("table.csv.gz"), text


def test_a_compressed_table_is_the_same_table(packed):
    path, compressed, text = packed
    assert not path.exists() and compressed.is_file() and exists(path)
    assert read_text(path) == text and len(read_table(path)) == 9 and find_edits(path.parent) == []
    first = compressed.read_bytes()
    path.write_text(text)
    compressed.unlink()
    compress_tables(path.parents[1])
    assert compressed.read_bytes() == first


def test_a_new_table_takes_the_place_of_a_compressed_one(packed):
    path, compressed, _ = packed
    rows = [{"experiment": "mine", "encoding": "none", "seed": 0, "value": 0.25}]
    assert keep_previous(path, rows)  # that of more seeds
    write_table(path, rows)
    assert not compressed.exists() and read_table(path)["value"].tolist() == [0.25]


def test_another_compressed_table_is_noticed(packed):
    path, compressed, text = packed
    compressed.write_bytes(gzip.compress(text.replace("0.5", "0.9").encode()))
    assert [edit.sentence for edit in find_edits(path.parent)] == ["mine/table.csv was edited since it was written."]


FAULTS = {
    "cut off": (lambda content: content[:-9], "cannot be decompressed"),
    "another file": (lambda content: b"experiment,task", "cannot be decompressed"),
    "a flipped bit": (lambda content: content[:30] + bytes([content[30] ^ 1]) + content[31:], "cannot be decompressed"),
    "very much of the same": (lambda content: gzip.compress(bytes(LARGEST + 1)), "holds more than 64 MB"),
}


@pytest.mark.parametrize(("damage", "words"), FAULTS.values(), ids=FAULTS)
def test_a_damaged_compressed_table_is_refused(packed, damage, words):
    path, compressed, _ = packed
    compressed.write_bytes(damage(compressed.read_bytes()))
    with pytest.raises(UserError, match=words):
        read_table(path)


def test_a_table_that_lies_there_twice_is_refused(packed):
    path, _, text = packed
    path.write_text(text)
    with pytest.raises(UserError, match=r"also lies there compressed, as table\.csv\.gz: remove one of the two"):
        read_table(path)


def test_what_is_committed_stays_small():
    listed = subprocess.run(["git", "ls-files", "-z", "results"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("needs a clone")
    sizes = {name: (ROOT / name).stat().st_size for name in listed.stdout.split("\0") if (ROOT / name).is_file()}
    assert sum(sizes.values()) < 30e6
    assert {name: size for name, size in sizes.items() if "/table.csv" in name and size > LARGE} == {}
