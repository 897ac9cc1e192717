"""Text files: known by their bytes, whatever they are called and whenever they were written."""

import errno
import hashlib
import json
import os
import subprocess
import sys

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jaxpe.data import corpus, text_files
from jaxpe.data.cache import cache_folder
from jaxpe.data.corpus import load_corpus
from jaxpe.errors import UserError

LINES = [f"Line {i}, of a book." for i in range(60)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """An empty cache, and a working folder next to it."""
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    corpus.parse_corpus.cache_clear()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def list_documents(name):
    text = load_corpus(str(name))
    return sorted([*text.train, *text.validation])


def write_lines(path, word, count=40):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{word} {i:02}\n" for i in range(count)))
    return [f"{word} {i:02}" for i in range(count)]


NAMES = (
    "book[1].txt", "what?.txt", "star*.txt", "**.txt", "a{b,c}.txt", "100%20 #1.txt", "[!a].txt", "a::b.txt", "~.txt",
    "-x.txt", "two\nlines.txt", "[2024] texts/book [v1].txt", "file:/x.txt", "日本.txt", " space ", "no_suffix",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("neighbour", ["book1.txt", "starry.txt", "ab.txt"])
def test_a_name_is_no_pattern(tmp_path, name, neighbour):
    write_lines(tmp_path / "here" / neighbour, "neighbour")
    expected = write_lines(tmp_path / "here" / name, "own")
    assert list_documents(name) == expected == list_documents(tmp_path / "here" / name)


@pytest.mark.parametrize("name", ["ca[ch]e", "a{b,c}", "x*y", "100%20 #1", "日本", "**"])
def test_the_name_of_the_cache_is_no_pattern_either(tmp_path, monkeypatch, name):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / name))
    expected = write_lines(tmp_path / "here" / "book.txt", "own")
    assert list_documents("book.txt") == expected


def test_a_cache_whose_name_datasets_takes_for_a_chain_is_refused(tmp_path, monkeypatch):
    write_lines(tmp_path / "here" / "book.txt", "own")
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "a::b"))
    with pytest.raises(UserError, match="'::' in its name: set JAXPE_CACHE"):
        load_corpus("book.txt")


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".jsonl", ".parquet"])
def test_a_text_that_is_replaced_is_read_anew_whatever_its_time(tmp_path, suffix):
    """Edited within the same second, replaced by an older file, or of the same length and time."""
    path = tmp_path / "here" / f"book{suffix}"
    for word, time in (("first", 1_000_000_000), ("other", 1_000_000_000), ("older", 900_000_000)):
        expected = [f"{word} {i:02}" for i in range(40)]
        if suffix == ".parquet":
            pq.write_table(pa.table({"text": expected}), path)
        elif suffix == ".jsonl":
            path.write_text("".join(json.dumps({"text": text}) + "\n" for text in expected))
        else:
            path.write_text(("text\n" if suffix == ".csv" else "") + "\n".join(expected))
        os.utime(path, (time, time))
        assert list_documents(path) == expected


def test_the_same_bytes_under_another_name_are_the_same_text(tmp_path):
    for name in ("a.txt", "b/c.txt"):
        write_lines(tmp_path / "here" / name, "own")
    assert load_corpus("a.txt").digest == load_corpus("b/c.txt").digest
    assert len(list((cache_folder() / "texts").iterdir())) == 1


def test_the_copy_in_the_cache_is_named_by_its_content_and_made_again_if_damaged(tmp_path):
    path = tmp_path / "here" / "book.txt"
    expected = write_lines(path, "own")
    assert list_documents(path) == expected
    [copy] = (cache_folder() / "texts").iterdir()
    assert copy.stem == hashlib.sha256(path.read_bytes()).hexdigest() and copy.read_bytes() == path.read_bytes()
    for damage in (b"", path.read_bytes().replace(b"own 07", b"won 07"), path.read_bytes()[:-9]):
        copy.write_bytes(damage)
        assert text_files.parse_documents(path.read_bytes(), ".txt", "book.txt") == expected
        assert copy.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_and_ends_of_lines_are_not_part_of_documents(tmp_path, mark, end):
    (tmp_path / "here" / "book.txt").write_bytes(mark + end.join(LINES).encode())
    text = load_corpus("book.txt")
    assert text.train[0] == LINES[0] and sorted([*text.train, *text.validation]) == sorted(LINES)


def test_files_with_byte_order_marks_that_were_joined_have_none_left(tmp_path):
    part = b"\xef\xbb\xbf" + "\n".join(LINES[:20]).encode() + b"\n"
    (tmp_path / "here" / "book.txt").write_bytes(3 * part)
    assert list_documents("book.txt") == sorted(3 * LINES[:20])


def test_only_ends_of_lines_divide_documents(tmp_path):
    """Not the other characters at which `str.splitlines` divides."""
    lines = [f"a\x0bb\x0cc\x1cd\x85e\u2028f {i:02}" for i in range(30)]
    (tmp_path / "here" / "book.txt").write_bytes("\n".join(lines).encode())
    assert list_documents("book.txt") == lines


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("\n".join(LINES).encode("utf-16"), "in UTF-16: save it as UTF-8"),
        (b"\xfe\xff" + "\n".join(LINES).encode("utf-16-be"), "in UTF-16: save it as UTF-8"),
        ("\n".join(LINES).encode("utf-32"), "in UTF-32: save it as UTF-8"),
        ("\n".join(LINES).encode("utf-16-le"), r"not text in UTF-8 \(a zero byte in line 1\)"),
        ("a\nb\ndéjà vu".encode("latin-1"), r"not text in UTF-8 \(the byte 0xE9 in line 3\)"),
        (b"", "is empty"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".md", ".csv", ".json"])
def test_other_encodings_are_told(tmp_path, content, says, suffix):
    (tmp_path / "here" / f"book{suffix}").write_bytes(content)
    with pytest.raises(UserError, match=says):
        load_corpus(f"book{suffix}")


def test_what_is_no_file_is_told(tmp_path):
    (tmp_path / "here" / "folder.txt").mkdir()
    (tmp_path / "here" / "books").mkdir()
    os.mkfifo(tmp_path / "here" / "pipe.txt")
    for name, says in {
        "folder.txt": "is a folder that", "books": "is a folder that save_to_disk .* did not write", "pipe.txt": "no text file", "a\0b.txt": "no text file",
        "x" * 300 + ".txt": "cannot be read", "~nobody-at-all/book.txt": "no text file",
    }.items():  # fmt: skip
        with pytest.raises(UserError, match=says):
            load_corpus(name)


def test_the_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JAXPE_CACHE", "~/my cache")
    for name in ("book", "book.txt"):
        assert write_lines(tmp_path / "home" / name, "own") == list_documents(f"~/{name}")
    assert (tmp_path / "home" / "my cache" / "texts").is_dir() and not (tmp_path / "here" / "~").exists()


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_columns_of_parquet(tmp_path, kind):
    path = tmp_path / "here" / "book.parquet"
    texts = pa.array([*LINES, None, ""]).cast(kind)
    numbers = list(range(62))
    pq.write_table(pa.table({"id": numbers, "body": texts}), path)
    assert list_documents(path) == sorted(LINES)
    pq.write_table(pa.table({"other": pa.array(map(str, numbers)), "text": texts}), path)
    assert list_documents(path) == sorted(LINES)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"a": LINES, "b": LINES}, "no column 'text' and not exactly one column of strings.*'a', 'b'"),
        ({"text": list(range(60))}, "column 'text' of .* holds int64, but strings"),
        ({"text": [[line] for line in LINES]}, "column 'text' of .* holds lists, but strings"),
        ({"n": list(range(60))}, "no column 'text'"),
    ],
)
def test_parquet_without_a_column_of_documents_is_told(tmp_path, columns, says):
    pq.write_table(pa.table(columns), tmp_path / "here" / "book.parquet")
    with pytest.raises(UserError, match=says):
        load_corpus("book.parquet")


def test_a_column_of_parquet_can_be_chosen(tmp_path):
    columns = {"text": ["-"] * 60, "body": LINES, "n": list(range(60))}
    pq.write_table(pa.table(columns), tmp_path / "here" / "book.parquet")
    text = load_corpus("book.parquet", "body")
    assert sorted([*text.train, *text.validation]) == sorted(LINES)
    for column, says in {"n": "'n' of .* holds int64", "Body": "no column 'Body'.*'text', 'body', 'n'"}.items():
        with pytest.raises(UserError, match=says):
            load_corpus("book.parquet", column)


def save_data_set(folder, splits=None, **columns):
    """What `save_to_disk` writes: of several splits where these are named."""
    datasets.disable_progress_bars()
    one = datasets.Dataset.from_dict(columns)
    saved = datasets.DatasetDict(dict.fromkeys(splits, one)) if splits else one
    saved.save_to_disk(str(folder))
    return folder


@pytest.mark.parametrize("name", ["saved", "books.txt", "x%20#[1] file:", "日本"])
@pytest.mark.parametrize("splits", [(), ("train", "test"), ("test",)])
def test_a_saved_data_set_is_read_and_nothing_is_written_to_it(tmp_path, name, splits):
    folder = save_data_set(tmp_path / "here" / name, splits, id=list(range(62)), body=[*LINES, None, ""])
    before = sorted(folder.rglob("*"))
    assert list_documents(name) == sorted(LINES) == list_documents(folder)
    assert sorted(folder.rglob("*")) == before


def test_a_saved_data_set_is_the_same_text_as_a_file_and_is_read_anew(tmp_path):
    (tmp_path / "here" / "book.txt").write_text("\n".join(LINES))
    save_data_set(tmp_path / "here" / "saved", text=LINES)
    assert load_corpus("saved").digest == load_corpus("book.txt").digest
    save_data_set(tmp_path / "here" / "saved", text=LINES[::-1], other=LINES)
    assert load_corpus("saved").digest != load_corpus("book.txt").digest == load_corpus("saved", "other").digest


def test_saved_data_sets_that_cannot_be_read_are_told(tmp_path, monkeypatch):
    here = tmp_path / "here"
    save_data_set(here / "splits", ("dev", "test"), text=LINES)
    save_data_set(here / "columns", a=LINES, b=LINES)
    save_data_set(here / "a::b", text=LINES)
    os.rename(save_data_set(here / "lost", ("train", "test"), text=LINES) / "train", here / "elsewhere")
    for name, says in {
        "splits": "no split 'train'.* Its splits: 'dev', 'test'", "columns": "no column 'text'.*'a', 'b'",
        "a::b": "'::' in its name.*rename the folder", "lost": "lost cannot be read as a saved data set",
    }.items():  # fmt: skip
        with pytest.raises(UserError, match=says):
            load_corpus(name)


@pytest.mark.parametrize("file", ["state.json", "dataset_info.json", "data-00000-of-00001.arrow"])
def test_a_damaged_data_set_is_told(tmp_path, file):
    """Also where offsets of Arrow lead outside of the file."""
    path = save_data_set(tmp_path / "here" / "saved", text=LINES) / file
    content = path.read_bytes()
    middle = content.index(b"Line 0") - 64 if file.endswith("arrow") else 5
    for damage in (b"", content[:50], content[:middle] + b"\xff\xfe\xfd" + content[middle + 3 :]):
        path.write_bytes(damage)
        with pytest.raises(UserError, match="saved cannot be read as a saved data set") as caught:
            load_corpus("saved")
        assert str(caught.value).isprintable()
    path.unlink()
    with pytest.raises(UserError, match="saved"):
        load_corpus("saved")


def test_a_small_file_that_unfolds_into_much_text_is_refused(tmp_path, monkeypatch):
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 600, pa.int32()), pa.array(["word " * 1000]))
    pq.write_table(pa.table({"text": texts}), tmp_path / "here" / "book.parquet")
    assert len(list_documents("book.parquet")) == 600
    monkeypatch.setattr(text_files, "MAX_UNFOLDED", 2**20)
    corpus.parse_corpus.cache_clear()
    with pytest.raises(UserError, match="unfolds into more than 1 million bytes of text"):
        load_corpus("book.parquet")


def test_a_full_disk_is_not_the_fault_of_the_text(tmp_path, monkeypatch):
    write_lines(tmp_path / "here" / "book.txt", "own")

    def fill(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(UserError, match=r"copied to the cache folder .*cache/texts\. The disk is full, or a quota"):
        load_corpus("book.txt")
    monkeypatch.undo()
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    assert not list((tmp_path / "cache" / "texts").iterdir())


LOAD = """
from jaxpe.data.corpus import load_corpus
from jaxpe.errors import UserError
import datasets
try:
    load_corpus("book.txt")
    print("READ")
except UserError as error:
    print("REFUSED", error)
"""


def test_a_limit_of_file_sizes_is_not_the_fault_of_the_text(tmp_path):
    write_lines(tmp_path / "here" / "book.txt", "Line of a book with a few more words in it", 4000)
    command = f'ulimit -f 64; PYTHONDONTWRITEBYTECODE=1 "{sys.executable}" -c "$0"'
    done = subprocess.run(["bash", "-c", command, LOAD], capture_output=True, text=True)
    assert done.stdout.startswith("REFUSED book.txt cannot be copied to the cache folder"), done
    assert "The disk is full, or a quota is reached" in done.stdout
