"""What is on disk: whole or absent, checked when read, and told in a sentence when it is not right."""

import errno
import json
import os

import numpy as np
import pytest

from jaxpe.errors import UserError
from jaxpe.records.csv_tables import COLUMNS, read_table, write_table
from jaxpe.records.files import write_text
from jaxpe.records.json_values import compute_digest
from jaxpe.records.results import MARKER, open_results

PARAMETERS = {"100/a": np.arange(6.0).reshape(2, 3)}


@pytest.fixture
def results(tmp_path):
    made = open_results(tmp_path / "results")
    made.write_run("x", {"seed": 0}, PARAMETERS)
    return made


def test_a_cell_comes_back_as_it_was_and_the_first_writer_wins(results):
    results.write_run("x", {"seed": 1}, {"100/a": np.zeros(1)})
    assert results.read_record("x")["seed"] == 0
    np.testing.assert_array_equal(results.read_parameters("x")["100/a"], PARAMETERS["100/a"])
    assert [path.name for path in (results.folder / "runs").iterdir()] == ["x"]


def test_arrays_keep_their_shapes(results):
    """Scalars too, and what lies in memory in another order."""
    given = {"scalar": np.float32(3.0), "turned": np.arange(6.0, dtype=np.float32).reshape(2, 3).T}
    results.write_run("y", {}, given)
    found = results.read_parameters("y")
    assert found["scalar"].shape == () and found["scalar"] == 3.0
    np.testing.assert_array_equal(found["turned"], given["turned"])


@pytest.mark.parametrize("name", ["record.json", "parameters.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "altered"])
def test_damage_is_noticed_and_named(results, name, damage):
    path = results.locate_run("x") / name
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        at = content.index(b'"seed": 0') + 8 if name == "record.json" else len(content) - 3
        content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="truncated or altered: delete the folder x"):
        results.read_parameters("x")


def test_measurements_come_back_and_damaged_ones_are_measured_again(results):
    key = {"kind": "scores", "length": 3}
    assert results.read_measurement("x", key) is None
    results.write_measurement("x", key, {"exact": np.float32(2)})
    assert results.read_measurement("x", key)["exact"] == 2
    assert results.read_measurement("x", {"kind": "scores", "length": 4}) is None
    results.locate_measurement("x", key).write_bytes(b"no npz")
    assert results.read_measurement("x", key) is None


def test_folders_that_are_no_results_folders(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        open_results(tmp_path / "file")
    with pytest.raises(UserError, match="not a results folder"):
        open_results(tmp_path)
    other = open_results(tmp_path / "other").folder / MARKER
    other.write_text(json.dumps({"schema": 99}))
    with pytest.raises(UserError, match=r"another version of jaxpe .record schema 99"):
        open_results(tmp_path / "other")
    other.write_text("{")
    with pytest.raises(UserError, match="was altered"):
        open_results(tmp_path / "other")


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(results, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "write_through", full)
    with pytest.raises(UserError, match="disk is full"):
        results.write_run("y", {}, PARAMETERS)
    with pytest.raises(UserError, match="disk is full"):
        write_text(results.folder / "page", "text")
    monkeypatch.undo()
    assert not results.has_run("y") and results.read_record("x")["seed"] == 0
    results.write_run("y", {}, PARAMETERS)
    assert results.has_run("y")


def test_tables_keep_the_name_none_and_leave_gaps_empty(tmp_path):
    rows = [
        {"encoding": "none", "value": 1 / 3, "length_baseline": None, "extra": 2},
        {"encoding": "other", "value": float("nan")},
    ]
    write_table(tmp_path / "t.csv", rows)
    table = read_table(tmp_path / "t.csv")
    assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert list(table["encoding"]) == ["none", "other"] and table["value"][0] == 0.333333 and table["value"].isna()[1]


def test_identity_does_not_depend_on_order_and_refuses_nan():
    assert compute_digest({"a": 1, "b": (2.0, None)}) == compute_digest({"b": [2.0, None], "a": 1})
    assert compute_digest({"a": 1}) != compute_digest({"a": 2})
    with pytest.raises(UserError):
        compute_digest({"a": float("nan")})
