"""Files that are read back: what is refused, and by which words."""

import json
import os
from typing import Any, TypedDict

import pytest

from jaxpe.errors import UserError
from jaxpe.records import stored_files
from jaxpe.records.stored_files import DEEPEST, exists, find_mismatch, read_text, read_typed_json


class Needed(TypedDict):
    name: str


class Part(Needed, total=False):
    sizes: list[float | None]


@pytest.mark.parametrize(
    ("value", "kind", "place"),
    [
        (1, float, ""),
        (1.5, int, "a whole number is due, not 1.5"),
        (True, int, "a whole number is due, not True"),
        (1, bool, "true or false is due, not 1"),
        (None, None, ""),
        (None, str, "text is due, not None"),
        (None, float | None, ""),
        ("x", float | None, "a number is due, not 'x'"),
        ([[1], [2, "x"]], list[list[int]], "entry 2, entry 2: a whole number is due, not 'x'"),
        ({"a": 1}, dict[str, int], ""),
        ({"a": "1"}, dict[str, int], "'a': a whole number is due, not '1'"),
        ({"a": []}, dict[str, Any], ""),
        ([], dict[str, Any], "an object is due, not a list"),
        ({}, list[Any], "a list is due, not an object"),
        ({"name": "a", "further": 1}, Part, ""),
        ({"name": "a", "sizes": [1, None, "2"]}, Part, "'sizes', entry 3: a number is due, not '2'"),
        ({"sizes": []}, Part, "'name' is missing"),
        ([{"name": "a"}, {}], list[Part], "entry 2, 'name' is missing"),
        ("a" * 90, int, f"a whole number is due, not '{'a' * 36}…"),
    ],
)
def test_the_place_of_a_mismatch_is_named(value, kind, place):
    assert find_mismatch(value, kind) == place


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "is not JSON"),
        (b"", "is not JSON"),
        (b"[NaN]", "NaN is not a value of JSON"),
        (b"[1e999]", "1e999 is too large"),
        (b"[" + b"9" * 5000 + b"]", "is not JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "nested too deep"),
        (b'["\xff"]', "byte 2 is not UTF-8"),
        (b'["\0"]', "byte 2 is 0"),
        (b'["\\ud800"]', "half a character"),
    ],
)
def test_what_is_not_json_is_refused_with_the_file(tmp_path, content, says):
    path = tmp_path / "claims.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=says) as refusal:
        read_typed_json(path, list[Any])
    assert str(path) in str(refusal.value) and str(refusal.value).endswith("run its experiment again.")


def test_json_may_be_as_deep_as_any_that_jaxpe_writes(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + b"[" * DEEPEST + b"]" * DEEPEST)
    assert read_typed_json(tmp_path / "a.json", list[Any])


def test_folders_pipes_and_links_that_lead_nowhere_are_no_files(tmp_path):
    """A pipe would be waited for."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for name in ("folder", "pipe", "link"):
        assert exists(tmp_path / name)
        with pytest.raises(UserError, match=f"{name} was altered: it is not a file. Do this."):
            read_text(tmp_path / name, "Do this.")
    assert not exists(tmp_path / "nothing") and not exists(tmp_path / "pipe" / "inside")


def test_a_large_file_is_not_taken_into_memory(tmp_path):
    path = tmp_path / "table.csv"
    with path.open("wb") as file:
        file.truncate(stored_files.LARGEST + 1)
    with pytest.raises(UserError, match="is larger than 64 MB"):
        read_text(path)


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    path = tmp_path / "claims.json"
    path.write_text(json.dumps([]))

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(path), "read_bytes", refuse)
    with pytest.raises(UserError, match=r"claims\.json cannot be read \(Permission denied\)"):
        read_text(path)
